"""Membership: a role that a person holds in a programme for a unit, between two dates."""

from datetime import date

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from app.models.base import Row, enum_type
from app.permissions import Role


class Membership(Row, table=True):
    """An ended membership stays, end-dated: who held what when is part of the record."""

    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint("user_id", "programme_id", "unit_id", "role", "starts_on"),
        Index("ix_memberships_programme_id_id", "programme_id", "id"),
    )

    programme_id: int = Field(foreign_key="programmes.id")
    user_id: int = Field(foreign_key="users.id", index=True)
    unit_id: int = Field(foreign_key="units.id", index=True)
    role: Role = Field(sa_type=enum_type(Role))
    starts_on: date | None = None
    ends_on: date | None = Field(default=None, description="the last day on which it holds")
