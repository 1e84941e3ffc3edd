"""The stream of a page: over two replicas, for whoever is signed in, until they are not."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import update

from app.database import Database
from app.main import create_app
from app.models import UserSession
from app.services import hub as hubs
from app.services import live
from app.settings import Settings
from tests import factories
from tests.clients import ApiClient, PageClient
from tests.factories import World
from tests.personas import EVERYBODY
from tests.serving import served


def since(database: Database) -> str:
    with database.reading() as session:
        return "-".join(map(str, live.position(session)))


def rename(api: ApiClient, task: int, target: str) -> None:
    version = api.as_("coordinator").get(f"/tasks/{task}").json()["version"]
    answer = api.as_("coordinator").patch(f"/tasks/{task}", json={"target": target}, version=version)
    assert answer.status_code == 200, answer.text


class Stream:
    """An open stream, read message by message."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.lines = response.iter_lines()

    def next(self) -> dict[str, str]:
        """The next message that is not a comment, as its fields; empty at the end of the stream."""
        fields: dict[str, str] = {}
        for line in self.lines:
            if not line and "event" in fields:
                return fields
            name, colon, value = line.partition(": ")
            if name and colon:
                fields[name] = value
        return {}


@contextmanager
def stream(address: str, login: str, task: int, after: str, **headers: str) -> Iterator[Stream]:
    with (
        httpx.Client(
            base_url=address, cookies={"session": factories.session_token(login)}, timeout=60, trust_env=False
        ) as client,
        client.stream(
            "GET",
            "/live",
            params={"tasks": str(task), "after": after},
            headers={"Accept": "text/event-stream", "Accept-Encoding": "gzip", **headers},
        ) as response,
    ):
        yield Stream(response)


class TestStreams:
    def test_a_write_on_one_replica_reaches_a_page_on_the_other(
        self, app: FastAPI, settings: Settings, database: Database, world: World, api: ApiClient
    ) -> None:
        """On the embedded store the second is another process of the same machine, and finds it by looking."""
        task, after = world.tasks["issued"], since(database)
        with served(create_app(settings)) as there, served(app), stream(there, "handler", task, after) as mine:
            assert mine.response.status_code == 200
            assert mine.response.headers["content-type"].startswith("text/event-stream")
            assert mine.response.headers["x-accel-buffering"] == "no"
            assert "content-encoding" not in mine.response.headers
            assert mine.next()["event"] == "hello"
            rename(api, task, "每年培训六十人次")
            message = mine.next()
            assert message["event"] == "change"
            assert f'"subject_id":{task}' in message["data"]
            assert "六十" not in message["data"]
            rename(api, task, "每年培训七十人次")
            again = mine.next()
            with stream(there, "handler", task, after, **{"Last-Event-ID": message["id"]}) as resumed:
                assert resumed.next()["event"] == "hello"
                assert resumed.next()["id"] == again["id"], "it goes on after what the browser has had"

    @pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
    def test_ends_with_its_session(
        self, app: FastAPI, database: Database, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.routers.pages.live._HEARTBEAT", 0.05)
        task, after = world.tasks["issued"], since(database)
        with served(app) as address, stream(address, "handler", task, after) as mine:
            assert mine.next()["event"] == "hello"
            with database.transaction() as session:
                session.execute(update(UserSession).values(revoked_at=factories.NOW))
            assert mine.next() == {}

    @pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
    def test_beyond_what_a_process_takes_are_refused_in_words(
        self, app: FastAPI, settings: Settings, database: Database, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hubs, "_PER_PERSON", 1)
        task, after = world.tasks["issued"], since(database)
        with served(app) as address, stream(address, "handler", task, after) as first:
            assert first.next()["event"] == "hello"
            with stream(address, "handler", task, after) as second:
                assert second.response.status_code == 503
            with stream(address, "recipient", task, after) as other:
                assert other.response.status_code == 200
                app.state.hub._limit = 2
                with stream(address, "coordinator", task, after) as third:
                    assert third.response.status_code == 503


@pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
class TestAsking:
    def test_plainly_answers_at_once(self, pages: PageClient, api: ApiClient, database: Database, world: World) -> None:
        task, after = world.tasks["issued"], since(database)
        mine = pages.as_("handler").client
        asked = {"tasks": str(task), "after": after}
        assert mine.get("/live", params=asked).json() == {"changed": False, "position": after}
        rename(api, task, "每年培训六十人次")
        assert mine.get("/live", params=asked).json()["changed"] is True

    @pytest.mark.parametrize("wrong", ["", "x", "1,", "1;2", "1" * 11, ",".join(["1"] * 201)])
    def test_about_nonsense_is_refused(self, pages: PageClient, wrong: str) -> None:
        answer = pages.as_("handler").client.get("/live", params={"tasks": wrong, "after": "0-0"})
        assert answer.status_code == 422

    @pytest.mark.parametrize("persona", EVERYBODY)
    def test_is_for_those_who_read_the_log_of_a_programme(self, pages: PageClient, persona: str) -> None:
        answer = pages.as_(persona).client.get("/live", params={"tasks": "1", "after": "0-0"})
        expected = {"nobody": 303, "superior": 403, "system_admin": 403, "security_admin": 403}.get(persona, 200)
        assert answer.status_code == expected


@pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
class TestPages:
    def test_of_tasks_name_their_stream(self, pages: PageClient, world: World) -> None:
        task = world.tasks["issued"]
        assert f'data-live="/live?tasks={task}&amp;after=0-' in pages.as_("handler").get(f"/tasks/{task}").text
        assert 'data-live="/live?tasks=' in pages.as_("coordinator").get("/tasks").text

    def test_of_an_auditor_do_not_for_each_look_would_be_recorded(self, pages: PageClient, world: World) -> None:
        assert 'data-live="' not in pages.as_("auditor").get(f"/tasks/{world.tasks['issued']}").text

    def test_without_rows_have_nothing_to_follow(self, pages: PageClient) -> None:
        assert 'data-live="' not in pages.as_("coordinator").get("/tasks?q=没有这样的任务").text
