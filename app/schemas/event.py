"""Event: what the log says about a change or an access, as far as the reader may know it."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from app.schemas.base import Id, Input, Public, Text

Kinds = Literal["verb", "row", "access"]


class EventFilters(Input):
    """By what the log is narrowed; what is not given does not narrow it."""

    person: Annotated[Text, Field(max_length=100)] | None = Field(
        None, description="a login, or part of a name for those who may read accounts"
    )
    actor_id: Id | None = None
    verb: Annotated[Text, Field(max_length=64)] | None = Field(
        None, description="a verb, or its beginning", examples=["task."]
    )
    kind: Kinds | None = None
    subject_type: Annotated[Text, Field(max_length=32)] | None = Field(None, examples=["tasks"])
    subject_id: Id | None = None
    programme: Id | None = None
    since: date | None = Field(None, description="first day, in Asia/Shanghai")
    until: date | None = Field(None, description="last day, in Asia/Shanghai")


class EventQuery(EventFilters):
    """Filters and page. ``after`` turns the list into the change feed."""

    after: str | None = Field(
        None,
        pattern=r"^-?[0-9]{1,18}-[0-9]{1,18}$",
        description="the change feed, in commit order: what follows this position; 0-0 is the beginning",
        examples=["0-0"],
    )
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=2000, description="next_cursor, of the list newest first")


class EventPublic(Public):
    """One entry. Personal fields are in clear only for those who may read accounts, else "•••"."""

    id: int
    position: str = Field(description="its place in commit order, for after", examples=["0-120"])
    at: AwareDatetime
    kind: Kinds
    verb: str = Field(description="noun.verb, or insert, update, delete for a row", examples=["task.update"])
    cause_id: int | None = Field(description="the verb's event that changed this row")
    programme_id: int | None
    subject_type: str
    subject_id: int | None
    subject_name: str
    actor_id: int | None = Field(description="null: the system, or nobody who is known")
    actor_name: str | None
    channel: str
    address: str = Field(description="only for those who read the audit trail")
    reason: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
