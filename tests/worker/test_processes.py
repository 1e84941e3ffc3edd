"""Real processes: killed in the middle, put to sleep past their lease, told to stop; and a store that goes away."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from app import migrating
from app.adapters import storage
from app.clock import now
from app.database import Database, StoreBusy
from app.models import JobState, Throttle
from app.services import job_control, jobs
from app.services.work import JobKind
from app.settings import Settings, load
from app.worker import Worker, loop
from tests import postgresql
from tests.cli.conftest import environment
from tests.conftest import SECRET, missing
from tests.factories import SYSTEM
from tests.waiting import until
from tests.worker.rows import job
from tests.worker.slow import OWN


@contextmanager
def process(settings: Settings) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker as a process of its own."""
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.worker.slow"], env={**os.environ, **environment(settings)}, stderr=subprocess.PIPE
    )
    try:
        yield started
    finally:
        started.send_signal(signal.SIGCONT)
        started.kill()
        started.communicate()


@contextmanager
def worker(settings: Settings, database: Database, **kinds: JobKind) -> Iterator[Worker]:
    """A worker in a thread of this process."""
    made = Worker(settings, database, storage.from_settings(settings), kinds=kinds or OWN, schedules=(), threads=1)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield made
    finally:
        made.stop()
        thread.join()


def put(database: Database, kind: str, folder: Path) -> int:
    with database.transaction() as session:
        number = jobs.enqueue(session, kind, {"folder": str(folder)}, now=now())
    assert number is not None
    return number


def asleep(sleeper: "subprocess.Popen[bytes]", database: Database) -> bool:
    """Freeze it, unless that fell into one of its own writes: on SQLite nobody could write until it wakes."""
    sleeper.send_signal(signal.SIGSTOP)
    os.waitpid(sleeper.pid, os.WUNTRACED)
    try:
        with database.transaction() as session:
            session.connection()
    except StoreBusy:
        sleeper.send_signal(signal.SIGCONT)
        return False
    return True


def test_a_job_whose_worker_is_killed_is_done_by_another(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    number = put(database, "slow", tmp_path)
    with process(settings) as first:
        until((tmp_path / "began-0").exists, "the first worker begins")
        first.kill()
        first.wait()
    (tmp_path / "go").touch()
    with worker(settings, database):
        until(lambda: job(database, number).state is JobState.DONE, "the second worker finishes")
    assert (job(database, number).attempts, job(database, number).failures) == (2, 1)


def test_a_worker_that_is_told_to_stop_gives_its_job_back(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    number = put(database, "slow", tmp_path)
    with process(settings) as first:
        until((tmp_path / "began-0").exists, "the worker begins")
        first.terminate()
        assert first.wait(timeout=60) == 0
    row = job(database, number)
    assert (row.state, row.failures) == (JobState.QUEUED, 0)
    with database.reading() as session:
        assert jobs.last_sign(session) is None


@pytest.mark.parametrize("kind", ["slow", "held"])
def test_a_worker_that_slept_past_its_lease_marks_nothing(
    stores: object, settings: Settings, database: Database, tmp_path: Path, kind: str
) -> None:
    if kind == "held" and database.is_sqlite:
        return  # It holds the one write lock: nobody else can take the job while it sleeps.
    number = put(database, kind, tmp_path)
    with process(settings) as sleeper:
        until((tmp_path / "began-0").exists, "the sleeper begins")
        until(lambda: asleep(sleeper, database), "the sleeper sleeps without the write lock")
        (tmp_path / "go").touch()
        with worker(settings, database):
            until(lambda: job(database, number).state is JobState.DONE, "the other takes over")
        after = job(database, number)
        sleeper.send_signal(signal.SIGCONT)
        sleeper.terminate()
        assert sleeper.wait(timeout=60) == 0
    assert job(database, number) == after
    assert after.attempts == 2
    if kind == "held":
        with database.reading() as session:
            assert session.connection().scalar(select(col(Throttle.failures))) == 1


def test_a_worker_outlives_a_postgresql_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    cluster = postgresql.create()
    if cluster is None:
        missing("PostgreSQL")
    assert cluster is not None
    cluster.start()
    settings = load(
        mode="test", secret_key=SECRET, data=tmp_path, database_url=f"{cluster.url}/postgres", worker_threads=1
    )
    seen: list[int] = []
    database = Database(settings)
    try:
        migrating.migrate(settings)
        with worker(settings, database, count=JobKind("count", lambda work: seen.append(work.job_id))):
            first = put(database, "count", tmp_path)
            until(lambda: first in seen, "the first job is done")
            cluster.halt()
            cluster.go_on()
            second = put(database, "count", tmp_path)
            until(lambda: second in seen, "the second job is done")
            until(lambda: job(database, second).state is JobState.DONE, "and marked")
    finally:
        database.dispose()
        cluster.stop()


def test_two_workers_do_each_job_once(settings: Settings, database: Database) -> None:
    numbers = []
    with database.transaction() as session:
        numbers = [jobs.enqueue(session, "count", {}, now=now()) for _ in range(30)]
    kind = JobKind("count", lambda work: work.session.add(Throttle(key=str(work.job_id))), once=True)
    other = Database(settings)
    with worker(settings, database, count=kind), worker(settings, other, count=kind):
        until(lambda: all(job(database, number).state is JobState.DONE for number in numbers), "all are done")
    other.dispose()
    assert [job(database, number).attempts for number in numbers] == [1] * 30


def test_a_cancelled_job_lets_its_worker_go(settings: Settings, database: Database, tmp_path: Path) -> None:
    number = put(database, "slow", tmp_path)
    with worker(settings, database):
        until((tmp_path / "began-0").exists, "the job begins")
        with database.transaction() as session:
            job_control.cancel(session, SYSTEM, number, "so", now=now())
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "go").touch()
        other = put(database, "slow", tmp_path / "other")
        until(lambda: job(database, other).state is JobState.DONE, "the one thread does the next job")
    assert job(database, number).state is JobState.CANCELLED
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize("stores", ["postgresql"], indirect=True)
def test_on_postgresql_a_job_rings_the_bell(
    settings: Settings, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_LOOK_EVERY", 600.0)
    (tmp_path / "go").touch()
    with worker(settings, database) as listening:
        until(lambda: listens(database), "the worker listens")
        number = put(database, "slow", tmp_path)
        until(lambda: job(database, number).state is JobState.DONE, "it does not wait for its next look")
        listening.stop()
        put(database, "slow", tmp_path)


def listens(database: Database) -> bool:
    """Whether some connection of this database waits for a job."""
    asked = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    with database.reading() as session:
        return session.connection().scalar(text(asked)) is not None
