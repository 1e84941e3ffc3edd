"""What every table shares: names of constraints, the id, the version, enumerations and JSON.

The naming convention is set here, before any model is declared, so that both engines and every
migration use the same names.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Integer, MetaData
from sqlalchemy import Enum as SAEnum
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention

# SQLite gives a rowid, and with it an unbounded counter, only to INTEGER PRIMARY KEY.
BigId = BigInteger().with_variant(Integer(), "sqlite")
Json = JSON().with_variant(JSONB(), "postgresql")


def enum_type(members: type[StrEnum]) -> SAEnum:
    """A text column that stores the values of ``members``.

    Native enumerations of PostgreSQL are a trap for migrations: a new member is never added to the
    type, and the drift check does not see it.
    """
    return SAEnum(members, native_enum=False, length=32, values_callable=lambda kind: [member.value for member in kind])


def utc_now() -> datetime:
    """When a row is made, in UTC; facts with their own date carry a column of their own."""
    return datetime.now(UTC)


class Row(SQLModel):
    """Id, optimistic version and the two instants that every business row has."""

    id: int | None = Field(default=None, primary_key=True)
    version: int = Field(default=1, nullable=False)
    created_at: datetime = Field(default_factory=utc_now, nullable=False)
    updated_at: datetime = Field(default_factory=utc_now, nullable=False)

    @property
    def key(self) -> int:
        """The id of a row that is stored; a row without one is a mistake of the caller."""
        if self.id is None:
            raise ValueError(f"{type(self).__name__} has not been stored yet")
        return self.id


JsonObject = dict[str, Any]
