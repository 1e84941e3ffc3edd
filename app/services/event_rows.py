"""Events as the driver gives them, for sealing and verifying: the values of ``event_lines.COLUMNS``,
then the transaction and the mac. Ten million of them pass here, so nothing is made of a row."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from app.rules import event_lines

TRANSACTION = len(event_lines.COLUMNS)
MAC = TRANSACTION + 1
_TEXTS = {"after", "at", "before"}
_VALUES = ", ".join(
    f'CAST("{name}" AS TEXT)' if name in _TEXTS else f'"{name}"'
    for name in (*event_lines.COLUMNS, "transaction_id", "mac")
)
_SETTLED = " AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_PAGE = 5000
Position = tuple[int, int]
BEGINNING: Position = (-(2**62), -(2**62))


def following(session: Session, after: Position, limit: int, *, settled: bool = True) -> list[tuple[Any, ...]]:
    """The next events in commit order; ``settled``: only those before which none can still appear."""
    return _behind(session, _VALUES, after, limit, settled=settled)


def _behind(session: Session, values: str, after: Position, limit: int, *, settled: bool) -> list[tuple[Any, ...]]:
    order = "ORDER BY transaction_id, id LIMIT ?"
    if _is_postgresql(session):
        ready = _SETTLED if settled else ""
        where = f"WHERE (transaction_id, id) > (?, ?){ready} {order}"
        return fetch(session, f"SELECT {values} FROM events {where}", (*after, limit))  # noqa: S608 - our own text
    # SQLite seeks by the first of two compared columns only, and would read every event with the same number.
    found = fetch(
        session,
        f"SELECT {values} FROM events WHERE transaction_id = ? AND id > ? {order}",  # noqa: S608
        (*after, limit),
    )
    if len(found) < limit:
        more = f"SELECT {values} FROM events WHERE transaction_id > ? {order}"  # noqa: S608
        found += fetch(session, more, (after[0], limit - len(found)))
    return found


def by_id(session: Session, ids: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    """The events with these ids, as far as they are there."""
    where = "id = ANY(?)" if _is_postgresql(session) else "id IN (SELECT value FROM json_each(?))"
    values = (list(ids) if _is_postgresql(session) else f"[{','.join(map(str, ids))}]",)
    rows = fetch(session, f"SELECT {_VALUES} FROM events WHERE {where}", values)  # noqa: S608 - our own text
    return {row[event_lines.ID]: row for row in rows}


def positions(session: Session, *, settled: bool) -> Iterator[Position]:
    """Transaction and id of every event in commit order, page after page."""
    at = BEGINNING
    while page := _behind(session, "transaction_id, id", at, _PAGE, settled=settled):
        yield from page
        at = page[-1]


def count_behind(session: Session, place: Position, limit: int) -> int:
    """How many events stand behind a place in commit order, counted up to ``limit``."""
    return len(_behind(session, "transaction_id, id", place, limit, settled=False))


def count_to(session: Session, position: Position) -> int:
    """How many events stand at or before a place in commit order."""
    found = fetch(session, "SELECT count(*) FROM events WHERE (transaction_id, id) <= (?, ?)", position)
    return int(found[0][0])


def sealed_to(session: Session, last_id: int, last_transaction: int, highest_id: int) -> Position | None:
    """The place in commit order behind which nothing is sealed and before which everything is.

    The three numbers are the last seal's. None where order cannot tell, because transactions are not
    those that were sealed: in a restored store, until the first event after the restore is sealed.
    """
    found = fetch(session, "SELECT transaction_id FROM events WHERE id = ?", (last_id,))
    if not found or found[0][0] != last_transaction or _counts_anew(session):
        return None
    return (last_transaction, last_id if last_transaction else highest_id)


def _counts_anew(session: Session) -> bool:
    """Whether the log holds transactions that this cluster has not come to: it was copied from another one."""
    if not _is_postgresql(session):
        return False
    statement = (
        "SELECT coalesce(max(transaction_id), 0) >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM events"
    )
    return bool(fetch(session, statement, ())[0][0])


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def fetch(session: Session, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The rows of a reading statement as the driver makes them; its places are question marks on both engines."""
    connection = session.connection()
    if _is_postgresql(session):
        return list(connection.exec_driver_sql(statement.replace("?", "%s"), values).cursor.fetchall())
    try:
        return list(connection.exec_driver_sql(statement, values).cursor.fetchall())
    except (sqlite3.OperationalError, OperationalError) as error:
        if "UTF-8" not in str(error):
            raise
    # Somebody has put bytes into a text that are none: the row is still to be named.
    driver: Any = connection.connection.driver_connection
    driver.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        return list(connection.exec_driver_sql(statement, values).cursor.fetchall())
    finally:
        driver.text_factory = str
