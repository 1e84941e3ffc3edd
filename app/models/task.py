"""Task: one duty of the plan, in the plan's own words."""

from datetime import date
from enum import StrEnum

from sqlalchemy import Index
from sqlmodel import Field

from app.models.base import Json, Row, enum_type


class TaskState(StrEnum):
    """The life of a task (product.md): the nine states and no other."""

    DRAFT = "draft"
    ISSUED = "issued"
    IN_PROGRESS = "in_progress"
    UNDER_REVIEW = "under_review"
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    COMPLETED = "completed"
    CLOSED = "closed"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


class Task(Row, table=True):
    """A task. (``path``, ``part``) is its key in the plan; ``first_due_on`` never changes once set.

    ``path`` joins the plan's markers with "/"; ``sort_key`` orders siblings and their children as
    the plan does. ``due_text`` is the deadline verbatim, ``due_on`` the date that it means.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        Index("ix_tasks_programme_id_sort_key_id", "programme_id", "sort_key", "id"),
        Index("ix_tasks_programme_id_due_on_id", "programme_id", "due_on", "id"),
        Index("ix_tasks_programme_id_updated_at_id", "programme_id", "updated_at", "id"),
        Index("ix_tasks_programme_id_track_id_sort_key_id", "programme_id", "track_id", "sort_key", "id"),
        Index("ix_tasks_programme_id_state_sort_key_id", "programme_id", "state", "sort_key", "id"),
    )

    programme_id: int = Field(foreign_key="programmes.id")
    parent_id: int | None = Field(default=None, foreign_key="tasks.id", index=True)
    track_id: int | None = Field(default=None, foreign_key="tracks.id", index=True)
    path: str = Field(default="", max_length=200)
    part: int = Field(default=1)
    sort_key: str = Field(default="", max_length=200)
    heading: str = Field(max_length=500)
    text: str = Field(default="", description="the plan's sentences, verbatim")
    due_text: str = Field(default="", max_length=200)
    due_on: date | None = None
    first_due_on: date | None = None
    open_ended: bool = Field(default=False)
    target: str = Field(default="", max_length=2000)
    responsible_people: list[str] = Field(default_factory=list, sa_type=Json)
    marked: bool = Field(default=True, description="the plan marks who is responsible; false: found in prose")
    source_line: int | None = Field(default=None, description="line of the plan's text, from 1")
    plan_number: int = Field(default=1, description="the plan's version that last stated this task")
    state: TaskState = Field(default=TaskState.DRAFT, sa_type=enum_type(TaskState))
