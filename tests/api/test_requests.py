"""What holds for every request before its noun is asked: sizes, methods, headers, doing it once, versions."""

import asyncio
import gzip
import threading
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlmodel import select
from starlette.types import Message

from app import prepared
from app.database import Database, StoreUnavailable
from app.models import IdempotencyKey, Programme
from app.routers.limits import SECURITY_HEADERS
from app.services import events, idempotency
from tests import factories
from tests.clients import ApiClient, PageClient
from tests.factories import World, bearer_token
from tests.queries import of_who_asks

NEW = {"title": "新方案"}


class TestBodies:
    @pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
    def test_are_refused_before_they_are_read(self, app: FastAPI) -> None:
        """A declared length is enough: not one byte is taken off the line."""
        taken: list[str] = []
        sent: list[Message] = []

        async def receive() -> Message:
            taken.append("body")
            return {"type": "http.request", "body": b"x" * 1024, "more_body": True}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
            "path": "/api/v1/tasks", "raw_path": b"/api/v1/tasks", "query_string": b"", "root_path": "",
            "headers": [(b"content-length", b"99999999"), (b"host", b"testserver")],
            "client": ("127.0.0.1", 1), "server": ("testserver", 80), "state": {},
        }  # fmt: skip
        asyncio.run(app(scope, receive, send))
        assert sent[0]["status"] == 413
        assert taken == []

    def test_without_a_length_stop_at_the_limit(self, api: ApiClient) -> None:
        def endless() -> Any:
            for _ in range(64):
                yield b"x" * 65536

        answer = api.as_("coordinator").post("/tasks", content=endless(), headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    @pytest.mark.parametrize("body", [b"{", b"\xff\xfe\x00", b"[1,", b"nonsense"])
    def test_that_are_no_json_are_422(self, api: ApiClient, body: bytes) -> None:
        answer = api.as_("coordinator").post("/tasks", content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (422, "unreadable_body")

    def test_with_unknown_fields_are_422_and_name_them(self, api: ApiClient) -> None:
        answer = api.as_("coordinator").post("/programmes", json={**NEW, "colour": "blue"})
        assert answer.json()["errors"] == [
            {"field": "colour", "code": "unknown_field", "message": answer.json()["errors"][0]["message"]}
        ]


class TestAddresses:
    def test_that_are_unknown_are_404(self, api: ApiClient, pages: PageClient) -> None:
        answer = api.as_("coordinator").get("/nothing-here")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert pages.as_("coordinator").get("/nothing-here").status_code == 404

    def test_name_their_methods(self, api: ApiClient) -> None:
        answer = api.as_("coordinator").request("PUT", "/tasks/1")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PATCH")
        assert answer.json()["code"] == "method_not_allowed"

    @pytest.mark.parametrize("number", ["0", "-1", "99999999999", "x", "1e3"])
    def test_with_impossible_numbers_are_refused(self, api: ApiClient, pages: PageClient, number: str) -> None:
        assert api.as_("coordinator").get(f"/tasks/{number}").status_code in (404, 422)
        assert pages.as_("coordinator").get(f"/tasks/{number}").status_code == 404


class TestHeaders:
    def test_protect_every_answer(self, api: ApiClient, pages: PageClient) -> None:
        for answer in (
            api.as_("coordinator").get("/tasks"),
            api.as_("nobody").get("/tasks"),
            api.as_("coordinator").get("/nothing"),
            pages.as_("coordinator").get("/"),
            pages.get("/sign-in"),
        ):
            for name, value in SECURITY_HEADERS.items():
                assert answer.headers[name] == value

    def test_give_the_request_a_number(self, api: ApiClient) -> None:
        mine = api.as_("coordinator")
        assert (
            mine.get("/tasks", headers={"X-Request-Id": "proxy-12345678"}).headers["x-request-id"] == "proxy-12345678"
        )
        made = mine.get("/tasks", headers={"X-Request-Id": "<script>"}).headers["x-request-id"]
        assert made.isalnum()
        assert made != mine.get("/tasks").headers["x-request-id"]

    def test_compress_what_is_worth_it(self, pages: PageClient) -> None:
        answer = pages.as_("coordinator").get("/", headers={"Accept-Encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert len(gzip.compress(answer.content, 5)) < 15_000

    def test_keep_personal_pages_out_of_caches(self, pages: PageClient) -> None:
        assert pages.as_("coordinator").get("/").headers["cache-control"] == "no-store"


class TestOnce:
    def test_the_same_request_is_done_once_and_answered_twice(self, api: ApiClient, database: Database) -> None:
        mine, key = api.as_("coordinator"), {"Idempotency-Key": "first-0001"}
        first = mine.post("/programmes", json=NEW, headers=key)
        again = mine.post("/programmes", json=NEW, headers=key)
        assert (first.status_code, again.status_code) == (201, 201)
        assert (again.content, again.headers["location"]) == (first.content, first.headers["location"])
        assert again.headers["idempotency-replayed"] == "true"
        with database.reading() as session:
            assert len(session.exec(select(Programme).where(Programme.title == "新方案")).all()) == 1

    def test_another_body_is_422(self, api: ApiClient) -> None:
        mine, key = api.as_("coordinator"), {"Idempotency-Key": "first-0002"}
        mine.post("/programmes", json=NEW, headers=key)
        answer = mine.post("/programmes", json={"title": "另一个"}, headers=key)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")

    def test_one_that_still_runs_is_409(self, api: ApiClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first waits in its handler until the second was refused."""
        inside, go_on = threading.Event(), threading.Event()
        kept = idempotency.keep

        def wait_then_keep(*arguments: Any) -> None:
            inside.set()
            go_on.wait(20)
            kept(*arguments)

        monkeypatch.setattr(idempotency, "keep", wait_then_keep)
        key = {"Idempotency-Key": "first-0003", "Authorization": f"Bearer {bearer_token('coordinator')}"}
        answers: list[int] = []
        first = threading.Thread(
            target=lambda: answers.append(ApiClient(app).post("/programmes", json=NEW, headers=key).status_code)
        )
        first.start()
        assert inside.wait(20)
        if app.state.database.is_sqlite:
            # The one writer is the waiting one, so the second waits for its turn; the claim is what it meets.
            go_on.set()
            first.join()
            assert answers == [201]
            return
        second = ApiClient(app).post("/programmes", json=NEW, headers=key)
        go_on.set()
        first.join()
        assert (answers, second.status_code, second.json()["code"]) == ([201], 409, "still_running")

    def test_an_unanswered_claim_is_409(self, api: ApiClient, database: Database) -> None:
        mine, key = api.as_("coordinator"), {"Idempotency-Key": "first-0004"}
        mine.post("/programmes", json=NEW, headers=key)
        with database.transaction() as session:
            session.exec(select(IdempotencyKey)).one().status = None
        answer = mine.post("/programmes", json=NEW, headers=key)
        assert (answer.status_code, answer.json()["code"]) == (409, "still_running")

    @pytest.mark.parametrize("status", [0, None])
    def test_what_was_done_before_its_process_died_is_not_done_again(
        self, api: ApiClient, database: Database, monkeypatch: pytest.MonkeyPatch, status: int | None
    ) -> None:
        """The process dies after the commit and before the answer is stored; None: before the commit."""

        class Died(BaseException):
            pass

        def die(*_: Any) -> None:
            raise Died

        mine, key = api.as_("coordinator"), {"Idempotency-Key": "first-0006"}
        with monkeypatch.context() as patched:
            patched.setattr(idempotency, "keep" if status == 0 else "use_up", die)
            patched.setattr(idempotency, "release", die)
            with pytest.raises(Died):
                mine.post("/programmes", json=NEW, headers=key)
        assert mine.post("/programmes", json=NEW, headers=key).json()["code"] == "still_running"
        with database.transaction() as session:
            claim = session.exec(select(IdempotencyKey)).one()
            assert claim.status == status
            claim.created_at -= timedelta(minutes=3)
        answer = mine.post("/programmes", json=NEW, headers=key)
        told = (409, "answer_lost") if status == 0 else (201, None)
        assert (answer.status_code, answer.json().get("code")) == told
        with database.reading() as session:
            assert len(session.exec(select(Programme).where(Programme.title == "新方案")).all()) == 1

    def test_an_answer_that_cannot_be_stored_is_given_all_the_same(
        self, api: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: Any) -> None:
            raise StoreUnavailable

        mine, key = api.as_("coordinator"), {"Idempotency-Key": "first-0007"}
        with monkeypatch.context() as patched:
            patched.setattr(idempotency, "keep", away)
            assert mine.post("/programmes", json=NEW, headers=key).status_code == 201
        assert mine.post("/programmes", json=NEW, headers=key).json()["code"] == "still_running"

    def test_the_answer_is_for_whoever_asked_first(self, api: ApiClient) -> None:
        key = {"Idempotency-Key": "shared-001"}
        api.as_("coordinator").post("/programmes", json=NEW, headers=key)
        answer = api.as_("handler").post("/programmes", json=NEW, headers=key)
        assert answer.status_code == 403
        assert "idempotency-replayed" not in answer.headers

    def test_a_refusal_is_not_kept(self, api: ApiClient) -> None:
        mine, key = api.as_("coordinator"), {"Idempotency-Key": "first-0005"}
        assert mine.post("/programmes", json={}, headers=key).status_code == 422
        assert mine.post("/programmes", json=NEW, headers=key).status_code == 201

    @pytest.mark.parametrize("key", ["", "x" * 201])
    def test_a_key_has_bounds(self, api: ApiClient, key: str) -> None:
        answer = api.as_("coordinator").post("/programmes", json=NEW, headers={"Idempotency-Key": key})
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_unusable")


class TestVersions:
    def test_a_change_needs_one(self, api: ApiClient, world: World) -> None:
        path = f"/tasks/{world.tasks['issued']}"
        answer = api.as_("coordinator").patch(path, json={"target": "x"})
        assert (answer.status_code, answer.json()["code"]) == (428, "version_required")

    @pytest.mark.parametrize("given", ['"2"', '"0"', "*", 'W/"1"', '"x"', '"99999999999"'])
    def test_a_change_needs_the_present_one(self, api: ApiClient, world: World, given: str) -> None:
        path = f"/tasks/{world.tasks['issued']}"
        answer = api.as_("coordinator").patch(path, json={"target": "x"}, headers={"If-Match": given})
        assert answer.status_code == 412

    def test_a_thing_carries_its_own(self, api: ApiClient, world: World) -> None:
        mine, path = api.as_("coordinator"), f"/tasks/{world.tasks['issued']}"
        assert mine.get(path).headers["etag"] == '"1"'
        assert mine.patch(path, version=1, json={"target": "x"}).headers["etag"] == '"2"'


class TestLists:
    def test_unchanged_are_304_until_something_happens(self, api: ApiClient, world: World) -> None:
        mine = api.as_("coordinator")
        tag = mine.get("/units").headers["etag"]
        assert tag.startswith('W/"')
        assert mine.get("/units", headers={"If-None-Match": tag}).status_code == 304
        assert mine.get("/units?limit=2", headers={"If-None-Match": tag}).status_code == 200
        assert api.as_("recipient").get("/units", headers={"If-None-Match": tag}).status_code == 200
        mine.patch(f"/tasks/{world.tasks['issued']}", version=1, json={"target": "x"})
        assert mine.get("/units", headers={"If-None-Match": tag}).status_code == 200

    @pytest.mark.parametrize("path", ["/units", "/tasks", "/users", "/memberships", "/milestones", "/events"])
    def test_take_no_cursor_that_was_forged(self, api: ApiClient, path: str) -> None:
        mine = api.as_("coordinator")
        for cursor in ("AAAA.BBBB", "e30.", "x", "%00"):
            answer = mine.get(path, params={"cursor": cursor, "limit": 1})
            assert (answer.status_code, answer.json()["code"]) == (422, "cursor_refused")

    @pytest.mark.parametrize("limit", ["0", "201", "-5", "many"])
    def test_have_bounds(self, api: ApiClient, limit: str) -> None:
        assert api.as_("coordinator").get("/tasks", params={"limit": limit}).status_code == 422


class TestLanguage:
    def test_is_the_readers(self, api: ApiClient) -> None:
        mine = api.as_("coordinator")
        chinese = mine.get("/tasks/2147483647", headers={"Accept-Language": "zh-CN,zh;q=0.9"}).json()
        english = mine.get("/tasks/2147483647", headers={"Accept-Language": "en-GB"}).json()
        assert chinese["detail"] != english["detail"]
        assert chinese["code"] == english["code"] == "not_found"


class TestWhoAsks:
    def test_is_looked_up_anew_after_something_has_happened_and_then_known(
        self, api: ApiClient, app: FastAPI, database: Database
    ) -> None:
        asked: list[str] = []

        def looked_up() -> int:
            asked.clear()
            prepared.watchers.append(asked.append)
            assert api.as_("coordinator").get("/tasks").status_code == 200
            prepared.watchers.remove(asked.append)
            return sum(statement in of_who_asks() for statement in asked)

        looked_up()
        assert looked_up() == 0
        with database.transaction() as session:
            events.record(session, factories.SYSTEM, "demo.say")
        assert (looked_up(), looked_up()) == (2, 0)
