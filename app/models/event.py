"""Event: who changed what, when, from where, before and after. Never changed, never deleted."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, FetchedValue, Index
from sqlmodel import Field, SQLModel

from app.models.base import BigId, Json, enum_type


class EventKind(StrEnum):
    """A verb, one row that it changed, or an access (a reading, a refusal) without a change."""

    VERB = "verb"
    ROW = "row"
    ACCESS = "access"


class Event(SQLModel, table=True):
    """One entry of the log. ``transaction_id`` and ``id`` together are its place in commit order.

    On PostgreSQL ``transaction_id`` is the writing transaction's own number, set by the server; on
    SQLite, which has one writer at a time, it is 0 and the id alone gives the order. ``mac`` shows
    that the product wrote the entry, to whoever has its key (``rules.event_lines``).
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_transaction_id_id", "transaction_id", "id"),
        Index("ix_events_subject_type_subject_id_id", "subject_type", "subject_id", "id"),
        Index("ix_events_programme_id_id", "programme_id", "id"),
        Index("ix_events_actor_id_id", "actor_id", "id"),
        Index("ix_events_cause_id", "cause_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    transaction_id: int = Field(
        default=None, sa_column=Column(BigInteger(), nullable=False, server_default=FetchedValue())
    )
    at: datetime
    kind: EventKind = Field(sa_type=enum_type(EventKind))
    verb: str = Field(max_length=64, description="noun.verb for verbs and accesses; insert, update or delete for rows")
    cause_id: int | None = Field(default=None, sa_type=BigInteger, foreign_key="events.id")
    programme_id: int | None = Field(default=None)
    subject_type: str = Field(max_length=32)
    subject_id: int | None = None
    subject_name: str = Field(default="", max_length=300)
    actor_id: int | None = None
    token_id: int | None = None
    channel: str = Field(max_length=16, description="web, api, cli or worker")
    address: str = Field(default="", max_length=45)
    request_id: str = Field(default="", max_length=64)
    reason: str = Field(default="", max_length=2000)
    before: dict[str, Any] | None = Field(default=None, sa_type=Json)
    after: dict[str, Any] | None = Field(default=None, sa_type=Json)
    mac: str | None = Field(default=None, max_length=32)
