"""Signing in by two steps: what is tried, what is counted, what ends a pending sign-in."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from app.database import Database
from app.models import Event, PendingSignIn, Throttle, User, UserSession
from app.services import events, second_factors, sessions, sign_ins, throttles
from app.settings import Settings
from tests.factories import NOW, SYSTEM, World, actor_of
from tests.services.test_second_factors import LATER, code_at, enrol

ADDRESS = "10.0.0.9"


def first(
    database: Database, settings: Settings, login: str = "handler", now: datetime = LATER, address: str = ADDRESS
) -> str:
    """The first step, its password found right; gives the cookie of the pending sign-in."""
    with database.transaction() as session:
        candidate = sessions.attempt(session, settings, login, address, now)
    # Comparing the password takes 0.15 s and is not what is tested here.
    with database.transaction() as session:
        standing = sessions.standing(session, candidate, address, now)
        assert standing is not None
        done = sign_ins.after_first_step(session, settings, *standing, browser="", now=now)
    assert isinstance(done, sign_ins.Pending), "there is no session before the second step"
    return done.token


def second(
    database: Database, settings: Settings, token: str, code: str, now: datetime = LATER, address: str = ADDRESS
) -> sessions.Opened | None:
    with database.transaction() as session:
        half = sign_ins.attempt(session, settings, token, address, now)
    with database.transaction() as session:
        return sign_ins.prove(session, settings, half, code, address=address, browser="", now=now)


def live(database: Database, settings: Settings, token: str, now: datetime = LATER) -> sessions.Found | None:
    with database.reading() as session:
        return sessions.resolve(session, settings, token, now, address="", request_id="")


def test_opens_a_session_that_says_when_the_factor_was_proven(
    database: Database, settings: Settings, world: World
) -> None:
    secret, _ = enrol(database, settings, world)
    opened = second(database, settings, first(database, settings), code_at(secret, LATER))
    assert opened is not None
    assert live(database, settings, opened.token) is not None
    with database.reading() as session:
        row = session.exec(select(UserSession).order_by(UserSession.id.desc())).first()  # type: ignore[union-attr]
        event = session.exec(select(Event).where(Event.verb == "session.open")).one()
    assert row is not None
    assert row.second_factor_at == LATER
    assert event.after == {"by": "password", "second_factor": "totp"}


def test_a_recovery_code_is_a_second_step_and_is_recorded(database: Database, settings: Settings, world: World) -> None:
    _, codes = enrol(database, settings, world)
    assert second(database, settings, first(database, settings), codes[0]) is not None
    with database.reading() as session:
        assert session.exec(select(Event).where(Event.verb == "user.use_recovery_code")).one().actor_id


def test_a_session_without_the_factor_ends_when_there_is_one(
    database: Database, settings: Settings, world: World
) -> None:
    """Also one that an older replica opened by the password alone."""
    with database.transaction() as session:
        candidate = sessions.attempt(session, settings, "handler", ADDRESS, NOW)
        standing = sessions.standing(session, candidate, ADDRESS, NOW)
        assert standing is not None
        opened = sessions.open_for(session, settings, *standing, browser="", now=NOW)
    assert live(database, settings, opened.token, NOW) is not None
    enrol(database, settings, world)
    with database.transaction() as session:
        for row in session.exec(select(UserSession)):
            row.revoked_at = None
    assert live(database, settings, opened.token, NOW) is None


class TestPending:
    def test_ends_with_the_first_right_code(self, database: Database, settings: Settings, world: World) -> None:
        secret, codes = enrol(database, settings, world)
        token = first(database, settings)
        assert second(database, settings, token, code_at(secret, LATER)) is not None
        with pytest.raises(sign_ins.SignInOver):
            second(database, settings, token, codes[0])

    def test_ends_after_five_minutes(self, database: Database, settings: Settings, world: World) -> None:
        _, codes = enrol(database, settings, world)
        token = first(database, settings)
        with pytest.raises(sign_ins.SignInOver):
            second(database, settings, token, codes[0], LATER + timedelta(minutes=sign_ins.MINUTES))

    @pytest.mark.parametrize(
        "change",
        [{"password_hash": "another"}, {"active": False}, {"expires_on": (LATER - timedelta(days=2)).date()}],
        ids=["password", "closed", "expired"],
    )
    def test_opens_nothing_once_the_account_has_changed(
        self, database: Database, settings: Settings, world: World, change: dict[str, object]
    ) -> None:
        _, codes = enrol(database, settings, world)
        token = first(database, settings)
        with database.transaction() as session:
            user = session.get_one(User, world.users["handler"])
            for name, value in change.items():
                setattr(user, name, value)
            events.record(session, SYSTEM, "user.update", user)
        assert second(database, settings, token, codes[0]) is None

    def test_opens_nothing_once_the_factor_is_gone(self, database: Database, settings: Settings, world: World) -> None:
        _, codes = enrol(database, settings, world)
        token = first(database, settings)
        with database.transaction() as session:
            by = actor_of(database, world, "system_admin")
            second_factors.reset(session, by, world.users["handler"], 1, reason="", now=LATER)
        assert second(database, settings, token, codes[0]) is None

    @pytest.mark.parametrize("token", ["", "nonsense", "session-of-handler"])
    def test_is_nothing_that_can_be_made_up(
        self, database: Database, settings: Settings, world: World, token: str
    ) -> None:
        with pytest.raises(sign_ins.SignInOver):
            second(database, settings, token, "000000")

    def test_keeps_only_the_digest_of_its_cookie(self, database: Database, settings: Settings, world: World) -> None:
        enrol(database, settings, world)
        token = first(database, settings)
        with database.reading() as session:
            row = session.exec(select(PendingSignIn)).one()
        assert token not in str(row.model_dump())

    def test_is_swept_out_when_it_is_over(self, database: Database, settings: Settings, world: World) -> None:
        enrol(database, settings, world)
        first(database, settings)
        with database.transaction() as session:
            assert sign_ins.sweep(session, LATER, 10) == 0
            assert sign_ins.sweep(session, LATER + timedelta(minutes=sign_ins.MINUTES), 10) == 1

    def test_opens_one_session_for_two_who_come_together(
        self, database: Database, settings: Settings, world: World
    ) -> None:
        secret, _ = enrol(database, settings, world)
        tokens = [first(database, settings), first(database, settings)]

        def go(token: str) -> sessions.Opened | None:
            try:
                return second(database, settings, token, code_at(secret, LATER))
            except sign_ins.SignInOver:
                return None

        with ThreadPoolExecutor(2) as pool:
            opened = list(pool.map(go, tokens))
        assert len([one for one in opened if one]) == 1


def wrong_codes(database: Database, settings: Settings, logins: list[str]) -> int:
    """Both steps for each of ``logins``, the second with a wrong code: how many are answered before the throttle."""
    for number, login in enumerate(logins):
        try:
            assert second(database, settings, first(database, settings, login), "000000") is None
        except throttles.SignInThrottled:
            return number
    return len(logins)


class TestThrottle:
    def test_the_right_password_does_not_forgive_wrong_codes(
        self, database: Database, settings: Settings, world: World
    ) -> None:
        """Whoever knows the password gets as many codes as anybody gets passwords, and then waits."""
        enrol(database, settings, world)
        assert wrong_codes(database, settings, ["handler"] * settings.sign_in_tries * 3) == settings.sign_in_tries

    def test_a_right_sign_in_leaves_nothing_counted(self, database: Database, settings: Settings, world: World) -> None:
        _, codes = enrol(database, settings, world)
        for code in codes[: settings.sign_in_tries + 2]:
            assert second(database, settings, first(database, settings), code) is not None
        with database.reading() as session:
            counted = {row.key: row.failures for row in session.exec(select(Throttle))}
        assert set(counted.values()) <= {0}

    @pytest.mark.parametrize("factor", [False, True])
    def test_a_sign_in_at_a_provider_buys_no_tries(
        self, database: Database, settings: Settings, world: World, factor: bool
    ) -> None:
        """Otherwise an own account there would wipe out what an address has tried at other people's."""
        if factor:
            enrol(database, settings, world)
        for number in range(9):
            with database.transaction() as session:
                sessions.attempt(session, settings, f"someone-{number}", ADDRESS, LATER)
        with database.transaction() as session:
            candidate = sessions.Candidate(
                world.users["handler"], session.get_one(User, world.users["handler"]).password_hash
            )
            standing = sessions.standing(session, candidate, ADDRESS, LATER)
            assert standing is not None
            sign_ins.after_first_step(session, settings, *standing, browser="", now=LATER, by="openid")
        with database.reading() as session:
            assert session.get_one(Throttle, f"address:{ADDRESS}").failures == 9

    def test_the_last_try_of_the_password_leaves_one_for_the_code(
        self, database: Database, settings: Settings, world: World
    ) -> None:
        _, codes = enrol(database, settings, world)
        for _ in range(settings.sign_in_tries - 1):
            with database.transaction() as session:
                sessions.attempt(session, settings, "handler", ADDRESS, LATER)
        assert second(database, settings, first(database, settings), codes[0]) is not None

    def test_an_address_waits_that_tries_codes_of_many_accounts(
        self, database: Database, settings: Settings, world: World
    ) -> None:
        people = [name for name in world.users if name != "outsider"][:11]
        for login in people:
            enrol(database, settings, world, login)
        tries = [login for login in people for _ in range(settings.sign_in_tries)]
        assert wrong_codes(database, settings, tries) == settings.sign_in_tries * 10
