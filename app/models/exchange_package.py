"""ExchangePackage: a programme on its way between two installations, and what was last exchanged of its rows."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.models.base import BigId, Json, Row, enum_type, utc_now


class Direction(StrEnum):
    """Made here, or brought from another installation."""

    SENT = "sent"
    RECEIVED = "received"


class ExchangeState(StrEnum):
    """Sent: making, then made. Received: checking, checked, applying, applied. Either can fail; a person may drop."""

    MAKING = "making"
    MADE = "made"
    CHECKING = "checking"
    CHECKED = "checked"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"
    DROPPED = "dropped"


class ExchangePackage(Row, table=True):
    """A package, known by its SHA-256; its bytes lie in object storage as evidence of what was said when.

    ``installation`` and ``number`` are its maker's. ``programme_id`` is empty while a received programme
    is not here yet. ``counts`` has, for a sent package, lines by part; for a received one, rows by part
    and by what they are to the rows here.
    """

    __tablename__ = "exchange_packages"
    __table_args__ = (
        Index("ix_exchange_packages_programme_id_id", "programme_id", "id"),
        Index("ix_exchange_packages_installation_number", "installation", "number"),
    )

    direction: Direction = Field(sa_type=enum_type(Direction))
    state: ExchangeState = Field(sa_type=enum_type(ExchangeState))
    programme_id: int | None = Field(default=None, foreign_key="programmes.id")
    unit_id: int | None = Field(default=None, foreign_key="units.id", index=True, description="who made or took it in")
    person_id: int | None = Field(default=None, foreign_key="users.id", index=True)
    job_id: int | None = Field(default=None, sa_type=BigId, description="of the step that runs or ran last")
    installation: str = Field(max_length=32)
    number: int = Field(default=0)
    made_at: datetime | None = None
    settled_at: datetime | None = Field(default=None, description="when it was made, or taken in")
    name: str = Field(default="", max_length=255, description="the file's name")
    sha256: str = Field(default="", max_length=64, index=True)
    size: int = Field(default=0, description="bytes")
    title: str = Field(default="", max_length=300, description="the programme's, in the words of the maker")
    document_number: str = Field(default="", max_length=100)
    counts: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    error: str = Field(default="", max_length=64, description="the stable code of what went wrong")
    error_values: dict[str, Any] = Field(default_factory=dict, sa_type=Json)


class ExchangeDifference(SQLModel, table=True):
    """One row of a received package that is not as here, as the check found it; made anew by each check."""

    __tablename__ = "exchange_differences"
    __table_args__ = (Index("ix_exchange_differences_package_id_standing_id", "package_id", "standing", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    package_id: int = Field(foreign_key="exchange_packages.id")
    noun: str = Field(max_length=41)
    installation: str = Field(max_length=32)
    uid: str = Field(max_length=32)
    local_id: int | None = None
    standing: str = Field(max_length=16)
    label: str = Field(default="", max_length=300)
    ours: dict[str, Any] | None = Field(default=None, sa_type=Json)
    theirs: dict[str, Any] | None = Field(default=None, sa_type=Json)
    ours_digest: str = Field(default="", max_length=64, description="what the person saw when choosing")
    blocked: str = Field(default="", max_length=32, description="why theirs cannot be taken")
    choice: str = Field(default="", max_length=8, description="ours, theirs, or nothing chosen yet")


class ExchangeRow(SQLModel, table=True):
    """What was last exchanged of one row: its digest, empty once it was deleted, and its version vector.

    ``born`` tells two rows apart that had the same id one after the other, which SQLite allows.
    ``owner`` is the installation on which the row was made.
    """

    __tablename__ = "exchange_rows"
    __table_args__ = (
        Index("ix_exchange_rows_noun_local_id", "noun", "local_id"),
        Index("ix_exchange_rows_programme_id_noun_id", "programme_id", "noun", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    noun: str = Field(max_length=41)
    local_id: int
    programme_id: int | None = Field(default=None, foreign_key="programmes.id", description="none for units")
    born: datetime
    owner: str = Field(max_length=32)
    digest: str = Field(default="", max_length=64)
    vector: dict[str, int] = Field(default_factory=dict, sa_type=Json)


class ExchangeIdentity(SQLModel, table=True):
    """A name of a row between installations; a row that both sides made of their own has two."""

    __tablename__ = "exchange_identities"
    __table_args__ = (UniqueConstraint("noun", "installation", "uid"),)

    id: int | None = Field(default=None, primary_key=True)
    noun: str = Field(max_length=41)
    installation: str = Field(max_length=32)
    uid: str = Field(max_length=32)
    row_id: int = Field(foreign_key="exchange_rows.id", index=True)


class Installation(SQLModel, table=True):
    """What this installation is called by others; one row, made at the first use and never changed."""

    __tablename__ = "installations"

    id: int = Field(default=1, primary_key=True)
    name: str = Field(max_length=32, unique=True)
    created_at: datetime = Field(default_factory=utc_now)
