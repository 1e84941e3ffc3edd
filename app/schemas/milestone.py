"""Milestone: what may be sent, and what is seen."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from app.schemas.base import PRINTABLE, Id, Input, Public

MilestoneKindName = Literal["step", "goal"]
When = Annotated[str, Field(max_length=200, examples=["2023年底"]), PRINTABLE]
What = Annotated[str, Field(min_length=1, max_length=2000, examples=["开展中期评估"]), PRINTABLE]
Order = Annotated[int, Field(ge=0, le=100_000)]


class MilestoneFilters(Input):
    """By what a list of milestones is narrowed; what is not given does not narrow it."""

    programme: Id | None = Field(default=None, description="id of a programme", examples=[1])
    kind: MilestoneKindName | None = None


class MilestoneQuery(MilestoneFilters):
    """Filters, order and page of a list."""

    sort: Literal["position", "id"] = Field(default="position", description="position: as the plan counts")
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(default=None, max_length=2000, description="next_cursor of the page before")


class MilestoneCreate(Input):
    """A dated step or goal. ``when_text`` is the plan's own words for the time, the dates what they mean."""

    programme_id: Id = Field(examples=[1])
    what: What
    kind: MilestoneKindName = "step"
    when_text: When = ""
    starts_on: date | None = None
    ends_on: date | None = None
    recurring: bool = False
    position: Order | None = Field(default=None, description="behind the others unless said otherwise")


class MilestoneUpdate(Input):
    """What is to be changed; a field that is not sent stays, one that is empty is emptied."""

    what: What | None = None
    kind: MilestoneKindName | None = None
    when_text: When | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    recurring: bool | None = None
    position: Order | None = None


class MilestonePublic(Public):
    """A milestone."""

    id: int
    version: int
    programme_id: int
    kind: MilestoneKindName
    when_text: str
    what: str
    starts_on: date | None
    ends_on: date | None
    recurring: bool
    position: int
    source_line: int | None = Field(description="line of the plan's text, from 1")
    plan_number: int
    created_at: datetime
    updated_at: datetime
