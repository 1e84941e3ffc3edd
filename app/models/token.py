"""Token: what a program shows to act for a person or a service account."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.models.base import Json, Row


class Token(Row, table=True):
    """Shown once; only its digest is kept. Scopes are permission names, never more than the holder has."""

    __tablename__ = "tokens"

    user_id: int = Field(foreign_key="users.id", index=True)
    name: str = Field(max_length=100)
    prefix: str = Field(max_length=16, description="the first characters, to recognise it by")
    token_hash: str = Field(max_length=64, unique=True)
    scopes: list[str] = Field(default_factory=list, sa_type=Json)
    expires_at: datetime
    revoked_at: datetime | None = None


class TokenUse(SQLModel, table=True):
    """When a token was last used; bookkeeping, apart, so that using one is not a change of it."""

    __tablename__ = "token_uses"

    id: int | None = Field(default=None, primary_key=True)
    token_id: int = Field(foreign_key="tokens.id", unique=True)
    used_at: datetime
