"""A second factor: its secret stays secret, its codes open once, and each reset is seen."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pyotp
import pytest
from sqlmodel import select

from app.database import Database
from app.errors import Forbidden
from app.models import Event, RecoveryCode, SecondFactor, User, UserSession
from app.services import events, second_factors, sessions, users
from app.services.second_factors import CodeRefused, EnrolmentOver, NoSecondFactor, SecondFactorStands
from app.settings import Settings
from tests.factories import NOW, SYSTEM, World, actor_of

LATER = NOW + timedelta(minutes=2)


def code_at(secret: str, now: datetime) -> str:
    return pyotp.TOTP(secret).at(now)


def enrol(
    database: Database, settings: Settings, world: World, login: str = "handler", now: datetime = NOW
) -> tuple[str, list[str]]:
    """Add a factor; gives its secret and its recovery codes."""
    actor = actor_of(database, world, login)
    with database.transaction() as session:
        begun = second_factors.begin(session, settings, actor, now)
    with database.transaction() as session:
        codes = second_factors.confirm(session, settings, actor, begun.enrolment, code_at(begun.secret, now), now=now)
    return begun.secret, codes


def check(database: Database, world: World, code: str, now: datetime = LATER, login: str = "handler") -> str | None:
    with database.transaction() as session:
        user = session.get_one(User, world.users[login], with_for_update=True)
        factor = second_factors.check(session, user.key, code, now)
        if factor == "recovery_code":
            events.record(session, SYSTEM, "user.use_recovery_code", user)
    return factor


class TestAdding:
    def test_stores_the_secret_encrypted_and_writes_it_nowhere(
        self, database: Database, settings: Settings, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        secret, codes = enrol(database, settings, world)
        with database.reading() as session:
            row = session.exec(select(SecondFactor)).one()
            log = json.dumps([event.model_dump(mode="json") for event in session.exec(select(Event))])
            kept = [row.code_hash for row in session.exec(select(RecoveryCode))]
        assert "user.add_second_factor" in log
        assert '"sealed_secret": "(secret)"' in log
        for hidden in (secret, row.sealed_secret, *codes, *kept):
            assert hidden not in log + caplog.text
        assert secret not in row.sealed_secret
        assert not set(codes) & set(kept)
        assert len(set(codes)) == 10

    def test_ends_the_other_sessions_and_marks_this_one(
        self, database: Database, settings: Settings, world: World
    ) -> None:
        user_id = world.users["handler"]
        with database.transaction() as session:
            user = session.get_one(User, user_id)
            actor = actor_of(database, world, "handler")
            opened = sessions.open_for(session, settings, actor, user, browser="", now=NOW)
            session.flush()
            mine = session.exec(select(UserSession.id).order_by(UserSession.id.desc())).first()  # type: ignore[union-attr]
        assert opened.user_id == user_id
        actor = dataclasses.replace(actor, session_id=mine)
        with database.transaction() as session:
            begun = second_factors.begin(session, settings, actor, NOW)
            second_factors.confirm(session, settings, actor, begun.enrolment, code_at(begun.secret, NOW), now=NOW)
        with database.reading() as session:
            rows = session.exec(select(UserSession).where(UserSession.user_id == user_id)).all()
        assert {row.id == mine: (row.revoked_at is None, row.second_factor_at is not None) for row in rows} == {
            True: (True, True),
            False: (False, False),
        }

    def test_belongs_to_who_began_it(self, database: Database, settings: Settings, world: World) -> None:
        with database.transaction() as session:
            begun = second_factors.begin(session, settings, actor_of(database, world, "leader"), NOW)
        with pytest.raises(EnrolmentOver), database.transaction() as session:
            second_factors.confirm(
                session,
                settings,
                actor_of(database, world, "handler"),
                begun.enrolment,
                code_at(begun.secret, NOW),
                now=NOW,
            )

    @pytest.mark.parametrize("given", ["", "nonsense", "é", "QUJD"])
    def test_refuses_an_enrolment_of_nobody(
        self, database: Database, settings: Settings, world: World, given: str
    ) -> None:
        with pytest.raises(EnrolmentOver), database.transaction() as session:
            second_factors.confirm(session, settings, actor_of(database, world, "handler"), given, "1", now=NOW)

    def test_ends_after_a_quarter_of_an_hour(self, database: Database, settings: Settings, world: World) -> None:
        actor = actor_of(database, world, "handler")
        with database.transaction() as session:
            begun = second_factors.begin(session, settings, actor, NOW)
        late = NOW + timedelta(minutes=second_factors.MINUTES)
        with pytest.raises(EnrolmentOver), database.transaction() as session:
            second_factors.confirm(session, settings, actor, begun.enrolment, code_at(begun.secret, late), now=late)

    def test_wants_a_right_code(self, database: Database, settings: Settings, world: World) -> None:
        actor = actor_of(database, world, "handler")
        with database.transaction() as session:
            begun = second_factors.begin(session, settings, actor, NOW)
        old = code_at(begun.secret, NOW - timedelta(minutes=5))
        with pytest.raises(CodeRefused), database.transaction() as session:
            second_factors.confirm(session, settings, actor, begun.enrolment, old, now=NOW)
        with database.reading() as session:
            assert session.exec(select(SecondFactor)).all() == []

    def test_does_not_replace_the_one_that_stands(self, database: Database, settings: Settings, world: World) -> None:
        actor = actor_of(database, world, "handler")
        with database.transaction() as session:
            begun = second_factors.begin(session, settings, actor, NOW)
        enrol(database, settings, world)
        with pytest.raises(SecondFactorStands), database.transaction() as session:
            second_factors.begin(session, settings, actor, LATER)
        code = code_at(begun.secret, LATER)
        with pytest.raises(SecondFactorStands), database.transaction() as session:
            second_factors.confirm(session, settings, actor, begun.enrolment, code, now=LATER)


class TestCodes:
    def test_open_once(self, database: Database, settings: Settings, world: World) -> None:
        secret, _ = enrol(database, settings, world)
        assert check(database, world, code_at(secret, NOW)) is None, "the code that added it"
        assert check(database, world, code_at(secret, LATER)) == "totp"
        assert check(database, world, code_at(secret, LATER)) is None
        earlier = code_at(secret, LATER - timedelta(seconds=30))
        assert check(database, world, earlier) is None, "one before the one that was taken"

    def test_open_once_for_two_who_come_together(self, database: Database, settings: Settings, world: World) -> None:
        secret, codes = enrol(database, settings, world)
        for code in (code_at(secret, LATER), codes[0]):
            with ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(lambda given: check(database, world, given), [code] * 4))
            assert len([answer for answer in answers if answer]) == 1

    def test_printed_ones_open_once_however_typed(self, database: Database, settings: Settings, world: World) -> None:
        _, codes = enrol(database, settings, world)
        assert check(database, world, f" {codes[3].lower().replace('-', ' ')} ") == "recovery_code"
        assert check(database, world, codes[3]) is None
        assert check(database, world, codes[4]) == "recovery_code"

    def test_of_one_account_open_no_other(self, database: Database, settings: Settings, world: World) -> None:
        secret, codes = enrol(database, settings, world)
        enrol(database, settings, world, "leader")
        assert check(database, world, code_at(secret, LATER), login="leader") is None
        assert check(database, world, codes[0], login="leader") is None

    def test_open_nothing_where_a_row_was_copied(self, database: Database, settings: Settings, world: World) -> None:
        """Whoever can write to the store puts the own secret at another's account, and gets nowhere."""
        secret, _ = enrol(database, settings, world)
        enrol(database, settings, world, "leader")
        with database.transaction() as session:
            rows = {row.user_id: row for row in session.exec(select(SecondFactor))}
            rows[world.users["leader"]].sealed_secret = rows[world.users["handler"]].sealed_secret
            events.record(session, SYSTEM, "demo.build")
        assert check(database, world, code_at(secret, LATER), login="leader") is None


class TestRenewing:
    def test_ends_the_old_codes(self, database: Database, settings: Settings, world: World) -> None:
        secret, old = enrol(database, settings, world)
        actor = actor_of(database, world, "handler")
        with database.transaction() as session:
            new = second_factors.renew_codes(session, actor, code_at(secret, LATER), now=LATER)
        assert new is not None
        assert not set(new) & set(old)
        assert check(database, world, old[0]) is None
        assert check(database, world, new[0]) == "recovery_code"


class TestRemoving:
    def test_wants_a_code_and_leaves_nothing(self, database: Database, settings: Settings, world: World) -> None:
        secret, _ = enrol(database, settings, world)
        actor = actor_of(database, world, "handler")
        with database.transaction() as session:
            assert second_factors.remove(session, actor, "000000", now=LATER) is False
        with database.transaction() as session:
            assert second_factors.remove(session, actor, code_at(secret, LATER), now=LATER) is True
        with database.reading() as session:
            assert session.exec(select(SecondFactor)).all() == []
            assert session.exec(select(RecoveryCode)).all() == []
        with pytest.raises(NoSecondFactor), database.transaction() as session:
            second_factors.remove(session, actor, "000000", now=LATER)
        enrol(database, settings, world, now=LATER)


class TestReset:
    def reset(self, database: Database, world: World, by: str, login: str = "handler", reason: str = "遗失") -> None:
        with database.transaction() as session:
            actor = actor_of(database, world, by)
            second_factors.reset(session, actor, world.users[login], 1, reason=reason, now=LATER)

    def test_ends_factor_and_sessions(self, database: Database, settings: Settings, world: World) -> None:
        enrol(database, settings, world)
        self.reset(database, world, "system_admin")
        with database.reading() as session:
            assert session.exec(select(SecondFactor)).all() == []
            of_handler = UserSession.user_id == world.users["handler"]
            assert all(row.revoked_at for row in session.exec(select(UserSession).where(of_handler)))

    @pytest.mark.parametrize("by", ["security_admin", "audit_admin", "coordinator", "handler", "inspector"])
    def test_belongs_to_the_system_administrator(
        self, database: Database, settings: Settings, world: World, by: str
    ) -> None:
        enrol(database, settings, world)
        with pytest.raises(Forbidden):
            self.reset(database, world, by)

    def test_is_not_for_ones_own(self, database: Database, settings: Settings, world: World) -> None:
        enrol(database, settings, world, "system_admin")
        with pytest.raises(users.OwnAccount):
            self.reset(database, world, "system_admin", "system_admin")

    def test_wants_a_factor(self, database: Database, world: World) -> None:
        with pytest.raises(NoSecondFactor):
            self.reset(database, world, "system_admin")

    @pytest.mark.parametrize("reader", ["system_admin", "security_admin", "audit_admin"])
    def test_is_seen_by_the_three(self, database: Database, settings: Settings, world: World, reader: str) -> None:
        enrol(database, settings, world)
        self.reset(database, world, "system_admin", reason="手机遗失，当面核实")
        with database.reading() as session:
            rows = second_factors.resets(session, actor_of(database, world, reader), limit=10, cursor=None).rows
        (row,) = rows
        assert (row.user_name, row.actor_name, row.reason, row.at) == (
            "承办员",
            "系统管理员",
            "手机遗失，当面核实",
            LATER,
        )

    @pytest.mark.parametrize("reader", ["coordinator", "inspector", "handler", "auditor"])
    def test_is_hidden_from_everybody_else(self, database: Database, world: World, reader: str) -> None:
        with pytest.raises(Forbidden), database.reading() as session:
            second_factors.resets(session, actor_of(database, world, reader), limit=10, cursor=None)
