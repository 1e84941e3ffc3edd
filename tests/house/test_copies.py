"""The suite's own copies of the store: as fresh as new ones, also when a test has bent one."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from app.database import Database
from app.models import Milestone, Task
from app.services import events
from app.settings import Settings
from tests import factories
from tests.conftest import Stores

pytestmark = pytest.mark.parametrize("stores", ["postgresql"], indirect=True)


def content(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    database = Database(settings)
    with database.reading() as session:
        connection = session.connection()
        names = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        rows = {
            name: sorted(map(tuple, connection.execute(text(f'SELECT * FROM "{name}"'))), key=repr) for name in names
        }
    database.dispose()
    return rows


@pytest.fixture
def copy(stores: Stores) -> Iterator[Callable[[], Settings]]:
    """Asks for one copy after another, each given back before the next is taken."""
    held: list[Settings] = []

    def take() -> Settings:
        if held:
            stores.drop(held.pop())
        held.append(stores.copy())
        return held[0]

    yield take
    stores.drop(held.pop())


def change(settings: Settings, world: factories.World) -> int:
    """Delete one row and change another; returns the id of the first event about it."""
    database = Database(settings)
    with database.transaction() as session:
        session.delete(session.get_one(Milestone, world.milestones["home"]))
        session.get_one(Task, world.tasks["draft"]).heading = "改过"
        event = events.record(session, factories.SYSTEM, "task.update")
    database.dispose()
    return event


def test_a_used_copy_gets_its_rows_and_numbers_back(copy: Callable[[], Settings], world: factories.World) -> None:
    first = copy()
    before = content(first)
    number = change(first, world)

    again = copy()
    assert again.database_url == first.database_url
    assert content(again) == before
    assert change(again, world) == number, "the counters go on where the template's stood"


@pytest.mark.parametrize(
    "bend",
    [
        "ALTER TABLE events DISABLE TRIGGER events_no_change",
        "ALTER TABLE tasks ADD COLUMN bent integer",
        "CREATE TABLE bent (id integer)",
        "DROP INDEX ix_events_cause_id",
    ],
)
def test_a_bent_copy_is_thrown_away(copy: Callable[[], Settings], bend: str) -> None:
    first = copy()
    database = Database(first)
    with database.engine.begin() as connection:
        connection.execute(text(bend))
    database.dispose()
    assert copy().database_url != first.database_url
