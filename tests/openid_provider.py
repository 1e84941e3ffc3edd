"""A real OpenID provider for the tests: the certified oidc-provider of npm, one process on the loopback.

``tests/provider`` holds its few lines and its lock; ``tests/prepare.py`` installs it.
"""

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr

FOLDER = Path(__file__).resolve().parent / "provider"
CLIENT, SECRET, ANOTHER = "duikou", "a secret: with % and +, for tests only", "another-client"


def node() -> str | None:
    """Node, where it and the provider are installed."""
    return shutil.which("node") if (FOLDER / "node_modules" / "oidc-provider").is_dir() else None


@dataclass(frozen=True, slots=True)
class Running:
    """A provider that answers, for a product at ``public_url``."""

    issuer: str
    public_url: str
    key: RSAKey

    @property
    def redirect_uri(self) -> str:
        """Where it sends people back."""
        return f"{self.public_url}/sign-in/oidc/callback"

    def settings(self) -> dict[str, object]:
        """The settings with which the product uses it."""
        return {
            "oidc_issuer": self.issuer,
            "oidc_client_id": CLIENT,
            "oidc_client_secret": SecretStr(SECRET),
            "oidc_name": "统一认证",
            "public_url": self.public_url,
        }

    def environment(self) -> dict[str, str]:
        """The same as variables, for a server process."""
        plain = {**self.settings(), "oidc_client_secret": SECRET}
        return {f"DUIKOU_{name.upper()}": str(value) for name, value in plain.items()}

    def sign_in(self, address: str, login: str) -> dict[str, str]:
        """What a person does there, from ``address`` on; gives the query with which they are sent back."""
        with httpx.Client(trust_env=False) as browser:
            answer = browser.get(address)
            for _ in range(20):
                if answer.is_redirect:
                    place = str(answer.headers["location"])
                    if place.startswith(self.redirect_uri):
                        return {name: values[0] for name, values in parse_qs(urlsplit(place).query).items()}
                    answer = browser.get(httpx.URL(str(answer.url)).join(place))
                    continue
                asked = re.search(r'name="prompt" value="(\w+)"', answer.text)
                assert asked is not None, answer.text[:300]
                fields = {"prompt": asked[1], "login": login, "password": "anything"}
                answer = browser.post(str(answer.url), data=fields)
        raise AssertionError(f"the provider did not send back: {answer.status_code} {answer.text[:300]}")

    def sign(self, claims: dict[str, object]) -> str:
        """An ID token under the provider's own key that says whatever a test wants."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)


@cache
def new_key(name: str) -> RSAKey:
    """A key for signing; one for each name, because making one takes a while."""
    return RSAKey.generate_key(2048, parameters={"kid": name, "use": "sig", "alg": "RS256"})


def free_port() -> int:
    """A port on the loopback on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(public_url: str, *, port: int | None = None, key: str = "first") -> Iterator[Running]:
    """A provider process, ended with the block."""
    program = node()
    assert program is not None
    port = port or free_port()
    made = Running(f"http://127.0.0.1:{port}", public_url, new_key(key))
    arguments = [str(port), CLIENT, SECRET, made.redirect_uri, f"{public_url}/sign-in"]
    process = subprocess.Popen(
        [program, "provider.js", *arguments],
        cwd=FOLDER,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={"PROVIDER_KEY": json.dumps(made.key.as_dict(private=True))},
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.startswith("ready"):
                break
        else:
            raise AssertionError("the provider did not start")
        yield made
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()
