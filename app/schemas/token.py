"""Tokens: what a program shows to act for a person or a service account."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from app.permissions import Permission
from app.schemas.base import Id, Input, Public, text

Day = Annotated[date, Field(examples=["2027-06-30"])]


class TokenCreate(Input):
    """A new token: what it is for, what it may do and until when."""

    name: text(100, least=1) = Field(examples=["财务系统同步"])  # type: ignore[valid-type]
    scopes: list[Permission] = Field(min_length=1, max_length=len(Permission), examples=[["task:read"]])
    expires_on: Day = Field(description="the last day, at most 366 days from today")
    user_id: Id | None = Field(None, description="a service account; without it, oneself")


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
