"""The OpenID provider as the product sees it. Who talks to it is loaded where the settings name one.

That is ``oidc``, with libraries for HTTP, tokens and certificates that a start without a provider does not need.
"""

from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Protocol

from app.settings import Settings


class ProviderUnreachable(Exception):
    """The provider does not answer, or not with what the standard asks for."""


class TokenRefused(Exception):
    """What came back is not a proof of this sign-in. Its text is for the log and names no person."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What is taken from an ID token: who, and what the provider calls them."""

    issuer: str
    subject: str
    login: str


class OpenId(Protocol):
    """A provider that people may sign in at; each of these asks it and may raise ProviderUnreachable."""

    def provider(self) -> object:
        """What the provider says of itself, at most an hour old."""

    def authorization_url(self, *, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser is sent."""

    def end_session_url(self, back: str) -> str | None:
        """Where a browser signs out at the provider, or None where it offers no such place."""

    def redeem(
        self, *, code: str, given_issuer: str | None, redirect_uri: str, verifier: str, nonce: str, now: datetime
    ) -> Claims:
        """Who signed in, for the code of a callback. Raises TokenRefused too."""


def from_settings(settings: Settings) -> OpenId | None:
    """The provider, or None where people sign in by password alone."""
    if not settings.oidc_issuer:
        return None
    known: OpenId = import_module("app.adapters.oidc").OpenId(settings)
    return known
