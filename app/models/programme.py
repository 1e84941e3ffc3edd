"""Programme: one published assistance plan, its parties, its tracks and the versions of its plan."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from app.models.base import Json, Row, enum_type


class Programme(Row, table=True):
    """A programme. Lists that the plan's head gives stay as the plan writes them."""

    __tablename__ = "programmes"
    __table_args__ = (Index("ix_programmes_document_number_issuer", "document_number", "issuer"),)

    title: str = Field(max_length=300)
    document_number: str = Field(default="", max_length=100)
    issuer: str = Field(default="", max_length=200)
    issued_on: date | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    disclosure: str = Field(default="", max_length=100)
    purpose: str = Field(default="", description="the plan's goals, as its own sentences")
    recipients: list[str] = Field(default_factory=list, sa_type=Json)
    copied_to: list[str] = Field(default_factory=list, sa_type=Json)
    basis: list[Any] = Field(default_factory=list, sa_type=Json)
    plan_number: int = Field(default=1, description="the number of the plan's version in force")


class Side(StrEnum):
    """On which side of a programme a bureau stands."""

    AIDING = "aiding"
    RECEIVING = "receiving"
    PARTNER = "partner"
    SUPERIOR = "superior"


class Party(Row, table=True):
    """A bureau, the root of a unit tree, on one side of a programme."""

    __tablename__ = "parties"
    __table_args__ = (UniqueConstraint("programme_id", "unit_id"),)

    programme_id: int = Field(foreign_key="programmes.id")
    unit_id: int = Field(foreign_key="units.id", index=True)
    side: Side = Field(sa_type=enum_type(Side))


class Track(Row, table=True):
    """A way of assistance (援助方式) of one programme; ``code`` is stable, ``name`` may be changed."""

    __tablename__ = "tracks"
    __table_args__ = (UniqueConstraint("programme_id", "code"),)

    programme_id: int = Field(foreign_key="programmes.id")
    code: str = Field(max_length=32)
    name: str = Field(max_length=50)
    position: int = Field(default=0)


class PlanVersion(Row, table=True):
    """One accepted text of the plan: the file, the reading that was accepted and what it changed."""

    __tablename__ = "plan_versions"
    __table_args__ = (UniqueConstraint("programme_id", "number"),)

    programme_id: int = Field(foreign_key="programmes.id")
    number: int
    plan_import_id: int = Field(foreign_key="plan_imports.id", index=True)
    sha256: str = Field(max_length=64, index=True)
    accepted_at: datetime
    accepted_by_id: int | None = Field(default=None, foreign_key="users.id", index=True)
    differences: list[Any] = Field(default_factory=list, sa_type=Json)
