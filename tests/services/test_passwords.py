"""A password changes hands only by the present one or by a printed code."""

from datetime import timedelta

import pytest
from sqlmodel import select

from app.database import Database
from app.errors import Forbidden
from app.models import Event, ResetCode, User, UserSession
from app.permissions import Actor, system_actor
from app.rules.passwords import PasswordUnchanged
from app.services import administrators, events, passwords, sessions
from app.services.sessions import Candidate
from app.settings import Settings, load
from tests.conftest import SECRET
from tests.factories import NOW, PASSWORD, SYSTEM, TODAY, World, actor_of

NEW = "Another-Word-42"
SETTINGS = load(mode="test", secret_key=SECRET)


def issue(database: Database, world: World, login: str = "handler", by: str = "system_admin") -> passwords.Issued:
    with database.transaction() as session:
        return passwords.issue_code(session, actor_of(database, world, by), world.users[login], now=NOW)


def redeem(database: Database, user_id: int | None, code: str, *, unchanged: bool = False, now: object = NOW) -> bool:
    with database.transaction() as session:
        user = session.get(User, user_id) if user_id else None
        return passwords.redeem(
            session,
            SETTINGS,
            Candidate(user_id, user.password_hash if user else ""),
            code,
            "new-hash",
            unchanged=unchanged,
            login=user.login if user else "x",
            actor=system_actor(TODAY),
            now=now,  # type: ignore[arg-type]
        )


class TestIssueCode:
    def test_keeps_only_the_digest(self, database: Database, world: World) -> None:
        issued = issue(database, world)
        with database.reading() as session:
            row = session.exec(select(ResetCode)).one()
            log = str([event.model_dump() for event in session.exec(select(Event))])
        assert issued.code not in str(row.model_dump()) + log
        assert issued.code.replace("-", "") not in str(row.model_dump()) + log
        assert issued.expires_at == NOW + timedelta(hours=24)

    def test_ends_older_codes(self, database: Database, world: World) -> None:
        old, new = issue(database, world), issue(database, world)
        assert redeem(database, world.users["handler"], old.code) is False
        assert redeem(database, world.users["handler"], new.code) is True

    @pytest.mark.parametrize("by", ["security_admin", "coordinator", "unit_head"])
    def test_belongs_to_the_system_administrator(self, database: Database, world: World, by: str) -> None:
        with pytest.raises(Forbidden):
            issue(database, world, by=by)

    def test_refuses_a_service_account(self, database: Database, world: World) -> None:
        with database.transaction() as session:
            session.get_one(User, world.users["handler"]).kind = "service"  # type: ignore[assignment]
            events.record(session, SYSTEM, "user.update")
        with pytest.raises(administrators.NotAPerson):
            issue(database, world)


class TestRedeem:
    def test_works_once_and_ends_every_session(self, database: Database, world: World) -> None:
        code, user_id = issue(database, world).code, world.users["handler"]
        assert redeem(database, user_id, f" {code.lower()} ") is True
        assert redeem(database, user_id, code) is False
        with database.reading() as session:
            user = session.get_one(User, user_id)
            assert session.exec(select(UserSession).where(UserSession.user_id == user_id)).one().revoked_at == NOW
        assert (user.password_hash, user.must_change_password) == ("new-hash", False)

    def test_ends_after_24_hours(self, database: Database, world: World) -> None:
        code = issue(database, world).code
        assert redeem(database, world.users["handler"], code, now=NOW + timedelta(hours=24)) is False

    def test_opens_no_other_account(self, database: Database, world: World) -> None:
        code = issue(database, world).code
        assert redeem(database, world.users["coordinator"], code) is False
        assert redeem(database, None, code) is False

    def test_opens_no_closed_account(self, database: Database, world: World) -> None:
        code = issue(database, world).code
        with database.transaction() as session:
            session.get_one(User, world.users["handler"]).active = False
            events.record(session, SYSTEM, "user.close")
        assert redeem(database, world.users["handler"], code) is False

    def test_tells_only_the_right_code_that_the_password_is_the_old_one(self, database: Database, world: World) -> None:
        """Otherwise the form would say to anybody whether a password is somebody's."""
        code = issue(database, world).code
        assert redeem(database, world.users["handler"], "2222-2222-2222", unchanged=True) is False
        with pytest.raises(PasswordUnchanged):
            redeem(database, world.users["handler"], code, unchanged=True)
        assert redeem(database, world.users["handler"], code) is True


class TestChange:
    def test_ends_the_other_sessions_and_the_printed_codes(
        self, database: Database, settings: Settings, world: World
    ) -> None:
        code = issue(database, world).code
        with database.reading() as session:
            own = session.exec(select(UserSession).where(UserSession.user_id == world.users["handler"])).one()
            session.expunge_all()
        with database.transaction() as session:
            session.add(
                UserSession(user_id=own.user_id, token_hash="other", csrf="x", expires_at=NOW + timedelta(hours=1))
            )
        actor = Actor(own.user_id, "承办员", TODAY, session_id=own.id)
        with database.transaction() as session:
            _, candidate = passwords.attempt_change(session, settings, actor, NOW)
        passwords.check_change(candidate, PASSWORD, NEW)
        with database.transaction() as session:
            passwords.change(session, actor, candidate, "new-hash", now=NOW)
        with database.reading() as session:
            ended = {
                row.token_hash: row.revoked_at
                for row in session.exec(select(UserSession))
                if row.user_id == own.user_id
            }
        assert ended == {own.token_hash: None, "other": NOW}
        assert redeem(database, own.user_id, code) is False

    def test_refuses_a_wrong_present_one_and_the_same_again(self) -> None:
        candidate = Candidate(1, sessions.hash_password(PASSWORD))
        with pytest.raises(passwords.PresentPasswordWrong):
            passwords.check_change(candidate, "wrong", NEW)
        with pytest.raises(PasswordUnchanged):
            passwords.check_change(candidate, PASSWORD, PASSWORD)

    def test_refuses_what_was_changed_in_between(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "handler")
        with pytest.raises(passwords.PresentPasswordWrong), database.transaction() as session:
            passwords.change(session, actor, Candidate(actor.user_id, "older-hash"), "new-hash", now=NOW)

    def test_counts_tries_like_a_sign_in(self, database: Database, settings: Settings, world: World) -> None:
        actor = actor_of(database, world, "handler")
        for _ in range(settings.sign_in_tries):
            with database.transaction() as session:
                passwords.attempt_change(session, settings, actor, NOW)
        with pytest.raises(passwords.throttles.SignInThrottled), database.transaction() as session:
            passwords.attempt_change(session, settings, actor, NOW)


class TestCommon:
    def test_holds_lower_case_words_only(self) -> None:
        assert len(passwords.common()) > 90
        assert all(word == word.lower() for word in passwords.common())
