"""Seals as the driver gives them, for verifying: somebody may have put anything into their columns."""

from collections.abc import Iterator

from sqlmodel import Session

from app.rules.seal_checks import SealRow
from app.services import event_rows

_VALUES = ", ".join('CAST("sealed_at" AS TEXT)' if name == "sealed_at" else f'"{name}"' for name in SealRow._fields)
_PAGE = 2000
_FEW = 25


def one(session: Session, ordinal: int) -> SealRow | None:
    """The seal with an ordinal, or None."""
    found = list(between(session, ordinal, ordinal))
    return found[0] if found else None


def between(session: Session, first: int, last: int) -> Iterator[SealRow]:
    """The seals from one ordinal to another, both included, a few at a time: a seal may hold 40 kB."""
    statement = f"SELECT {_VALUES} FROM seals WHERE ordinal BETWEEN ? AND ? ORDER BY ordinal LIMIT ?"  # noqa: S608
    while page := event_rows.fetch(session, statement, (first, last, _FEW)):
        yield from (SealRow(*row) for row in page)
        first = page[-1][0] + 1


def newest(session: Session) -> SealRow | None:
    """The last seal, or None."""
    rows = event_rows.fetch(session, f"SELECT {_VALUES} FROM seals ORDER BY ordinal DESC LIMIT 1", ())  # noqa: S608
    return SealRow(*rows[0]) if rows else None


def ordinals(session: Session, after: int) -> Iterator[tuple[int, int]]:
    """Ordinal and number of events of every seal behind one."""
    statement = "SELECT ordinal, count FROM seals WHERE ordinal > ? ORDER BY ordinal LIMIT ?"
    while page := event_rows.fetch(session, statement, (after, _PAGE)):
        yield from page
        after = page[-1][0]
