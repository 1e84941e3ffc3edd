"""Jobs: a queue in the store that many workers share, on one machine or on several.

A job is claimed by one statement, held by a lease that its worker renews, and given an end only by
the attempt that holds it: a worker that was taken for lost cannot mark anything, because the attempt
number has moved on. All of it is bookkeeping; what a person does to a job is recorded as an access.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Update, and_, case, delete, exists, func, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from app.errors import DomainError, Kind
from app.messages import N_
from app.models import Job, JobState, WorkerSign
from app.models.base import JsonObject
from app.rules import retries

CHANNEL = "duikou_jobs"
_SLACK = timedelta(minutes=1)


class LeaseLost(DomainError):
    """The job was cancelled, or another worker has taken it: whoever asks may not mark it any more."""

    kind = Kind.CONFLICT
    code = "lease_lost"
    message = N_("This job was cancelled or is being done by another worker.")


class Limits(NamedTuple):
    """What a kind of job declares: seconds without a sign before it is lost, failures before it is dead."""

    lease: int
    max_attempts: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job in the hands of a worker; ``attempt`` is the fence that ends and renewals must show."""

    id: int
    kind: str
    payload: JsonObject
    attempt: int
    actor_id: int | None


def enqueue(
    session: Session,
    kind: str,
    payload: JsonObject,
    *,
    now: datetime,
    run_at: datetime | None = None,
    unique_key: str | None = None,
    actor_id: int | None = None,
) -> int | None:
    """Put work into the queue in the caller's transaction; returns its id.

    None where ``unique_key`` has been used before, whatever became of that job.
    """
    connection = session.connection()
    insert: Any = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    values = {
        "kind": kind,
        "payload": payload,
        "unique_key": unique_key,
        "actor_id": actor_id,
        "state": JobState.QUEUED,
        "run_at": run_at or now,
        "created_at": now,
    }
    statement = insert(Job).values(**values).on_conflict_do_nothing(index_elements=["unique_key"])
    found = connection.scalar(statement.returning(col(Job.id)))
    if found is not None and (run_at is None or run_at <= now):
        ring(session)
    return None if found is None else int(found)


def ring(session: Session) -> None:
    """On PostgreSQL, let a worker start with the commit instead of at its next look."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})


def occurrence_wanted(session: Session, name: str, kind: str, due: datetime) -> bool:
    """Whether the occurrence of a schedule at ``due`` is still to be made.

    It is not while an earlier one of the same schedule waits or runs: work that takes longer than its
    interval would pile up.
    """
    made = exists().where(col(Job.unique_key) == occurrence_key(name, due))
    open_still = exists().where(
        col(Job.kind) == kind,
        col(Job.state).in_([JobState.QUEUED, JobState.RUNNING]),
        col(Job.unique_key).startswith(f"{name}@", autoescape=True),
    )
    return not session.connection().scalar(select(or_(made, open_still)))


def occurrence_key(name: str, due: datetime) -> str:
    """What names one occurrence of a schedule for all workers: the schedule and the instant in UTC."""
    return f"{name}@{due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def any_due(session: Session, kinds: Mapping[str, Limits], now: datetime) -> bool:
    """Whether a claim could find something; a reading, so that idle workers never take the write lock."""
    either = or_(exists().where(_queued(kinds, now)), exists().where(_lost(kinds, now)))
    return bool(session.connection().scalar(select(either)))


def claim(
    session: Session, worker: str, kinds: Mapping[str, Limits], now: datetime, *, lost: bool = True
) -> Claimed | None:
    """Take the job that has been due the longest, those of lost workers first; None where there is none.

    Only of ``kinds``: during an upgrade an old worker leaves alone what it does not know. ``lost`` False
    leaves jobs of lost workers alone, for a worker whose clock has just jumped.
    """
    if lost:
        _bury(session, kinds, now)
        found = _take(session, _lost(kinds, now), worker, kinds, now, failures=col(Job.failures) + 1)
        if found is not None:
            return found
    return _take(session, _queued(kinds, now), worker, kinds, now, failures=col(Job.failures))


def renew(session: Session, claimed: Claimed, until: datetime) -> None:
    """Hold the job until a later instant. Raises LeaseLost."""
    _mark(session, claimed, lease_until=until)


def progress(session: Session, claimed: Claimed, done: int, total: int) -> None:
    """Say how far the job is. Raises LeaseLost."""
    _mark(session, claimed, progress_done=done, progress_total=total)


def finish(session: Session, claimed: Claimed, now: datetime) -> None:
    """The job is done. Raises LeaseLost; a caller whose changes hang on it lets that roll them back."""
    _mark(session, claimed, state=JobState.DONE, lease_until=None, finished_at=now, error="")


def fail(
    session: Session, claimed: Claimed, error: str, limits: Limits, now: datetime, *, jitter: float, final: bool = False
) -> None:
    """The attempt failed: try again after a pause, or never where it is ``final`` or the last. Raises LeaseLost."""
    failures = 1 + int(
        session.connection().scalar(select(col(Job.failures)).where(col(Job.id) == claimed.id)) or 0  # fenced below
    )
    kept = {"failures": failures, "error": error[:100], "lease_until": None}
    if final or failures >= limits.max_attempts:
        _mark(session, claimed, state=JobState.DEAD, finished_at=now, **kept)
    else:
        _mark(session, claimed, state=JobState.QUEUED, run_at=now + retries.pause(failures, jitter), **kept)


def give_back(session: Session, claimed: Claimed, now: datetime) -> None:
    """A worker that stops leaves the job to the next one, without counting a failure. Raises LeaseLost."""
    _mark(session, claimed, state=JobState.QUEUED, run_at=now, lease_until=None)


def heal(session: Session, kinds: Mapping[str, Limits], now: datetime) -> int:
    """Mend what was written while the clock stood ahead; returns how many jobs were touched.

    A job made in the future keeps the pause it was made with, a retry waits no longer than the longest
    pause, and a lease ends no later than it would if it were renewed now.
    """
    connection = session.connection()
    early = (col(Job.state) == JobState.QUEUED, col(Job.attempts) == 0, col(Job.created_at) > now + _SLACK)
    made = connection.execute(select(col(Job.id), col(Job.run_at), col(Job.created_at)).where(*early)).all()
    for row in made:
        # The same condition again: another worker may have mended or taken it.
        moved = update(Job).where(col(Job.id) == row.id, *early)
        connection.execute(moved.values(run_at=now + (row.run_at - row.created_at), created_at=now))
    waiting = update(Job).where(
        col(Job.state) == JobState.QUEUED, col(Job.attempts) > 0, col(Job.run_at) > now + retries.LONGEST + _SLACK
    )
    held = update(Job).where(
        col(Job.state) == JobState.RUNNING, col(Job.lease_until) > _by_kind(kinds, lambda of: _until(of, now) + _SLACK)
    )
    number = len(made) + connection.execute(waiting.values(run_at=now)).rowcount
    return number + connection.execute(held.values(lease_until=_by_kind(kinds, lambda of: _until(of, now)))).rowcount


def lag(session: Session, now: datetime) -> timedelta:
    """How long the job that is due the longest has been waiting; zero where none is."""
    oldest = session.connection().scalar(
        select(func.min(col(Job.run_at))).where(col(Job.state) == JobState.QUEUED, col(Job.run_at) <= now)
    )
    return timedelta() if oldest is None else now - oldest


def counts(session: Session) -> dict[JobState, int]:
    """How many jobs there are in each state, zeros included."""
    rows = session.connection().execute(select(col(Job.state), func.count()).group_by(col(Job.state)))
    return dict.fromkeys(JobState, 0) | {row[0]: int(row[1]) for row in rows}


def sign(session: Session, worker: str, started_at: datetime, now: datetime) -> None:
    """Write a worker's sign of life."""
    connection = session.connection()
    insert: Any = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    statement = insert(WorkerSign).values(name=worker, started_at=started_at, seen_at=now)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"seen_at": now}))


def sign_off(session: Session, worker: str) -> None:
    """A worker ends in order: its sign is removed."""
    session.connection().execute(delete(WorkerSign).where(col(WorkerSign.name) == worker))


def last_sign(session: Session) -> datetime | None:
    """When any worker was last alive; None where none has ever been, or all ended in order."""
    return session.connection().scalar(select(func.max(col(WorkerSign.seen_at))))


def _queued(kinds: Mapping[str, Limits], now: datetime) -> ColumnElement[bool]:
    return and_(col(Job.state) == JobState.QUEUED, col(Job.run_at) <= now, col(Job.kind).in_(list(kinds)))


def _lost(kinds: Mapping[str, Limits], now: datetime) -> ColumnElement[bool]:
    return and_(col(Job.state) == JobState.RUNNING, col(Job.lease_until) < now, col(Job.kind).in_(list(kinds)))


def _take(
    session: Session,
    due: ColumnElement[bool],
    worker: str,
    kinds: Mapping[str, Limits],
    now: datetime,
    *,
    failures: Any,
) -> Claimed | None:
    # SQLite has no FOR UPDATE and needs none: a transaction there begins with the only write lock.
    first = select(col(Job.id)).where(due).order_by(col(Job.run_at), col(Job.id)).limit(1)
    statement = (
        update(Job)
        .where(col(Job.id) == first.with_for_update(skip_locked=True).scalar_subquery())
        .values(
            state=JobState.RUNNING,
            attempts=col(Job.attempts) + 1,
            failures=failures,
            lease_until=_by_kind(kinds, lambda of: _until(of, now)),
            worker=worker,
            started_at=now,
            progress_done=0,
            progress_total=0,
        )
        .returning(col(Job.id), col(Job.kind), col(Job.payload), col(Job.attempts), col(Job.actor_id))
    )
    row = session.connection().execute(statement).first()
    return None if row is None else Claimed(row.id, row.kind, row.payload, row.attempts, row.actor_id)


def _bury(session: Session, kinds: Mapping[str, Limits], now: datetime) -> None:
    """A job whose worker was lost once too often is dead: it may be what kills them."""
    last = col(Job.failures) + 1 >= _by_kind(kinds, lambda of: of.max_attempts)
    session.connection().execute(
        update(Job)
        .where(_lost(kinds, now), last)
        .values(
            state=JobState.DEAD,
            failures=col(Job.failures) + 1,
            error=LeaseLost.code,
            lease_until=None,
            finished_at=now,
        )
    )


def _until(limits: Limits, now: datetime) -> datetime:
    return now + timedelta(seconds=limits.lease)


def _by_kind(kinds: Mapping[str, Limits], value: Any) -> Any:
    """A value that depends on the job's kind, worked out here so that both engines only compare."""
    return case({kind: value(limits) for kind, limits in kinds.items()}, value=col(Job.kind))


def _mark(session: Session, claimed: Claimed, **values: Any) -> None:
    statement: Update = update(Job).where(
        col(Job.id) == claimed.id, col(Job.attempts) == claimed.attempt, col(Job.state) == JobState.RUNNING
    )
    if session.connection().execute(statement.values(**values)).rowcount == 0:
        raise LeaseLost
