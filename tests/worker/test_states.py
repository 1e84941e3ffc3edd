"""The queue over all that can happen to it: nothing is lost, nothing is marked by a stranger, once is once."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select
from sqlmodel import col

from app.database import Database
from app.models import Job, JobState, Throttle
from app.services import job_control, jobs
from app.services.jobs import Claimed, LeaseLost, Limits
from tests.factories import NOW, SYSTEM
from tests.worker.rows import all_jobs

KINDS = {"once": Limits(lease=60, max_attempts=3), "again": Limits(lease=120, max_attempts=4)}
WORKERS = ("a", "b", "c")
ENDS = {JobState.DONE, JobState.DEAD, JobState.CANCELLED}
workers = st.sampled_from(WORKERS)


class Queue(RuleBasedStateMachine):
    """Three workers that claim, work, fall asleep, die and come back, in any order, and a person who interferes."""

    store: Database

    @initialize()
    def begin(self) -> None:
        """An empty queue."""
        self.now = NOW
        self.made: set[int] = set()
        self.keys: set[str] = set()
        self.ended: dict[int, JobState] = {}
        # What each worker believes to hold: whoever was taken for lost does not know it.
        self.hands: dict[str, Claimed | None] = dict.fromkeys(WORKERS)
        with self.store.transaction() as session:
            session.connection().execute(delete(Job))
            session.connection().execute(delete(Throttle))

    @rule(kind=st.sampled_from(sorted(KINDS)), wait=st.integers(0, 90), key=st.none() | st.sampled_from("xyz"))
    def enqueue(self, kind: str, wait: int, key: str | None) -> None:
        """Somebody wants work done, perhaps later, perhaps once for all."""
        with self.store.transaction() as session:
            number = jobs.enqueue(
                session, kind, {}, now=self.now, run_at=self.now + timedelta(seconds=wait), unique_key=key
            )
        assert (number is None) == (key in self.keys)
        if number is not None:
            self.made.add(number)
            self.keys |= {key} if key else set()

    @rule(seconds=st.sampled_from([1, 30, 61, 121, 4000]))
    def pass_time(self, seconds: int) -> None:
        """Leases run out, pauses end."""
        self.now += timedelta(seconds=seconds)

    @rule(worker=workers, lost=st.booleans())
    def claim(self, worker: str, lost: bool) -> None:
        """A worker takes a job, whatever it had before: so it is after a kill, too."""
        with self.store.transaction() as session:
            self.hands[worker] = jobs.claim(session, worker, KINDS, self.now, lost=lost)

    @rule(worker=workers)
    def beat(self, worker: str) -> None:
        """A worker shows that it lives."""
        held = self.hands[worker]
        if held is not None:
            until = self.now + timedelta(seconds=KINDS[held.kind].lease)
            self._mark(worker, lambda session: jobs.renew(session, held, until))

    @rule(worker=workers)
    def finish(self, worker: str) -> None:
        """A worker has done its work; what it did once stands only with the mark."""
        held = self.hands[worker]

        def do(session: object) -> None:
            assert held is not None
            if held.kind == "once":
                row = session.get(Throttle, str(held.id)) or Throttle(key=str(held.id))  # type: ignore[attr-defined]
                row.failures += 1
                session.add(row)  # type: ignore[attr-defined]
            jobs.finish(session, held, self.now)  # type: ignore[arg-type]

        if held is not None:
            self._mark(worker, do)
            self.hands[worker] = None

    @rule(worker=workers, final=st.booleans())
    def fail(self, worker: str, final: bool) -> None:
        """The work broke."""
        held = self.hands[worker]
        if held is not None:
            limits = KINDS[held.kind]
            self._mark(worker, lambda s: jobs.fail(s, held, "broken", limits, self.now, jitter=0.5, final=final))
            self.hands[worker] = None

    @rule(worker=workers)
    def stop(self, worker: str) -> None:
        """A worker ends in order."""
        held = self.hands[worker]
        if held is not None:
            self._mark(worker, lambda session: jobs.give_back(session, held, self.now))
            self.hands[worker] = None

    @rule(worker=workers)
    def kill(self, worker: str) -> None:
        """A worker ends without a word."""
        self.hands[worker] = None

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """A person cancels a job; one that has ended stays as it is."""
        number = data.draw(st.sampled_from(sorted(self.made)))
        ended = self._states()[number] in ENDS
        try:
            with self.store.transaction() as session:
                job_control.cancel(session, SYSTEM, number, "so", now=self.now)
        except job_control.JobEnded:
            assert ended
        else:
            assert not ended

    @precondition(lambda self: JobState.DEAD in self.ended.values())
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """A person lets a dead job be tried again."""
        number = data.draw(st.sampled_from([key for key, state in self.ended.items() if state is JobState.DEAD]))
        with self.store.transaction() as session:
            job_control.retry(session, SYSTEM, number, now=self.now)
        del self.ended[number]

    @invariant()
    def no_job_is_lost_and_no_end_is_undone(self) -> None:
        """Every job is there, and one that has ended stays so."""
        if hasattr(self, "made"):
            states = self._states()
            assert set(states) == self.made
            for number, state in self.ended.items():
                assert states[number] is state
            self.ended = {number: state for number, state in states.items() if state in ENDS}

    @invariant()
    def once_is_once(self) -> None:
        """The effect stands exactly where the job is done."""
        if hasattr(self, "made"):
            done = {row.id: 1 for row in all_jobs(self.store) if row.kind == "once" and row.state is JobState.DONE}
            with self.store.reading() as session:
                effects = session.connection().execute(select(col(Throttle.key), col(Throttle.failures)))
                assert {int(row.key): row.failures for row in effects} == done

    def teardown(self) -> None:
        """Left to one worker that lives, everything comes to an end."""
        for _ in range(2 * len(getattr(self, "made", ())) + 1):
            self.now += timedelta(hours=2)
            self.claim("a", True)
            self.finish("a")
        if hasattr(self, "made"):
            assert set(self._states().values()) <= ENDS

    def _mark(self, worker: str, write: object) -> None:
        """Let a worker mark its job; it can exactly where the row says that this attempt holds it."""
        held = self.hands[worker]
        assert held is not None
        row = next(row for row in all_jobs(self.store) if row.id == held.id)
        holds = (row.state, row.attempts) == (JobState.RUNNING, held.attempt)
        try:
            with self.store.transaction() as session:
                write(session)  # type: ignore[operator]
        except LeaseLost:
            assert not holds
        else:
            assert holds

    def _states(self) -> dict[int, JobState]:
        return {row.id: row.state for row in all_jobs(self.store)}


def run(database: Database, examples: int, steps: int) -> None:
    machine = type("Queue", (Queue,), {"store": database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_happens_each_job_ends_and_once_is_once(database: Database) -> None:
    run(database, 12, 25)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_the_same_for_a_night(database: Database) -> None:
    run(database, 1000, 60)
