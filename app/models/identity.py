"""Identity: whom an OpenID provider calls by a subject that belongs to an account here."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from app.models.base import Row, utc_now


class Identity(Row, table=True):
    """The link from a provider's subject to an account. Only its digest is kept: a subject may be a person's number."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject_hash"),)

    user_id: int = Field(foreign_key="users.id", unique=True)
    issuer: str = Field(max_length=300)
    subject_hash: str = Field(max_length=64)


class SignInFlow(SQLModel, table=True):
    """A browser that was sent to the provider; it may come back once, within minutes. Bookkeeping."""

    __tablename__ = "sign_in_flows"

    id: int | None = Field(default=None, primary_key=True)
    state_hash: str = Field(max_length=64, unique=True)
    browser_hash: str = Field(max_length=64, description="of the cookie that binds it to the browser")
    nonce: str = Field(max_length=64)
    locked_verifier: str = Field(max_length=255, description="the PKCE verifier, encrypted")
    target: str = Field(max_length=2000)
    address: str = Field(max_length=45, index=True)
    created_at: datetime = Field(default_factory=utc_now)
    expires_at: datetime = Field(index=True)


class PendingLink(SQLModel, table=True):
    """A subject that asks for an account which may be linked; the account's own secret decides. Bookkeeping."""

    __tablename__ = "pending_links"

    id: int | None = Field(default=None, primary_key=True)
    token_hash: str = Field(max_length=64, unique=True)
    user_id: int = Field(foreign_key="users.id", index=True)
    issuer: str = Field(max_length=300)
    subject_hash: str = Field(max_length=64)
    created_at: datetime = Field(default_factory=utc_now)
    expires_at: datetime = Field(index=True)
