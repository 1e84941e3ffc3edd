"""The bench's client, its bare limit, its generator and what it reads of the machine, each on a small scale."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from sqlalchemy import create_engine, text

from app import migrating
from app.schemas.task import TaskFilters
from app.services import paging, tasks
from app.settings import Settings
from bench import bare, client, filling, machine, measuring, scanning
from bench.servers import Server, free_port
from bench.stores import Store
from tests.conftest import Stores

LIST = "/api/v1/tasks?limit=50"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A bare limit that answers a list, the unchanged list and a failure."""
    answers = tmp_path_factory.mktemp("bare") / "answers"
    body = b'{"items": []}' * 20_000
    length = ("content-length", str(len(body)))
    bare.save(
        answers,
        {
            (LIST, False): client.Answer(200, [length, ("date", "today")], body),
            (LIST, True): client.Answer(304, [("etag", "W/1")], b""),
            ("/broken", False): client.Answer(500, [("content-length", "4")], b"oops"),
        },
    )
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(bare.Bare(answers), port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield port
    server.should_exit = True
    thread.join()


class TestClient:
    def test_reads_a_large_answer_whole(self, port: int) -> None:
        answer = client.ask(port, client.prepare("GET", LIST, {}))
        assert answer.status == 200
        assert len(answer.body) == 13 * 20_000
        assert [name for name, _ in answer.headers].count("date") == 1

    def test_counts_each_answer_once(self, port: int) -> None:
        requests = [client.prepare("GET", LIST, {}), client.prepare("GET", LIST, {"if-none-match": "W/1"})]
        found = client.load(port, requests, 0.05, connections=4)
        assert found.failures == 0
        assert found.answers == found.statuses[200] + found.statuses[304] >= 4
        assert abs(found.statuses[200] - found.statuses[304]) <= 4

    def test_notices_what_is_neither_2xx_nor_304(self, port: int) -> None:
        found = client.load(port, [client.prepare("GET", "/broken", {})], 0.01, connections=2)
        assert found.failures == found.answers >= 2
        assert b"oops" in found.refused

    def test_sends_a_body_with_its_length(self) -> None:
        request = client.prepare("POST", "/x", {"authorization": "Bearer t"}, b"{}")
        assert request.endswith(b"content-length: 2\r\n\r\n{}")


class TestContestant:
    def test_fails_the_run_by_a_wrong_answer(self, port: int) -> None:
        server = Server(_Here(), port, 0.0)  # type: ignore[arg-type]
        with pytest.raises(measuring.WrongAnswer, match="500"):
            measuring.Contestant("broken", server, [client.prepare("GET", "/broken", {})], 2).turn(0.01)

    def test_has_as_many_rounds_as_turns(self, port: int) -> None:
        server = Server(_Here(), port, 0.0)  # type: ignore[arg-type]
        one = measuring.Contestant("list", server, [client.prepare("GET", LIST, {})], 2)
        measuring.take_turns([one], 2, 0.01)
        assert len(one.rounds) == 2
        assert all(done.answers == len(done.latencies) > 0 for done in one.rounds)


class _Here:
    """This process in the place of a server's."""

    pid = os.getpid()


class TestMachine:
    def test_knows_time_and_memory_of_a_process(self) -> None:
        here = {os.getpid()}
        assert here <= machine.tree(os.getpid())
        assert machine.processor_seconds(here) > 0
        assert machine.private_bytes(here) > 2**20
        assert machine.private_bytes({2**22 + 1}) == 0


@pytest.fixture
def filled(stores: Stores) -> Iterator[Settings]:
    """A store with 400 tasks by the generator."""
    settings = stores.empty()
    migrating.migrate(settings)
    filling.fill(settings.resolved_database_url, 400, 7)
    yield settings
    stores.drop(settings)


class TestFilling:
    def test_gives_the_same_rows_for_the_same_seed(self, filled: Settings, stores: Stores) -> None:
        again = stores.empty()
        migrating.migrate(again)
        filling.fill(again.resolved_database_url, 400, 7)
        assert _rows(filled) == _rows(again)
        stores.drop(again)

    def test_fills_what_the_product_reads(self, filled: Settings) -> None:
        store = Store("of the test", filled.data, filled.resolved_database_url, 1)
        database = scanning.opened(store)
        with database.transaction() as session:
            filling.sign_in(session)
        with database.reading() as session:
            actor = scanning.coordinator(session)
            assert tasks.count(session, actor, TaskFilters()) == 400
            words = scanning.words(session, 5)
            assert all(scanning.found(session, actor, word) == scanning.wanted(session, actor, word) for word in words)
            sort = tasks.SORTS["plan"]
            cursor = paging.cursor_after(database.vault, sort, scanning.row_at(session, sort, 389), {})
            rest = tasks.page(session, actor, TaskFilters(), limit=50, cursor=cursor)
            assert len(rest.rows) == 10
        database.dispose()


def _rows(settings: Settings) -> list[object]:
    engine = create_engine(settings.resolved_database_url)
    with engine.connect() as connection:
        found: list[object] = []
        for table, order in (("tasks", "id"), ("assignments", "task_id, unit_id")):
            columns = "task_id, unit_id, role" if table == "assignments" else "id, path, heading, text, due_on, state"
            found += [tuple(row) for row in connection.execute(text(f"SELECT {columns} FROM {table} ORDER BY {order}"))]
    engine.dispose()
    return found


def test_the_bare_limit_says_nothing_that_the_server_says_itself(tmp_path: Path) -> None:
    bare.save(tmp_path / "answers", {("/x", False): client.Answer(200, [("date", "d"), ("etag", "1")], b"x")})
    status, headers, body = bare.Bare(tmp_path / "answers").answers[b"/x", False]
    assert (status, headers, body) == (200, [(b"etag", b"1")], b"x")
