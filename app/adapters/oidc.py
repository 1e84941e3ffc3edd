"""The OpenID provider: what it says of itself, its keys, and what it answers for a code.

The server alone talks to the provider; the browser is only sent there and back. What comes back is
believed as far as OpenID Connect Core 3.1.3.7 and RFC 9207 and RFC 8725 let it: one issuer, signatures
by keys that the issuer publishes, algorithms from a list, this client, this sign-in, now.
"""

import base64
import hashlib
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.adapters.provider import Claims, ProviderUnreachable, TokenRefused
from app.settings import Settings

# Signatures with keys that only the provider has. None with a shared secret: whoever knows the client's
# secret could sign, and a public key could be passed off as one.
ALGORITHMS = ["ES256", "ES384", "PS256", "PS384", "RS256", "RS384"]
_KEPT_SECONDS = 3600
_ASK_AGAIN_SECONDS = 60
_MOST_BYTES = 512 * 1024
_LEEWAY = 60
_FRESH = 600
_TIMEOUT = httpx.Timeout(5, connect=3)
SCOPE = "openid profile"


@dataclass(frozen=True, slots=True)
class Provider:
    """What a provider says of itself (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str
    names_issuer: bool
    secret_in_body: bool


def challenge_of(verifier: str) -> str:
    """The S256 code challenge (RFC 7636 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class OpenId:
    """The provider of the settings, as one process knows it; what it keeps is a copy of what can be asked again."""

    def __init__(self, settings: Settings) -> None:
        self._issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._secret = settings.oidc_client_secret.get_secret_value()
        self._login_claim = settings.oidc_login_claim
        # The system's certificates, so that a bureau's own authority counts where the system knows it.
        self._trusted = ssl.create_default_context()
        self._lock = threading.Lock()
        self._provider: tuple[float, Provider] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def provider(self) -> Provider:
        """What the provider says of itself, at most an hour old. Raises ProviderUnreachable."""
        with self._lock:
            known = self._provider
        if known is not None and time.monotonic() - known[0] < _KEPT_SECONDS:
            return known[1]
        told = self._get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if told.get("issuer") != self._issuer:
            raise ProviderUnreachable("the provider calls itself by another name than the setting")
        try:
            found = Provider(
                issuer=self._issuer,
                authorization_endpoint=self._own(told["authorization_endpoint"]),
                token_endpoint=self._own(told["token_endpoint"]),
                jwks_uri=self._own(told["jwks_uri"]),
                end_session_endpoint=self._own(told["end_session_endpoint"]) if "end_session_endpoint" in told else "",
                names_issuer=told.get("authorization_response_iss_parameter_supported") is True,
                secret_in_body="client_secret_basic"
                not in told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ProviderUnreachable("the provider's description lacks an address") from error
        with self._lock:
            self._provider = (time.monotonic(), found)
        return found

    def authorization_url(self, *, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser is sent. Raises ProviderUnreachable."""
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        endpoint = self.provider().authorization_endpoint
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def end_session_url(self, back: str) -> str | None:
        """Where a browser signs out at the provider, or None where it offers no such place."""
        endpoint = self.provider().end_session_endpoint
        query = {"client_id": self._client_id, "post_logout_redirect_uri": back}
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}" if endpoint else None

    def redeem(
        self, *, code: str, given_issuer: str | None, redirect_uri: str, verifier: str, nonce: str, now: datetime
    ) -> Claims:
        """Who signed in, for the code of a callback. Raises ProviderUnreachable or TokenRefused."""
        provider = self.provider()
        # RFC 9207: a code that another provider gave is not handed to this one.
        if given_issuer is not None and given_issuer != provider.issuer:
            raise TokenRefused("the answer names another issuer")
        if given_issuer is None and provider.names_issuer:
            raise TokenRefused("the answer names no issuer, though the provider always does")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": self._client_id,
        }
        if provider.secret_in_body:
            form["client_secret"] = self._secret
        auth = None if provider.secret_in_body else httpx.BasicAuth(_quoted(self._client_id), _quoted(self._secret))
        answer = self._ask("POST", provider.token_endpoint, data=form, auth=auth)
        if answer.status_code in (400, 401, 403):
            raise TokenRefused(f"the provider does not take the code ({answer.status_code})")
        token = _object(answer).get("id_token")
        if not isinstance(token, str):
            raise TokenRefused("the answer holds no ID token")
        return self.verify(token, nonce, now)

    def verify(self, token: str, nonce: str, now: datetime) -> Claims:
        """What an ID token says, once every part of it was held against this sign-in. Raises TokenRefused."""
        claims = self._signed(token)
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        present = now.timestamp()
        expires, issued = claims.get("exp"), claims.get("iat")
        checks = {
            "iss": claims.get("iss") == self._issuer,
            "aud": self._client_id in audiences,
            "azp": claims.get("azp", self._client_id if len(audiences) == 1 else None) == self._client_id,
            "exp": _number(expires) > present - _LEEWAY,
            "iat": present - _FRESH < _number(issued) < present + _LEEWAY,
            "nonce": claims.get("nonce") == nonce,
            "sub": isinstance(claims.get("sub"), str) and 0 < len(claims["sub"]) <= 255,
        }
        wrong = [name for name, right in checks.items() if not right]
        if wrong:
            raise TokenRefused(f"the ID token does not fit: {', '.join(wrong)}")
        login = claims.get(self._login_claim) if self._login_claim else None
        return Claims(self._issuer, claims["sub"], login if isinstance(login, str) else "")

    def _signed(self, token: str) -> dict[str, Any]:
        """The claims under a signature of the provider; a key that is not known yet is asked for once a minute."""
        try:
            return dict(jwt.decode(token, self._key_set(), algorithms=ALGORITHMS).claims)
        except (JoseError, ValueError, TypeError) as error:
            if not self._may_have_turned(token):
                raise TokenRefused(f"the ID token is not signed by the provider ({type(error).__name__})") from error
        try:
            return dict(jwt.decode(token, self._key_set(anew=True), algorithms=ALGORITHMS).claims)
        except (JoseError, ValueError, TypeError) as error:
            raise TokenRefused(f"the ID token is not signed by the provider ({type(error).__name__})") from error

    def _may_have_turned(self, token: str) -> bool:
        """Whether the token names a key that is not among those kept, and they may be asked for again."""
        try:
            named = jws.extract_compact(token.encode()).headers().get("kid")
        except (JoseError, ValueError, TypeError):
            return False
        with self._lock:
            kept = self._keys
        if kept is None or time.monotonic() - kept[0] < _ASK_AGAIN_SECONDS:
            return False
        return named not in {key.kid for key in kept[1].keys}

    def _key_set(self, *, anew: bool = False) -> KeySet:
        with self._lock:
            kept = self._keys
        if kept is not None and not anew and time.monotonic() - kept[0] < _KEPT_SECONDS:
            return kept[1]
        told = self._get(self.provider().jwks_uri)
        try:
            keys = KeySet.import_key_set({"keys": [key for key in told["keys"] if key.get("use", "sig") == "sig"]})
        except (JoseError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise ProviderUnreachable("the provider's keys cannot be read") from error
        with self._lock:
            self._keys = (time.monotonic(), keys)
        return keys

    def _get(self, url: str) -> dict[str, Any]:
        answer = self._ask("GET", url)
        if answer.status_code != 200:
            raise ProviderUnreachable(f"the provider answers {answer.status_code}")
        return _object(answer)

    def _ask(self, method: str, url: str, **options: Any) -> httpx.Response:
        try:
            with (
                httpx.Client(timeout=_TIMEOUT, trust_env=False, verify=self._trusted) as client,
                client.stream(method, url, headers={"Accept": "application/json"}, **options) as answer,
            ):
                body = b""
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise ProviderUnreachable("the provider answers with more than can be right")
                return httpx.Response(answer.status_code, content=body)
        except httpx.HTTPError as error:
            raise ProviderUnreachable(f"the provider does not answer ({type(error).__name__})") from error

    def _own(self, url: str) -> str:
        """An address of the description; it may not lead from TLS to plain HTTP."""
        if not url.startswith("https://") and not self._issuer.startswith("http://"):
            raise ProviderUnreachable("the provider's description leaves TLS")
        return url


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError as error:
        raise ProviderUnreachable("the provider answers with what is no JSON") from error
    if not isinstance(body, Mapping):
        raise ProviderUnreachable("the provider answers with what is no JSON object")
    return dict(body)


def _number(value: object) -> float:
    """A time of the token; what is none lies before all time."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _quoted(text: str) -> str:
    # RFC 6749 2.3.1: id and secret are form-encoded before they become user and password.
    return urlencode({"": text})[1:]
