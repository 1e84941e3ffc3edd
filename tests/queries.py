"""Counting what the store is asked, so that a list can be held to as many questions for 50 rows as for 1."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event
from sqlmodel import Session

from app import prepared
from app.database import Database
from app.services import actors, sessions, tokens


@dataclass(slots=True)
class Asked:
    """The statements that were run, and how many rows the driver gave for them."""

    statements: list[str] = field(default_factory=list)
    rows: int = 0

    @property
    def count(self) -> int:
        """How many."""
        return len(self.statements)


def of_who_asks() -> set[str]:
    """The statements behind ``services.recognition``, as they have been made so far."""
    statements = (tokens._OPENING, sessions._OPENING, actors._ACCOUNT)
    return {made.text for statement in statements for made in statement._made.values()}


def plan(session: Session, statement: str) -> list[str]:
    """The steps in which SQLite would run a statement, whatever is bound to it."""
    values = (None,) * statement.count("?")
    rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    return [str(row[3]) for row in rows]


@contextmanager
def counting(database: Database) -> Iterator[Asked]:
    """Note every statement that either engine runs inside the block, but for those that look up who asks.

    These are asked only after something has happened, and do not grow with anything (``of_who_asks``).
    """
    asked = Asked()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.statements.append(statement)

    def note_prepared(statement: str) -> None:
        if statement not in of_who_asks():
            asked.statements.append(statement)

    def fetched(row: Any) -> Any:
        asked.rows += 1
        return row

    changed: dict[int, tuple[Any, Any]] = {}

    def watch(driver: Any, *_: Any) -> None:
        if id(driver) not in changed:
            changed[id(driver)] = (driver, driver.row_factory)
            driver.row_factory = (lambda _, row: fetched(row)) if database.is_sqlite else (lambda _: _each(fetched))

    engines = {id(engine): engine for engine in (database._writer, database._reader)}.values()
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
        event.listen(engine, "checkout", watch)
    prepared.watchers.append(note_prepared)
    try:
        yield asked
    finally:
        prepared.watchers.remove(note_prepared)
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
            event.remove(engine, "checkout", watch)
        for driver, factory in changed.values():
            driver.row_factory = factory


def _each(fetched: Any) -> Any:
    return lambda values: fetched(tuple(values))
