"""The real commands in processes that start in a moment: forked from one that has imported them already."""

import multiprocessing
import os
import socket
import sys
from collections.abc import Callable, Sequence
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import httpx

from app.cli import main
from app.settings import Settings
from tests.cli.conftest import environment
from tests.waiting import until


def _command(variables: dict[str, str], log: Path, arguments: Sequence[str]) -> None:
    """What the forked process does: ``duikou`` with its own environment and its output in a file."""
    with log.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.update(variables)
    sys.stdin.close()
    main(arguments)


class Installation:
    """A server and a worker on one store, to be started and killed again and again."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["app.main", "app.cli", "tests.kills.processes"])
        self._variables = {**environment(settings), "DUIKOU_LOG_FORMAT": "text"}
        self.log = log
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])
        self.address = f"http://127.0.0.1:{self.port}"
        self._running: list[ForkServerProcess] = []

    def start(self) -> None:
        """Start both and return when the server says that it is ready."""
        server = self._fork("serve", "--port", str(self.port), "--no-worker")
        self._running = [server, self._fork("worker", "--threads", "1")]
        with httpx.Client(base_url=self.address, trust_env=False, timeout=30) as client:
            until(lambda: not server.is_alive() or _ready(client), "the server is ready", 120)
        assert server.is_alive(), self.log.read_text()[-3000:]

    def kill(self) -> None:
        """kill -9, both, whatever they are doing."""
        for process in self._running:
            process.kill()
        for process in self._running:
            process.join()
        self._running = []

    def _fork(self, *arguments: str) -> ForkServerProcess:
        target: Callable[..., None] = _command
        process = self._context.Process(target=target, args=(self._variables, self.log, arguments), daemon=True)
        process.start()
        return process


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False
