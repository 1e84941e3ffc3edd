"""Servers as processes of their own, each on the core of the servers: the product, the bare limit, the reference."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from app.settings import PREFIX
from bench import client, machine
from bench.stores import Store

_READY_WITHIN = 60.0
_ROOT = Path(__file__).resolve().parent.parent


class NotReady(Exception):
    """A server that ended or did not answer in time."""


class Server:
    """A running server: ``port`` answers, ``also`` are processes whose work is the server's too (PostgreSQL)."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, started: float, also: int | None = None) -> None:
        self.process = process
        self.port = port
        self.started = started
        self.also = also
        self.first_answer = 0.0

    def processor_seconds(self) -> float:
        """Processor time that the server has used so far, its database's included."""
        pids = machine.tree(self.process.pid)
        if self.also is not None:
            pids |= machine.tree(self.also)
        return machine.processor_seconds(pids)

    def private_bytes(self) -> int:
        """Its own memory, without the database's."""
        return machine.private_bytes(machine.tree(self.process.pid))

    def wait(self, request: bytes) -> None:
        """Ask until it answers 200; notes the seconds from the start. Raises NotReady."""
        while time.perf_counter() - self.started < _READY_WITHIN:
            if self.process.poll() is not None:
                raise NotReady(f"the server ended with {self.process.returncode}")
            try:
                if client.ask(self.port, request).status < 400:
                    self.first_answer = time.perf_counter() - self.started
                    return
            except (OSError, client.Unanswered):
                time.sleep(0.002)
        raise NotReady(f"no answer within {_READY_WITHIN:.0f} seconds")


@contextmanager
def product(store: Store, cores: machine.Cores, first: bytes) -> Iterator[Server]:
    """The product over ``store`` as ``duikou serve`` starts it in production: one process, no worker."""
    more = {"WORKERS": "1", "WORKER": "false"}
    environment = {PREFIX + name: value for name, value in {**store.environment(), **more}.items()}
    with _started(["app.cli", "serve", "--port", "{port}"], store.folder, cores, environment, store.server_pid) as one:
        one.wait(first)
        yield one


@contextmanager
def bare(answers: Path, cores: machine.Cores, first: bytes) -> Iterator[Server]:
    """The bare limit over captured answers."""
    with _started(["bench.bare", "{port}", str(answers)], answers.parent, cores, {}, None) as one:
        one.wait(first)
        yield one


@contextmanager
def reference(store: Store, cores: machine.Cores, first: bytes) -> Iterator[Server]:
    """The plain reference over ``store``."""
    with _started(["bench.reference", "{port}", store.url], store.folder, cores, {}, store.server_pid) as one:
        one.wait(first)
        yield one


def run_apart(arguments: Sequence[str], cores: machine.Cores) -> str:
    """Run a module on the servers' core and return what it printed."""
    process = subprocess.Popen([sys.executable, "-m", *arguments], cwd=_ROOT, stdout=subprocess.PIPE)
    os.sched_setaffinity(process.pid, {cores.server})
    printed, _ = process.communicate(timeout=_READY_WITHIN)
    if process.returncode:
        raise NotReady(f"{arguments[0]} ended with {process.returncode}")
    return printed.decode()


@contextmanager
def _started(
    arguments: Sequence[str], folder: Path, cores: machine.Cores, environment: Mapping[str, str], also: int | None
) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", *(argument.format(port=port) for argument in arguments)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    with (folder / f"{arguments[0]}.log").open("wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=_ROOT, env={**kept, **environment}, stdout=log, stderr=log)
        os.sched_setaffinity(process.pid, {cores.server})
        try:
            yield Server(process, port, started, also)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
