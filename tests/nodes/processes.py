"""Replicas, the proxy with the file that is deployed, and PostgreSQL with a streaming standby."""

import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.settings import Settings
from tests.cli.conftest import environment
from tests.house.tree import ROOT
from tests.postgresql import Cluster, _free_port

_PATIENCE = 120.0


def until(what: str, true: Callable[[], bool]) -> None:
    """Ask again until it is so; a test that waits in vain fails with what it waited for."""
    deadline = time.monotonic() + _PATIENCE
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"in vain: {what}")
        time.sleep(0.05)


@dataclass(slots=True)
class Replica:
    """A process of ``duikou serve``."""

    port: int
    process: "subprocess.Popen[str]"

    @property
    def address(self) -> str:
        """Where it answers, past the proxy."""
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> bool:
        """Whether it may be sent requests."""
        try:
            return httpx.get(f"{self.address}/readyz", trust_env=False, timeout=20).status_code == 200
        except httpx.TransportError:
            return False


@dataclass(slots=True)
class Site:
    """Two replicas behind the proxy, a process; ``address`` is what people use."""

    replicas: list[Replica]
    address: str
    trust: ssl.SSLContext
    proxy: int

    def client(self, **options: object) -> httpx.Client:
        """A browser or a program that comes through the proxy."""
        return httpx.Client(base_url=self.address, verify=self.trust, trust_env=False, timeout=30, **options)  # type: ignore[arg-type]


@contextmanager
def site(settings: Settings, folder: Path) -> Iterator[Site]:
    """Start two replicas on one store, and the proxy before them."""
    https = _free_port()
    address = f"https://localhost:{https}"
    variables = {**environment(settings), "DUIKOU_PUBLIC_URL": address, "DUIKOU_TRUSTED_PROXIES": "127.0.0.1"}
    with ExitStack() as open_now:
        replicas = [open_now.enter_context(_replica(variables, folder / f"replica-{number}.log")) for number in (1, 2)]
        for replica in replicas:
            until("a replica is ready", lambda replica=replica: replica.ready() or replica.process.poll() is not None)
            assert replica.process.poll() is None, (folder / "replica-1.log").read_text()
        trust, proxy = open_now.enter_context(_proxy(https, replicas, folder))
        yield Site(replicas, address, trust, proxy)


@contextmanager
def _replica(variables: dict[str, str], log: Path) -> Iterator[Replica]:
    port = _free_port()
    given = {**os.environ, **variables, "DUIKOU_PORT": str(port), "DUIKOU_WORKER": "false"}
    with log.open("w") as lines:
        command = [sys.executable, "-m", "app.cli", "serve"]
        process = subprocess.Popen(command, env=given, stdout=lines, stderr=lines, text=True, cwd=ROOT)
        try:
            yield Replica(port, process)
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _proxy(https: int, replicas: list[Replica], folder: Path) -> Iterator[tuple[ssl.SSLContext, int]]:
    caddy = shutil.which("caddy")
    assert caddy is not None
    given = {
        **os.environ,
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "DUIKOU_SITE": f"https://localhost:{https}",
        "DUIKOU_HTTP_PORT": str(_free_port()),
        "DUIKOU_REPLICAS": " ".join(f"127.0.0.1:{replica.port}" for replica in replicas),
    }
    command = [caddy, "run", "--config", str(ROOT / "deployment" / "Caddyfile"), "--adapter", "caddyfile"]
    root = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    with (folder / "proxy.log").open("w") as lines:
        process = subprocess.Popen(command, env=given, stdout=lines, stderr=lines)
        try:
            until("the proxy has its certificate", lambda: root.exists() and root.stat().st_size > 0)
            trust = ssl.create_default_context(cafile=str(root))
            until("the proxy answers", lambda: _answers(https, trust))
            yield trust, process.pid
        finally:
            process.terminate()
            process.wait(timeout=20)


def _answers(https: int, trust: ssl.SSLContext) -> bool:
    try:
        asked = httpx.get(f"https://localhost:{https}/healthz", verify=trust, trust_env=False, timeout=20)
    except httpx.TransportError:
        return False
    return asked.status_code == 200


class Node(Cluster):
    """One server of PostgreSQL that can stop, start again, follow another one and be promoted."""

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def begin(self, *settings: str) -> None:
        """Start it on the data that it has."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off " + " ".join(settings)
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "60", "-o", options, "-l", str(self.folder / "log"), "start")

    def create(self) -> None:
        """Make an empty cluster and start it."""
        self._run(
            "initdb", "-D", self._data, "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "-U", "duikou", "--no-sync"
        )
        self.begin("-c max_connections=200")

    def follow(self, primary: "Node") -> None:
        """Become a streaming standby of ``primary``."""
        source = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", "duikou"]
        self._run("pg_basebackup", "-D", self._data, "-R", "-X", "stream", "-c", "fast", "--no-sync", *source)
        self.begin("-c max_connections=200")

    def promote(self) -> None:
        """Let the standby become the primary."""
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "60", "promote")

    def halt(self) -> None:
        """Stop at once, as a machine that loses its power; the data stay."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")
