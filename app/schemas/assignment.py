"""Assignment: a task given to a unit."""

from datetime import date
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from app.schemas.base import Id, Input, Public
from app.schemas.task import Roles

States = Literal["pending", "acknowledged", "in_progress", "done", "excused", "contested"]


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class AssignmentQuery(Input):
    """Filters and page of a list, in the order in which assignments were made."""

    programme: Id | None = None
    task: Id | None = None
    unit: Id | None = None
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=2000)


class AssignmentCreate(Input):
    """A unit that takes part in a task. A role that a person declares is confirmed by that."""

    task_id: Id = Field(examples=[42])
    unit_id: Id = Field(examples=[7], description="a unit of one of the programme's sides")
    role: Roles = "undeclared"
    due_on: date | None = Field(None, description="where it differs from the task's")
    handler_id: Id | None = Field(None, description="a person of that unit")


class AssignmentUpdate(Input):
    """Fields to change; a field that is not sent stays as it is."""

    role: Roles = Field("undeclared", json_schema_extra=_without_default)
    due_on: date | None = Field(None, json_schema_extra=_without_default)
    handler_id: Id | None = Field(None, json_schema_extra=_without_default)


class AssignmentPublic(Public):
    """An assignment with the names that a person reads. ``version`` is also its ETag."""

    id: int = Field(examples=[7])
    version: int
    programme_id: int
    task_id: int
    unit_id: int
    unit_name: str
    named_as: str = Field(description="the unit as the plan writes it")
    role: Roles
    role_confirmed: bool
    state: States
    position: int
    due_on: date | None
    handler_id: int | None
    handler_name: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
