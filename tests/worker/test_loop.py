"""The loop in this process: what is due is done, and what becomes of it is marked."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from app import clock
from app.adapters import storage
from app.clock import now
from app.database import Database
from app.errors import NotFound
from app.models import JobState, Throttle
from app.rules.schedules import Every
from app.services import jobs
from app.services.work import JobKind, Schedule, Work
from app.settings import Settings
from app.worker import Worker
from tests.factories import NOW
from tests.worker.rows import all_jobs, job


def do_all(settings: Settings, database: Database, *kinds: JobKind, schedules: tuple[Schedule, ...] = ()) -> Worker:
    """Let a worker do what is due."""
    worker = Worker(
        settings,
        database,
        storage.from_settings(settings),
        kinds={kind.name: kind for kind in kinds},
        schedules=schedules,
    )
    worker.run(until_idle=True)
    return worker


def put(database: Database, kind: str = "count", **payload: object) -> int | None:
    with database.transaction() as session:
        return jobs.enqueue(session, kind, payload, now=now())


def fails_with(error: Exception) -> Callable[[Work], None]:
    def run(work: Work) -> None:
        raise error

    return run


def test_work_is_given_its_payload_and_speaks_for_the_system(settings: Settings, database: Database) -> None:
    seen: list[Work] = []
    number = put(database, n=7)
    do_all(settings, database, JobKind("count", seen.append))
    [work] = seen
    assert (work.job_id, work.payload, work.actor.is_system, work.actor.channel) == (number, {"n": 7}, True, "worker")
    assert job(database, number).state is JobState.DONE


def test_progress_is_kept(settings: Settings, database: Database) -> None:
    number = put(database)
    do_all(settings, database, JobKind("count", lambda work: work.progress(3, 10)))
    assert (job(database, number).progress_done, job(database, number).progress_total) == (3, 10)


def test_a_refusal_that_waiting_does_not_mend_is_dead_at_once(settings: Settings, database: Database) -> None:
    number = put(database)
    do_all(settings, database, JobKind("count", fails_with(NotFound())))
    assert (job(database, number).state, job(database, number).error) == (JobState.DEAD, "not_found")


def test_a_break_is_tried_again_and_leaves_its_class_alone(settings: Settings, database: Database) -> None:
    number = put(database)
    do_all(settings, database, JobKind("count", fails_with(ValueError("a name that nobody may see"))))
    assert (job(database, number).state, job(database, number).error) == (JobState.QUEUED, "ValueError")
    assert job(database, number).run_at > now()


class TestOnce:
    @staticmethod
    def _write(work: Work) -> None:
        work.session.add(Throttle(key="effect"))

    def test_the_effect_and_the_mark_stand_together(self, settings: Settings, database: Database) -> None:
        number = put(database)
        do_all(settings, database, JobKind("count", self._write, once=True))
        with database.reading() as session:
            assert session.get(Throttle, "effect") is not None
        assert job(database, number).state is JobState.DONE

    def test_without_the_mark_there_is_no_effect(self, settings: Settings, database: Database) -> None:
        """Another worker takes the job over in the middle, which on SQLite cannot happen, so the row says so."""

        def write_and_lose(work: Work) -> None:
            self._write(work)
            work.session.flush()
            claimed = jobs.Claimed(work.job_id, "count", {}, 1, None)
            jobs.give_back(work.session, claimed, now())

        put(database)
        do_all(settings, database, JobKind("count", write_and_lose, once=True, max_attempts=1))
        with database.reading() as session:
            assert session.get(Throttle, "effect") is None


def test_a_schedule_makes_only_the_latest_occurrence_and_only_once(settings: Settings, database: Database) -> None:
    kind, hourly = JobKind("count", lambda work: None), Schedule("hourly", "count", Every(minutes=1440))
    do_all(settings, database, kind, schedules=(hourly,))
    do_all(settings, database, kind, schedules=(hourly,))
    assert [row.state for row in all_jobs(database)] == [JobState.DONE]


def test_a_schedule_that_the_settings_switch_off_makes_nothing(settings: Settings, database: Database) -> None:
    off = Schedule("never", "count", lambda settings: None)
    do_all(settings, database, JobKind("count", lambda work: None), schedules=(off,))
    assert all_jobs(database) == []


def test_several_threads_do_each_job_once(settings: Settings, database: Database) -> None:
    seen: list[int] = []
    numbers = [put(database) for _ in range(20)]
    do_all(settings, database, JobKind("count", lambda work: seen.append(work.job_id)))
    assert sorted(seen) == numbers


class TestClock:
    """The wall clock stood days ahead and was set right: what was due is done once, and what comes is done."""

    DAILY = Schedule("daily", "count", Every(minutes=1440))

    def test_fires_no_occurrence_twice_and_goes_on_firing(
        self, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kind = JobKind("count", lambda work: None)
        for days in (0, 3, 0, 1, 2, 3, 4):
            monkeypatch.setattr(clock, "now", lambda days=days: NOW + timedelta(days=days))
            do_all(settings, database, kind, schedules=(self.DAILY,))
        # Each of the five days once, the one that was ahead first.
        fired = [row.unique_key.removeprefix("daily@")[:10] for row in all_jobs(database)]
        assert fired == ["2026-11-22", "2026-11-25", "2026-11-23", "2026-11-24", "2026-11-26"]
        assert {row.state for row in all_jobs(database)} == {JobState.DONE}

    def test_a_worker_that_sees_its_clock_jump_lets_the_others_renew_first(
        self, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kind = JobKind("count", lambda work: None)
        with database.transaction() as session:
            jobs.enqueue(session, "count", {}, now=NOW)
            held = jobs.claim(session, "another that lives", {"count": kind.limits}, NOW)
        assert held is not None
        monkeypatch.setattr(clock, "now", lambda: NOW)
        watching = Worker(settings, database, storage.from_settings(settings), kinds={"count": kind}, schedules=())
        watching._tick()
        monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=1))
        watching._tick()
        assert watching._claim() is None
        with database.transaction() as session:
            jobs.finish(session, held, NOW + timedelta(hours=1))
        assert job(database, held.id).attempts == 1
