"""Linking accounts to a provider's subjects: by the administrator, or by who holds both ends; never by a claim."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlmodel import select

from app.adapters.oidc import Claims
from app.database import Database
from app.errors import Forbidden, StaleVersion
from app.models import Event, Identity, PendingLink, SignInFlow, User
from app.services import events, identities, openid_sign_ins, passwords, sessions, throttles
from app.services.administrators import NotAPerson
from app.services.identities import IdentityStands, IdentityTaken, NoIdentity, NoProvider
from app.services.openid_sign_ins import FlowOver
from app.settings import Settings
from tests.factories import NOW, PASSWORD, SYSTEM, World, actor_of

ISSUER = "https://id.example"
ADDRESS = "10.0.0.9"
WHO = Claims(ISSUER, "7-handler", "handler")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A provider is set."""
    return settings.model_copy(
        update={
            "oidc_issuer": ISSUER,
            "oidc_client_id": "duikou",
            "oidc_client_secret": SecretStr("secret"),
            "public_url": "https://duikou.example",
        }
    )


def link(
    database: Database,
    settings: Settings,
    world: World,
    login: str = "handler",
    subject: str = WHO.subject,
    by: str = "system_admin",
    version: int = 1,
) -> None:
    with database.transaction() as session:
        actor = actor_of(database, world, by)
        identities.link(session, settings, actor, world.users[login], version, subject, now=NOW)


def opens(database: Database, claims: Claims = WHO) -> str | None:
    """The login that a subject opens."""
    with database.reading() as session:
        found = identities.account_of(session, claims, ADDRESS, NOW)
    return found[1].login if found else None


class TestLink:
    def test_opens_the_account_for_that_subject_of_that_issuer_alone(
        self, database: Database, settings: Settings, world: World
    ) -> None:
        assert opens(database) is None
        link(database, settings, world)
        assert opens(database) == "handler"
        assert opens(database, Claims("https://other.example", WHO.subject, "handler")) is None
        assert opens(database, Claims(ISSUER, "7-HANDLER", "handler")) is None
        assert opens(database, Claims(ISSUER, "8-handler", "handler")) is None, "a claim opens nothing"

    def test_keeps_no_subject(self, database: Database, settings: Settings, world: World) -> None:
        link(database, settings, world, subject="652801199001010010")
        with database.reading() as session:
            row = session.exec(select(Identity)).one()
            log = json.dumps([event.model_dump(mode="json") for event in session.exec(select(Event))])
        assert "user.link_identity" in log
        assert "652801199001010010" not in log + str(row.model_dump())

    @pytest.mark.parametrize("by", ["security_admin", "audit_admin", "coordinator", "handler", "leader"])
    def test_belongs_to_the_system_administrator(
        self, database: Database, settings: Settings, world: World, by: str
    ) -> None:
        with pytest.raises(Forbidden):
            link(database, settings, world, by=by)

    def test_is_one_to_one(self, database: Database, settings: Settings, world: World) -> None:
        link(database, settings, world)
        with pytest.raises(IdentityTaken):
            link(database, settings, world, "leader")
        with pytest.raises(IdentityStands):
            link(database, settings, world, subject="8-handler", version=2)

    def test_wants_the_present_version_a_person_and_a_provider(
        self, database: Database, settings: Settings, world: World
    ) -> None:
        with pytest.raises(StaleVersion):
            link(database, settings, world, version=9)
        with pytest.raises(NoProvider):
            link(database, settings.model_copy(update={"oidc_issuer": ""}), world)
        with database.transaction() as session:
            session.get_one(User, world.users["leader"]).kind = "service"  # type: ignore[assignment]
            events.record(session, SYSTEM, "user.update")
        with pytest.raises(NotAPerson):
            link(database, settings, world, "leader", version=2)

    def test_opens_no_account_that_is_closed_or_expired(
        self, database: Database, settings: Settings, world: World
    ) -> None:
        link(database, settings, world)
        with database.transaction() as session:
            session.get_one(User, world.users["handler"]).expires_on = (NOW - timedelta(days=2)).date()
            events.record(session, SYSTEM, "user.update")
        assert opens(database) is None

    def test_is_taken_away(self, database: Database, settings: Settings, world: World) -> None:
        link(database, settings, world)

        def unlink() -> None:
            with database.transaction() as session:
                version = session.get_one(User, world.users["handler"]).version
                actor = actor_of(database, world, "system_admin")
                identities.unlink(session, actor, world.users["handler"], version, reason="离职", now=NOW)

        unlink()
        assert opens(database) is None
        with pytest.raises(NoIdentity):
            unlink()

    def test_can_switch_the_password_off(self, database: Database, settings: Settings, world: World) -> None:
        link(database, settings, world)
        for allowed in (True, False):
            chosen = settings.model_copy(update={"oidc_passwords": allowed})
            with database.transaction() as session:
                linked = sessions.attempt(session, chosen, "handler", ADDRESS, NOW)
                other = sessions.attempt(session, chosen, "leader", ADDRESS, NOW)
            assert (linked.user_id is not None) is allowed
            assert other.user_id is not None


Try = Callable[..., str | None]


@pytest.fixture
def attempt(database: Database, settings: Settings, world: World) -> Try:
    """Come back as somebody and give a secret: the login that was linked and opened, or None."""

    def go(secret: str, claims: Claims = WHO, at: timedelta = timedelta(0), token: str | None = None) -> str | None:
        now = NOW + at
        with database.transaction() as session:
            token = token or openid_sign_ins.ask(session, claims, now)
        if token is None:
            return None
        with database.transaction() as session:
            found, candidate = openid_sign_ins.attempt_link(session, settings, token, ADDRESS, now)
        right = sessions.password_matches(secret, candidate.password_hash)
        with database.transaction() as session:
            account = openid_sign_ins.link_own(
                session, found, candidate, secret, password_right=right, address=ADDRESS, now=now
            )
            return account[1].login if account else None

    return go


def permit(database: Database, settings: Settings, world: World, login: str = "handler") -> None:
    with database.transaction() as session:
        actor = actor_of(database, world, "system_admin")
        identities.permit(session, settings, actor, world.users[login], 1, now=NOW)


class TestLinkOwn:
    def test_takes_the_claim_and_the_password(
        self, database: Database, settings: Settings, world: World, attempt: Try
    ) -> None:
        permit(database, settings, world)
        assert attempt(PASSWORD) == "handler"
        assert opens(database) == "handler"
        with database.reading() as session:
            event = session.exec(select(Event).where(Event.verb == "user.link_identity")).one()
            assert session.get_one(User, world.users["handler"]).link_until is None
        assert (event.actor_id, event.after) == (world.users["handler"], {"by": "person"})

    def test_takes_a_printed_code_once_instead(
        self, database: Database, settings: Settings, world: World, attempt: Try
    ) -> None:
        permit(database, settings, world)
        with database.transaction() as session:
            actor = actor_of(database, world, "system_admin")
            code = passwords.issue_code(session, actor, world.users["handler"], now=NOW).code
        assert attempt(code.lower()) == "handler"
        assert attempt(code) is None

    @pytest.mark.parametrize("secret", ["wrong", "", "2222-2222-2222"])
    def test_a_claim_alone_takes_nothing_over(
        self, database: Database, settings: Settings, world: World, attempt: Try, secret: str
    ) -> None:
        permit(database, settings, world)
        assert attempt(secret) is None
        assert opens(database) is None

    def test_nothing_is_asked_for_an_account_that_was_not_opened_for_it(
        self, database: Database, settings: Settings, world: World, attempt: Try
    ) -> None:
        permit(database, settings, world, "leader")
        assert attempt(PASSWORD) is None
        with database.reading() as session:
            assert session.exec(select(PendingLink)).all() == []

    @pytest.mark.parametrize("login", ["", "nobody", "handler\u200b", "%", "handler' OR 1=1"])
    def test_nothing_is_asked_for_another_claim(
        self, database: Database, settings: Settings, world: World, attempt: Try, login: str
    ) -> None:
        permit(database, settings, world)
        assert attempt(PASSWORD, Claims(ISSUER, WHO.subject, login)) is None

    def test_ends_after_a_week(self, database: Database, settings: Settings, world: World, attempt: Try) -> None:
        permit(database, settings, world)
        assert attempt(PASSWORD, at=timedelta(days=identities.PERMIT_DAYS)) is None

    def test_replaces_no_link(self, database: Database, settings: Settings, world: World, attempt: Try) -> None:
        permit(database, settings, world)
        with database.transaction() as session:
            token = openid_sign_ins.ask(session, Claims(ISSUER, "9-handler", "handler"), NOW)
        assert attempt(PASSWORD) == "handler"
        with pytest.raises(FlowOver):
            attempt(PASSWORD, token=token)
        assert opens(database, Claims(ISSUER, "9-handler", "handler")) is None

    def test_is_throttled_as_signing_in(
        self, database: Database, settings: Settings, world: World, attempt: Try
    ) -> None:
        permit(database, settings, world)
        for _ in range(settings.sign_in_tries):
            assert attempt("wrong") is None
        with pytest.raises(throttles.SignInThrottled):
            attempt(PASSWORD)


class TestFlow:
    def test_comes_back_once_to_the_browser_that_left(self, database: Database) -> None:
        with database.transaction() as session:
            left = openid_sign_ins.depart(session, ADDRESS, "/tasks", NOW)
        with database.transaction() as session:
            assert openid_sign_ins.come_back(session, left.state, "another browser", NOW) is None
            assert openid_sign_ins.come_back(session, "another state", left.browser, NOW) is None
        with database.transaction() as session:
            back = openid_sign_ins.come_back(session, left.state, left.browser, NOW)
        assert back == openid_sign_ins.Return(left.nonce, left.verifier, "/tasks")
        with database.transaction() as session:
            assert openid_sign_ins.come_back(session, left.state, left.browser, NOW) is None

    def test_ends_after_ten_minutes(self, database: Database) -> None:
        with database.transaction() as session:
            left = openid_sign_ins.depart(session, ADDRESS, "/", NOW)
        late = NOW + timedelta(minutes=openid_sign_ins.FLOW_MINUTES)
        with database.transaction() as session:
            assert openid_sign_ins.come_back(session, left.state, left.browser, late) is None
            assert openid_sign_ins.sweep(session, late, 10) == 1

    def test_keeps_nothing_that_would_do_without_the_browser(self, database: Database) -> None:
        with database.transaction() as session:
            left = openid_sign_ins.depart(session, ADDRESS, "/", NOW)
        with database.reading() as session:
            kept = str(session.exec(select(SignInFlow)).one().model_dump())
        assert not [part for part in (left.state, left.browser, left.verifier) if part in kept]

    def test_does_not_fill_the_store_from_one_address(self, database: Database) -> None:
        with database.transaction() as session:
            for _ in range(200):
                openid_sign_ins.depart(session, ADDRESS, "/", NOW)
            session.flush()
            with pytest.raises(throttles.SignInThrottled):
                openid_sign_ins.depart(session, ADDRESS, "/", NOW)
            openid_sign_ins.depart(session, "10.0.0.10", "/", NOW)
