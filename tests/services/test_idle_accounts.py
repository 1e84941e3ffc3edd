"""Accounts that nobody uses are closed by themselves, and never the last one of a seat."""

from datetime import timedelta

import pytest
from sqlmodel import Session, col, delete, select

from app.adapters.storage import from_settings
from app.database import Database
from app.models import AccountUse, Event, Token, User, UserSession
from app.permissions import system_actor
from app.recording import bulk_update
from app.rules.schedules import Daily
from app.services import actors, events, idle_accounts, sessions, tokens, work
from app.settings import Settings
from tests.factories import NOW, SYSTEM, TODAY, World
from tests.personas import PERSONAS

DAYS = 90
WORKER = system_actor(TODAY, "worker")
SEATS = {"system_admin", "security_admin", "audit_admin"}


@pytest.fixture
def asked(settings: Settings) -> Settings:
    """Accounts are closed after ninety days."""
    return settings.model_copy(update={"account_idle_days": DAYS})


def age(session: Session, days: int) -> None:
    """Let every account be as old as that, unused and unchanged since."""
    session.connection().execute(delete(AccountUse))
    then = NOW - timedelta(days=days)
    # Through the door, but past the flush, which would set updated_at.
    for user in session.exec(select(User)).all():
        user.phone = "110"
    events.record(session, SYSTEM, "user.update")
    users: object = User.__table__  # type: ignore[attr-defined]
    bulk_update(session, users.update().values(created_at=then))  # type: ignore[attr-defined]
    events.record(session, SYSTEM, "user.update")
    session.connection().info["door"] = True
    session.connection().execute(users.update().values(updated_at=then))  # type: ignore[attr-defined]
    session.connection().info["door"] = False


def closed(database: Database, world: World, asked: Settings) -> set[str]:
    ids = {user_id: login for login, user_id in world.users.items()}
    return {ids[user_id] for user_id in idle_accounts.close_all(database, asked, WORKER, NOW)}


def test_closes_what_nobody_used_and_says_so(database: Database, world: World, asked: Settings) -> None:
    with database.transaction() as session:
        age(session, DAYS + 1)
    assert closed(database, world, asked) == set(PERSONAS) - SEATS
    with database.reading() as session:
        handler = session.get_one(User, world.users["handler"])
        event = session.exec(
            select(Event).where(Event.verb == "user.close_idle", Event.subject_id == world.users["handler"])
        ).one()
        token = session.exec(select(Token).where(Token.user_id == world.users["handler"])).one()
        live = session.exec(
            select(UserSession).where(
                UserSession.user_id == world.users["handler"], col(UserSession.revoked_at).is_(None)
            )
        ).all()
    assert not handler.active
    assert (event.after, event.channel, event.actor_id) == ({"days": DAYS}, "worker", None)
    assert token.revoked_at == NOW
    assert live == []
    assert closed(database, world, asked) == set(), "once"


def test_closes_all_but_the_last_of_a_seat(database: Database, world: World, asked: Settings) -> None:
    with database.transaction() as session:
        second = User(login="second", name="第二人", administrator=PERSONAS["system_admin"].administrator)
        session.add(second)
        events.record(session, SYSTEM, "user.create", second)
        age(session, DAYS + 1)
    closed(database, world, asked)
    with database.reading() as session:
        open_ones = {user.login for user in session.exec(select(User).where(col(User.active).is_(True)))}
    assert open_ones == {"second", "security_admin", "audit_admin"}


def test_closes_nothing_before_the_day(database: Database, world: World, asked: Settings) -> None:
    with database.transaction() as session:
        age(session, DAYS)
    assert closed(database, world, asked) == set()


def test_closes_nothing_without_the_setting(database: Database, world: World, settings: Settings) -> None:
    with database.transaction() as session:
        age(session, 4000)
    assert closed(database, world, settings) == set()


@pytest.mark.parametrize("use", ["session", "sign_in", "token", "change"])
def test_any_use_keeps_an_account(database: Database, world: World, asked: Settings, use: str) -> None:
    with database.transaction() as session:
        age(session, DAYS + 1)
    user_id, recent = world.users["handler"], NOW - timedelta(days=1)
    with database.transaction() as session:
        actor = actors.load(session, user_id, TODAY, session_id=1)
        assert actor is not None
        if use == "session":
            sessions.touch(session, actor, recent)
        elif use == "sign_in":
            sessions.open_for(session, asked, actor, session.get_one(User, user_id), browser="", now=recent)
        elif use == "token":
            token = session.exec(select(Token).where(Token.user_id == user_id)).one()
            tokens.note_use(session, token.key, user_id, recent)
        else:
            session.get_one(User, user_id).phone = "139"
            events.record(session, SYSTEM, "user.update")
    assert "handler" not in closed(database, world, asked)


def test_comes_by_itself_each_night_where_the_setting_says_so(
    database: Database, settings: Settings, asked: Settings, world: World
) -> None:
    (schedule,) = [one for one in work.SCHEDULES if one.name == "accounts.close_idle"]
    assert callable(schedule.when)
    assert schedule.when(settings) is None
    assert isinstance(schedule.when(asked), Daily)
    with database.transaction() as session:
        age(session, DAYS + 1)
    storage = from_settings(asked)
    job = work.Work(1, {}, database, asked, storage, NOW, WORKER, lambda done, total: None)
    work.KINDS[schedule.kind].run(job)
    with database.reading() as session:
        assert not session.get_one(User, world.users["handler"]).active
