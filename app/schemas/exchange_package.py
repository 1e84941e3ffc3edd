"""ExchangePackage: what may be sent, and what is seen."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas.base import Id, Input, Public
from app.schemas.base import text as words

States = Literal["making", "made", "checking", "checked", "applying", "applied", "failed", "dropped"]
Standings = Literal["new", "theirs", "ours", "conflict", "gone", "kept", "missing"]
Side = Literal["ours", "theirs"]


class ExchangePackageQuery(Input):
    """Filter and page of a list, newest first."""

    programme: Id | None = None
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=2000)


class ExchangeDifferenceQuery(Input):
    """Filter and page of what a check found."""

    standing: Standings | None = Field(None, description="conflict: both sides changed the row since the last exchange")
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=2000)


class ExchangeChoice(Input):
    """Which side's text of one conflict stands."""

    difference_id: Id
    choice: Side


class ExchangeChoices(Input):
    """Choices by row; ``rest`` is for every conflict that is still undecided after them."""

    choices: Annotated[list[ExchangeChoice], Field(max_length=500)] = Field(default_factory=list)
    rest: Side | None = Field(None, description="ours or theirs for every conflict that nobody has decided")


class ExchangeApply(Input):
    """Taking a checked package in; a conflict without a choice stays as it is here, and stays open."""

    duplicate: bool = Field(False, description="take it in although the same document is a programme here already")


class ExchangeDrop(Input):
    """Giving a package up."""

    reason: words(2000) = ""  # type: ignore[valid-type]


class ExchangePackagePublic(Public):
    """A package. ``counts`` has rows by noun, for a received one also by what they are to the rows here."""

    id: int
    version: int
    direction: Literal["sent", "received"]
    state: States
    programme_id: int | None
    unit_id: int | None = Field(description="the unit of who made it or brought it")
    job_id: int | None = Field(description="the job of the step that runs or ran last")
    installation: str = Field(description="which installation made it")
    number: int = Field(description="counts the packages of that installation")
    made_at: datetime | None
    settled_at: datetime | None
    name: str
    sha256: str
    size: int = Field(description="bytes")
    title: str
    document_number: str
    counts: dict[str, Any]
    error: str = Field(description="the stable code of what went wrong, or empty")
    error_values: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class ExchangeDifferencePublic(Public):
    """A row that is not as here, with both texts of what differs."""

    id: int
    package_id: int
    noun: str = Field(examples=["tasks"])
    installation: str
    uid: str
    local_id: int | None
    standing: Standings
    label: str
    ours: dict[str, Any] | None
    theirs: dict[str, Any] | None
    blocked: str = Field(description="why theirs cannot be taken, or empty")
    choice: str = Field(description="ours, theirs or empty")
