"""duikou serve: ready when it says so, one line a request, a calm end."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from tests.cli.conftest import Command, environment

pytestmark = pytest.mark.parametrize("stores", ["sqlite"], indirect=True)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def _serving(settings: Settings, log: Path, *options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    port = _free_port()
    with log.open("w") as errors:
        server = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve", "--port", str(port), *options],
            env={**os.environ, **environment(settings), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"},
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


@pytest.mark.parametrize("workers", ["1", "2"])
def test_answers_once_it_says_so(settings: Settings, tmp_path: Path, workers: str) -> None:
    with _serving(settings, tmp_path / "log", "--workers", workers) as (address, _):
        assert httpx.get(f"{address}/readyz").status_code == 200
        assert httpx.get(f"{address}/sign-in").status_code == 200


def test_logs_requests_without_their_query(settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with _serving(settings, log) as (address, _):
        httpx.get(f"{address}/sign-in?next=/tasks?q=secret-words")
    written = log.read_text()
    assert '"GET /sign-in HTTP/1.1" 200' in written
    assert "secret-words" not in written


def test_ends_calmly_when_told_to(settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with _serving(settings, log) as (_, server):
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=20)
    assert "Application shutdown complete" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_refuses_an_address_that_is_taken(duikou: Command) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        said = duikou("serve", "--port", str(listener.getsockname()[1]))
    assert said.code == 1
    assert "--port" in said.err
