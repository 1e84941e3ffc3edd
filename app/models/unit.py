"""Unit: a node of the organisation tree, under any of the names it has had."""

from datetime import date
from enum import StrEnum

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.models.base import Row, enum_type


class UnitKind(StrEnum):
    """What a unit is. A group (各中心站) stands for its members; a beneficiary receives only."""

    BUREAU = "bureau"
    DEPARTMENT = "department"
    INSTITUTION = "institution"
    GROUP = "group"
    BENEFICIARY = "beneficiary"


class Unit(Row, table=True):
    """A unit. ``root_id`` is the top of its tree: the boundary between one bureau and another."""

    __tablename__ = "units"
    __table_args__ = (Index("ix_units_root_id_position_id", "root_id", "position", "id"),)

    parent_id: int | None = Field(default=None, foreign_key="units.id", index=True)
    root_id: int | None = Field(default=None, foreign_key="units.id")
    name: str = Field(max_length=200, index=True)
    short_name: str = Field(default="", max_length=100)
    kind: UnitKind = Field(default=UnitKind.DEPARTMENT, sa_type=enum_type(UnitKind))
    position: int = Field(default=0)
    may_create_programmes: bool = Field(default=False)
    starts_on: date | None = None
    ends_on: date | None = None
    merged_into_id: int | None = Field(default=None, foreign_key="units.id", index=True)


class UnitNameKind(StrEnum):
    """How a name was used: the full name, the short one, or any other spelling."""

    FULL = "full"
    SHORT = "short"
    ALIAS = "alias"


class UnitName(Row, table=True):
    """A name of a unit and the days on which it held (机构改革); dates left open have no end."""

    __tablename__ = "unit_names"
    __table_args__ = (Index("ix_unit_names_folded_unit_id", "folded", "unit_id"),)

    unit_id: int = Field(foreign_key="units.id", index=True)
    name: str = Field(max_length=200)
    folded: str = Field(max_length=200, description="the name as matching sees it: NFKC, no spaces")
    kind: UnitNameKind = Field(default=UnitNameKind.ALIAS, sa_type=enum_type(UnitNameKind))
    starts_on: date | None = None
    ends_on: date | None = None


class GroupMember(SQLModel, table=True):
    """One unit that a group stands for."""

    __tablename__ = "group_members"

    group_id: int = Field(foreign_key="units.id", primary_key=True)
    member_id: int = Field(foreign_key="units.id", primary_key=True, index=True)
