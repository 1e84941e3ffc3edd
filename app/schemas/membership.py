"""Roles in a programme."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from app.permissions import Role
from app.schemas.base import Day, Id, Input, Public, text


class MembershipCreate(Input):
    """A role for a person, in a programme, for a unit."""

    programme_id: Id = Field(examples=[1])
    user_id: Id = Field(examples=[7])
    unit_id: Id = Field(examples=[3])
    role: Role = Field(examples=["handler"])
    starts_on: Day | None = Field(None, description="the first day; today if it is not given")
    ends_on: Day | None = Field(None, description="the last day; an auditor needs one")


class MembershipUpdate(Input):
    """Another last day."""

    ends_on: Day | None = Field(description="the last day on which the role holds; null: no end")


class MembershipEnd(Input):
    """The last day; without one the role ends at once."""

    ends_on: Day | None = Field(None, description="the last day on which the role holds; yesterday if not given")
    reason: text(500) = Field("", examples=["调岗"])  # type: ignore[valid-type]


class MembershipFilters(Input):
    """By what a list of roles is narrowed; what is not given does not narrow it."""

    programme: Id | None = Field(None, description="id of a programme", examples=[1])
    user: Id | None = Field(None, description="id of a person")
    unit: Id | None = Field(None, description="id of a unit")
    role: Role | None = None
    holds: bool | None = Field(None, description="whether the role holds today")


class MembershipQuery(MembershipFilters):
    """Filters, order and page of a list of roles."""

    sort: Literal["id", "-id"] = "-id"
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=2000, description="next_cursor of the page before")


class MembershipPublic(Public):
    """A role that somebody holds, held or will hold. An ended one stays in the record."""

    id: int = Field(examples=[5])
    version: int = Field(examples=[1])
    programme_id: int = Field(examples=[1])
    programme_title: str = Field(examples=["对口援助工作方案"])
    user_id: int = Field(examples=[7])
    user_name: str = Field(examples=["李敏"])
    unit_id: int = Field(examples=[3])
    unit_name: str = Field(examples=["规划财务处"])
    side: Literal["aiding", "receiving", "partner", "superior"] | None
    role: Role
    starts_on: date | None
    ends_on: date | None
    holds: bool = Field(description="whether it holds today")
    created_at: datetime
    updated_at: datetime


class ProgrammeGrantPublic(Public):
    """Whether the people of a unit may create programmes."""

    id: int = Field(examples=[3])
    version: int = Field(examples=[2])
    name: str = Field(examples=["规划财务处"])
    may_create_programmes: bool


class RolesGranted(Public):
    """How many roles a workbook gave."""

    granted: int = Field(examples=[12])
