"""Signing in, and where one is signed in."""

from datetime import datetime

from pydantic import Field

from app.schemas.base import Input, Public, text


class SignIn(Input):
    """A login and a password."""

    login: text(64, least=1)  # type: ignore[valid-type]
    password: text(256, least=1)  # type: ignore[valid-type]


class SessionPublic(Public):
    """One of one's own sign-ins that still holds."""

    id: int = Field(examples=[12])
    address: str = Field(examples=["10.2.0.15"])
    browser: str = Field(examples=["Mozilla/5.0 ... Chrome/109.0"])
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    current: bool = Field(description="the one that asks")


class SessionsRevoked(Public):
    """How many sign-ins were ended."""

    revoked: int = Field(examples=[2])
