"""duikou serve: ready when it says so, one line a request, a calm end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from app.database import Database
from app.models import WorkerSign
from app.settings import Settings
from tests import factories
from tests.cli.conftest import Command, environment
from tests.factories import session_token
from tests.waiting import until

pytestmark = pytest.mark.parametrize("stores", ["sqlite"], indirect=True)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(
    settings: Settings, log: Path, *options: str, variables: Mapping[str, str] = {}
) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A server of its own process: its address and the process, once it is ready."""
    port = _free_port()
    with log.open("w") as errors:
        server = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve", "--port", str(port), *options],
            env={**os.environ, **environment(settings), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1", **variables},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert server.stdout is not None
    try:
        # The first line comes when /readyz answers, and nothing before.
        line = server.stdout.readline()
        assert "ready" in line, log.read_text()
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.terminate()
        server.communicate(timeout=30)


def _get(address: str) -> httpx.Response:
    """A connection of its own, so that either process may take it, and patience for a busy machine."""
    return httpx.get(address, timeout=60)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_answers_once_it_says_so(settings: Settings, tmp_path: Path, workers: str) -> None:
    with serving(settings, tmp_path / "log", "--workers", workers) as (address, _):
        assert _get(f"{address}/readyz").status_code == 200
        assert _get(f"{address}/sign-in").status_code == 200


def test_logs_requests_without_their_query(settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(settings, log) as (address, _):
        answer = _get(f"{address}/sign-in?next=/tasks?q=secret-words")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    line = next(line for line in lines if line.get("route") == "sessions.new")
    assert (line["method"], line["status"], line["address"]) == ("GET", 200, "127.0.0.1")
    assert line["request_id"] == answer.headers["x-request-id"]
    assert "secret-words" not in log.read_text()


def test_several_processes_are_measured_and_logged_in_one_place(settings: Settings, tmp_path: Path) -> None:
    port, folder = _free_port(), tmp_path / "logs"
    extra = {"DUIKOU_METRICS_PORT": str(port), "DUIKOU_LOG_FOLDER": str(folder)}
    with serving(settings, tmp_path / "log", "--workers", "2", variables=extra) as (address, _):
        for _ in range(20):
            assert _get(f"{address}/sign-in").status_code == 200
        measured = _until(lambda: _get(f"http://127.0.0.1:{port}/metrics").text, _ANSWERED_20)
        assert "duikou_processes 2.0" in measured
        assert "duikou_store_up 1.0" in measured
        assert _get(f"{address}/metrics").status_code == 404
    (kept,) = folder.iterdir()
    lines = [json.loads(line) for line in kept.read_text().splitlines()]
    assert len({line["process"] for line in lines}) == 3, "the two that answer and the one that minds them"
    assert sum(line.get("route") == "sessions.new" for line in lines) == 20


_ANSWERED_20 = 'duikou_request_duration_seconds_count{route="sessions.new",status="2xx"} 20.0'


def _until(ask: Callable[[], str], wanted: str) -> str:
    """The first answer with ``wanted`` in it; processes leave their counts every two seconds."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = ask()
        if wanted in answer:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"{wanted} is not in:\n{answer}")


def test_takes_an_address_only_from_a_proxy_that_is_trusted(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a caller writes into X-Forwarded-For stands left of what the proxy adds, and counts for nothing."""
    monkeypatch.setenv("DUIKOU_ADMIN_ADDRESSES", "10.2.0.0/16")
    cookies = {"session": session_token("system_admin")}
    asked = {"inside": "10.9.9.9, 10.2.0.15", "forged": "10.2.0.15, 10.9.9.9"}
    answers: dict[tuple[str, str], int] = {}
    for trusted in ("127.0.0.1", "192.0.2.1"):
        monkeypatch.setenv("DUIKOU_TRUSTED_PROXIES", trusted)
        with serving(settings, tmp_path / f"log-{trusted}") as (address, _):
            for name, forwarded in asked.items():
                headers = {"X-Forwarded-For": forwarded}
                answers[trusted, name] = httpx.get(f"{address}/users", cookies=cookies, headers=headers).status_code
    assert answers == {
        ("127.0.0.1", "inside"): 200,
        ("127.0.0.1", "forged"): 403,
        ("192.0.2.1", "inside"): 403,
        ("192.0.2.1", "forged"): 403,
    }


def test_ends_calmly_when_told_to(settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(settings, log) as (_, server):
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=20)
    assert "Application shutdown complete" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_open_streams_do_not_hold_up_the_end(settings: Settings, tmp_path: Path) -> None:
    log, cookies = tmp_path / "log", {"session": factories.session_token("handler")}
    with (
        serving(settings, log) as (address, server),
        httpx.Client(cookies=cookies, headers={"Accept": "text/event-stream"}, timeout=60) as client,
        client.stream("GET", f"{address}/live?tasks=1&after=0-0") as answer,
    ):
        lines = answer.iter_lines()
        assert next(lines) == "retry: 5000"
        server.send_signal(signal.SIGTERM)
        # To its end, and not cut in the middle, which httpx would complain of.
        assert "event: hello" in list(lines)
        server.wait(timeout=60)
    assert "Application shutdown complete" in log.read_text()
    assert "exceeded" not in log.read_text(), "the server had to give up waiting"


def test_refuses_an_address_that_is_taken(duikou: Command) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        said = duikou("serve", "--port", str(listener.getsockname()[1]))
    assert said.code == 1
    assert "--port" in said.err


class TestWorkerBeside:
    def test_is_started_anew_when_it_dies_and_ends_with_the_server(self, settings: Settings, tmp_path: Path) -> None:
        store = Database(settings)
        with serving(settings, tmp_path / "log", "--worker") as (_, server):
            until(lambda: signs(store), "the worker lives")
            [first] = signs(store)
            os.kill(process_of(first), signal.SIGKILL)
            until(lambda: signs(store) - {first}, "another one lives")
            [second] = signs(store) - {first}
            # Not asked to end, but killed: the worker must not stay behind alone.
            server.kill()
            until(lambda: second not in signs(store), "the worker has ended in order")
        store.dispose()

    def test_is_ended_calmly(self, settings: Settings, tmp_path: Path) -> None:
        store = Database(settings)
        with serving(settings, tmp_path / "log", "--worker") as (_, server):
            until(lambda: signs(store), "the worker lives")
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=60) == 0
        assert signs(store) == set()
        store.dispose()


def signs(store: Database) -> set[str]:
    """The names of the workers that live."""
    with store.reading() as session:
        return set(session.connection().execute(select(col(WorkerSign.name))).scalars())


def process_of(worker: str) -> int:
    """The process of a worker, from its name."""
    return int(worker.split(":")[1])
