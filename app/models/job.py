"""Job: work that a worker does apart from any request, and the sign of life of each worker."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.models.base import BigId, Json, JsonObject, enum_type, utc_now


class JobState(StrEnum):
    """queued > running > done; dead after too many failures; cancelled by a person."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"
    CANCELLED = "cancelled"


class Job(SQLModel, table=True):
    """One piece of work. ``attempts`` counts how often it was claimed and is the fence of its holder.

    ``failures`` counts the attempts that failed or were lost with their worker, since the last retry by
    hand; an attempt that a stopping worker gave back is none. ``error`` is a code or a class name, never
    a message, because messages may hold what a person typed.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_state_run_at_id", "state", "run_at", "id"),
        Index("ix_jobs_kind_state_id", "kind", "state", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    kind: str = Field(max_length=64)
    payload: JsonObject = Field(default_factory=dict, sa_type=Json)
    unique_key: str | None = Field(default=None, max_length=200, unique=True)
    actor_id: int | None = Field(default=None, foreign_key="users.id", index=True, description="who asked for it")
    state: JobState = Field(default=JobState.QUEUED, sa_type=enum_type(JobState))
    run_at: datetime = Field(description="not before this instant")
    attempts: int = Field(default=0)
    failures: int = Field(default=0)
    lease_until: datetime | None = Field(default=None, description="when its worker is taken for lost")
    worker: str = Field(default="", max_length=100)
    progress_done: int = Field(default=0)
    progress_total: int = Field(default=0, description="0 where it is not known")
    error: str = Field(default="", max_length=100)
    created_at: datetime = Field(default_factory=utc_now)
    started_at: datetime | None = None
    finished_at: datetime | None = None


class WorkerSign(SQLModel, table=True):
    """That a worker lives: written every few seconds, removed when it ends in order."""

    __tablename__ = "workers"

    name: str = Field(max_length=100, primary_key=True, description="host, process and a random part")
    started_at: datetime
    seen_at: datetime
