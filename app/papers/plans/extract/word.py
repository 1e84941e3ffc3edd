"""Stub."""

from app.papers.plans.extract.archive import Archive
from app.papers.plans.source import SourceLine


def lines(archive: Archive) -> list[SourceLine]:
    raise NotImplementedError
