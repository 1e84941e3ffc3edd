"""The change feed at a log of years: where a page begins is looked up, and nothing before it is read."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert
from sqlmodel import Session, col, select

from app.database import Database
from app.models import Event, EventKind
from app.permissions import Actor, Role, Seat
from app.recording import writing_events
from app.schemas.event import EventFilters
from app.services import audit, events, live
from app.settings import Settings
from tests.factories import NOW, SYSTEM, TODAY, World
from tests.tampering import tamper


def fill(session: Session, world: World, numbers: list[int]) -> list[int]:
    """Entries of the home programme with these transaction numbers, as a restore or SQLite writes them; their ids."""
    newest = session.connection().scalar(select(Event.id).order_by(col(Event.id).desc()).limit(1)) or 0
    common = {"kind": EventKind.VERB, "verb": "test.fill", "subject_type": "tests", "channel": "cli"}
    rows = [
        {
            "id": newest + place,
            "transaction_id": number,
            "at": NOW + timedelta(seconds=place),
            "programme_id": world.programmes["home" if place % 2 else "outside"],
            **common,
        }
        for place, number in enumerate(numbers, 1)
    ]
    with writing_events(session) as connection:
        connection.execute(insert(Event), rows)
    return [row["id"] for row in rows]


@dataclass(slots=True)
class Plans:
    """How the engine answered what was asked of the log."""

    asked: list[tuple[str, Any]] = field(default_factory=list)

    def of(self, session: Session, *, sqlite: bool) -> list[str]:
        """The steps that touch the log."""
        how = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN (COSTS OFF)"
        steps: list[str] = []
        for statement, values in self.asked.copy():
            plan = session.connection().exec_driver_sql(f"{how} {statement}", values)
            steps += [str(row[-1]).strip() for row in plan]
        return steps


def seats(world: World, *names: str) -> Actor:
    """A coordinator of some programmes."""
    unit = world.units["规划财务处"]
    return Actor(1, "统筹员", TODAY, seats=tuple(Seat(world.programmes[n], unit, Role.COORDINATOR) for n in names))


@pytest.mark.parametrize("who", ["the system", "one programme", "two programmes"])
def test_looks_its_place_up(database: Database, world: World, who: str) -> None:
    names = {"the system": (), "one programme": ("home",), "two programmes": ("home", "outside")}[who]
    actor = seats(world, *names) if names else SYSTEM
    with database.transaction() as session:
        ids = fill(session, world, [0] * 400 if database.is_sqlite else list(range(1, 401)))
    place = (0 if database.is_sqlite else 350, ids[350])
    plans = Plans()
    with database.reading() as session:
        if not database.is_sqlite:
            # So few rows are read faster as they lie; it is shown what can be used, not what is used for few.
            session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
            session.connection().exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        engine = session.get_bind().engine

        def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
            if "FROM events" in statement:
                plans.asked.append((statement, values))

        event.listen(engine, "before_cursor_execute", note)
        try:
            live.outline(session, place, 50)
            audit.feed(session, actor, EventFilters(), f"{place[0]}-{place[1]}", 50)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        steps = plans.of(session, sqlite=database.is_sqlite)
    if database.is_sqlite:
        seen = [step for step in steps if " events " in step and "rowid=?" not in step]
        assert seen
        assert all("(rowid>?)" in step or "(programme_id=? AND id>?)" in step for step in seen), steps
        assert not any("TEMP B-TREE" in step for step in steps), steps
    else:
        # Where one programme is asked for, its own index may be the better one.
        least = 1 if names else 2
        assert sum("ROW(transaction_id, id) > ROW(" in step and "Index Cond" in step for step in steps) >= least, steps


def test_goes_on_from_a_restored_log_to_what_came_after_it(
    database: Database, settings: Settings, world: World
) -> None:
    """A restore into an empty store gives numbers below 0, whose order is not that of the ids; the rest follows."""
    tamper(settings, "DELETE FROM events")
    with database.transaction() as session:
        ids = fill(session, world, [-2, -3, -2, -1, *([0, 0] if database.is_sqlite else [1, 2])])
    expected = [ids[place] for place in (1, 0, 2, 3, 4, 5)]
    got: list[int] = []
    after = "0-0"
    with database.reading() as session:
        assert events.beginning(session) == (-4, 0)
        while True:
            items, following = audit.feed(session, SYSTEM, EventFilters(verb="test.fill"), after, 1)
            got += [item["id"] for item in items]
            if following is None:
                break
            after = following
        assert got == expected
        assert [row.id for row in live.outline(session, (-2, ids[0]), 100)] == expected[2:]


def test_begins_before_the_first_entry(database: Database, world: World) -> None:
    with database.transaction() as session:
        (first, *_) = fill(session, world, [0] if database.is_sqlite else [1])
    with database.reading() as session:
        assert events.beginning(session) == (0, 0)
        items, _ = audit.feed(session, SYSTEM, EventFilters(verb="test.fill"), "0-0", 1)
    assert [item["id"] for item in items] == [first]
