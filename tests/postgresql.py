"""The suite's own PostgreSQL: Debian's binaries, a temporary folder, never root, no fsync."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

ADDRESS = "DUIKOU_TEST_POSTGRESQL"


def binaries() -> Path | None:
    """The folder with initdb and pg_ctl, the newest version first."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


class Cluster:
    """A running cluster; ``url`` is its address without a database name."""

    def __init__(self, folder: Path, commands: Path) -> None:
        self.folder = folder
        self.commands = commands
        self.port = _free_port()
        self.url = f"postgresql+psycopg://duikou@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Create the cluster and start it; raises CalledProcessError with the server's own words."""
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "-U", "duikou", "--no-sync")
        self.go_on()

    def go_on(self) -> None:
        """Start the server on what is there."""
        data = str(self.folder / "data")
        options = (
            f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off "
            "-c synchronous_commit=off -c max_connections=200 -c shared_buffers=64MB"
        )
        self._run("pg_ctl", "-D", data, "-w", "-t", "60", "-o", options, "-l", str(self.folder / "log"), "start")

    def halt(self, mode: str = "fast") -> None:
        """Stop the server; what it has stays. "immediate" is a crash, which loses the last commits without fsync."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "stop")

    def stop(self) -> None:
        """Stop the server at once and remove its folder."""
        self.halt("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, command: str, *arguments: str) -> None:
        prefix = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
        subprocess.run(
            [*prefix, str(self.commands / command), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=self.folder,
        )


def create() -> Cluster | None:
    """A cluster in a new temporary folder, or None where PostgreSQL is not installed."""
    commands = binaries()
    if commands is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="duikou-postgresql-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
    return Cluster(folder, commands)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
