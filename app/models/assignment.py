"""Assignment: a task given to a unit, with its own state and date."""

from datetime import date
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from app.models.base import Row, enum_type


class AssignmentRole(StrEnum):
    """How a unit takes part. Undeclared: the plan lists it and declares no lead."""

    LEAD = "lead"
    SUPPORTING = "supporting"
    GUIDING = "guiding"
    UNDECLARED = "undeclared"


class AssignmentState(StrEnum):
    """The life of an assignment (product.md)."""

    PENDING = "pending"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    EXCUSED = "excused"
    CONTESTED = "contested"


class Assignment(Row, table=True):
    """Task x unit. ``named_as`` is the unit as the plan writes it; ``position`` its place in that list."""

    __tablename__ = "assignments"
    __table_args__ = (
        UniqueConstraint("task_id", "unit_id"),
        Index("ix_assignments_unit_id_task_id", "unit_id", "task_id"),
        Index("ix_assignments_programme_id_task_id", "programme_id", "task_id"),
    )

    programme_id: int = Field(foreign_key="programmes.id")
    task_id: int = Field(foreign_key="tasks.id")
    unit_id: int = Field(foreign_key="units.id")
    role: AssignmentRole = Field(default=AssignmentRole.UNDECLARED, sa_type=enum_type(AssignmentRole))
    role_confirmed: bool = Field(default=False)
    state: AssignmentState = Field(default=AssignmentState.PENDING, sa_type=enum_type(AssignmentState))
    position: int = Field(default=0)
    named_as: str = Field(default="", max_length=200)
    due_on: date | None = None
    handler_id: int | None = Field(default=None, foreign_key="users.id", index=True)
