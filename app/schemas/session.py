"""Signing in, and where one is signed in."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from app.schemas.base import Input, Public, text


def _whole(password: str) -> str:
    # It is hashed as UTF-8, which has no bytes for half a surrogate pair.
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise ValueError("characters")
    return password


# Not trimmed: a password may begin or end with a space.
Password = Annotated[
    str, StringConstraints(strip_whitespace=False, min_length=1, max_length=256), AfterValidator(_whole)
]


class SignIn(Input):
    """A login and a password."""

    login: text(64, least=1)  # type: ignore[valid-type]
    password: Password


class SessionQuery(Input):
    """The page of a list of sign-ins."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=2000, description="next_cursor of the page before")


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
