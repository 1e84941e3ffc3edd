"""Schemas of a plan under review: its head, its items, its units, and the acceptance."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas.base import Id, Input, Public
from app.schemas.base import text as bounded

ItemKind = Literal["task", "milestone"]
SideName = Literal["aiding", "receiving", "partner", "superior"]
UnitKindName = Literal["bureau", "department", "institution", "group", "beneficiary"]
UnitPlace = Literal[
    "under_aiding",
    "under_receiving",
    "under_partner",
    "under_superior",
    "bureau_aiding",
    "bureau_receiving",
    "bureau_partner",
    "bureau_superior",
]
UnitText = bounded(200, least=1)
UnitNames = Annotated[list[UnitText], Field(max_length=100)]  # type: ignore[valid-type]
TrackCode = Annotated[str, Field(max_length=32, pattern=r"^([a-z][a-z0-9_]{0,31})?$")]


class PlanImportUpdate(Input):
    """Corrections of the head; what is not sent stays. Lists are sent whole."""

    title: bounded(300) | None = Field(None, examples=["“十四五”援助工作方案"])  # type: ignore[valid-type]
    document_number: bounded(100) | None = Field(None, examples=["冀震发〔2022〕1号"])  # type: ignore[valid-type]
    issuer: bounded(200) | None = Field(None, examples=["河北省地震局"])  # type: ignore[valid-type]
    issued_on: date | None = Field(None, examples=["2022-01-18"])
    starts_on: date | None = Field(None, examples=["2021-01-01"])
    ends_on: date | None = Field(None, examples=["2025-12-31"])
    disclosure: bounded(100) | None = Field(None, examples=["主动公开"])  # type: ignore[valid-type]
    recipients: Annotated[list[bounded(200)], Field(max_length=200)] | None = None  # type: ignore[valid-type]
    copied_to: Annotated[list[bounded(200)], Field(max_length=200)] | None = None  # type: ignore[valid-type]
    programme_id: Id | None = Field(
        None, description="the programme of which this is the next version; null for a programme of its own"
    )


class PlanItemUpdate(Input):
    """Corrections of an item; what is not sent stays. Which fields count depends on the item's kind."""

    path: Annotated[list[bounded(40)], Field(max_length=12)] | None = Field(None, examples=[["三", "（一）", "2"]])  # type: ignore[valid-type]
    part: Annotated[int, Field(ge=1, le=9999)] | None = None
    heading: bounded(500, least=1) | None = Field(None, examples=["加强监测站网建设"])  # type: ignore[valid-type]
    text: bounded(20000) | None = None  # type: ignore[valid-type]
    units: UnitNames | None = Field(None, examples=[["规财处", "监测处（应急处）"]])
    lead_units: UnitNames | None = None
    supporting_units: UnitNames | None = None
    guiding_units: UnitNames | None = None
    responsible_people: Annotated[list[bounded(100, least=1)], Field(max_length=50)] | None = None  # type: ignore[valid-type]
    due_text: bounded(200) | None = Field(None, examples=["2023年底前"])  # type: ignore[valid-type]
    due_on: date | None = Field(None, examples=["2023-12-31"])
    open_ended: bool | None = None
    target: bounded(2000) | None = None  # type: ignore[valid-type]
    track: TrackCode | None = Field(None, description="empty: as its section", examples=["funding"])
    when: bounded(200) | None = Field(None, examples=["2023年底"])  # type: ignore[valid-type]
    what: bounded(2000, least=1) | None = Field(None, examples=["开展中期评估"])  # type: ignore[valid-type]
    milestone_kind: Literal["step", "goal"] | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    recurring: bool | None = None


class PlanItemCreate(PlanItemUpdate):
    """An item that the reader missed. A task needs a heading, a milestone what is to be done."""

    kind: ItemKind
    line: Annotated[int, Field(ge=1, le=100_000)] | None = Field(None, description="line of the original")


class NewUnit(Input):
    """A unit that the acceptance creates: under the bureau of a side, or as a bureau on a side."""

    name: bounded(200, least=1) = Field(examples=["监测处（应急处）"])  # type: ignore[valid-type]
    short_name: bounded(100) = Field("", examples=["监测处"])  # type: ignore[valid-type]
    kind: UnitKindName = "department"
    place: UnitPlace = "under_aiding"


class UnitMapping(Input):
    """What one name of the plan stands for: a unit that exists, or one to be created. Neither: undecided."""

    named_as: bounded(200, least=1) = Field(examples=["规财处"])  # type: ignore[valid-type]
    unit_id: Id | None = None
    create: NewUnit | None = None


class SectionMapping(Input):
    """The track that the tasks of one section go to; an empty code for none."""

    line: Annotated[int, Field(ge=1, le=100_000)]
    track: TrackCode
    name: bounded(50) = Field("", description="what the programme calls the track", examples=["资金援疆"])  # type: ignore[valid-type]


class SectionMappings(Input):
    """The tracks of some sections; those of the others stay."""

    sections: Annotated[list[SectionMapping], Field(max_length=2000)]


class PartyChoice(Input):
    """A bureau on one side. Without ``unit_id`` the acceptance creates it by its name."""

    name: bounded(200, least=1) = Field(examples=["巴州应急管理局"])  # type: ignore[valid-type]
    side: SideName | None = Field(None, description="null: named in the plan, but takes no part")
    unit_id: Id | None = None


class PartyChoices(Input):
    """All bureaus of the programme, aiding ones first."""

    parties: Annotated[list[PartyChoice], Field(max_length=40)]


class PlanAccept(Input):
    """The acceptance. The last three say what becomes of tasks and assignments that vanished from the plan."""

    duplicate: bool = Field(False, description="accept although this document is already a programme")
    withdraw: Annotated[list[Id], Field(max_length=2000)] = Field(
        default_factory=list, description="ids of vanished tasks to withdraw; the others stay"
    )
    excuse: Annotated[list[Id], Field(max_length=2000)] = Field(
        default_factory=list, description="ids of vanished assignments to excuse; the others stay"
    )
    reason: bounded(2000) = Field("", description="why, when anything is withdrawn or excused")  # type: ignore[valid-type]


class PlanImportDrop(Input):
    """Why the import is given up."""

    reason: bounded(2000) = ""  # type: ignore[valid-type]


class PlanImportQuery(Input):
    """A page of the list of imports."""

    state: Literal["review", "accepted", "dropped"] | None = None
    q: bounded(100) = Field("", description="words in title, number, issuer or file name")  # type: ignore[valid-type]
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=2000)] | None = None


class PlanItemQuery(Input):
    """A page of the items of one import."""

    kind: ItemKind | None = None
    doubtful: bool | None = Field(None, description="true: doubts that nobody has settled yet")
    dropped: bool | None = None
    q: bounded(100) = Field("", description="words in the text")  # type: ignore[valid-type]
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=2000)] | None = None


class PlanLineQuery(Input):
    """A page of the lines of the original."""

    start: Annotated[int, Field(ge=1, le=100_000)] = 1
    only: Literal["ignored", "repaired"] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 200


class PlanImportRow(Public):
    """An import in a list."""

    id: int
    version: int
    state: Literal["review", "accepted", "dropped"]
    name: str
    title: str
    document_number: str
    issuer: str
    programme_id: int | None
    created_at: datetime
    accepted_at: datetime | None


class PlanImportPublic(PlanImportRow):
    """An import with its head, its units and sections as they are mapped, and how much is left to check."""

    sha256: str
    issued_on: date | None
    starts_on: date | None
    ends_on: date | None
    disclosure: str
    recipients: list[str]
    copied_to: list[str]
    basis: list[str]
    parties: list[dict[str, Any]]
    units: list[dict[str, Any]]
    sections: list[dict[str, Any]]
    repairs: list[dict[str, Any]]
    line_count: int
    counts: dict[str, int]
    missing: list[dict[str, Any]] = Field(description="what the acceptance still needs")
    known_as: list[dict[str, Any]] = Field(description="programmes that came from the same document")


class PlanItemPublic(Public):
    """A task or a milestone as it was read and corrected."""

    id: int
    version: int
    kind: ItemKind
    position: int
    line: int | None
    dropped: bool
    added: bool
    settled: bool
    doubts: list[dict[str, Any]]
    data: dict[str, Any] = Field(description="the fields of PlanItemUpdate that its kind has")


class PlanLinePublic(Public):
    """A line of the original: its number, its text, why it was left out, and what was mended in it."""

    line: int
    text: str
    ignored: str | None
    repairs: list[dict[str, Any]]


class PlanDifferencePublic(Public):
    """One difference between the plan in force and this one."""

    kind: str
    noun: str
    id: int | None
    path: str
    heading: str
    fields: list[dict[str, Any]]


class PlanAccepted(Public):
    """What an acceptance made: the programme, the number of its plan, and how many tasks the plan states."""

    programme_id: int
    number: int
    tasks: int
