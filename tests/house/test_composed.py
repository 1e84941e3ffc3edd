"""Composed routes answer what the framework would, whatever they are asked; and a thread's work comes back."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, request_response
from starlette.testclient import TestClient

from app.database import Database
from app.models import Unit
from app.routers.api import tasks
from app.routers.hands import Hands
from app.routers.late import LateRoute
from app.services import events
from tests import factories
from tests.house.access import Things, address
from tests.house.routes import Route, everything
from tests.house.test_access import things
from tests.personas import NOBODY
from tests.waiting import until

__all__ = ["things"]
ONLY_SQLITE = pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
READING = [route for route in everything() if route.method == "GET"]
WRITING = [route for route in everything() if route.is_api and route.method != "GET"]
# What is more than a plain reading route, and why.
NOT_COMPOSED = {
    "health.live": "answers on the loop itself",
    "live.stream": "a stream of events",
    "static": "answers on the loop itself",
}
# The same of the API's routes that write: those that take files read them as they come.
TAKE_FILES = {
    "api.attachments.create",
    "api.exchange_packages.create",
    "api.memberships.grant_from_workbook",
    "api.plan_imports.create",
    "api.users.check_workbook",
    "api.users.create_from_workbook",
}
JSON = "application/json"
_OF_ONE_ANSWER = {"request_id", "instance"}
# What no route takes: (kind, body). Some of it is no JSON, or not said to be.
BODIES: tuple[tuple[str, bytes], ...] = (
    (JSON, b'{"no such field": 1, "heading": 7}'),
    (JSON, b"[]"),
    (JSON, b"null"),
    (JSON, b'{"heading": '),
    (JSON, b"\xff\xfe{"),
    (JSON, b"[" * 100_000),
    (JSON, b""),
    ("application/merge-patch+json; charset=utf-8", b'{"no such field": 1}'),
    ("text/plain", b'{"no such field": 1}'),
    ("application/x-www-form-urlencoded", b"heading=7"),
    ("", b'{"no such field": 1}'),
)
# Asked for with each: as it is, with a query that nobody knows, with one out of its range.
QUERIES = ("", "limit=7", "nonsense=1", "limit=0&sort=sideways", "cursor=bent", "q=%E6%BC%94%E7%BB%83&limit=2")
# Says how things stand at the moment, such as how much room is left.
_OF_THE_MOMENT = {"api.status.show"}
# What differs between any two answers.
_OF_THE_REQUEST = {"x-request-id", "date", "set-cookie", "content-length"}


def by_name(app: FastAPI) -> dict[str, APIRoute]:
    return {route.name: route for route in app.routes if isinstance(route, APIRoute)}


@contextmanager
def as_the_framework_has_it(route: APIRoute) -> Iterator[None]:
    composed, route.app = route.app, request_response(route.get_route_handler())
    try:
        yield
    finally:
        route.app = composed


def ask(app: FastAPI, route: Route, persona: str, things: Things, query: str) -> httpx.Response:
    client = TestClient(app, follow_redirects=False)
    headers = {}
    if persona != NOBODY and route.is_api:
        headers["Authorization"] = f"Bearer {factories.bearer_token(persona)}"
    elif persona != NOBODY:
        client.cookies.set("session", factories.session_token(persona))
    given = "&".join(f"{name}={value}" for name, value in things.queries.get(route.name, {}).items())
    return client.get(f"{address(route, things)}?{'&'.join(filter(None, [given, query]))}", headers=headers)


@ONLY_SQLITE
class TestComposed:
    def test_is_every_reading_route_but_those_with_a_reason(self, app: FastAPI) -> None:
        routes = by_name(app)
        plain = {route.name for route in READING if routes[route.name].app.__module__ != "app.routers.composed"}
        assert plain == set(NOT_COMPOSED)

    @pytest.mark.parametrize("persona", ["coordinator", "partner", "outsider", "system_admin", NOBODY])
    def test_answers_as_the_framework_does(self, app: FastAPI, things: Things, persona: str) -> None:
        routes = by_name(app)
        for route in READING:
            if route.name in NOT_COMPOSED:
                continue
            for query in QUERIES:
                with as_the_framework_has_it(routes[route.name]):
                    wanted = ask(app, route, persona, things, query)
                # Twice: a query that was found good is remembered.
                for _ in range(2):
                    found = ask(app, route, persona, things, query)
                    assert (found.status_code, kept(found)) == (wanted.status_code, kept(wanted)), (
                        f"{route.path}?{query}"
                    )
                    if route.is_api and route.name not in _OF_THE_MOMENT:
                        assert found.content == wanted.content, f"{route.path}?{query}"


def send(
    app: FastAPI, route: Route, persona: str, things: Things, kind: str, body: bytes, **more: str
) -> httpx.Response:
    headers = {"Content-Type": kind, **more} if kind else more
    if persona != NOBODY:
        headers["Authorization"] = f"Bearer {factories.bearer_token(persona)}"
    client = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
    return client.request(route.method, address(route, things), headers=headers, content=body)


@ONLY_SQLITE
class TestComposedWriting:
    def test_is_every_route_of_the_api_but_those_that_take_files(self, app: FastAPI) -> None:
        routes = by_name(app)
        plain = {route.name for route in WRITING if routes[route.name].app.__module__ != "app.routers.composed"}
        assert plain == TAKE_FILES

    @pytest.mark.parametrize("persona", ["coordinator", "outsider", NOBODY])
    def test_refuses_as_the_framework_does(self, app: FastAPI, things: Things, persona: str) -> None:
        routes = by_name(app)
        for route in WRITING:
            field = routes[route.name].body_field
            if route.name in TAKE_FILES or (field is None and persona != NOBODY):
                continue
            headers = ({"If-Match": "1"}, {"If-Match": "x"}, {"Idempotency-Key": "x" * 300})
            asked: list[tuple[str, bytes, dict[str, str]]] = [(kind, body, {}) for kind, body in BODIES]
            for kind, body, more in (*asked, *((*BODIES[0], more) for more in headers)):
                with as_the_framework_has_it(routes[route.name]):
                    wanted = send(app, route, persona, things, kind, body, **more)
                found = send(app, route, persona, things, kind, body, **more)
                what = f"{route.method} {route.path} {kind} {body[:40]!r} {more}"
                assert (found.status_code, kept(found)) == (wanted.status_code, kept(wanted)), what
                assert without_id(found) == without_id(wanted), what

    def test_does_once_what_is_sent_twice_under_a_key(self, app: FastAPI, world: factories.World) -> None:
        client = TestClient(app, headers={"Authorization": f"Bearer {factories.bearer_token('coordinator')}"})
        data = {"programme_id": world.programmes["home"], "section": "四", "heading": "只做一次"}
        answers = [client.post("/api/v1/tasks", json=data, headers={"Idempotency-Key": "once"}) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()


def without_id(answer: httpx.Response) -> object:
    try:
        told = answer.json()
    except ValueError:
        return answer.content
    return {name: value for name, value in told.items() if name not in _OF_ONE_ANSWER}


def kept(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in _OF_THE_REQUEST}


class TestOneReading:
    def test_is_one_session_for_all_that_read_in_it(self, database: Database) -> None:
        with database.one_reading():
            with database.reading() as one:
                first = one
            with database.reading() as another:
                assert another is first
        with database.reading() as outside:
            assert outside is not first

    def test_shows_what_its_own_thread_wrote(self, database: Database, world: factories.World) -> None:
        def name() -> str:
            with database.reading() as session:
                unit = session.get(Unit, world.units["规划财务处"])
                assert unit is not None
                return unit.name

        with database.one_reading():
            before = name()
            with database.transaction() as session:
                unit = session.get(Unit, world.units["规划财务处"])
                assert unit is not None
                unit.name = "改名后的处"
                events.record(session, factories.SYSTEM, "unit.rename", unit)
            assert (before != name(), name()) == (True, "改名后的处")

    def test_keeps_the_snapshot_of_a_block_that_still_reads(self, database: Database, world: factories.World) -> None:
        with database.one_reading(), database.reading() as session:
            before = session.get(Unit, world.units["规划财务处"])
            with database.transaction() as writing:
                events.record(writing, factories.SYSTEM, "demo.say")
            assert session.get(Unit, world.units["规划财务处"]) is before

    def test_holds_no_connection_while_its_thread_asks_for_one_to_write_with(self, database: Database) -> None:
        """Else as many readers as there are connections, each with something to note, would wait for each other."""
        with database.one_reading():
            with database.reading() as session:
                session.connection()
            with database.transaction() as writing:
                writing.connection()
                assert database.pools[0] == 1

    def test_gives_its_connection_back(self, database: Database) -> None:
        with database.one_reading(), database.reading() as session:
            session.connection()
            assert database.pools[0] == 1
        assert database.pools[0] == 0


class TestHands:
    def test_give_back_what_the_work_gives_in_the_callers_context(self) -> None:
        word: ContextVar[str] = ContextVar("word")

        async def ask() -> tuple[str, bool]:
            word.set("here")
            return await Hands().do(lambda: (word.get(), threading.current_thread() is not threading.main_thread()))

        assert asyncio.run(ask()) == ("here", True)

    @pytest.mark.parametrize("error", [KeyError("x"), StopIteration(1), SystemExit(2)])
    def test_raise_what_the_work_raises(self, error: BaseException) -> None:
        def work() -> None:
            raise error

        wanted = RuntimeError if isinstance(error, StopIteration) else type(error)
        with pytest.raises(wanted):
            asyncio.run(Hands().do(work))

    def test_do_as_many_pieces_at_once_as_they_are_and_no_more(self) -> None:
        together = threading.Barrier(3)
        hands = Hands(most=3)
        busy: list[int] = []
        most: list[int] = []

        def meet(number: int) -> int:
            busy.append(number)
            together.wait(30)
            most.append(len(busy))
            busy.remove(number)
            return number

        async def ask() -> list[int]:
            return list(await asyncio.gather(*(hands.do(meet, number) for number in range(9))))

        assert asyncio.run(ask()) == list(range(9))
        assert max(most) == 3

    def test_that_are_stuck_hold_nobody_up(self) -> None:
        hands, go = Hands(few=1, most=2), threading.Event()

        async def ask() -> list[object]:
            stuck = asyncio.ensure_future(hands.do(go.wait, 30))
            await asyncio.sleep(0)
            others = [await hands.do(lambda: "done") for _ in range(3)]
            go.set()
            return [await stuck, *others]

        assert asyncio.run(ask()) == [True, "done", "done", "done"]

    def test_end_when_they_rest_but_for_a_few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.routers.hands._REST", 0.05)
        hands, together = Hands(few=1, most=3), threading.Barrier(3)

        async def ask() -> None:
            await asyncio.gather(*(hands.do(together.wait, 30) for _ in range(3)))

        asyncio.run(ask())
        until(lambda: hands._number == 1, "two of the three have ended")
        assert asyncio.run(hands.do(lambda: "still at work")) == "still at work"

    def test_that_ask_a_route_first_together_all_get_it(self) -> None:
        # As often as can be, so that they are in the middle of it together.
        usual = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            self._ask_together()
        finally:
            sys.setswitchinterval(usual)

    def _ask_together(self) -> None:
        for _ in range(20):
            route = LateRoute("/tasks", tasks.list_tasks, name="a.new.one", methods=["GET"], include_in_schema=True)
            together = threading.Barrier(8)
            found: list[object] = []

            def ask(one: LateRoute = route, barrier: threading.Barrier = together, found: list[object] = found) -> None:
                barrier.wait(30)
                found.append(one.dependant.call)

            askers = [threading.Thread(target=ask) for _ in range(8)]
            for asker in askers:
                asker.start()
            for asker in askers:
                asker.join()
            assert found == [route.endpoint] * 8

    def test_forget_who_no_longer_waits(self) -> None:
        go = threading.Event()

        async def ask() -> str:
            hands = Hands(most=1)
            left = asyncio.ensure_future(hands.do(go.wait, 30))
            await asyncio.sleep(0)
            left.cancel()
            go.set()
            return await hands.do(lambda: "still at work")

        assert asyncio.run(ask()) == "still at work"
