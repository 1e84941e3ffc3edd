"""Live updates: who is told of whose changes, and from which position on."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from app.database import Database
from app.models import Event
from app.permissions import Actor
from app.schemas.task import TaskUpdate
from app.services import events, live, tasks
from tests import factories
from tests.factories import NOW, World


@pytest.fixture
def actor(database: Database, world: World) -> Callable[[str], Actor]:
    """A persona as the services meet them."""
    return lambda login: factories.actor_of(database, world, login)


@pytest.fixture
def change(database: Database, actor: Callable[[str], Actor]) -> Callable[[str, int], None]:
    """Change a task as a persona."""

    def do(login: str, task_id: int) -> None:
        with database.transaction() as session:
            found = tasks.show(session, actor(login), task_id)
            data = TaskUpdate(target=f"每年培训{found.version}人次")
            tasks.update(session, actor(login), task_id, found.version, data, now=NOW)
        settle(database)

    return do


def settle(database: Database) -> None:
    """Wait for transactions of other tests, which on one PostgreSQL are open beside ours."""
    deadline = time.monotonic() + 60
    with database.reading() as session:
        newest = session.connection().scalar(select(func.max(col(Event.id))))
    while here(database)[1] < newest:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def here(database: Database) -> live.Position:
    with database.reading() as session:
        return live.position(session)


def look(database: Database, who: Actor, tasks_: list[int], since: live.Position) -> live.Sight:
    with database.reading() as session:
        return live.look(session, who, tasks_, since)


class TestLooking:
    def test_tells_of_somebody_elses_change_once(
        self, database: Database, world: World, actor: Callable[[str], Actor], change: Callable[[str, int], None]
    ) -> None:
        since, task = here(database), world.tasks["issued"]
        assert look(database, actor("handler"), [task], since) == live.Sight(since, None)
        change("coordinator", task)
        sight = look(database, actor("handler"), [task], since)
        assert sight.change is not None
        assert (sight.change.subject_type, sight.change.subject_id) == ("tasks", task)
        assert sight.position > since
        assert look(database, actor("handler"), [task], sight.position).change is None

    def test_tells_nobody_of_their_own(
        self, database: Database, world: World, actor: Callable[[str], Actor], change: Callable[[str, int], None]
    ) -> None:
        since, task = here(database), world.tasks["issued"]
        change("coordinator", task)
        sight = look(database, actor("coordinator"), [task], since)
        assert sight.change is None
        assert sight.position > since, "what was looked at need not be looked at again"

    def test_is_about_the_tasks_that_are_shown(
        self, database: Database, world: World, actor: Callable[[str], Actor], change: Callable[[str, int], None]
    ) -> None:
        since = here(database)
        change("coordinator", world.tasks["running"])
        assert look(database, actor("handler"), [world.tasks["issued"]], since).change is None
        both = [world.tasks["issued"], world.tasks["running"]]
        assert look(database, actor("handler"), both, since).change is not None

    def test_hides_what_the_reader_may_not_see(
        self, database: Database, world: World, actor: Callable[[str], Actor], change: Callable[[str, int], None]
    ) -> None:
        since, draft = here(database), world.tasks["draft"]
        change("coordinator", draft)
        expected = {
            "recipient": True,
            "inspector": True,
            "handler": False,
            "partner": False,
            "superior": False,
            "outsider": False,
            "system_admin": False,
            "audit_admin": False,
        }
        seen = {login: look(database, actor(login), [draft], since).change is not None for login in expected}
        assert seen == expected

    def test_does_not_count_readings(self, database: Database, world: World, actor: Callable[[str], Actor]) -> None:
        since, task = here(database), world.tasks["issued"]
        with database.transaction() as session:
            events.record_access(
                session,
                actor("coordinator"),
                "attachment.download",
                subject_type="tasks",
                subject_id=task,
                programme_id=world.programmes["home"],
            )
        assert look(database, actor("inspector"), [task], since).change is None

    @pytest.mark.parametrize("stores", ["postgresql"], indirect=True)
    def test_waits_for_a_transaction_that_may_still_come_before(
        self, database: Database, world: World, actor: Callable[[str], Actor]
    ) -> None:
        since, task = here(database), world.tasks["issued"]
        with database.transaction() as open_:
            events.record_access(open_, actor("leader"), "access.read", subject_type="routes")
            with database.transaction() as session:
                found = tasks.show(session, actor("coordinator"), task)
                data = TaskUpdate(target="每年培训六十人次")
                tasks.update(session, actor("coordinator"), task, found.version, data, now=NOW)
            assert look(database, actor("handler"), [task], since) == live.Sight(since, None)
        settle(database)
        assert look(database, actor("handler"), [task], since).change is not None
