"""What ended jobs and lost workers leave behind, and how long it is kept."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, or_, select
from sqlmodel import Session, col

from app.models import Job, JobState, WorkerSign

DONE_KEPT = timedelta(days=30)
ENDED_KEPT = timedelta(days=400)
SIGN_KEPT = timedelta(days=1)


def sweep(session: Session, now: datetime, at_once: int) -> int:
    """Remove at most so many jobs that ended long ago, and signs of workers that are gone; returns how many jobs.

    A cancelled or dead job is kept for more than a year, because a person may ask what became of it.
    """
    connection = session.connection()
    connection.execute(delete(WorkerSign).where(col(WorkerSign.seen_at) < now - SIGN_KEPT))
    over: Any = or_(
        and_(col(Job.state) == JobState.DONE, col(Job.run_at) < now - DONE_KEPT),
        and_(col(Job.state).in_([JobState.DEAD, JobState.CANCELLED]), col(Job.run_at) < now - ENDED_KEPT),
    )
    old = select(col(Job.id)).where(over).limit(at_once)
    return connection.execute(delete(Job).where(col(Job.id).in_(old))).rowcount
