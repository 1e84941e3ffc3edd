"""The work of a package as a job: putting it into the queue, and telling work that goes on from work that ended."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.models import ExchangePackage, ExchangeState, Job, JobState
from app.permissions import Actor
from app.services import jobs

MAKE, LOOK, APPLY = "exchange.make", "exchange.look", "exchange.apply"
WORKING = frozenset({ExchangeState.MAKING, ExchangeState.CHECKING, ExchangeState.APPLYING})
# A command works without a job; one that was broken off is over after this long.
_COMMAND = timedelta(hours=1)


def put(session: Session, actor: Actor, package: ExchangePackage, kind: str, *, now: datetime) -> None:
    """Let a worker do a step for ``actor``; call it before the event of the verb is recorded."""
    package.job_id = jobs.enqueue(session, kind, {"package": package.key}, now=now, actor_id=actor.user_id)


def job_of(session: Session, package: Any) -> Any:
    """The job of a package's step as a row, or None where there was none or it was swept."""
    if package.job_id is None:
        return None
    return session.connection().execute(select(Job).where(col(Job.id) == package.job_id)).first()


def goes_on(session: Session, package: Any, *, now: datetime) -> bool:
    """Whether a package is being worked on: a step whose job was cancelled or has failed for good is over."""
    if package.state not in WORKING:
        return False
    if package.job_id is None:
        return bool(package.updated_at > now - _COMMAND)
    job = job_of(session, package)
    return job is not None and job.state in (JobState.QUEUED, JobState.RUNNING)
