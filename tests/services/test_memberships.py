"""Roles are given by others, on the right side, and end without vanishing."""

from datetime import date, timedelta

import pytest

from app.database import Database
from app.errors import Forbidden, NotFound, StaleVersion
from app.models import Membership, User
from app.permissions import P, Role, can
from app.rules import memberships as rules
from app.schemas.membership import MembershipCreate, MembershipFilters
from app.schemas.user import UserCreate
from app.services import actors, events, memberships, users
from app.services.units import UnitUnknown
from tests.factories import NOW, SYSTEM, TODAY, World, actor_of


@pytest.fixture
def newcomer(database: Database, world: World) -> int:
    """A person of the aiding bureau who holds nothing yet."""
    data = UserCreate(login="newcomer", name="新人", unit_id=world.units["信息中心"])
    with database.transaction() as session:
        return users.create(session, actor_of(database, world, "system_admin"), data, now=NOW).key


def grant(database: Database, world: World, user_id: int, by: str = "security_admin", **values: object) -> Membership:
    data = {
        "programme_id": world.programmes["home"],
        "user_id": user_id,
        "unit_id": world.units["信息中心"],
        "role": "handler",
        **values,
    }
    with database.transaction() as session:
        actor = actor_of(database, world, by)
        return memberships.grant(session, actor, MembershipCreate.model_validate(data), now=NOW)


def end(database: Database, world: World, membership: Membership, by: str = "security_admin") -> Membership:
    with database.transaction() as session:
        actor = actor_of(database, world, by)
        return memberships.end(session, actor, membership.key, membership.version, ends_on=None, reason="", now=NOW)


def holds(database: Database, user_id: int, day: date = TODAY) -> bool:
    with database.reading() as session:
        actor = actors.load(session, user_id, day)
        return actor is not None and can(actor, P.TASK_READ)


class TestGrant:
    @pytest.mark.parametrize("by", ["security_admin", "coordinator"])
    def test_gives_the_role_from_today(self, database: Database, world: World, newcomer: int, by: str) -> None:
        membership = grant(database, world, newcomer, by)
        assert (membership.starts_on, membership.ends_on) == (TODAY, None)
        assert holds(database, newcomer)
        assert not holds(database, newcomer, TODAY - timedelta(days=1))

    @pytest.mark.parametrize("by", ["recipient", "unit_head", "leader", "inspector"])
    def test_is_refused_to_other_roles(self, database: Database, world: World, newcomer: int, by: str) -> None:
        with pytest.raises(Forbidden):
            grant(database, world, newcomer, by)

    def test_hides_a_programme_from_another_bureau(self, database: Database, world: World, newcomer: int) -> None:
        with pytest.raises(memberships.ProgrammeUnknown):
            grant(database, world, newcomer, "outsider")
        with pytest.raises(memberships.ProgrammeUnknown):
            grant(database, world, newcomer, "system_admin", programme_id=99999)

    def test_hides_a_person_and_a_unit_of_another_bureau(self, database: Database, world: World, newcomer: int) -> None:
        with pytest.raises(memberships.PersonUnknown):
            grant(database, world, world.users["outsider"], "coordinator")
        for unit in (world.units["计划处"], 99999):
            with pytest.raises(UnitUnknown):
                grant(database, world, newcomer, "coordinator", unit_id=unit)

    def test_is_never_by_ones_own_hand(self, database: Database, world: World) -> None:
        with pytest.raises(rules.OwnRole):
            grant(database, world, world.users["coordinator"], "coordinator", role="inspector")

    def test_refuses_an_administrator(self, database: Database, world: World) -> None:
        with pytest.raises(rules.AdministratorHoldsNoRole):
            grant(database, world, world.users["audit_admin"])

    def test_refuses_a_unit_of_no_party_but_for_an_auditor(
        self, database: Database, world: World, newcomer: int
    ) -> None:
        with pytest.raises(rules.UnitNotParty):
            grant(database, world, newcomer, unit_id=world.units["计划处"])
        auditor = grant(database, world, newcomer, unit_id=world.units["计划处"], role="auditor", ends_on=TODAY)
        assert auditor.ends_on == TODAY

    def test_refuses_a_role_of_another_side(self, database: Database, world: World, newcomer: int) -> None:
        with pytest.raises(rules.RoleOfAnotherSide):
            grant(database, world, newcomer, role="recipient")

    def test_refuses_the_same_role_twice_at_one_time(self, database: Database, world: World, newcomer: int) -> None:
        grant(database, world, newcomer, ends_on=TODAY + timedelta(days=10))
        with pytest.raises(memberships.RoleHeldAlready):
            grant(database, world, newcomer, starts_on=TODAY + timedelta(days=10))
        grant(database, world, newcomer, starts_on=TODAY + timedelta(days=11))
        grant(database, world, newcomer, role="deputy")

    def test_takes_a_past_role_with_its_true_dates(self, database: Database, world: World, newcomer: int) -> None:
        grant(database, world, newcomer, starts_on=date(2021, 1, 1), ends_on=date(2022, 12, 31))
        assert holds(database, newcomer, date(2022, 12, 31))
        assert not holds(database, newcomer)


class TestEnd:
    def test_ends_at_once_and_stays_in_the_record(self, database: Database, world: World, newcomer: int) -> None:
        membership = end(database, world, grant(database, world, newcomer))
        assert not holds(database, newcomer)
        with database.reading() as session:
            assert session.get_one(Membership, membership.key).role is Role.HANDLER
        with pytest.raises(memberships.RoleEnded):
            end(database, world, membership)

    def test_can_be_given_again_on_the_same_day(self, database: Database, world: World, newcomer: int) -> None:
        end(database, world, grant(database, world, newcomer))
        grant(database, world, newcomer)
        assert holds(database, newcomer)

    def test_is_404_for_another_bureau_and_403_for_a_member(
        self, database: Database, world: World, newcomer: int
    ) -> None:
        membership = grant(database, world, newcomer)
        with pytest.raises(NotFound):
            end(database, world, membership, "outsider")
        with pytest.raises(Forbidden):
            end(database, world, membership, "leader")


class TestUpdate:
    def test_never_prolongs_ones_own(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.reading() as session:
            own = memberships.of_user(session, actor, world.users["coordinator"])[0]
        with pytest.raises(rules.OwnRole), database.transaction() as session:
            memberships.update(session, actor, own.id, own.version, None, now=NOW)

    def test_moves_the_last_day(self, database: Database, world: World, newcomer: int) -> None:
        membership = grant(database, world, newcomer)
        actor = actor_of(database, world, "coordinator")
        with pytest.raises(StaleVersion), database.transaction() as session:
            memberships.update(session, actor, membership.key, 9, TODAY, now=NOW)
        with database.transaction() as session:
            memberships.update(session, actor, membership.key, 1, TODAY, now=NOW)
        assert holds(database, newcomer)
        assert not holds(database, newcomer, TODAY + timedelta(days=1))

    def test_keeps_the_date_of_an_auditor(self, database: Database, world: World, newcomer: int) -> None:
        membership = grant(database, world, newcomer, role="auditor", ends_on=TODAY)
        actor = actor_of(database, world, "security_admin")
        with pytest.raises(rules.AuditorNeedsEnd), database.transaction() as session:
            memberships.update(session, actor, membership.key, 1, None, now=NOW)


class TestVisibleTo:
    @pytest.mark.parametrize(
        ("login", "number"),
        [
            ("security_admin", 14),
            ("coordinator", 13),
            ("handler", 13),
            ("superior", 1),
            ("outsider", 1),
            ("audit_admin", 0),
        ],
    )
    def test_shows_own_programmes_and_own_roles(
        self, database: Database, world: World, login: str, number: int
    ) -> None:
        with database.reading() as session:
            actor = actor_of(database, world, login)
            page = memberships.page(session, actor, MembershipFilters(), limit=100, cursor=None)
        assert len(page.rows) == number


class TestSeparation:
    def test_a_role_written_past_the_check_gives_an_administrator_nothing(
        self, database: Database, world: World
    ) -> None:
        user_id = world.users["audit_admin"]
        with database.transaction() as session:
            session.add(
                Membership(
                    programme_id=world.programmes["home"],
                    user_id=session.get_one(User, user_id).key,
                    unit_id=world.units["信息中心"],
                    role=Role.COORDINATOR,
                )
            )
            events.record(session, SYSTEM, "membership.grant")
        assert not holds(database, user_id)
