"""Heads kept outside of the store: the newest one is added to a file each day, and never taken away.

Whoever can change both tables of the log together can still not change a copy of the head in a
folder, on paper or in somebody's mail.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app import clock
from app.database import Database
from app.errors import DomainError, Kind
from app.messages import N_
from app.rules.seals import Head
from app.services import seals
from app.settings import Settings


class HeadsUnreadable(DomainError):
    """A file of heads that cannot be opened."""

    code = "heads_unreadable"
    message = N_("The heads in %(path)s cannot be read (%(reason)s).")


class HeadsUnwritable(DomainError):
    """The folder of heads does not take another line."""

    kind = Kind.UNAVAILABLE
    code = "heads_unwritable"
    message = N_("The head cannot be written to %(path)s (%(reason)s).")


@dataclass(frozen=True, slots=True)
class Kept:
    """What somebody kept: heads, and the lines that are none, as ``file:number``."""

    heads: tuple[Head, ...]
    unreadable: tuple[str, ...]


def export(store: Database, settings: Settings, now: datetime) -> Path:
    """Add the newest head to this year's file, flushed to the disk; returns the file.

    A head that is its last line already is not written twice. Raises NothingSealed or HeadsUnwritable.
    """
    with store.reading() as session:
        line = seals.newest_head(session, settings).line()
    path = settings.seal_heads_folder / f"heads-{clock.date_of(now).year}.jsonl"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _append(path, line.encode())
    except OSError as error:
        raise HeadsUnwritable(path=str(path), reason=error.strerror or type(error).__name__) from error
    return path


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
    with os.fdopen(descriptor, "r+b") as file:
        written = file.read()
        if written.rstrip(b"\n").rpartition(b"\n")[2] == line:
            return
        # A line that was torn when the power went is ended, so that the new one stands by itself.
        torn = b"\n" if written and not written.endswith(b"\n") else b""
        file.write(torn + line + b"\n")
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(paths: Sequence[Path]) -> Kept:
    """The heads of some files, or of every ``*.jsonl`` in a folder. Raises HeadsUnreadable."""
    heads: list[Head] = []
    unreadable: list[str] = []
    for path in paths:
        for file in sorted(path.glob("*.jsonl")) if path.is_dir() else [path]:
            try:
                lines = file.read_bytes().decode("utf-8", "replace").splitlines()
            except OSError as error:
                raise HeadsUnreadable(path=str(file), reason=error.strerror or "") from error
            for number, line in enumerate(lines, 1):
                if line.strip():
                    try:
                        heads.append(Head.from_line(line))
                    except ValueError:
                        unreadable.append(f"{file.name}:{number}")
    return Kept(tuple(heads), tuple(unreadable))


def kept_here(settings: Settings) -> list[Path]:
    """The folder that the settings name, where it is there."""
    folder = settings.seal_heads_folder
    return [folder] if folder.is_dir() else []
