"""Seals as the driver gives them, for verifying: somebody may have put anything into their columns."""

from collections.abc import Iterator
from typing import Any

from sqlmodel import Session

from app.database import Database
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
    where = f"WHERE ordinal BETWEEN ? AND ?{_usable(session)} ORDER BY ordinal LIMIT ?"
    statement = f"SELECT {_VALUES} FROM seals {where}"  # noqa: S608 - our own text
    while page := event_rows.fetch(session, statement, (first, last, _FEW)):
        yield from (SealRow(*row) for row in page)
        first = page[-1][0] + 1


def newest(session: Session) -> SealRow | None:
    """The last seal, or None."""
    where = f"WHERE ordinal > 0{_usable(session)} ORDER BY ordinal DESC LIMIT 1"
    rows = event_rows.fetch(session, f"SELECT {_VALUES} FROM seals {where}", ())  # noqa: S608 - our own text
    return SealRow(*rows[0]) if rows else None


def ordinals(store: Database, after: int) -> Iterator[tuple[int, Any]]:
    """Ordinal and number of events of every seal behind one, each page in a reading of its own."""
    while True:
        with store.reading() as session:
            statement = f"SELECT ordinal, count FROM seals WHERE ordinal > ?{_usable(session)} ORDER BY ordinal LIMIT ?"  # noqa: S608
            page = event_rows.fetch(session, statement, (after, _PAGE))
        if not page:
            return
        yield from page
        after = page[-1][0]


def unusable(session: Session) -> int:
    """How many seals have an ordinal that is no whole number; only SQLite lets somebody write one."""
    if not _usable(session):
        return 0
    statement = "SELECT count(*) FROM seals WHERE typeof(ordinal) <> 'integer'"
    return int(event_rows.fetch(session, statement, ())[0][0])


def _usable(session: Session) -> str:
    return " AND typeof(ordinal) = 'integer'" if session.get_bind().dialect.name == "sqlite" else ""
