"""Signing in."""

from app.schemas.base import Input, text


class SignIn(Input):
    """A login and a password."""

    login: text(64, least=1)  # type: ignore[valid-type]
    password: text(256, least=1)  # type: ignore[valid-type]
