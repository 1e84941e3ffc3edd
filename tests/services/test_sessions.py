"""Signing in: limits on time and tries, one sentence for every refusal, and sessions that can be ended."""

import json
from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from app.database import Database
from app.models import Event, Throttle, User, UserSession
from app.permissions import system_actor
from app.services import events, sessions, sign_ins, throttles
from app.services.sessions import Duty
from app.settings import Settings
from app.vault import digest
from tests.factories import NOW, PASSWORD, SYSTEM, TODAY, World, actor_of, session_token

ADDRESS = "10.0.0.9"


def sign_in(database: Database, settings: Settings, login: str, password: str, now: datetime = NOW) -> str | None:
    """The three steps of a sign-in, as the router takes them; the cookie, or None."""
    with database.transaction() as session:
        candidate = sessions.attempt(session, settings, login, ADDRESS, now)
    right = sessions.password_matches(password, candidate.password_hash)
    with database.transaction() as session:
        standing = sessions.standing(session, candidate, ADDRESS, now) if right else None
        if standing is None:
            sessions.note_failure(session, system_actor(TODAY), login)
            return None
        opened = sign_ins.after_first_step(session, settings, *standing, browser="x" * 500, now=now)
    assert isinstance(opened, sessions.Opened)
    return opened.token


def resolve(database: Database, settings: Settings, token: str, now: datetime) -> sessions.Found | None:
    with database.reading() as session:
        return sessions.resolve(session, settings, token, now, address="", request_id="")


def change(database: Database, world: World, login: str, **values: object) -> None:
    with database.transaction() as session:
        user = session.get_one(User, world.users[login])
        for name, value in values.items():
            setattr(user, name, value)
        events.record(session, SYSTEM, "user.update", user)


def test_a_login_that_nobody_has_costs_as_much_as_another() -> None:
    """A cheaper comparison would tell by its time which logins there are."""
    compared, made = (text.split("$")[1:4] for text in (sessions._NOBODY, sessions.hash_password("any password")))
    assert compared == made
    assert not sessions.password_matches("any password", "")


class TestOpenSession:
    def test_opens_for_any_spelling_of_the_login(self, database: Database, settings: Settings) -> None:
        token = sign_in(database, settings, "Coordinator", PASSWORD)
        assert token is not None
        found = resolve(database, settings, token, NOW)
        assert found is not None
        assert found.actor.name == "统筹员"

    def test_keeps_only_the_digest_of_the_cookie(self, database: Database, settings: Settings) -> None:
        token = sign_in(database, settings, "handler", PASSWORD)
        assert token is not None
        with database.reading() as session:
            row = session.exec(select(UserSession).where(UserSession.token_hash == digest(token))).one()
        assert token not in str(row.model_dump())
        assert len(row.csrf) >= 32

    @pytest.mark.parametrize(
        "closed",
        [{"active": False}, {"expires_on": TODAY - timedelta(days=1)}, {"kind": "service"}, {"password_hash": ""}],
    )
    def test_stays_shut_for_an_account_that_does_not_open(
        self, database: Database, settings: Settings, world: World, closed: dict[str, object]
    ) -> None:
        change(database, world, "handler", **closed)
        assert sign_in(database, settings, "handler", PASSWORD) is None

    def test_opens_on_the_last_day(self, database: Database, settings: Settings, world: World) -> None:
        change(database, world, "handler", expires_on=TODAY)
        assert sign_in(database, settings, "handler", PASSWORD) is not None

    def test_never_writes_the_password(
        self, database: Database, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        sign_in(database, settings, "handler", "Wrong-Secret-99")
        sign_in(database, settings, "handler", PASSWORD)
        with database.reading() as session:
            log = json.dumps([event.model_dump(mode="json") for event in session.exec(select(Event))])
        assert "session.refuse" in log
        assert "session.open" in log
        assert "Wrong-Secret-99" not in log + caplog.text
        assert PASSWORD not in log + caplog.text


class TestThrottle:
    def test_makes_an_account_wait_after_its_tries(self, database: Database, settings: Settings) -> None:
        for _ in range(settings.sign_in_tries):
            assert sign_in(database, settings, "handler", "wrong") is None
        with pytest.raises(throttles.SignInThrottled):
            sign_in(database, settings, "HANDLER", PASSWORD)
        after = NOW + timedelta(minutes=settings.sign_in_wait_minutes, seconds=1)
        assert sign_in(database, settings, "handler", PASSWORD, after) is not None

    def test_counts_a_login_that_nobody_has_alike(self, database: Database, settings: Settings) -> None:
        for _ in range(settings.sign_in_tries):
            assert sign_in(database, settings, "no-such-login", "wrong") is None
        with pytest.raises(throttles.SignInThrottled):
            sign_in(database, settings, "no-such-login", "wrong")

    def test_is_shared_by_all_processes(self, database: Database, settings: Settings) -> None:
        other = Database(settings)
        for number in range(settings.sign_in_tries):
            sign_in(other if number % 2 else database, settings, "handler", "wrong")
        for store in (database, other):
            with pytest.raises(throttles.SignInThrottled):
                sign_in(store, settings, "handler", PASSWORD)
        other.dispose()

    def test_counts_before_the_password_is_checked(self, database: Database, settings: Settings) -> None:
        """A burst of requests cannot all be checked before the first is counted."""
        for _ in range(settings.sign_in_tries):
            with database.transaction() as session:
                sessions.attempt(session, settings, "handler", ADDRESS, NOW)
        with pytest.raises(throttles.SignInThrottled), database.transaction() as session:
            sessions.attempt(session, settings, "handler", ADDRESS, NOW)

    def test_forgets_the_tries_after_success(self, database: Database, settings: Settings) -> None:
        for _ in range(3):
            for _ in range(settings.sign_in_tries - 1):
                sign_in(database, settings, "handler", "wrong")
            assert sign_in(database, settings, "handler", PASSWORD) is not None

    def test_makes_an_address_wait_that_tries_many_accounts(self, database: Database, settings: Settings) -> None:
        for number in range(settings.sign_in_tries * 10):
            with database.transaction() as session:
                sessions.attempt(session, settings, f"someone-{number}", ADDRESS, NOW)
        with pytest.raises(throttles.SignInThrottled):
            sign_in(database, settings, "handler", PASSWORD)
        with database.transaction() as session:
            sessions.attempt(session, settings, "handler", "10.0.0.10", NOW)

    def test_gives_an_address_back_what_was_right(self, database: Database, settings: Settings) -> None:
        for _ in range(3):
            sign_in(database, settings, "handler", PASSWORD)
        with database.reading() as session:
            assert session.get_one(Throttle, f"address:{ADDRESS}").failures == 0

    def test_keeps_no_login_in_clear(self, database: Database, settings: Settings) -> None:
        sign_in(database, settings, "handler", "wrong")
        with database.reading() as session:
            assert not [row for row in session.exec(select(Throttle)) if "handler" in row.key]


class TestLimits:
    def test_ends_after_the_idle_limit(self, database: Database, settings: Settings) -> None:
        token = sign_in(database, settings, "handler", PASSWORD)
        idle = timedelta(minutes=settings.session_idle_minutes)
        assert token is not None
        assert resolve(database, settings, token, NOW + idle - timedelta(seconds=1)) is not None
        assert resolve(database, settings, token, NOW + idle) is None

    def test_ends_after_the_absolute_limit_however_busy(self, database: Database, settings: Settings) -> None:
        token = sign_in(database, settings, "handler", PASSWORD)
        assert token is not None
        at, end = NOW, NOW + timedelta(hours=settings.session_absolute_hours)
        while (found := resolve(database, settings, token, at)) is not None:
            with database.transaction() as session:
                sessions.touch(session, found.actor, at)
            at += timedelta(minutes=30)
        assert at == end

    def test_does_not_end_a_session_in_use_where_the_limit_is_short(
        self, database: Database, settings: Settings
    ) -> None:
        short = settings.model_copy(update={"session_idle_minutes": 5})
        token = sign_in(database, short, "handler", PASSWORD)
        assert token is not None
        for minute in range(1, 30):
            at = NOW + timedelta(minutes=minute)
            found = resolve(database, short, token, at)
            assert found is not None
            if found.is_stale:
                with database.transaction() as session:
                    sessions.touch(session, found.actor, at)

    def test_ends_with_the_account(self, database: Database, settings: Settings, world: World) -> None:
        token = sign_in(database, settings, "handler", PASSWORD)
        change(database, world, "handler", active=False)
        assert token is not None
        assert resolve(database, settings, token, NOW) is None


class TestDuty:
    @pytest.mark.parametrize(
        ("login", "values", "asked", "duty"),
        [
            ("handler", {}, {}, None),
            ("handler", {"must_change_password": True}, {}, Duty.PASSWORD),
            ("handler", {}, {"password_max_age_days": 90}, None),
            (
                "handler",
                {"password_changed_at": NOW - timedelta(days=91)},
                {"password_max_age_days": 90},
                Duty.PASSWORD,
            ),
            ("handler", {"password_changed_at": NOW - timedelta(days=89)}, {"password_max_age_days": 90}, None),
            ("handler", {"password_changed_at": NOW - timedelta(days=999)}, {}, None),
            ("handler", {}, {"second_factor": "administrators"}, None),
            ("system_admin", {}, {"second_factor": "administrators"}, Duty.SECOND_FACTOR),
            ("handler", {}, {"second_factor": "everybody"}, Duty.SECOND_FACTOR),
            ("handler", {"must_change_password": True}, {"second_factor": "everybody"}, Duty.PASSWORD),
        ],
    )
    def test_comes_from_the_account_and_the_settings(
        self,
        database: Database,
        settings: Settings,
        world: World,
        login: str,
        values: dict[str, object],
        asked: dict[str, object],
        duty: Duty | None,
    ) -> None:
        change(database, world, login, **{"phone": "110", **values})
        chosen = settings.model_copy(update=asked)
        token = sign_in(database, chosen, login, PASSWORD)
        assert token is not None
        found = resolve(database, chosen, token, NOW)
        assert found is not None
        assert found.duty is duty


class TestRevoke:
    def test_ends_one_of_ones_own(self, database: Database, settings: Settings, world: World) -> None:
        token = sign_in(database, settings, "handler", PASSWORD)
        assert token is not None
        actor = actor_of(database, world, "handler")
        with database.reading() as session:
            first = sessions.own(session, settings, actor, NOW, limit=10, cursor=None).rows[0].id
        with database.transaction() as session:
            sessions.revoke(session, actor, first, NOW)
        assert resolve(database, settings, token, NOW) is None

    def test_finds_nobody_elses(self, database: Database, world: World) -> None:
        with database.reading() as session:
            theirs = session.exec(select(UserSession).where(UserSession.user_id == world.users["leader"])).one()
        with pytest.raises(sessions.NotFound), database.transaction() as session:
            sessions.revoke(session, actor_of(database, world, "handler"), theirs.id or 0, NOW)

    def test_leaves_the_one_that_asks(self, database: Database, settings: Settings) -> None:
        kept, other = (sign_in(database, settings, "handler", PASSWORD) for _ in range(2))
        assert kept is not None
        assert other is not None
        found = resolve(database, settings, kept, NOW)
        assert found is not None
        with database.transaction() as session:
            sessions.revoke_others(session, found.actor, NOW)
        assert resolve(database, settings, kept, NOW) is not None
        assert resolve(database, settings, other, NOW) is None
        assert resolve(database, settings, session_token("leader"), datetime.now(NOW.tzinfo)) is not None
