"""Programme, its parties, its tracks and the versions of its plan: what may be sent, and what is seen."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas.base import MAX_ID, PRINTABLE, Id, Input, Public

SideName = Literal["aiding", "receiving", "partner", "superior"]
Title = Annotated[str, Field(min_length=1, max_length=300, examples=["“十四五”对口援疆工作方案"]), PRINTABLE]
DocumentNumber = Annotated[str, Field(max_length=100, examples=["冀震发〔2022〕1号"]), PRINTABLE]
Issuer = Annotated[str, Field(max_length=200, examples=["河北省地震局"]), PRINTABLE]
Disclosure = Annotated[str, Field(max_length=100, examples=["主动公开"]), PRINTABLE]
Purpose = Annotated[str, Field(max_length=20_000, description="the plan's goals, in its own sentences"), PRINTABLE]
Line = Annotated[str, Field(min_length=1, max_length=500), PRINTABLE]
Lines = Annotated[list[Line], Field(max_length=200)]
TrackName = Annotated[str, Field(min_length=1, max_length=50, examples=["科技"]), PRINTABLE]
TrackCode = Annotated[str, Field(min_length=1, max_length=32, pattern="^[a-z][a-z0-9_]*$", examples=["science"])]
Place = Annotated[int, Field(ge=0, le=1000, description="place among the tracks, from 0")]


class ProgrammeQuery(Input):
    """Order and page of a list."""

    sort: Literal["-id", "id"] = Field(default="-id", description="-id: newest first")
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(default=None, max_length=2000, description="next_cursor of the page before")


class ProgrammePageQuery(Input):
    """What is open on a programme's page."""

    track: Annotated[int, Field(ge=0, le=MAX_ID, description="the track whose tasks are shown; 0 for none")] | None = (
        None
    )
    milestone: Id | None = Field(default=None, description="the milestone that is being changed")


class ProgrammeCreate(Input):
    """A programme. The caller's own bureau takes part in it, on ``side``."""

    title: Title
    document_number: DocumentNumber = ""
    issuer: Issuer = ""
    issued_on: date | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    disclosure: Disclosure = ""
    purpose: Purpose = ""
    recipients: Lines = Field(default_factory=list)
    copied_to: Lines = Field(default_factory=list)
    basis: Lines = Field(default_factory=list)
    side: SideName = "aiding"


class ProgrammeUpdate(Input):
    """What is to be changed; a field that is not sent stays, one that is empty is emptied."""

    title: Title | None = None
    document_number: DocumentNumber | None = None
    issuer: Issuer | None = None
    issued_on: date | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    disclosure: Disclosure | None = None
    purpose: Purpose | None = None
    recipients: Lines | None = None
    copied_to: Lines | None = None
    basis: Lines | None = None


class PartyCreate(Input):
    """A bureau that takes part, and its side."""

    unit_id: Id = Field(description="the bureau, the top of a tree of units that the caller sees")
    side: SideName


class TrackCreate(Input):
    """A further way of assistance."""

    name: TrackName
    code: TrackCode | None = Field(default=None, description="stable; made up if left out")


class TrackUpdate(Input):
    """Another name, another place."""

    name: TrackName | None = None
    position: Place | None = None


class ProgrammePublic(Public):
    """A programme."""

    id: int = Field(examples=[1])
    version: int = Field(examples=[2])
    title: str
    document_number: str
    issuer: str
    issued_on: date | None
    starts_on: date | None
    ends_on: date | None
    disclosure: str
    purpose: str
    recipients: list[str]
    copied_to: list[str]
    basis: list[Any]
    plan_number: int = Field(description="the number of the plan's version in force")
    created_at: datetime
    updated_at: datetime


class PartyPublic(Public):
    """A bureau on one side of a programme."""

    id: int
    version: int
    programme_id: int
    unit_id: int
    unit_name: str = Field(examples=["河北省地震局"])
    side: SideName


class TrackPublic(Public):
    """A way of assistance. ``tasks`` counts those that the caller sees."""

    id: int
    version: int
    programme_id: int
    code: str
    name: str
    position: int
    tasks: int = 0


class PlanVersionPublic(Public):
    """One accepted text of the plan."""

    id: int
    version: int
    programme_id: int
    number: int
    plan_import_id: int
    sha256: str
    accepted_at: datetime
    accepted_by_id: int | None


class PlanVersionDifferences(PlanVersionPublic):
    """A version with what it changed against the one before."""

    differences: list[Any]
