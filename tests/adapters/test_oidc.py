"""What is believed of a provider: held against a real one, and against everybody who plays it."""

import base64
import hmac
import json
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt

from app.adapters import oidc
from app.adapters.oidc import OpenId, ProviderUnreachable, TokenRefused
from app.settings import load
from tests import openid_provider
from tests.conftest import SECRET as KEY
from tests.openid_provider import ANOTHER, CLIENT, SECRET, Running

VERIFIER, NONCE = "v" * 50, "this-sign-in"


def client(provider: Running, **changed: object) -> OpenId:
    return OpenId(load(mode="test", secret_key=KEY, **{**provider.settings(), **changed}))


@pytest.fixture
def known(provider: Running) -> OpenId:
    """The product's side."""
    return client(provider)


def code_of(known: OpenId, provider: Running, login: str = "7-handler") -> dict[str, str]:
    address = known.authorization_url(redirect_uri=provider.redirect_uri, state="state", nonce=NONCE, verifier=VERIFIER)
    return provider.sign_in(address, login)


def redeem(known: OpenId, provider: Running, back: dict[str, str], **changed: object) -> oidc.Claims:
    given: dict[str, object] = {
        "code": back["code"],
        "given_issuer": back.get("iss"),
        "redirect_uri": provider.redirect_uri,
        "verifier": VERIFIER,
        "nonce": NONCE,
        "now": datetime.now(UTC),
    }
    return known.redeem(**{**given, **changed})  # type: ignore[arg-type]


def claims_of(provider: Running, **changed: object) -> dict[str, object]:
    """What the provider would say of this sign-in, and what a test makes of it; None leaves a claim out."""
    now = int(datetime.now(UTC).timestamp())
    said = {
        "iss": provider.issuer,
        "sub": "7-handler",
        "aud": CLIENT,
        "exp": now + 3600,
        "iat": now,
        "nonce": NONCE,
        "preferred_username": "handler",
    }
    return {name: value for name, value in {**said, **changed}.items() if value is not None}


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class TestCode:
    def test_gives_who_signed_in(self, known: OpenId, provider: Running) -> None:
        back = code_of(known, provider)
        assert back["state"] == "state"
        assert redeem(known, provider, back) == oidc.Claims(provider.issuer, "7-handler", "handler")

    def test_is_taken_once(self, known: OpenId, provider: Running) -> None:
        back = code_of(known, provider)
        redeem(known, provider, back)
        with pytest.raises(TokenRefused, match="does not take the code"):
            redeem(known, provider, back)

    @pytest.mark.parametrize(
        ("changed", "why"),
        [
            ({"nonce": "another-sign-in"}, "nonce"),
            ({"verifier": "w" * 50}, "does not take the code"),
            ({"given_issuer": "https://evil.example"}, "another issuer"),
            ({"given_issuer": None}, "names no issuer"),
            ({"code": "made-up"}, "does not take the code"),
            ({"redirect_uri": "http://testserver/elsewhere"}, "does not take the code"),
        ],
    )
    def test_belongs_to_one_sign_in(
        self, known: OpenId, provider: Running, changed: dict[str, object], why: str
    ) -> None:
        with pytest.raises(TokenRefused, match=why):
            redeem(known, provider, code_of(known, provider), **changed)

    def test_of_another_client_is_nothing_here(self, known: OpenId, provider: Running) -> None:
        other = client(provider, oidc_client_id=ANOTHER)
        with pytest.raises(TokenRefused, match="does not take the code"):
            redeem(known, provider, code_of(other, provider))


class TestToken:
    def test_of_the_provider_is_believed(self, known: OpenId, provider: Running) -> None:
        token = provider.sign(claims_of(provider))
        assert known.verify(token, NONCE, datetime.now(UTC)).subject == "7-handler"

    @pytest.mark.parametrize(
        ("changed", "wrong"),
        [
            ({"aud": ANOTHER}, "aud"),
            ({"aud": [ANOTHER, "third"]}, "aud"),
            ({"aud": None}, "aud"),
            ({"aud": [CLIENT, ANOTHER]}, "azp"),
            ({"aud": [CLIENT, ANOTHER], "azp": ANOTHER}, "azp"),
            ({"azp": ANOTHER}, "azp"),
            ({"iss": "https://evil.example"}, "iss"),
            ({"iss": None}, "iss"),
            ({"exp": 1}, "exp"),
            ({"exp": None}, "exp"),
            ({"exp": "never"}, "exp"),
            ({"exp": True}, "exp"),
            ({"iat": None}, "iat"),
            ({"iat": 4102444800}, "iat"),
            ({"iat": 1}, "iat"),
            ({"nonce": None}, "nonce"),
            ({"nonce": "another"}, "nonce"),
            ({"sub": None}, "sub"),
            ({"sub": ""}, "sub"),
            ({"sub": 7}, "sub"),
            ({"sub": "x" * 256}, "sub"),
        ],
    )
    def test_has_to_fit_in_every_claim(
        self, known: OpenId, provider: Running, changed: dict[str, object], wrong: str
    ) -> None:
        token = provider.sign(claims_of(provider, **changed))
        with pytest.raises(TokenRefused, match=rf"\b{wrong}\b"):
            known.verify(token, NONCE, datetime.now(UTC))

    def test_for_several_names_this_client_as_the_one_it_was_given_to(self, known: OpenId, provider: Running) -> None:
        token = provider.sign(claims_of(provider, aud=[CLIENT, ANOTHER], azp=CLIENT))
        assert known.verify(token, NONCE, datetime.now(UTC)).login == "handler"

    def test_ends(self, known: OpenId, provider: Running) -> None:
        token = provider.sign(claims_of(provider))
        with pytest.raises(TokenRefused, match="exp"):
            known.verify(token, NONCE, datetime.now(UTC) + timedelta(hours=2))

    def test_without_a_signature_is_nothing(self, known: OpenId, provider: Running) -> None:
        body = provider.sign(claims_of(provider)).split(".")[1]
        none = "eyJhbGciOiJub25lIn0"  # {"alg":"none"}
        for token in (f"{none}.{body}.", f"{none}.{body}", f"{none}.{body}.c2lnbmF0dXJl"):
            with pytest.raises(TokenRefused, match="not signed"):
                known.verify(token, NONCE, datetime.now(UTC))

    @pytest.mark.parametrize("secret", ["public key", "client secret"])
    def test_under_a_shared_secret_is_nothing(self, known: OpenId, provider: Running, secret: str) -> None:
        """The public key is known to everybody; taken as a secret it would let everybody sign."""
        raw = provider.key.as_pem(private=False) if secret == "public key" else SECRET.encode()
        header = json.dumps({"alg": "HS256", "kid": provider.key.kid}).encode()
        body = ".".join(_encoded(part) for part in (header, json.dumps(claims_of(provider)).encode()))
        token = f"{body}.{_encoded(hmac.digest(raw, body.encode(), 'sha256'))}"
        with pytest.raises(TokenRefused, match="not signed"):
            known.verify(token, NONCE, datetime.now(UTC))

    def test_under_a_strangers_key_is_nothing_whatever_it_calls_the_key(self, known: OpenId, provider: Running) -> None:
        stranger = openid_provider.new_key("stranger")
        for header in (
            {"alg": "RS256", "kid": provider.key.kid},
            {"alg": "RS256", "kid": "stranger"},
            {"alg": "RS256", "kid": "stranger", "jwk": stranger.as_dict(private=False)},
            {"alg": "RS256", "jku": "https://evil.example/keys"},
        ):
            token = jwt.encode(header, claims_of(provider), stranger)
            with pytest.raises(TokenRefused, match="not signed"):
                known.verify(token, NONCE, datetime.now(UTC))

    @pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é.é.é", "\x00", "x" * 10_000])
    def test_that_is_nonsense_is_refused_as_such(self, known: OpenId, token: str) -> None:
        with pytest.raises(TokenRefused):
            known.verify(token, NONCE, datetime.now(UTC))

    def test_that_was_changed_by_one_character_is_nothing(self, known: OpenId, provider: Running) -> None:
        head, body, signature = provider.sign(claims_of(provider)).split(".")
        place = secrets.randbelow(len(body) - 1)
        other = "A" if body[place] != "A" else "B"
        with pytest.raises(TokenRefused):
            known.verify(f"{head}.{body[:place]}{other}{body[place + 1 :]}.{signature}", NONCE, datetime.now(UTC))


class TestProvider:
    def test_that_does_not_answer_is_said_to(self, provider: Running) -> None:
        gone = client(provider, oidc_issuer=f"http://127.0.0.1:{openid_provider.free_port()}")
        with pytest.raises(ProviderUnreachable, match="does not answer"):
            gone.provider()

    def test_that_calls_itself_otherwise_is_not_the_one(self, provider: Running) -> None:
        other = provider.issuer.replace("127.0.0.1", "localhost")
        with pytest.raises(ProviderUnreachable, match="another name"):
            client(provider, oidc_issuer=other).provider()

    def test_that_turns_its_keys_is_followed_at_most_once_a_minute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        port = openid_provider.free_port()
        with openid_provider.running("http://testserver", port=port) as before:
            known = client(before)
            assert known.verify(before.sign(claims_of(before)), NONCE, datetime.now(UTC))
        with openid_provider.running("http://testserver", port=port, key="second") as after:
            token = after.sign(claims_of(after))
            with pytest.raises(TokenRefused):
                known.verify(token, NONCE, datetime.now(UTC))
            monkeypatch.setattr(oidc, "_ASK_AGAIN_SECONDS", 0)
            assert known.verify(token, NONCE, datetime.now(UTC)).subject == "7-handler"
            with pytest.raises(TokenRefused):
                known.verify(before.sign(claims_of(before)), NONCE, datetime.now(UTC))

    def test_is_not_asked_again_for_what_is_known(self, provider: Running, monkeypatch: pytest.MonkeyPatch) -> None:
        known = client(provider)
        first = known.provider()
        known.verify(provider.sign(claims_of(provider)), NONCE, datetime.now(UTC))
        monkeypatch.setattr(known, "_ask", lambda *_, **__: pytest.fail("asked again"))
        assert known.provider() is first
        assert known.verify(provider.sign(claims_of(provider)), NONCE, datetime.now(UTC))
