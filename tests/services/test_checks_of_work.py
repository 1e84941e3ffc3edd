"""What the checks say of workers, dead jobs and seals, and what is measured of them."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, update
from sqlmodel import select

from app import clock
from app.adapters.storage import from_settings
from app.database import Database
from app.models import Job, JobState, Seal
from app.services import checks, events, figures, jobs, seal_heads, work
from app.services.checks import Line, State
from app.services.work import sealing
from app.settings import Settings
from tests import factories
from tests.services.test_seals import seal_all
from tests.tampering import tamper

pytestmark = pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
Look = Callable[..., Line]


@pytest.fixture
def now() -> datetime:
    """The real time: seals and signs are compared with it."""
    return clock.now()


@pytest.fixture
def look(settings: Settings, database: Database, now: datetime) -> Look:
    """The line of a check, under changed settings or at a later time."""

    def at(name: str, later: timedelta = timedelta(), **changed: object) -> Line:
        context = checks.Context(settings.model_copy(update=changed), database, now + later)
        return next(line for line in checks.run(context) if line.name == name)

    return at


def verify(database: Database, settings: Settings, now: datetime) -> None:
    """What the job does that the page of the seals asks for."""
    given = work.Work(1, {}, database, settings, from_settings(settings), now, factories.SYSTEM, lambda *_: None)
    sealing.verify(given)


class TestWorker:
    def test_that_never_was_or_fell_silent_is_bad(self, database: Database, look: Look, now: datetime) -> None:
        assert look("worker").state is State.BAD
        with database.transaction() as session:
            jobs.sign(session, "here", now, now)
        assert look("worker").state is State.OK
        assert look("worker", timedelta(minutes=6)).state is State.BAD

    @pytest.mark.parametrize(
        ("late", "state"),
        [(timedelta(), State.OK), (timedelta(minutes=11), State.WARN), (timedelta(hours=3), State.BAD)],
    )
    def test_that_is_late_is_named_with_its_lag(
        self, database: Database, look: Look, now: datetime, late: timedelta, state: State
    ) -> None:
        with database.transaction() as session:
            jobs.sign(session, "here", now, now)
            jobs.enqueue(session, "sweep", {}, now=now - late)
        line = look("worker")
        assert line.state is state
        assert line.finding.values["lag"] == round(late.total_seconds())

    def test_leaves_dead_jobs_to_a_person(self, database: Database, look: Look, now: datetime) -> None:
        assert look("dead_jobs").state is State.OK
        with database.transaction() as session:
            jobs.enqueue(session, "sweep", {}, now=now)
            session.execute(update(Job).values(state=JobState.DEAD))
        line = look("dead_jobs")
        assert (line.state, line.finding.values["number"]) == (State.WARN, 1)
        assert line.finding.url == "/jobs?state=dead"


class TestSeals:
    def test_that_fall_behind_are_noticed(
        self, database: Database, settings: Settings, look: Look, now: datetime
    ) -> None:
        seal_all(database, settings, at=clock.now())
        assert look("unsealed_events").finding.values["number"] == "0"
        with database.transaction() as session:
            events.record(session, factories.SYSTEM, "demo.build", now=now)
        assert look("unsealed_events").state is State.OK
        assert look("unsealed_events", timedelta(minutes=16)).state is State.WARN
        assert look("unsealed_events", timedelta(hours=7)).state is State.BAD

    def test_whose_head_is_not_kept_outside_want_attention(
        self, database: Database, settings: Settings, look: Look, now: datetime
    ) -> None:
        assert look("seal_head").state is State.WARN
        seal_all(database, settings, at=clock.now())
        seal_heads.export(database, settings, now)
        assert look("seal_head").state is State.OK
        assert look("seal_head", timedelta(days=3)).state is State.WARN

    def test_that_nobody_has_verified_for_long_want_attention(
        self, database: Database, settings: Settings, look: Look, now: datetime
    ) -> None:
        """Only a verification of everything counts, as it is recorded; a log that is not whole is bad at any age."""
        seal_all(database, settings, at=now)
        with database.reading() as session:
            sealed = session.exec(select(func.sum(Seal.events))).one()
        assert (look("verification").state, look("verification").finding.value) == (
            State.WARN,
            "the whole log was never verified",
        )
        verify(database, settings, now)
        line = look("verification")
        assert (line.state, line.finding.values["events"]) == (State.OK, str(sealed))
        assert look("verification", timedelta(days=99)).state is State.OK
        assert look("verification", timedelta(days=101)).state is State.WARN
        tamper(settings, "UPDATE events SET reason = 'x' WHERE id = 1")
        verify(database, settings, now)
        assert look("verification").state is State.BAD

    def test_that_are_not_there_need_no_verification(
        self, settings: Settings, database: Database, now: datetime
    ) -> None:
        lines = checks.run(checks.Context(settings, database, now))
        assert "verification" not in [line.name for line in lines]


class TestFigures:
    def test_name_jobs_seals_throttles_and_disks(self, database: Database, settings: Settings, now: datetime) -> None:
        with database.transaction() as session:
            jobs.sign(session, "here", now, now)
            jobs.enqueue(session, "sweep", {}, now=now - timedelta(minutes=2))
        found = {(figure.name, *figure.labels): figure.value for figure in figures.Reader(database, settings).figures()}
        assert found[("store_up",)] == 1
        assert found["jobs", ("state", "queued")] == 1
        assert found["jobs", ("state", "dead")] == 0
        assert 120 <= found[("worker_lag_seconds",)] < 300
        assert found[("events_unsealed",)] > 0
        assert found[("sign_ins_throttled",)] == 0
        assert found["disk_free_bytes", ("place", "data")] > 0

    def test_of_a_store_that_is_away_say_so(self, settings: Settings) -> None:
        away = settings.model_copy(update={"database_url": "postgresql+psycopg://nobody@127.0.0.1:1/none"})
        store = Database(away)
        found = {figure.name: figure.value for figure in figures.Reader(store, away).figures()}
        store.dispose()
        assert found["store_up"] == 0
        assert "jobs" not in found
