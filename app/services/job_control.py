"""What people see of jobs and do to them: the list, one's own progress, retrying and cancelling.

Payloads are not shown to anybody: an administrator has no business with what a job is about.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update
from sqlmodel import Session, col

from app.errors import DomainError, Kind, NotFound
from app.messages import N_
from app.models import Job, JobState, User
from app.permissions import Actor, Permission, can
from app.schemas.job import JobQuery
from app.services import events, jobs, paging
from app.services.paging import Slice, Sort

P = Permission
_NEWEST = Sort("newest", (col(Job.id),), descending=True)
_PROGRESS: tuple[Any, ...] = (
    col(Job.id),
    col(Job.kind),
    col(Job.state),
    col(Job.progress_done),
    col(Job.progress_total),
    col(Job.error),
    col(Job.created_at),
    col(Job.started_at),
    col(Job.finished_at),
)
_COLUMNS = (
    *_PROGRESS,
    col(Job.actor_id),
    col(User.name).label("actor_name"),
    col(Job.run_at),
    col(Job.attempts),
    col(Job.failures),
    col(Job.worker),
)


class JobNotDead(DomainError):
    """Retrying what waits, runs or is done."""

    kind = Kind.CONFLICT
    code = "job_not_dead"
    message = N_("Only a job that has failed for good can be tried again.")


class JobEnded(DomainError):
    """Cancelling what has ended."""

    kind = Kind.CONFLICT
    code = "job_ended"
    message = N_("This job has ended already.")


class CancelReasonMissing(DomainError):
    """Somebody else's job is not cancelled without a word."""

    code = "cancel_reason_missing"
    message = N_("Please say why the job is to be stopped.")


def visible_to(actor: Actor) -> Select[Job]:
    """The jobs that ``actor`` sees: all for whoever may read jobs, else those they asked for."""
    if actor.is_system or can(actor, P.JOB_READ):
        return select(Job)
    return select(Job).where(col(Job.actor_id) == (actor.user_id or 0))


def page(session: Session, actor: Actor, query: JobQuery) -> Slice:
    """One page of jobs, the newest first."""
    statement: Any = visible_to(actor).outerjoin(User, col(User.id) == col(Job.actor_id)).with_only_columns(*_COLUMNS)
    if query.state is not None:
        statement = statement.where(col(Job.state) == JobState(query.state))
    if query.kind is not None:
        statement = statement.where(col(Job.kind) == query.kind)
    scope = {"state": query.state, "kind": query.kind}
    return paging.fetch(session, statement, _NEWEST, limit=query.limit, cursor=query.cursor, filters=scope)


def one(session: Session, actor: Actor, job_id: int) -> Any:
    """One job as the administrator sees it; raises NotFound."""
    return _row(session, actor, job_id, _COLUMNS)


def progress_of(session: Session, actor: Actor, job_id: int) -> Any:
    """How far a job has come; raises NotFound for somebody else's."""
    return _row(session, actor, job_id, _PROGRESS)


def retry(session: Session, actor: Actor, job_id: int, *, now: datetime) -> None:
    """Put a dead job into the queue again, with all its attempts before it. Raises NotFound or JobNotDead."""
    job = _one(session, actor, job_id)
    values = {"state": JobState.QUEUED, "failures": 0, "run_at": now, "error": "", "finished_at": None}
    statement = update(Job).where(col(Job.id) == job_id, col(Job.state) == JobState.DEAD).values(**values)
    if session.connection().execute(statement).rowcount == 0:
        raise JobNotDead
    jobs.ring(session)
    events.record(session, actor, "job.retry", job, name=job.kind, now=now)


def cancel(session: Session, actor: Actor, job_id: int, reason: str, *, now: datetime) -> None:
    """End a job that waits or runs; running work learns of it when it next says how far it is.

    Raises NotFound, JobEnded, or CancelReasonMissing where it is not one's own.
    """
    job = _one(session, actor, job_id)
    own = job.actor_id is not None and job.actor_id == actor.user_id
    if not own and not can(actor, P.JOB_MANAGE):
        raise NotFound
    if not own and not reason:
        raise CancelReasonMissing(field="reason")
    live = col(Job.state).in_([JobState.QUEUED, JobState.RUNNING])
    values = {"state": JobState.CANCELLED, "lease_until": None, "finished_at": now}
    if session.connection().execute(update(Job).where(col(Job.id) == job_id, live).values(**values)).rowcount == 0:
        raise JobEnded
    events.record(session, actor, "job.cancel", job, name=job.kind, reason=reason, now=now)


def _row(session: Session, actor: Actor, job_id: int, columns: tuple[Any, ...]) -> Any:
    statement: Any = visible_to(actor).outerjoin(User, col(User.id) == col(Job.actor_id)).where(col(Job.id) == job_id)
    row = session.connection().execute(statement.with_only_columns(*columns)).first()
    if row is None:
        raise NotFound
    return row


def _one(session: Session, actor: Actor, job_id: int) -> Job:
    job = session.scalars(visible_to(actor).where(col(Job.id) == job_id)).one_or_none()
    if job is None:
        raise NotFound
    return job
