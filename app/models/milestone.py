"""Milestone: a dated step of the plan, or a goal that it sets for a date."""

from datetime import date
from enum import StrEnum

from sqlalchemy import Index
from sqlmodel import Field

from app.models.base import Row, enum_type


class MilestoneKind(StrEnum):
    """A step is to be taken; a goal is to be reached."""

    STEP = "step"
    GOAL = "goal"


class Milestone(Row, table=True):
    """``when_text`` is the plan's own words for the time; the dates are what they mean, if known."""

    __tablename__ = "milestones"
    __table_args__ = (Index("ix_milestones_programme_id_position_id", "programme_id", "position", "id"),)

    programme_id: int = Field(foreign_key="programmes.id")
    kind: MilestoneKind = Field(default=MilestoneKind.STEP, sa_type=enum_type(MilestoneKind))
    when_text: str = Field(default="", max_length=200)
    what: str = Field(max_length=2000)
    starts_on: date | None = None
    ends_on: date | None = None
    recurring: bool = Field(default=False)
    position: int = Field(default=0)
    source_line: int | None = None
    plan_number: int = Field(default=1)
