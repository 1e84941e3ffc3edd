"""Jobs: what a caller may ask of them, and sees. Never what stands in their payload."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from app.schemas.base import Input, Public, text

State = Literal["queued", "running", "done", "dead", "cancelled"]


class JobQuery(Input):
    """Filters and page of the list of jobs."""

    state: State | None = None
    kind: text(64) | None = Field(None, examples=["sweep"])  # type: ignore[valid-type]
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=2000, description="next_cursor of the page before")


class JobCancel(Input):
    """Why a job is cancelled; needed unless it is one's own."""

    reason: text(500) = Field("", examples=["占用磁盘过多"])  # type: ignore[valid-type]


class JobProgress(Public):
    """How far a job has come, for whoever asked for it."""

    id: int = Field(examples=[12])
    kind: str = Field(examples=["sweep"])
    state: State
    progress_done: int = Field(examples=[208])
    progress_total: int = Field(examples=[312], description="0 where it is not known")
    error: str = Field(examples=[""], description="stable code of the last failure")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobPublic(JobProgress):
    """A job as the system administrator sees it."""

    actor_id: int | None = Field(description="who asked for it; null for the calendar")
    actor_name: str | None
    run_at: datetime = Field(description="not before this instant")
    attempts: int = Field(examples=[1], description="how often a worker has taken it")
    failures: int = Field(examples=[0])
    worker: str = Field(description="the worker that has it or had it last")
