"""What a list of tasks shows around its rows, and that it costs no more with more tasks."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session

from app.database import Database
from app.models import Assignment, AssignmentRole, Task, TaskState
from app.permissions import Actor
from app.services import assignments, events, task_lists
from tests.factories import SYSTEM, World, actor_of


def grow(database: Database, world: World, number: int) -> None:
    """So many more tasks in the home programme, each with the same unit."""
    home, unit = world.programmes["home"], world.units["监测处（应急处）"]
    with database.transaction() as session:
        made = [
            Task(programme_id=home, path=f"五/{n}", sort_key=f"9{n:06d}", heading=f"新{n}", state=TaskState.ISSUED)
            for n in range(number)
        ]
        session.add_all(made)
        session.flush()
        session.add_all(Assignment(programme_id=home, task_id=task.key, unit_id=unit) for task in made)
        events.record(session, SYSTEM, "test.grow")
        if not database.is_sqlite:
            # As autovacuum does; the embedded store has nobody who would.
            session.connection().exec_driver_sql("ANALYZE")


def work(database: Database, ask: Callable[[Session], Any]) -> int:
    """What the store does for a question: steps of SQLite's machine, rows that PostgreSQL looks at."""
    with database.transaction() as session:
        driver: Any = session.connection().connection.driver_connection
        if database.is_sqlite:
            steps = []
            driver.set_progress_handler(lambda: steps.append(1), 1)
            ask(session)
            driver.set_progress_handler(None, 1)
            return len(steps)
        looked = "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
        before = int(driver.execute(looked).fetchone()[0])
        ask(session)
        return int(driver.execute(looked).fetchone()[0]) - before


def assert_same_work(database: Database, world: World, ask: Callable[[Session], Any]) -> None:
    grow(database, world, 200)
    few = work(database, ask)
    grow(database, world, 3000)
    assert work(database, ask) <= few * 1.5


class TestChoices:
    def test_are_what_occurs_in_what_the_reader_sees(self, database: Database, world: World) -> None:
        with database.reading() as session:
            found = task_lists.choices(session, actor_of(database, world, "coordinator"))
            for_handler = task_lists.choices(session, actor_of(database, world, "handler"))
            for_nobody = task_lists.choices(session, actor_of(database, world, "system_admin"))
        assert [key for key, _ in found.programmes] == [world.programmes["home"]]
        assert [name for _, name in found.tracks] == ["资金援疆", "项目援疆", "智力援疆"]
        assert [name for _, name in found.units] == ["规划财务处", "监测处（应急处）", "信息中心"]
        # The draft's unit stays with those who see the draft.
        assert [name for _, name in for_handler.units] == ["监测处（应急处）", "信息中心"]
        assert for_nobody == task_lists.Choices([], [], [])

    def test_of_another_programme_are_those_of_all(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.reading() as session:
            assert task_lists.choices(session, actor, world.programmes["outside"]) == task_lists.choices(session, actor)

    @pytest.mark.parametrize("login", ["coordinator", "handler"])
    def test_cost_the_same_with_more_tasks(self, database: Database, world: World, login: str) -> None:
        actor = actor_of(database, world, login)
        assert_same_work(database, world, lambda session: task_lists.choices(session, actor))


class TestUnitsOnTasks:
    def test_stand_in_the_plans_order_leads_first(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        task_id, home = world.tasks["issued"], world.programmes["home"]
        with database.transaction() as session:
            for place, (unit, role) in enumerate({"信息中心": "supporting", "援建科": "lead"}.items()):
                session.add(
                    Assignment(
                        programme_id=home,
                        task_id=task_id,
                        unit_id=world.units[unit],
                        role=AssignmentRole(role),
                        position=place + 5,
                    )
                )
            events.record(session, SYSTEM, "test.assign")
        with database.reading() as session:
            for brief in (True, False):
                found = assignments.of_tasks(session, actor, [task_id], brief=brief)
                assert [row.unit_name for row in found[task_id]] == ["监测处（应急处）", "援建科", "信息中心"]

    @pytest.mark.parametrize(("login", "seen"), [("coordinator", 1), ("handler", 0), ("outsider", 0)])
    def test_are_those_of_tasks_that_are_seen(self, database: Database, world: World, login: str, seen: int) -> None:
        actor, draft = actor_of(database, world, login), world.tasks["draft"]
        with database.reading() as session:
            assert len(assignments.of_tasks(session, actor, [draft], brief=True)[draft]) == seen

    @pytest.mark.parametrize("login", ["coordinator", "handler"])
    @pytest.mark.parametrize("brief", [True, False])
    def test_cost_the_same_with_more_tasks(self, database: Database, world: World, login: str, brief: bool) -> None:
        actor: Actor = actor_of(database, world, login)
        # For many more PostgreSQL rather reads the whole of a table this small, and rightly.
        ids = list(range(1, 11 if database.is_sqlite else 4))
        assert_same_work(database, world, lambda session: assignments.of_tasks(session, actor, ids, brief=brief))
