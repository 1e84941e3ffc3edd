"""Stub."""

from app.papers.plans.source import SourceLine


def lines(data: bytes) -> list[SourceLine]:
    raise NotImplementedError
