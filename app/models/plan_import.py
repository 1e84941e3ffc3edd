"""PlanImport: a plan document that was read and is being checked by a person before it is accepted."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from app.models.base import Json, Row, enum_type


class PlanImportState(StrEnum):
    """Under review until a person accepts or drops it."""

    REVIEW = "review"
    ACCEPTED = "accepted"
    DROPPED = "dropped"


class PlanImport(Row, table=True):
    """The document's head as read and corrected; ``lines`` is the extracted text that items cite."""

    __tablename__ = "plan_imports"
    __table_args__ = (Index("ix_plan_imports_document_number_issuer", "document_number", "issuer"),)

    state: PlanImportState = Field(default=PlanImportState.REVIEW, sa_type=enum_type(PlanImportState))
    programme_id: int | None = Field(default=None, foreign_key="programmes.id", index=True)
    unit_id: int | None = Field(default=None, foreign_key="units.id", index=True)
    uploaded_by_id: int | None = Field(default=None, foreign_key="users.id", index=True)
    name: str = Field(max_length=255, description="the file's name")
    sha256: str = Field(max_length=64, index=True)
    title: str = Field(default="", max_length=300)
    document_number: str = Field(default="", max_length=100)
    issuer: str = Field(default="", max_length=200)
    head: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    lines: list[str] = Field(default_factory=list, sa_type=Json)
    repairs: list[Any] = Field(default_factory=list, sa_type=Json)
    ignored: list[Any] = Field(default_factory=list, sa_type=Json)
    sections: list[Any] = Field(default_factory=list, sa_type=Json)
    units: list[Any] = Field(default_factory=list, sa_type=Json)
    accepted_at: datetime | None = None


class PlanItemKind(StrEnum):
    """What an item becomes when the import is accepted."""

    TASK = "task"
    MILESTONE = "milestone"


class PlanItem(Row, table=True):
    """One task or milestone of a reading, as it stands after corrections; a row each, so that one
    correction among five hundred changes one row."""

    __tablename__ = "plan_items"
    __table_args__ = (
        Index("ix_plan_items_plan_import_id_kind_position_id", "plan_import_id", "kind", "position", "id"),
    )

    plan_import_id: int = Field(foreign_key="plan_imports.id")
    kind: PlanItemKind = Field(sa_type=enum_type(PlanItemKind))
    position: int
    line: int | None = None
    dropped: bool = Field(default=False)
    added: bool = Field(default=False, description="by a person, not by the reader")
    doubts: list[Any] = Field(default_factory=list, sa_type=Json)
    settled: bool = Field(default=False, description="a person has looked at its doubts")
    data: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
