"""Pages by keyset: every row once and in order, whatever is empty or equal, and by an index in every sort."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, update
from sqlmodel import Session, col

from app.database import Database
from app.models import Assignment, Task
from app.permissions import Actor, Role, Seat
from app.recording import writing_events
from app.schemas.task import TaskFilters
from app.services import tasks
from tests.factories import NOW, TODAY, World
from tests.queries import counting, plan

DAYS = st.one_of(st.none(), st.integers(0, 3).map(lambda days: date(2027, 1, 1) + timedelta(days=days)))
ROWS = st.lists(
    st.tuples(st.booleans(), st.sampled_from(["1", "2", "3"]), DAYS, st.integers(0, 3)), min_size=0, max_size=14
)
SORTS = {
    "plan": lambda row: (row["programme_id"], row["sort_key"], row["id"]),
    "due": lambda row: (row["due_on"] is None, row["due_on"] or date.max, row["id"]),
    "updated": lambda row: (row["updated_at"], row["id"]),
}


def both(world: World) -> Actor:
    """Somebody who coordinates two programmes, so that their tasks have to be merged."""
    seats = tuple(
        Seat(world.programmes[name], world.units["规划财务处"], Role.COORDINATOR) for name in world.programmes
    )
    return Actor(1, "统筹员", TODAY, seats=seats)


def fill(session: Session, world: World, rows: list[tuple[bool, str, date | None, int]]) -> list[dict[str, Any]]:
    """Instead of what is there, tasks of two programmes, past the services and their events."""
    template = Task(programme_id=0, heading="新").model_dump()
    home, outside = world.programmes["home"], world.programmes["outside"]
    made = [
        template
        | {
            "id": 100 + number,
            "programme_id": home if first else outside,
            "sort_key": key,
            "due_on": due_on,
            "updated_at": NOW + timedelta(minutes=minutes),
        }
        for number, (first, key, due_on, minutes) in enumerate(rows)
    ]
    with writing_events(session) as connection:
        connection.execute(delete(Assignment))
        connection.execute(delete(Task))
        if made:
            connection.execute(insert(Task), made)
    return made


def walk(session: Session, actor: Actor, sort: str, limit: int, filters: TaskFilters | None = None) -> list[int]:
    """All pages."""
    found: list[int] = []
    cursor = None
    while True:
        page = tasks.page(session, actor, filters or TaskFilters(), sort=sort, limit=limit, cursor=cursor)
        found += [row.id for row in page.rows]
        cursor = page.next_cursor
        assert cursor is None or len(page.rows) == limit
        if cursor is None:
            return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(rows=ROWS, limit=st.integers(1, 5))
def test_pages_hold_every_row_once_and_in_order(
    database: Database, world: World, rows: list[tuple[bool, str, date | None, int]], limit: int
) -> None:
    with database.transaction() as session:
        made = fill(session, world, rows)
    home = [row for row in made if row["programme_id"] == world.programmes["home"]]
    with database.reading() as session:
        for sort, key in SORTS.items():
            for wanted, filters in ((made, TaskFilters()), (home, TaskFilters(programme=world.programmes["home"]))):
                ordered = [row["id"] for row in sorted(wanted, key=key, reverse=sort == "updated")]
                assert walk(session, both(world), sort, limit, filters) == ordered


class TestIndexes:
    @pytest.mark.parametrize("sort", sorted(tasks.SORTS))
    @pytest.mark.parametrize("one", [True, False], ids=["one programme", "two"])
    @pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
    def test_give_every_sort_at_any_depth(self, database: Database, world: World, sort: str, one: bool) -> None:
        """The order of a programme's rows comes from an index; only the few that were read are merged."""
        with database.transaction() as session:
            fill(session, world, [(bool(n % 2), str(n), None if n < 3 else date(2027, 1, n), n) for n in range(1, 20)])
        filters = TaskFilters(programme=world.programmes["home"]) if one else TaskFilters()
        with database.reading() as session:
            with counting(database) as asked:
                walk(session, both(world), sort, 4, filters)
            assert asked.count > 1
            for statement in asked.statements:
                steps = plan(session, statement)
                assert not any(step.startswith("SCAN tasks") for step in steps)
                assert all("(programme_id=?" in step for step in steps if "tasks" in step)
                sorted_apart = any("TEMP B-TREE" in step for step in steps)
                assert not sorted_apart or any(step.startswith("SCAN anon") for step in steps)

    def test_hold_moments_to_the_microsecond(self, database: Database, world: World) -> None:
        moments = [NOW, NOW + timedelta(microseconds=1), NOW + timedelta(seconds=1)]
        with database.transaction() as session:
            fill(session, world, [(True, "1", None, 0)] * 3)
            for number, moment in enumerate(moments):
                _move(session, 100 + number, moment)
        with database.reading() as session:
            assert walk(session, both(world), "updated", 1) == [102, 101, 100]


def _move(session: Session, key: int, moment: datetime) -> None:
    with writing_events(session) as connection:
        connection.execute(update(Task).where(col(Task.id) == key).values(updated_at=moment))
