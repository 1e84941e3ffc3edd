"""Counting what the store is asked, so that a list can be held to as many questions for 50 rows as for 1."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event
from sqlmodel import Session

from app import prepared
from app.database import Database


@dataclass(slots=True)
class Asked:
    """The statements that were run."""

    statements: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many."""
        return len(self.statements)


def plan(session: Session, statement: str) -> list[str]:
    """The steps in which SQLite would run a statement, whatever is bound to it."""
    values = (None,) * statement.count("?")
    rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    return [str(row[3]) for row in rows]


@contextmanager
def counting(database: Database) -> Iterator[Asked]:
    """Note every statement that either engine runs inside the block."""
    asked = Asked()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.statements.append(statement)

    engines = {id(engine): engine for engine in (database._writer, database._reader)}.values()
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    prepared.watchers.append(asked.statements.append)
    try:
        yield asked
    finally:
        prepared.watchers.remove(asked.statements.append)
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
