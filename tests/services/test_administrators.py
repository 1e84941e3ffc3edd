"""三员: one person, one seat, nothing beside it, and never by one's own hand."""

import pytest

from app.database import Database
from app.errors import Forbidden
from app.models import User
from app.permissions import Administrator, P, Role, can
from app.rules.memberships import AdministratorHoldsNoRole
from app.schemas.membership import MembershipCreate
from app.schemas.user import UserCreate
from app.services import actors, administrators, memberships, users
from tests.factories import NOW, TODAY, World, actor_of


@pytest.fixture
def newcomer(database: Database, world: World) -> int:
    """A person who holds nothing yet."""
    data = UserCreate(login="newcomer", name="新人", unit_id=world.units["信息中心"])
    with database.transaction() as session:
        return users.create(session, actor_of(database, world, "system_admin"), data, now=NOW).key


def appoint(database: Database, world: World, user_id: int, by: str = "security_admin") -> User:
    with database.transaction() as session:
        version = session.get_one(User, user_id).version
        actor = actor_of(database, world, by)
        return administrators.appoint(session, actor, user_id, version, Administrator.AUDIT, reason="", now=NOW)


def dismiss(database: Database, world: World, user_id: int, by: str = "security_admin") -> User:
    with database.transaction() as session:
        version = session.get_one(User, user_id).version
        return administrators.dismiss(session, actor_of(database, world, by), user_id, version, reason="", now=NOW)


class TestAppoint:
    def test_gives_the_rights_of_the_seat(self, database: Database, world: World, newcomer: int) -> None:
        appoint(database, world, newcomer)
        with database.reading() as session:
            actor = actors.load(session, newcomer, TODAY)
        assert actor is not None
        assert can(actor, P.AUDIT_READ)
        assert not can(actor, P.TASK_READ)

    @pytest.mark.parametrize("by", ["system_admin", "audit_admin", "coordinator"])
    def test_belongs_to_the_security_administrator(
        self, database: Database, world: World, newcomer: int, by: str
    ) -> None:
        with pytest.raises(Forbidden):
            appoint(database, world, newcomer, by)

    def test_refuses_ones_own_seat(self, database: Database, world: World) -> None:
        with pytest.raises(administrators.SeatIsOwn):
            appoint(database, world, world.users["security_admin"])

    def test_refuses_a_second_seat(self, database: Database, world: World) -> None:
        with pytest.raises(administrators.HoldsASeatAlready):
            appoint(database, world, world.users["system_admin"])

    def test_refuses_a_seat_beside_a_role(self, database: Database, world: World) -> None:
        with pytest.raises(administrators.HoldsARole):
            appoint(database, world, world.users["handler"])

    def test_refuses_a_role_beside_a_seat(self, database: Database, world: World, newcomer: int) -> None:
        appoint(database, world, newcomer)
        data = MembershipCreate(
            programme_id=world.programmes["home"], user_id=newcomer, unit_id=world.units["信息中心"], role=Role.HANDLER
        )
        with pytest.raises(AdministratorHoldsNoRole), database.transaction() as session:
            memberships.grant(session, actor_of(database, world, "security_admin"), data, now=NOW)

    def test_refuses_a_closed_account(self, database: Database, world: World, newcomer: int) -> None:
        with database.transaction() as session:
            users.close(session, actor_of(database, world, "system_admin"), newcomer, 1, reason="", now=NOW)
        with pytest.raises(users.AccountClosed):
            appoint(database, world, newcomer)


class TestDismiss:
    def test_takes_the_seat_where_another_holds_it(self, database: Database, world: World, newcomer: int) -> None:
        appoint(database, world, newcomer)
        assert dismiss(database, world, world.users["audit_admin"]).administrator is None
        with pytest.raises(users.LastAdministrator):
            dismiss(database, world, newcomer)

    def test_refuses_ones_own_and_nobodys(self, database: Database, world: World) -> None:
        with pytest.raises(administrators.SeatIsOwn):
            dismiss(database, world, world.users["security_admin"])
        with pytest.raises(administrators.HoldsNoSeat):
            dismiss(database, world, world.users["handler"])
