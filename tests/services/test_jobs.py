"""Jobs: claimed once, held by a lease, ended by their holder alone."""

from datetime import timedelta

import pytest

from app.database import Database
from app.models import JobState
from app.services import jobs
from app.services.jobs import Claimed, LeaseLost, Limits
from tests.factories import NOW
from tests.worker.rows import job

KINDS = {"count": Limits(lease=60, max_attempts=3)}
LATER = NOW + timedelta(seconds=61)


def put(database: Database, **options: object) -> int | None:
    with database.transaction() as session:
        return jobs.enqueue(session, "count", {"n": 1}, now=NOW, **options)  # type: ignore[arg-type]


def take(database: Database, now: object = NOW, worker: str = "a", **options: bool) -> Claimed | None:
    with database.transaction() as session:
        return jobs.claim(session, worker, KINDS, now, **options)  # type: ignore[arg-type]


def taken(database: Database, now: object = NOW, worker: str = "a") -> Claimed:
    claimed = take(database, now, worker)
    assert claimed is not None
    return claimed


class TestEnqueue:
    def test_is_undone_with_its_transaction(self, database: Database) -> None:
        def put_and_break() -> None:
            with database.transaction() as session:
                jobs.enqueue(session, "count", {}, now=NOW)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            put_and_break()
        assert take(database) is None

    def test_makes_one_job_of_a_unique_key(self, database: Database) -> None:
        first = put(database, unique_key="daily@1")
        assert first is not None
        assert put(database, unique_key="daily@1") is None

    def test_waits_for_its_time(self, database: Database) -> None:
        put(database, run_at=LATER)
        assert take(database) is None
        assert taken(database, LATER).payload == {"n": 1}


class TestClaim:
    def test_takes_what_has_been_due_the_longest(self, database: Database) -> None:
        late, early = put(database, run_at=NOW), put(database, run_at=NOW - timedelta(minutes=1))
        assert [taken(database).id, taken(database).id] == [early, late]

    def test_leaves_alone_what_it_does_not_know(self, database: Database) -> None:
        with database.transaction() as session:
            jobs.enqueue(session, "of the next release", {}, now=NOW)
        assert take(database) is None

    def test_takes_over_from_a_lost_worker(self, database: Database) -> None:
        put(database)
        first = taken(database)
        assert take(database, worker="b") is None
        assert take(database, LATER, "b", lost=False) is None
        second = taken(database, LATER, "b")
        assert (second.id, second.attempt) == (first.id, 2)

    def test_buries_what_loses_every_worker(self, database: Database) -> None:
        number = put(database)
        for attempt in range(3):
            taken(database, NOW + attempt * timedelta(seconds=61))
        assert take(database, NOW + timedelta(hours=1)) is None
        assert (job(database, number).state, job(database, number).error) == (JobState.DEAD, "lease_lost")


class TestFence:
    @pytest.fixture
    def stale(self, database: Database) -> Claimed:
        """A claim whose job another worker has taken over."""
        put(database)
        first = taken(database)
        taken(database, LATER, "b")
        return first

    def test_who_lost_the_lease_marks_nothing(self, database: Database, stale: Claimed) -> None:
        before = job(database, stale.id)
        for mark in (
            lambda session: jobs.renew(session, stale, LATER),
            lambda session: jobs.progress(session, stale, 1, 2),
            lambda session: jobs.finish(session, stale, LATER),
            lambda session: jobs.give_back(session, stale, LATER),
            lambda session: jobs.fail(session, stale, "x", KINDS["count"], LATER, jitter=0),
        ):
            with pytest.raises(LeaseLost), database.transaction() as session:
                mark(session)
        assert job(database, stale.id) == before

    def test_the_new_holder_finishes(self, database: Database, stale: Claimed) -> None:
        holder = Claimed(stale.id, stale.kind, stale.payload, stale.attempt + 1, None)
        with database.transaction() as session:
            jobs.finish(session, holder, LATER)
        assert job(database, stale.id).state is JobState.DONE


class TestFail:
    def test_waits_longer_each_time_and_is_dead_at_last(self, database: Database) -> None:
        number, now, pauses = put(database), NOW, []
        for _ in range(3):
            with database.transaction() as session:
                claimed = jobs.claim(session, "a", KINDS, now)
                assert claimed is not None
                jobs.fail(session, claimed, "broken", KINDS["count"], now, jitter=0.99)
            pauses.append(job(database, number).run_at - now)
            now = job(database, number).run_at
        assert pauses[0] < pauses[1]
        assert (job(database, number).state, job(database, number).error) == (JobState.DEAD, "broken")

    def test_is_dead_at_once_where_waiting_mends_nothing(self, database: Database) -> None:
        number = put(database)
        with database.transaction() as session:
            claimed = jobs.claim(session, "a", KINDS, NOW)
            assert claimed is not None
            jobs.fail(session, claimed, "not_found", KINDS["count"], NOW, jitter=0, final=True)
        assert job(database, number).state is JobState.DEAD

    def test_a_job_given_back_has_not_failed(self, database: Database) -> None:
        number = put(database)
        for _ in range(5):
            claimed = taken(database)
            with database.transaction() as session:
                jobs.give_back(session, claimed, NOW)
        assert (job(database, number).state, job(database, number).failures) == (JobState.QUEUED, 0)


class TestHeal:
    """The clock stood a day ahead and was set right."""

    AHEAD = NOW + timedelta(days=1)

    def test_what_was_made_in_the_future_is_due_as_if_made_now(self, database: Database) -> None:
        with database.transaction() as session:
            at_once = jobs.enqueue(session, "count", {}, now=self.AHEAD)
            later = jobs.enqueue(session, "count", {}, now=self.AHEAD, run_at=self.AHEAD + timedelta(hours=2))
            assert jobs.heal(session, KINDS, NOW) == 2
        assert job(database, at_once).run_at == NOW
        assert job(database, later).run_at == NOW + timedelta(hours=2)

    def test_a_lease_of_the_future_ends_soon(self, database: Database) -> None:
        put(database)
        taken(database, self.AHEAD)
        with database.transaction() as session:
            assert jobs.heal(session, KINDS, NOW) == 1
        assert take(database, NOW + timedelta(seconds=59)) is None
        assert taken(database, LATER).attempt == 2

    def test_what_is_in_order_is_left_alone(self, database: Database) -> None:
        put(database)
        put(database, run_at=NOW + timedelta(days=30))
        taken(database)
        with database.transaction() as session:
            assert jobs.heal(session, KINDS, NOW) == 0


class TestSchedules:
    def test_an_occurrence_is_made_once(self, database: Database) -> None:
        key = jobs.occurrence_key("sweep", NOW)
        with database.transaction() as session:
            assert jobs.occurrence_wanted(session, "sweep", "count", NOW)
            jobs.enqueue(session, "count", {}, now=NOW, unique_key=key)
            assert not jobs.occurrence_wanted(session, "sweep", "count", NOW)
            assert jobs.enqueue(session, "count", {}, now=NOW, unique_key=key) is None

    def test_the_next_waits_for_one_that_still_runs(self, database: Database) -> None:
        put(database, unique_key=jobs.occurrence_key("sweep", NOW))
        claimed = taken(database)
        with database.transaction() as session:
            assert not jobs.occurrence_wanted(session, "sweep", "count", LATER)
            jobs.finish(session, claimed, NOW)
            assert jobs.occurrence_wanted(session, "sweep", "count", LATER)


class TestFigures:
    def test_the_lag_is_the_age_of_what_waits_longest(self, database: Database) -> None:
        with database.reading() as session:
            assert jobs.lag(session, NOW) == timedelta()
        put(database)
        put(database, run_at=NOW + timedelta(hours=1))
        with database.reading() as session:
            assert jobs.lag(session, NOW + timedelta(minutes=5)) == timedelta(minutes=5)

    def test_counts_name_every_state(self, database: Database) -> None:
        put(database)
        put(database)
        taken(database)
        with database.reading() as session:
            found = jobs.counts(session)
        assert (found[JobState.QUEUED], found[JobState.RUNNING], found[JobState.DEAD]) == (1, 1, 0)

    def test_a_sign_of_life_is_removed_in_order(self, database: Database) -> None:
        with database.transaction() as session:
            jobs.sign(session, "a", NOW, NOW)
            jobs.sign(session, "a", NOW, LATER)
        with database.reading() as session:
            assert jobs.last_sign(session) == LATER
        with database.transaction() as session:
            jobs.sign_off(session, "a")
            assert jobs.last_sign(session) is None
