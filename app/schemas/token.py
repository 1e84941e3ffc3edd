"""Tokens: what a program shows to act for a person or a service account."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from app.permissions import Permission
from app.schemas.base import Day, Id, Input, Public, text


class TokenCreate(Input):
    """A new token: what it is for, what it may do and until when."""

    name: text(100, least=1) = Field(examples=["财务系统同步"])  # type: ignore[valid-type]
    scopes: list[Permission] = Field(min_length=1, max_length=len(Permission), examples=[["task:read"]])
    expires_on: Day = Field(description="the last day, at most 366 days from today")
    user_id: Id | None = Field(None, description="a service account; without it, oneself")


class TokenQuery(Input):
    """Filters and page of a list of tokens."""

    user: Id | None = Field(None, description="id of the holder")
    live: bool | None = Field(None, description="true: neither revoked nor expired")
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=2000, description="next_cursor of the page before")


class TokenPublic(Public):
    """A token without its secret."""

    id: int = Field(examples=[4])
    version: int = Field(examples=[1])
    user_id: int = Field(examples=[7])
    user_name: str = Field(examples=["财务系统"])
    user_kind: Literal["person", "service"]
    name: str = Field(examples=["财务系统同步"])
    prefix: str = Field(examples=["dk_a1B2c"], description="the first characters, to recognise it by")
    scopes: list[str] = Field(examples=[["task:read"]])
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime


class TokenCreated(TokenPublic):
    """A new token with its secret, which is shown this once and kept nowhere."""

    token: str = Field(examples=["dk_a1B2c..."])
