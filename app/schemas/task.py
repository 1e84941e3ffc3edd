"""Task: what may be sent, what is seen, and by what a list is narrowed."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from app.schemas.base import PRINTABLE, Id, Input, Public, Text
from app.schemas.base import text as words

Sorts = Literal["plan", "due", "updated"]
States = Literal[
    "draft",
    "issued",
    "in_progress",
    "under_review",
    "awaiting_confirmation",
    "completed",
    "closed",
    "suspended",
    "withdrawn",
]
Roles = Literal["lead", "supporting", "guiding", "undeclared"]
Person = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), PRINTABLE]
People = Annotated[list[Person], Field(max_length=50)]
MAX_TEXT = 20000


def _without_default(schema: dict[str, Any]) -> None:
    # A field that is not sent stays as it is; there is no value that it would take instead.
    schema.pop("default", None)


class TaskFilters(Input):
    """By what a list of tasks is narrowed; what is not given does not narrow it."""

    programme: Id | None = Field(None, description="id of a programme", examples=[1])
    parent: Id | None = Field(None, description="id of a task: only its sub-tasks")
    track: Id | None = Field(None, description="id of a track (援助方式)")
    unit: Id | None = Field(None, description="id of a unit that takes part")
    role: Roles | None = Field(None, description="some unit, or the given one, takes part in this role")
    state: States | None = None
    due_from: date | None = Field(None, description="first due date; with a unit, of that unit's assignment")
    due_to: date | None = Field(None, description="last due date")
    open_ended: bool | None = None
    dated: bool | None = Field(None, description="whether there is a due date")
    marked: bool | None = Field(None, description="whether the plan marks who is responsible")
    mine: bool | None = Field(None, description="true: only what my units take part in")
    open: bool | None = Field(None, description="true: only what is still owed")
    q: Annotated[Text, Field(max_length=100)] | None = Field(
        None, description="words in heading, text or path, without regard to case; all of them must occur"
    )


class TaskQuery(TaskFilters):
    """Filters, order and page of a list."""

    sort: Sorts = Field("plan", description="plan: as the plan counts; due: soonest first; updated: newest first")
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=2000, description="next_cursor of the page before")


class ChildQuery(Input):
    """The page of a task's sub-tasks."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=2000)


class TaskCreate(Input):
    """A new task under a task or in a section of the plan; it takes the next marker there."""

    programme_id: Id = Field(examples=[1])
    parent_id: Id | None = Field(None, description="the task that it belongs to; its path is the parent's and the next")
    section: words(150) = Field("", description="or the path of a section, markers joined by /", examples=["三/（一）"])  # type: ignore[valid-type]
    track_id: Id | None = None
    heading: words(500, least=1) = Field(examples=["共建防震减灾科普示范学校"])  # type: ignore[valid-type]
    text: words(MAX_TEXT) = Field("", examples=["选取三所学校共建科普示范学校。"])  # type: ignore[valid-type]
    due_on: date | None = Field(None, examples=["2027-12-31"])
    due_text: words(200) = Field("", description="the deadline in words", examples=["2027年底前"])  # type: ignore[valid-type]
    open_ended: bool = False
    target: words(2000) = ""  # type: ignore[valid-type]
    responsible_people: People = Field(default_factory=list)


class TaskUpdate(Input):
    """Fields to change; a field that is not sent stays as it is.

    Changing ``text`` is allowed; the wording before it stays in the log for good.
    """

    heading: words(500, least=1) = Field("", json_schema_extra=_without_default, examples=["共建科普示范学校"])  # type: ignore[valid-type]
    text: words(MAX_TEXT) = Field("", json_schema_extra=_without_default)  # type: ignore[valid-type]
    track_id: Id | None = Field(None, json_schema_extra=_without_default)
    due_on: date | None = Field(None, json_schema_extra=_without_default, examples=["2027-12-31"])
    due_text: words(200) = Field("", json_schema_extra=_without_default)  # type: ignore[valid-type]
    open_ended: bool = Field(False, json_schema_extra=_without_default)
    target: words(2000) = Field("", json_schema_extra=_without_default)  # type: ignore[valid-type]
    responsible_people: People = Field(default_factory=list, json_schema_extra=_without_default)
    reason: words(2000) = Field("", description="why, for the log")  # type: ignore[valid-type]


class Reasoned(Input):
    """A verb that says why."""

    reason: words(2000, least=1) = Field(examples=["与方案第二版合并"])  # type: ignore[valid-type]


class TaskPublic(Public):
    """A task. ``version`` is also its ETag."""

    id: int = Field(examples=[42])
    version: int = Field(examples=[3])
    programme_id: int
    parent_id: int | None
    track_id: int | None
    path: str = Field(description="the plan's markers, joined by /", examples=["三/（三）/2"])
    part: int = Field(description="which of several duties of one path, from 1")
    sort_key: str = Field(description="sorts as the plan counts")
    heading: str
    text: str = Field(description="the plan's sentences, verbatim until somebody changed them")
    due_text: str
    due_on: date | None
    first_due_on: date | None = Field(description="the first date that was ever set; it never changes")
    open_ended: bool
    target: str
    responsible_people: list[str]
    marked: bool
    source_line: int | None
    plan_number: int
    state: States
    created_at: AwareDatetime
    updated_at: AwareDatetime
