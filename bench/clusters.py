"""The bench's own PostgreSQL: durable as delivered, kept between runs, never the cluster of the tests.

Debian's binaries, never as root. Only the size of its cache is set; fsync, synchronous_commit and
full_page_writes stay on.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.machine import Cores

_OPTIONS = "-c listen_addresses=127.0.0.1 -c shared_buffers=512MB -c max_connections=60 -c timezone=UTC"
_ELSEWHERE = Path("/var/tmp/duikou-bench")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster: where it listens and the process whose children serve it."""

    port: int
    pid: int

    def url(self, database: str) -> str:
        """SQLAlchemy's address of one database."""
        return f"postgresql+psycopg://duikou@127.0.0.1:{self.port}/{database}"


def binaries() -> Path | None:
    """The folder of initdb and pg_ctl, the newest version first; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextmanager
def running(kept: Path, cores: Cores) -> Iterator[Cluster]:
    """Start the cluster kept below ``kept``, on the servers' core; made first where there is none."""
    commands = binaries()
    if commands is None:
        raise FileNotFoundError("PostgreSQL is not installed")
    folder = _folder(kept)
    data = folder / "data"
    if not (data / "PG_VERSION").exists():
        _run(
            commands, folder, "initdb", "-D", str(data), "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "-U", "duikou"
        )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    options = f"-p {port} -k {folder} {_OPTIONS}"
    _run(
        commands, folder, "pg_ctl", "-D", str(data), "-w", "-t", "60", "-o", options, "-l", str(folder / "log"), "start"
    )
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        os.sched_setaffinity(pid, {cores.server})
        yield Cluster(port, pid)
    finally:
        _run(commands, folder, "pg_ctl", "-D", str(data), "-m", "fast", "-w", "stop")


def _folder(kept: Path) -> Path:
    # As root the server runs as nobody, who cannot enter a checkout in somebody's home.
    closed = os.geteuid() == 0 and any(not parent.stat().st_mode & 0o001 for parent in kept.resolve().parents)
    folder = (_ELSEWHERE if closed else kept.resolve()) / "postgresql"
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
    return folder


def _run(commands: Path, folder: Path, command: str, *arguments: str) -> None:
    prefix = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
    subprocess.run(
        [*prefix, str(commands / command), *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=folder,
    )
