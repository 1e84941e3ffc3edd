"""Prepared statements: they read what SQLAlchemy reads, value for value, on both engines."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlmodel import col, select

from app.database import Database
from app.models import Task
from app.prepared import Prepared, given
from app.recording import writing_events
from app.services import tasks
from tests.factories import World

MOMENTS = (
    datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
)
PEOPLE: tuple[Any, ...] = ([], ["张三", '"', "\\", "é\u2028"], {"a": [1, 2.5, None, True]}, "", 7)


class TestRows:
    @pytest.mark.parametrize("moment", MOMENTS, ids=str)
    @pytest.mark.parametrize("people", PEOPLE, ids=repr)
    @pytest.mark.parametrize("due", [None, date(2027, 1, 31)], ids=str)
    def test_are_those_of_sqlalchemy(
        self, database: Database, world: World, moment: datetime, people: Any, due: date | None
    ) -> None:
        one = col(Task.id) == world.tasks["issued"]
        with database.transaction() as session, writing_events(session) as connection:
            changed = {"updated_at": moment, "responsible_people": people, "due_on": due}
            connection.execute(update(Task).where(one).values(changed))
        statement: Any = select(Task).where(col(Task.id) == given("key")).with_only_columns(*tasks.COLUMNS)
        with database.reading() as session:
            ours = Prepared(statement).all(session, key=world.tasks["issued"])
            theirs = session.connection().execute(statement, {"key": world.tasks["issued"]}).all()
            assert [tuple(row) for row in ours] == [tuple(row) for row in theirs]
            assert [type(value) for value in ours[0]] == [type(value) for value in theirs[0]]
            assert ours[0].updated_at.tzinfo == theirs[0].updated_at.tzinfo

    @pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
    @pytest.mark.parametrize("stored", ['["\\ud800"]', "7", "2.5", "[NaN]", "null"])
    def test_hold_what_others_wrote(self, database: Database, world: World, stored: str) -> None:
        """SQLite gives back a JSON number as a number, and Python writes what the standard does not know."""
        with database.transaction() as session, writing_events(session) as connection:
            connection.execute(text("UPDATE tasks SET responsible_people = :stored"), {"stored": stored})
        statement: Any = select(Task).with_only_columns(col(Task.responsible_people)).limit(1)
        with database.reading() as session:
            ours, theirs = Prepared(statement).all(session), session.connection().execute(statement).all()
            assert repr(tuple(ours[0])) == repr(tuple(theirs[0]))
