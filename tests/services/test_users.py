"""Who sees which people and how much of them; opening and closing accounts."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from app.database import Database
from app.errors import Forbidden, NotFound, StaleVersion
from app.models import Event, Token, User, UserSession
from app.permissions import Actor
from app.schemas.user import UserCreate, UserFilters, UserUpdate
from app.services import events, users
from app.services.units import UnitUnknown
from tests.factories import NOW, SYSTEM, TODAY, World, actor_of
from tests.personas import PERSONAS


@pytest.fixture
def _numbers(database: Database) -> None:
    """Everybody has a telephone number that says whose it is."""
    with database.transaction() as session:
        for user in session.exec(select(User)):
            user.phone = f"139{user.id:08d}"
        events.record(session, SYSTEM, "user.update")


def seen(database: Database, actor: Actor, **filters: Any) -> dict[str, Any]:
    with database.reading() as session:
        page = users.page(session, actor, UserFilters(**filters), limit=200, cursor=None)
        return {row.name: row for row in page.rows}


NAMES = {persona.name for persona in PERSONAS.values()}
ADMINISTRATORS = {"系统管理员", "安全管理员", "审计管理员"}


@pytest.mark.usefixtures("_numbers")
class TestVisibleTo:
    @pytest.mark.parametrize("login", ["system_admin", "security_admin", "audit_admin"])
    def test_shows_administrators_everybody(self, database: Database, world: World, login: str) -> None:
        rows = seen(database, actor_of(database, world, login))
        assert set(rows) == NAMES
        assert all(row.phone and row.login for row in rows.values())

    @pytest.mark.parametrize("login", ["handler", "receiving_handler", "leader", "partner", "auditor"])
    def test_shows_members_names_and_units_only(self, database: Database, world: World, login: str) -> None:
        rows = seen(database, actor_of(database, world, login))
        assert set(rows) == NAMES - {"外单位统筹"}
        own = PERSONAS[login].name
        for name, row in rows.items():
            private = (row.login, row.phone, row.email, row.expires_on, row.administrator, row.must_change_password)
            assert (private == (None,) * 6) == (name != own)

    def test_shows_a_coordinator_the_numbers_of_their_programme(self, database: Database, world: World) -> None:
        rows = seen(database, actor_of(database, world, "coordinator"))
        assert set(rows) == NAMES - {"外单位统筹"}
        assert all(row.phone for row in rows.values())

    def test_shows_another_bureau_only_its_own(self, database: Database, world: World) -> None:
        assert set(seen(database, actor_of(database, world, "outsider"))) == {"外单位统筹"}

    def test_shows_a_superior_nobody_but_themselves(self, database: Database, world: World) -> None:
        assert set(seen(database, actor_of(database, world, "superior"))) == {"上级联络"}

    @pytest.mark.parametrize("q", ["coordinator", "139", "COORD"])
    def test_never_finds_by_what_it_hides(self, database: Database, world: World, q: str) -> None:
        assert seen(database, actor_of(database, world, "handler"), q=q) == {}

    def test_finds_by_name_login_unit_and_state(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "system_admin")
        assert set(seen(database, actor, q="承办")) == {"承办员", "受援承办"}
        assert set(seen(database, actor, q="RECEIVING_")) == {"受援承办", "受援领导"}
        assert set(seen(database, actor, q="%")) == set()
        assert set(seen(database, actor, unit=world.units["纪检室"])) == {"纪检员"}
        assert "纪检员" in seen(database, actor, unit=world.units["河北省地震局"])
        assert seen(database, actor, active=False) == {}

    def test_gives_404_for_anybody_else(self, database: Database, world: World) -> None:
        with database.reading() as session, pytest.raises(NotFound):
            users.one(session, actor_of(database, world, "outsider"), world.users["handler"])


def create(session: Session, actor: Actor, **values: object) -> User:
    data = UserCreate.model_validate({"login": "limin", "name": "李敏", **values})
    return users.create(session, actor, data, now=NOW)


class TestCreate:
    def test_opens_an_account_that_nobody_can_use_yet(self, database: Database, world: World) -> None:
        with database.transaction() as session:
            user = create(session, actor_of(database, world, "system_admin"), unit_id=world.units["规划财务处"])
        assert (user.login, user.password_hash, user.active, user.administrator) == ("limin", "", True, None)

    def test_needs_a_unit_for_a_person_but_not_for_a_service(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "system_admin")
        with pytest.raises(users.UnitNeeded), database.transaction() as session:
            create(session, actor)
        with pytest.raises(UnitUnknown), database.transaction() as session:
            create(session, actor, unit_id=99999)
        with database.transaction() as session:
            assert create(session, actor, kind="service").unit_id is None

    def test_refuses_a_login_in_any_spelling(self, database: Database, world: World) -> None:
        with pytest.raises(users.LoginTaken), database.transaction() as session:
            create(session, actor_of(database, world, "system_admin"), login="HANDLER", kind="service")

    @pytest.mark.parametrize("login", ["security_admin", "audit_admin", "coordinator", "handler"])
    def test_belongs_to_the_system_administrator(self, database: Database, world: World, login: str) -> None:
        with pytest.raises(Forbidden), database.transaction() as session:
            create(session, actor_of(database, world, login), kind="service")

    def test_seals_what_is_personal_in_the_log(self, database: Database, world: World) -> None:
        with database.transaction() as session:
            create(
                session,
                actor_of(database, world, "system_admin"),
                phone="0311-1234567",
                email="limin@example.cn",
                unit_id=world.units["规划财务处"],
            )
        with database.reading() as session:
            log = str([event.model_dump() for event in session.exec(select(Event))])
        assert "李敏" not in log
        assert "0311-1234567" not in log
        assert "limin@" not in log


class TestUpdate:
    def test_changes_only_what_is_sent(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "system_admin")
        with database.transaction() as session:
            user = users.update(session, actor, world.users["handler"], 1, UserUpdate(phone="110"), now=NOW)
        assert (user.name, user.phone, user.unit_id, user.version) == (
            "承办员",
            "110",
            world.units["监测处（应急处）"],
            2,
        )

    def test_refuses_a_stale_version_and_an_unseen_unit(self, database: Database, world: World) -> None:
        actor, user_id = actor_of(database, world, "system_admin"), world.users["handler"]
        with pytest.raises(StaleVersion), database.transaction() as session:
            users.update(session, actor, user_id, 7, UserUpdate(name="改"), now=NOW)
        with pytest.raises(UnitUnknown), database.transaction() as session:
            users.update(session, actor, user_id, 1, UserUpdate(unit_id=99999), now=NOW)
        with pytest.raises(users.UnitNeeded), database.transaction() as session:
            users.update(session, actor, user_id, 1, UserUpdate(unit_id=None), now=NOW)

    def test_leaves_no_trace_where_nothing_changes(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "system_admin")
        with database.transaction() as session:
            assert (
                users.update(session, actor, world.users["handler"], 1, UserUpdate(name="承办员"), now=NOW).version == 1
            )


class TestClose:
    def test_ends_sessions_and_tokens_for_good(self, database: Database, world: World) -> None:
        actor, user_id = actor_of(database, world, "system_admin"), world.users["handler"]
        with database.transaction() as session:
            user = users.close(session, actor, user_id, 1, reason="调离", now=NOW)
            version = user.version
        with database.transaction() as session:
            users.reopen(session, actor, user_id, version, reason="", now=NOW)
        with database.reading() as session:
            assert session.exec(select(UserSession.revoked_at).where(UserSession.user_id == user_id)).all() == [NOW]
            assert session.exec(select(Token.revoked_at).where(Token.user_id == user_id)).all() == [NOW]

    def test_refuses_ones_own_account(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "system_admin")
        with pytest.raises(users.OwnAccount), database.transaction() as session:
            users.close(session, actor, world.users["system_admin"], 1, reason="", now=NOW)

    @pytest.mark.parametrize("login", ["security_admin", "audit_admin"])
    def test_refuses_to_leave_a_seat_empty(self, database: Database, world: World, login: str) -> None:
        with pytest.raises(users.LastAdministrator), database.transaction() as session:
            users.close(session, actor_of(database, world, "system_admin"), world.users[login], 1, reason="", now=NOW)

    def test_refuses_what_is_closed_and_reopens_only_that(self, database: Database, world: World) -> None:
        actor, user_id = actor_of(database, world, "system_admin"), world.users["handler"]
        with pytest.raises(users.AccountOpen), database.transaction() as session:
            users.reopen(session, actor, user_id, 1, reason="", now=NOW)
        with database.transaction() as session:
            users.close(session, actor, user_id, 1, reason="", now=NOW)
        with pytest.raises(users.AccountClosed), database.transaction() as session:
            users.close(session, actor, user_id, 2, reason="", now=NOW)


class TestEnding:
    """Accounts whose last day is near are found in time, by those who may see the day."""

    @pytest.fixture(autouse=True)
    def _last_days(self, database: Database, world: World) -> None:
        days = {"handler": 0, "leader": 14, "deputy": 15, "partner": -1, "auditor": 3}
        with database.transaction() as session:
            for login, away in days.items():
                session.get_one(User, world.users[login]).expires_on = TODAY + timedelta(days=away)
            session.get_one(User, world.users["auditor"]).active = False
            events.record(session, SYSTEM, "user.update")

    def test_are_listed_with_two_weeks_notice(self, database: Database, world: World) -> None:
        system = actor_of(database, world, "system_admin")
        assert set(seen(database, system, expiry="soon")) == {"承办员", "局领导"}
        assert set(seen(database, system, expiry="over")) == {"协同员"}
        with database.reading() as session:
            assert users.ending_soon(session, system) == 2

    def test_are_not_found_by_those_who_do_not_see_the_day(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "unit_head")
        assert seen(database, actor, expiry="soon") == {}
        with database.reading() as session:
            assert users.ending_soon(session, actor) == 0

    def test_tell_their_person(self, database: Database, world: World) -> None:
        told = {
            login: actor_of(database, world, login).ends_soon for login in ("handler", "leader", "deputy", "recipient")
        }
        assert told == {"handler": True, "leader": True, "deputy": False, "recipient": False}
