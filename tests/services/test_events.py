"""The log can be attacked from every side, and holds."""

import time

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from app import migrating
from app.database import Database, RowConflict
from app.log_triggers import missing_triggers
from app.models import Event, EventKind, Throttle, Unit, User
from app.recording import ChangeWithoutEvent, bulk_update
from app.services import events
from app.settings import Settings
from tests.factories import SYSTEM, World


def _names(database: Database) -> list[str]:
    with database.reading() as session:
        return [unit.name for unit in session.exec(select(Unit).order_by(Unit.id))]  # type: ignore[arg-type]


class TestRecord:
    def test_writes_the_verb_and_each_row_with_before_and_after(self, database: Database, world: World) -> None:
        with database.transaction() as session:
            unit = session.get_one(Unit, world.units["信息中心"])
            unit.name = "信息与数据中心"
            cause = events.record(session, SYSTEM, "unit.update", unit, reason="机构改革")
        with database.reading() as session:
            verb = session.get_one(Event, cause)
            row = session.exec(select(Event).where(Event.cause_id == cause)).one()
        assert (verb.kind, verb.verb, verb.reason) == (EventKind.VERB, "unit.update", "机构改革")
        assert (row.before, row.after) == ({"name": "信息中心"}, {"name": "信息与数据中心"})

    def test_writes_an_access_beside_what_is_not_flushed_yet(self, database: Database) -> None:
        with database.transaction() as session:
            session.add(Throttle(key="address:10.0.0.1", failures=1))
            events.record_access(session, SYSTEM, "session.open", subject_type="users", name="new")
        with database.reading() as session:
            assert session.exec(select(Event.verb).where(Event.verb == "session.open")).all() == ["session.open"]

    def test_seals_personal_fields_and_hides_secrets(self, database: Database) -> None:
        with database.transaction() as session:
            session.add(user := User(login="new", name="艾力·买买提", phone="13800000000", password_hash="hash"))
            cause = events.record(session, SYSTEM, "user.create", user)
        with database.reading() as session:
            row = session.exec(select(Event).where(Event.cause_id == cause)).one()
        assert row.after is not None
        assert row.after["name"].startswith("sealed:")
        assert row.after["password_hash"] == "(secret)"
        assert "艾力" not in str(row.after)

    def test_names_each_row_of_a_bulk_statement(self, database: Database, world: World) -> None:
        with database.transaction() as session:
            changed = bulk_update(session, update(Unit).where(Unit.parent_id.is_not(None)).values(position=9))  # type: ignore[union-attr]
            cause = events.record(session, SYSTEM, "unit.sort")
        with database.reading() as session:
            rows = session.exec(select(Event).where(Event.cause_id == cause)).all()
        assert len(rows) == changed > 5


class TestGuard:
    def test_refuses_a_flush_without_a_verb(self, database: Database) -> None:
        before = _names(database)
        with pytest.raises(ChangeWithoutEvent), database.transaction() as session:
            session.exec(select(Unit)).first().name = "改"  # type: ignore[union-attr]
        assert _names(database) == before

    @pytest.mark.parametrize(
        "statement",
        [
            update(Unit).values(name="改"),
            insert(Unit).values(name="新"),
            text("UPDATE units SET name = 'x'"),
            text("/* hint */ WITH a AS (SELECT 1) UPDATE units SET name = 'x'"),
            text("DELETE FROM unit_names"),
            text("INSERT INTO units (name) VALUES ('x')"),
            text("DELETE FROM events"),
        ],
    )
    def test_refuses_statements_past_the_door(self, database: Database, statement: object) -> None:
        before = _names(database)
        with pytest.raises(ChangeWithoutEvent), database.transaction() as session:
            session.connection().execute(statement)  # type: ignore[call-overload]
        assert _names(database) == before

    def test_stays_shut_after_a_failed_flush(self, database: Database) -> None:
        for _ in range(3):
            with pytest.raises(RowConflict), database.transaction() as session:
                session.add(User(login="coordinator", name="twice"))
        with pytest.raises(ChangeWithoutEvent), database.transaction() as session:
            session.connection().execute(text("UPDATE units SET name = 'x'"))


class TestTriggers:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE events SET verb = 'x'",
            "DELETE FROM events",
            "UPDATE events SET id = id + 1000",
        ],
    )
    def test_refuse_changes_behind_the_product(self, database: Database, settings: Settings, statement: str) -> None:
        self._attack(database, settings, statement)

    def test_refuse_insert_or_replace(self, database: Database, settings: Settings) -> None:
        if not database.is_sqlite:
            self._attack(database, settings, "TRUNCATE events CASCADE")
            return
        self._attack(
            database,
            settings,
            "INSERT OR REPLACE INTO events (id, at, kind, verb, subject_type, subject_name, channel, address,"
            " request_id, reason) VALUES (1, '2026-01-01', 'verb', 'x', 'x', '', '', '', '', '')",
        )

    def test_survive_a_migration_down_and_up(self, settings: Settings, database: Database) -> None:
        database.dispose()
        migrating.migrate_back(settings, "base")
        migrating.migrate(settings)
        with database.reading() as session:
            assert missing_triggers(session.connection()) == []

    @staticmethod
    def _attack(database: Database, settings: Settings, statement: str) -> None:
        engine = migrating._engine(settings)
        with pytest.raises(DBAPIError, match="never changed"), engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()
        with database.reading() as session:
            assert session.exec(select(Event)).first() is not None


class TestSettled:
    # SQLite has one writer at a time; only here can a lower id be committed later.
    @pytest.mark.parametrize("stores", ["postgresql"], indirect=True)
    def test_stops_before_a_transaction_that_is_still_open(self, database: Database) -> None:
        with database.transaction() as early:
            events.record(early, SYSTEM, "first.begun")
            with database.transaction() as late:
                events.record(late, SYSTEM, "second.done")
            assert "second.done" not in self._settled_verbs(database)
        # Transactions are numbered across the cluster: another test's may hold the reader back a moment.
        deadline = time.monotonic() + 30
        while "second.done" not in (verbs := self._settled_verbs(database)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert verbs[-2:] == ["first.begun", "second.done"]

    @staticmethod
    def _settled_verbs(database: Database) -> list[str]:
        with database.reading() as session:
            return [event.verb for event in session.connection().execute(events.settled(session)).all()]


class TestHorizon:
    def test_moves_with_an_event_and_stays_without(self, database: Database) -> None:
        before = self._read(database)
        with database.transaction() as session:
            session.add(Throttle(key="somebody"))
        assert self._read(database) == before
        with database.transaction() as session:
            events.record(session, SYSTEM, "thing.done")
        assert self._read(database) != before

    @pytest.mark.parametrize("stores", ["postgresql"], indirect=True)
    def test_moves_when_an_older_transaction_is_committed_late(self, database: Database) -> None:
        seen = [self._read(database)]
        with database.transaction() as early:
            events.record(early, SYSTEM, "first.begun")
            with database.transaction() as late:
                events.record(late, SYSTEM, "second.done")
            seen.append(self._read(database))
        seen.append(self._read(database))
        assert len(set(seen)) == 3

    @staticmethod
    def _read(database: Database) -> str:
        with database.reading() as session:
            return events.horizon(session)
