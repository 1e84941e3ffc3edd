"""The first run makes three administrators and is over."""

import pytest

from app import migrating
from app.database import Database
from app.permissions import Administrator, system_actor
from app.services import first_run, sessions
from app.settings import Settings
from tests.conftest import Stores
from tests.factories import NOW, TODAY

ACTOR = system_actor(TODAY)
PEOPLE = [(f"{seat}-admin", f"{seat}管理员", "hash", seat) for seat in Administrator]


@pytest.fixture
def empty(stores: Stores) -> Settings:
    """A migrated store without anybody."""
    settings = stores.empty()
    migrating.migrate(settings)
    return settings


class TestCreateAdministrators:
    def test_fills_the_three_seats_of_an_empty_store(self, empty: Settings, stores: Stores) -> None:
        database = Database(empty)
        with database.reading() as session:
            assert first_run.is_due(session)
        with database.transaction() as session:
            # No default account: nobody can sign in to a new store.
            assert sessions.attempt(session, empty, "admin", "", NOW).user_id is None
        with database.transaction() as session:
            made = first_run.create_administrators(session, ACTOR, PEOPLE, NOW)
        assert {user.administrator for user in made} == set(Administrator)
        assert all(user.must_change_password for user in made)
        with pytest.raises(first_run.AccountsExist), database.transaction() as session:
            first_run.create_administrators(session, ACTOR, PEOPLE, NOW)
        database.dispose()
        stores.drop(empty)

    @pytest.mark.parametrize(
        "people",
        [
            PEOPLE[:2],
            [*PEOPLE[:2], (*PEOPLE[0][:3], Administrator.AUDIT)],
            [*PEOPLE[:2], PEOPLE[1]],
            [*PEOPLE, PEOPLE[0]],
        ],
    )
    def test_wants_three_people_on_three_seats(
        self, empty: Settings, stores: Stores, people: list[tuple[str, str, str, Administrator]]
    ) -> None:
        database = Database(empty)
        with pytest.raises(first_run.ThreeSeatsNeeded), database.transaction() as session:
            first_run.create_administrators(session, ACTOR, people, NOW)
        database.dispose()
        stores.drop(empty)
