"""What people typed, hold and are called is nowhere in the log, whatever they do."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.database import Database
from app.services import tasks
from app.settings import Settings, load
from tests import factories
from tests.clients import ApiClient, PageClient
from tests.logs.reading import logged

pytestmark = pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
# Each stands for a kind of thing that somebody may give us.
TYPED = {
    "login": "gu-li.aihemaiti",
    "password": "wrong-Password-4711",
    "search": "库尔勒市某某路一号",
    "phone": "13800138000",
    "mail": "guli@example.cn",
    "name": "古丽·艾合买提",
    "reason": "因本人身体原因",
    "code": "ABCD-EFGH-JKLM",
    "agent": "Browser-of-Guli/1.0",
    "next": "/tasks?q=secret",
}


@pytest.fixture
def written(tmp_path: Path, settings: Settings) -> Iterator[Callable[[], str]]:
    """The whole log so far, of everything that logs in this process, as the files have it."""
    folder = tmp_path / "logs"
    with logged(load(mode="test", data=settings.data, log_folder=str(folder))):
        yield lambda: "".join(path.read_text() for path in folder.iterdir())


def test_signing_in_searching_and_filling_in_forms(
    app: FastAPI, pages: PageClient, api: ApiClient, database: Database, written: Callable[[], str]
) -> None:
    nobody, handler, admin = pages.as_("nobody"), pages.as_("coordinator"), pages.as_("system_admin")
    for who in (nobody, handler, admin):
        who.client.headers["User-Agent"] = TYPED["agent"]
    nobody.get("/sign-in", params={"next": TYPED["next"]})
    for _ in range(7):
        nobody.post("/sign-in", {"login": TYPED["login"], "password": TYPED["password"]})
    nobody.post("/sign-in", {"login": "coordinator", "password": TYPED["password"]})
    nobody.post("/reset", {"login": TYPED["login"], "code": TYPED["code"], "new_password": TYPED["password"]})
    handler.get("/tasks", params={"q": TYPED["search"]})
    handler.get(f"/tasks/{TYPED['search']}")
    handler.get(f"/nothing/{TYPED['phone']}")
    handler.post("/tasks/1/withdraw", {"version": "9", "reason": TYPED["reason"]})
    handler.post("/password", {"password": TYPED["password"], "new_password": TYPED["password"]})
    admin.get("/users", params={"q": TYPED["name"]})
    person = {"login": TYPED["login"], "name": TYPED["name"], "phone": TYPED["phone"], "email": TYPED["mail"]}
    admin.post("/users", {**person, "unit_id": "1"})
    api.as_("system_admin").post("/users", json={**person, "unit_id": 1, "nonsense": TYPED["reason"]})
    api.as_("coordinator").get("/tasks", params={"q": TYPED["search"], "cursor": TYPED["code"]})
    stranger = TestClient(app, headers={"Authorization": f"Bearer {TYPED['code']}", "X-Request-Id": TYPED["phone"]})
    stranger.get("/api/v1/tasks")
    stranger.post("/api/v1/tokens", content=TYPED["reason"].encode())
    log = written()
    secrets = [*TYPED.values(), factories.CSRF, *map(factories.session_token, ("coordinator", "system_admin"))]
    secrets += [factories.bearer_token("coordinator"), factories.bearer_token("system_admin")]
    secrets.remove(TYPED["phone"])
    assert [secret for secret in secrets if secret in log] == []
    routes = {json.loads(line).get("route") for line in log.splitlines()}
    assert {"sessions.open", "tasks.index", "users.create", "api.users.create", "unknown"} <= routes


def test_an_error_of_ours_that_quotes_somebody(
    app: FastAPI, pages: PageClient, monkeypatch: pytest.MonkeyPatch, written: Callable[[], str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError(f"cannot read {TYPED['name']}")

    monkeypatch.setattr(tasks, "page", fail)
    asker = pages.as_("coordinator")
    asker.client = TestClient(app, raise_server_exceptions=False, cookies=dict(asker.client.cookies))
    answer = asker.client.get("/tasks", params={"q": TYPED["search"]})
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"]
    lines = [json.loads(line) for line in written().splitlines()]
    (error,) = [line for line in lines if line["level"] == "ERROR"]
    assert error["request_id"] == answer.headers["x-request-id"]
    assert "ValueError" in error["trace"]
    assert "tests/logs/test_silence.py" in error["trace"]
    assert next(line for line in lines if line.get("route") == "tasks.index")["status"] == 500
    assert TYPED["name"] not in written()
    assert TYPED["search"] not in written()


def test_libraries_say_only_that_they_spoke(settings: Settings, written: Callable[[], str]) -> None:
    logging.getLogger("python_multipart").warning("Consuming %r", TYPED["name"])
    (line,) = [json.loads(line) for line in written().splitlines()]
    assert line["logger"] == "python_multipart"
    assert TYPED["name"] not in line["message"]


def test_health_and_style_sheets_are_not_worth_a_line(
    app: FastAPI, settings: Settings, written: Callable[[], str]
) -> None:
    client = TestClient(app)
    client.get("/healthz")
    client.get("/sign-in")
    assert [json.loads(line)["route"] for line in written().splitlines()] == ["sessions.new"]
