"""User: an account of a person or of a service, and what opens it."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.models.base import BigId, Row, enum_type, utc_now
from app.permissions import Administrator


class UserKind(StrEnum):
    """A person signs in; a service account only holds tokens and outlives people."""

    PERSON = "person"
    SERVICE = "service"


class User(Row, table=True):
    """An account. ``name``, ``phone`` and ``email`` are personal: events carry them encrypted."""

    __tablename__ = "users"
    __table_args__ = (Index("ix_users_name_id", "name", "id"),)

    login: str = Field(max_length=64, unique=True)
    kind: UserKind = Field(default=UserKind.PERSON, sa_type=enum_type(UserKind))
    name: str = Field(max_length=100)
    phone: str = Field(default="", max_length=30)
    email: str = Field(default="", max_length=200)
    unit_id: int | None = Field(default=None, foreign_key="units.id", index=True)
    administrator: Administrator | None = Field(default=None, sa_type=enum_type(Administrator))
    password_hash: str = Field(default="", max_length=255)
    must_change_password: bool = Field(default=False)
    password_changed_at: datetime | None = None
    active: bool = Field(default=True)
    expires_on: date | None = None
    language: str = Field(default="", max_length=8)
    link_until: datetime | None = Field(default=None, description="until when its person may link an identity")


class ResetCode(Row, table=True):
    """A printed one-time code that lets a person choose a new password without mail."""

    __tablename__ = "reset_codes"

    user_id: int = Field(foreign_key="users.id", index=True)
    code_hash: str = Field(max_length=64, unique=True)
    expires_at: datetime
    used_at: datetime | None = None


class UserSession(SQLModel, table=True):
    """A signed-in browser. Only the digest of its cookie is kept; bookkeeping, so without events."""

    __tablename__ = "user_sessions"

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="users.id", index=True)
    token_hash: str = Field(max_length=64, unique=True)
    csrf: str = Field(max_length=64)
    address: str = Field(default="", max_length=45)
    browser: str = Field(default="", max_length=200)
    created_at: datetime = Field(default_factory=utc_now)
    last_seen_at: datetime = Field(default_factory=utc_now)
    expires_at: datetime = Field(index=True)
    revoked_at: datetime | None = None
    opened_by: str | None = Field(default=None, max_length=16, description="password or openid")
    second_factor_at: datetime | None = Field(default=None, description="when a second factor was last proven in it")


class PendingSignIn(SQLModel, table=True):
    """A sign-in whose first step was right: for a few minutes, the second factor opens a session. Bookkeeping."""

    __tablename__ = "pending_sign_ins"

    id: int | None = Field(default=None, primary_key=True)
    token_hash: str = Field(max_length=64, unique=True)
    user_id: int = Field(foreign_key="users.id", index=True)
    credential: str = Field(max_length=64, description="digest of what the first step held against; it may change")
    created_at: datetime = Field(default_factory=utc_now)
    expires_at: datetime = Field(index=True)


class AccountUse(SQLModel, table=True):
    """When an account was last used, by signing in, in a session or by a token; bookkeeping, without events."""

    __tablename__ = "account_uses"

    user_id: int = Field(foreign_key="users.id", primary_key=True)
    used_at: datetime


class Throttle(SQLModel, table=True):
    """Failed tries under one key (an account or an address), shared by all processes."""

    __tablename__ = "throttles"

    key: str = Field(max_length=128, primary_key=True)
    failures: int = Field(default=0)
    first_at: datetime = Field(default_factory=utc_now)
    blocked_until: datetime | None = None


class PersonalKey(SQLModel, table=True):
    """The key that encrypts one person's fields in the event log; destroying it erases them there."""

    __tablename__ = "personal_keys"

    user_id: int = Field(foreign_key="users.id", primary_key=True)
    wrapped: str = Field(max_length=255, description="the key, encrypted under the installation's own")
    destroyed_at: datetime | None = None


class IdempotencyKey(SQLModel, table=True):
    """The answer that was given to a POST with an Idempotency-Key, for 24 hours."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    digest: str = Field(max_length=64, unique=True, description="of actor, route and key")
    body_hash: str = Field(max_length=64)
    status: int | None = Field(
        default=None, description="None until the work is committed, 0 until its answer is stored"
    )
    headers: str = Field(default="")
    body: str = Field(default="")
    created_at: datetime = Field(default_factory=utc_now)
