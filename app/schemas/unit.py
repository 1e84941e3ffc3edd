"""Unit: what may be sent, and what is seen."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from app.schemas.base import PRINTABLE, Id, Input, Public

Kind = Literal["bureau", "department", "institution", "group", "beneficiary"]
NameKind = Literal["full", "short", "alias"]
SideName = Literal["aiding", "receiving", "partner", "superior"]
Name = Annotated[str, Field(min_length=1, max_length=200, examples=["规划财务处"]), PRINTABLE]
ShortName = Annotated[str, Field(max_length=100, examples=["规财处"]), PRINTABLE]
Position = Annotated[int, Field(ge=0, le=100_000, description="place among its siblings, from 0")]
Reason = Annotated[str, Field(max_length=2000, examples=["机构改革"]), PRINTABLE]


class UnitFilters(Input):
    """By what a list of units is narrowed; what is not given does not narrow it."""

    programme: Id | None = Field(default=None, description="id of a programme: units of its parties", examples=[1])
    root: Id | None = Field(default=None, description="id of a bureau: its whole tree")
    parent: Id | None = Field(default=None, description="id of a unit: those right below it")
    kind: Kind | None = None
    live: bool | None = Field(default=None, description="true: only units that have not ended")
    q: Annotated[str, Field(max_length=100), PRINTABLE] | None = Field(
        default=None, description="part of any name that the unit has or had"
    )


class UnitQuery(UnitFilters):
    """Filters, order and page of a list."""

    sort: Literal["position", "id", "-id"] = Field(default="position", description="position: as their bureau counts")
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(default=None, max_length=2000, description="next_cursor of the page before")


class UnitPageQuery(UnitFilters):
    """What the page of units shows: a programme's trees or what is looked for, with ended units if asked."""

    ended: bool = False
    cursor: str | None = Field(default=None, max_length=2000)


class UnitCreate(Input):
    """A new unit under ``parent_id``; without one a new bureau, which then becomes a party of a programme."""

    name: Name
    short_name: ShortName = ""
    aliases: list[Name] = Field(default_factory=list, max_length=20)
    kind: Kind | None = Field(default=None, description="a bureau without a parent, else a department")
    parent_id: Id | None = None
    programme_id: Id | None = Field(default=None, description="for a new bureau: the programme it takes part in")
    side: SideName | None = Field(default=None, description="for a new bureau: its side there")
    position: Position | None = Field(default=None, description="behind its siblings unless said otherwise")
    starts_on: date | None = None


class UnitUpdate(Input):
    """What is to be changed; a field that is not sent stays. A wrong name is mended here, a new one has its verb."""

    name: Name | None = None
    short_name: ShortName | None = None
    kind: Kind | None = None
    parent_id: Id | None = Field(default=None, description="another unit of the same bureau")
    position: Position | None = None
    starts_on: date | None = None


class UnitRename(Input):
    """A new name from a date on (机构改革). The old one keeps matching, with its last day."""

    name: Name
    short_name: ShortName | None = Field(default=None, description="the short name from then on; unchanged if left out")
    starts_on: date = Field(description="first day of the new name, not later than today")
    reason: Reason = ""


class UnitNameCreate(Input):
    """A further name: another spelling, or a full name that it had once."""

    name: Name
    kind: NameKind = "alias"
    starts_on: date | None = None
    ends_on: date | None = Field(default=None, description="the last day on which it held")


class UnitMemberAdd(Input):
    """A unit that the group stands for."""

    unit_id: Id


class UnitMerge(Input):
    """The unit that goes on, and the first day on which the other is part of it."""

    into_id: Id
    starts_on: date = Field(description="first day after the merger, not later than today")
    reason: Reason = ""


class UnitEnd(Input):
    """The last day on which the unit exists, and why."""

    ends_on: date
    reason: Reason = ""


class UnitPublic(Public):
    """A unit. ``root_id`` is its bureau; ``merged_into_id`` the unit that goes on in its place."""

    id: int = Field(examples=[12])
    version: int = Field(examples=[3])
    parent_id: int | None
    root_id: int | None
    name: str = Field(examples=["规划财务处"])
    short_name: str = Field(examples=["规财处"])
    kind: Kind
    position: int
    may_create_programmes: bool
    starts_on: date | None
    ends_on: date | None
    merged_into_id: int | None
    created_at: datetime
    updated_at: datetime


class UnitNamePublic(Public):
    """A name and the days on which it held; a date left open has no end."""

    id: int
    version: int
    unit_id: int
    name: str = Field(examples=["规财处"])
    kind: NameKind
    starts_on: date | None
    ends_on: date | None


class UnitMergePreview(Public):
    """What a merger moves, as far as the caller sees it."""

    unit_id: int
    into_id: int
    parts: int = Field(description="units below it, which then stand below the other")
    names: int = Field(description="names that the other unit takes over")
    accounts: int
    memberships: int
    assignments: int = Field(description="assignments that change hands")
    joined: int = Field(description="tasks that have both units and keep one assignment, in the stronger role")
    elsewhere: bool = Field(description="whether programmes that the caller does not see are touched too")
