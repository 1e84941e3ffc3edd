"""What two replicas on one PostgreSQL share: nothing that counts is kept in a process."""

import html
import itertools
import re

import httpx
from sqlmodel import col, func, select

from app.database import Database
from app.models import Programme, UserSession
from app.settings import Settings
from tests import factories
from tests.nodes.processes import Site

COOKIE = "__Host-session"


def _sign_in(client: httpx.Client, login: str, password: str = factories.PASSWORD) -> httpx.Response:
    return client.post("/sign-in", data={"login": login, "password": password})


def _token(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def _one_session(first: httpx.Client, second: httpx.Client) -> None:
    """Opened on one, valid on the other, with the form token of the first; ended on one, over on both."""
    cookie = _sign_in(first, "handler").cookies[COOKIE]
    headers = {"Cookie": f"{COOKIE}={cookie}"}
    assert second.get("/tasks", headers=headers).status_code == 200
    token = _token(first.get("/sessions", headers=headers).text)
    assert second.post("/sign-out", data={"csrf": "x" * len(token)}, headers=headers).status_code == 403
    assert second.post("/sign-out", data={"csrf": token}, headers=headers).status_code == 303
    assert first.get("/tasks", headers=headers).headers["location"].startswith("/sign-in")


def _one_throttle(first: httpx.Client, second: httpx.Client) -> None:
    """Five wrong tries, whoever was asked, and the sixth waits, on both."""
    statuses = [_sign_in((first, second)[number % 2], "deputy", "wrong").status_code for number in range(5)]
    assert statuses == [422] * 5
    assert [_sign_in(client, "deputy").status_code for client in (first, second)] == [429, 429]


def _one_answer(first: httpx.Client, second: httpx.Client) -> None:
    """A key that one replica has answered is answered the same by the other, which does nothing."""
    headers = {
        "Authorization": f"Bearer {factories.bearer_token('coordinator')}",
        "Idempotency-Key": "one-and-the-same",
    }
    made = first.post("/api/v1/programmes", json={"title": "只建一次"}, headers=headers)
    again = second.post("/api/v1/programmes", json={"title": "只建一次"}, headers=headers)
    assert (made.status_code, again.status_code) == (201, 201)
    assert (again.headers["idempotency-replayed"], again.json()) == ("true", made.json())
    other = second.post("/api/v1/programmes", json={"title": "另一个"}, headers=headers)
    assert other.json()["code"] == "idempotency_key_reused"


def _through_the_proxy(opened: Site) -> None:
    """Signing in through the proxy; what the caller says about the address does not count."""
    with opened.client() as client:
        answer = client.post(
            "/sign-in",
            data={"login": "treasurer", "password": factories.PASSWORD},
            headers={"X-Forwarded-For": "203.0.113.9", "Origin": opened.address},
        )
        assert answer.status_code == 303
        assert client.get("/tasks").status_code == 200
        assert client.get("/readyz").status_code == 404
        assert "strict-transport-security" in answer.headers
        assert "server" not in answer.headers
        _live_through_the_proxy(client)


def _live_through_the_proxy(client: httpx.Client) -> None:
    """A stream is not held back on its way, and says what somebody else has changed, on whichever replica."""
    found = re.search(r'data-live="(/live\?tasks=(\d+)[^"]*)"', client.get("/tasks").text)
    assert found is not None
    with client.stream("GET", html.unescape(found[1]), headers={"Accept": "text/event-stream"}) as response:
        lines = response.iter_lines()
        assert "event: hello" in itertools.islice(lines, 3)
        path = f"/api/v1/tasks/{found[2]}"
        bearer = {"Authorization": f"Bearer {factories.bearer_token('coordinator')}"}
        version = client.get(path, headers=bearer).headers["etag"]
        changed = client.patch(path, json={"target": "每年六十人次"}, headers={**bearer, "If-Match": version})
        assert changed.status_code == 200
        assert next(line for line in lines if line.startswith("event:")) == "event: change"


def share_all_that_counts(opened: Site, settings: Settings) -> None:
    """Ask one replica, then the other, then the proxy; read what the store has of it."""
    with (
        httpx.Client(base_url=opened.replicas[0].address, trust_env=False, timeout=60) as first,
        httpx.Client(base_url=opened.replicas[1].address, trust_env=False, timeout=60) as second,
    ):
        _one_session(first, second)
        _one_throttle(first, second)
        _one_answer(first, second)
    _through_the_proxy(opened)
    store = Database(settings)
    with store.reading() as session:
        once = select(func.count()).select_from(Programme).where(col(Programme.title) == "只建一次")
        assert session.exec(once).one() == 1
        newest = select(UserSession.address).order_by(col(UserSession.id).desc()).limit(1)
        assert session.exec(newest).one() in {"127.0.0.1", "::1"}
    store.dispose()
