"""A token never gives more than its holder has, and never longer than was said."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlmodel import select

from app.database import Database
from app.errors import Forbidden, NotFound, StaleVersion
from app.models import Event, Membership, Token, User
from app.permissions import Actor, P, can
from app.schemas.membership import MembershipCreate
from app.schemas.token import TokenCreate
from app.schemas.user import UserCreate
from app.services import events, memberships, tokens, users
from tests.factories import NOW, SYSTEM, TODAY, World, actor_of


def create(
    database: Database, actor: Actor, scopes: tuple[str, ...] = ("task:read",), **values: object
) -> tokens.Created:
    data = {"name": "同步", "scopes": scopes, "expires_on": TODAY + timedelta(days=30), **values}
    with database.transaction() as session:
        return tokens.create(session, actor, TokenCreate.model_validate(data), now=NOW)


def use(database: Database, secret: str, now: datetime = NOW) -> Actor | None:
    with database.reading() as session:
        found = tokens.resolve(session, secret, now, address="", request_id="")
    return None if found is None else found.actor


@pytest.fixture
def service(database: Database, world: World) -> int:
    """A service account that is a handler of the home programme."""
    with database.transaction() as session:
        actor = actor_of(database, world, "system_admin")
        service_id = users.create(
            session, actor, UserCreate(login="sync", name="财务系统", kind="service"), now=NOW
        ).key
        memberships.grant(
            session,
            actor_of(database, world, "security_admin"),
            MembershipCreate.model_validate(
                {
                    "programme_id": world.programmes["home"],
                    "user_id": service_id,
                    "unit_id": world.units["信息中心"],
                    "role": "handler",
                }
            ),
            now=NOW,
        )
    return service_id


class TestCreate:
    def test_keeps_only_the_digest(self, database: Database, world: World) -> None:
        made = create(database, actor_of(database, world, "handler"))
        assert made.secret.startswith("dk_")
        with database.reading() as session:
            stored = str(session.get_one(Token, made.token_id).model_dump())
            log = str([event.model_dump() for event in session.exec(select(Event))])
        assert made.secret not in stored + log

    def test_carries_its_scopes_and_no_more(self, database: Database, world: World) -> None:
        actor = use(database, create(database, actor_of(database, world, "coordinator")).secret)
        assert actor is not None
        assert can(actor, P.TASK_READ)
        assert not can(actor, P.TASK_UPDATE)
        assert actor.channel == "api"

    def test_refuses_a_scope_that_the_holder_lacks(self, database: Database, world: World) -> None:
        with pytest.raises(tokens.ScopeBeyondRights):
            create(database, actor_of(database, world, "handler"), ("task:read", "user:manage"))

    def test_loses_what_its_holder_loses(self, database: Database, world: World) -> None:
        secret = create(database, actor_of(database, world, "coordinator"), ("task:update",)).secret
        with database.transaction() as session:
            own = session.exec(select(Membership).where(Membership.user_id == world.users["coordinator"])).one()
            own.ends_on = TODAY - timedelta(days=1)
            events.record(session, SYSTEM, "membership.end")
        actor = use(database, secret)
        assert actor is not None
        assert not can(actor, P.TASK_UPDATE)

    @pytest.mark.parametrize("day", [TODAY - timedelta(days=1), TODAY + timedelta(days=367), date(9999, 12, 31)])
    def test_refuses_a_day_out_of_range(self, database: Database, world: World, day: date) -> None:
        with pytest.raises(tokens.ExpiryOutOfRange):
            create(database, actor_of(database, world, "handler"), expires_on=day)

    def test_works_until_the_end_of_the_last_day(self, database: Database, world: World) -> None:
        secret = create(database, actor_of(database, world, "handler"), expires_on=TODAY).secret
        # NOW is 10:00 in Shanghai, whose day ends 14 hours later.
        assert use(database, secret, NOW + timedelta(hours=13, minutes=59)) is not None
        assert use(database, secret, NOW + timedelta(hours=14)) is None

    def test_never_begets_another_for_its_holder(self, database: Database, world: World) -> None:
        by_token = replace(actor_of(database, world, "handler"), token_id=1, scopes=frozenset(P))
        with pytest.raises(tokens.TokenByToken):
            create(database, by_token)

    def test_is_made_for_a_service_account_by_the_security_administrator(
        self, database: Database, world: World, service: int
    ) -> None:
        made = create(database, actor_of(database, world, "security_admin"), user_id=service)
        actor = use(database, made.secret)
        assert actor is not None
        assert actor.user_id == service
        with pytest.raises(tokens.ScopeBeyondRights):
            create(database, actor_of(database, world, "security_admin"), ("membership:manage",), user_id=service)
        with pytest.raises(Forbidden):
            create(database, actor_of(database, world, "coordinator"), user_id=service)

    def test_is_made_for_no_other_person(self, database: Database, world: World) -> None:
        with pytest.raises(tokens.HolderUnknown):
            create(database, actor_of(database, world, "security_admin"), user_id=world.users["handler"])


class TestRevoke:
    def test_ends_it_at_once(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "handler")
        made = create(database, actor)
        with pytest.raises(StaleVersion), database.transaction() as session:
            tokens.revoke(session, actor, made.token_id, 5, now=NOW)
        with database.transaction() as session:
            tokens.revoke(session, actor, made.token_id, 1, now=NOW)
        assert use(database, made.secret) is None
        with pytest.raises(tokens.TokenRevoked), database.transaction() as session:
            tokens.revoke(session, actor, made.token_id, 2, now=NOW)

    @pytest.mark.parametrize("login", ["leader", "coordinator", "system_admin", "outsider"])
    def test_finds_nobody_elses(self, database: Database, world: World, login: str) -> None:
        made = create(database, actor_of(database, world, "handler"))
        with pytest.raises(NotFound), database.transaction() as session:
            tokens.revoke(session, actor_of(database, world, login), made.token_id, 1, now=NOW)

    def test_is_open_to_the_security_administrator(self, database: Database, world: World) -> None:
        made = create(database, actor_of(database, world, "handler"))
        with database.transaction() as session:
            tokens.revoke(session, actor_of(database, world, "security_admin"), made.token_id, 1, now=NOW)
        assert use(database, made.secret) is None


class TestNoteUse:
    def test_is_noted_once_in_five_minutes(self, database: Database, world: World) -> None:
        made = create(database, actor_of(database, world, "handler"))
        for minutes, stale in ((0, True), (4, False), (6, True)):
            at = NOW + timedelta(minutes=minutes)
            with database.transaction() as session:
                found = tokens.resolve(session, made.secret, at, address="", request_id="")
                assert found is not None
                assert found.is_stale is stale
                if stale:
                    tokens.note_use(session, made.token_id, found.actor.user_id, at)

    def test_gives_nothing_with_a_closed_account(self, database: Database, world: World) -> None:
        made = create(database, actor_of(database, world, "handler"))
        with database.transaction() as session:
            session.get_one(User, world.users["handler"]).active = False
            events.record(session, SYSTEM, "user.close")
        assert use(database, made.secret) is None
