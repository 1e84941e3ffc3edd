"""Sweeping: what is over goes, what is not stays."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlmodel import SQLModel

from app.adapters import storage
from app.clock import now
from app.database import Database
from app.models import IdempotencyKey, Job, JobState, Throttle, UserSession, WorkerSign
from app.services.work import KINDS, SCHEDULES, sweeping
from app.settings import Settings
from app.worker import Worker
from tests.factories import World


def count(database: Database, model: type[SQLModel]) -> int:
    with database.reading() as session:
        return session.connection().scalar(select(func.count()).select_from(model)) or 0


def test_removes_what_is_over_and_nothing_else(
    settings: Settings, database: Database, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "AT_ONCE", 2)
    present = now()
    sessions = count(database, UserSession)
    with database.transaction() as session:
        for age in (timedelta(minutes=1), timedelta(days=500)):
            for number in range(3):
                at, name = present - age, f"{age.days}-{number}"
                ended = {"user_id": world.users["handler"], "token_hash": name, "csrf": "x", "expires_at": at}
                session.add(UserSession(**ended))
                session.add(Throttle(key=name, first_at=at))
                session.add(IdempotencyKey(digest=name, body_hash="x", created_at=at))
                session.add(Job(kind="old", state=JobState.DEAD, run_at=at))
                session.add(WorkerSign(name=name, started_at=at, seen_at=at))
        session.add(Throttle(key="waits", first_at=present - timedelta(days=500), blocked_until=present + timedelta(1)))
    kinds = {"sweep": KINDS["sweep"]}
    schedules = [schedule for schedule in SCHEDULES if schedule.kind == "sweep"]
    worker = Worker(settings, database, storage.from_settings(settings), kinds=kinds, schedules=schedules)
    worker.run(until_idle=True)
    assert count(database, UserSession) == sessions + 3
    assert count(database, Throttle) == 3 + 1
    assert count(database, IdempotencyKey) == 3
    # Three that are young, and the sweep itself.
    assert count(database, Job) == 3 + 1
    assert count(database, WorkerSign) == 3
