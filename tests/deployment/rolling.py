"""An upgrade and its way back, tried with the code of two releases on one PostgreSQL.

``python -m tests.deployment.rolling OLD NEW``: two commits or tags; by default the newest tag and HEAD. The
older code serves and is written to while the newer migrates; then both serve; then the newer is taken back.
Where the newer schema does not bear the older code, the trial holds that the older code says so and stops.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from tests import postgresql
from tests.deployment.trial import fact
from tests.house.tree import ROOT
from tests.nodes.processes import until
from tests.postgresql import _free_port


class Release:
    """The code of one commit, in a folder of its own, on this checkout's libraries."""

    def __init__(self, commit: str, folder: Path, url: str) -> None:
        self.folder = folder / commit.replace("/", "-")
        self.folder.mkdir()
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", str(self.folder)], input=archive, check=True)
        own = {name: value for name, value in os.environ.items() if not name.startswith("DUIKOU_")}
        self.environment = own | {
            "PYTHONPATH": str(self.folder),
            "DUIKOU_MODE": "demo",
            "DUIKOU_SECRET_KEY": "only-for-trials-" * 3,
            "DUIKOU_DATABASE_URL": f"{url}/postgres",
            "DUIKOU_DATA": str(folder / "data"),
        }

    def duikou(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """One command of this release."""
        command = [sys.executable, "-m", "app.cli", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, check=False, capture_output=True, text=True
        )

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve until the block ends; the address."""
        port = _free_port()
        command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
        process = subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        address = f"http://127.0.0.1:{port}"
        try:
            until("it serves", lambda: _ready(address) is not None)
            yield address
        finally:
            process.terminate()
            process.wait(timeout=30)


def _ready(address: str) -> str | None:
    try:
        return httpx.get(f"{address}/readyz", trust_env=False, timeout=20).text.strip()
    except httpx.TransportError:
        return None


def works(address: str, title: str) -> int:
    """Sign in, make a programme, read it; its number."""
    with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
        signed = client.post("/sign-in", data={"login": "coordinator", "password": "Duikou-demo-2026"})
        assert signed.status_code == 303, signed.text[:300]
        token = re.search(r'name="csrf" value="([^"]+)"', client.get("/sessions").text)
        assert token is not None
        made = client.post("/api/v1/programmes", json={"title": title}, headers={"X-CSRF-Token": token[1]})
        assert made.status_code == 201, made.text
        number = int(made.json()["id"])
        assert client.get(f"/programmes/{number}").status_code == 200
        return number


def roll(old: Release, new: Release) -> None:
    """Forward with both running, and back."""
    fact("old: migrate, demo", all(old.duikou(command).returncode == 0 for command in ("migrate", "demo")))
    before = old.duikou("migrate").stdout.split()[-1].rstrip(".")
    with ExitStack() as running:
        older = running.enter_context(old.serving())
        works(older, "旧版所建")
        moved = new.duikou("migrate")
        fact(f"new: migrates while old serves ({before} > {moved.stdout.split()[-1]})", moved.returncode == 0)
        if _ready(older) != "ready":
            fact("old: says that it may not run on the new schema", _ready(older) == "migration_pending")
            fact("old: migrate refuses in words", old.duikou("migrate").returncode == 1)
            return
        fact("old: stays ready on the new schema", True)
        works(older, "旧版在新结构上所建")
        with new.serving() as newer:
            works(newer, "新版所建")
            works(older, "新旧并存时所建")
            fact("old and new serve and write side by side", True)
        works(older, "退回后所建")
        fact("new is taken away: old goes on", True)
    fact("old: migrate leaves the newer store as it is", old.duikou("migrate").returncode == 0)
    with old.serving() as older:
        works(older, "重启后所建")
        fact("old: starts anew on the new schema", True)
    back = new.duikou("migrate", "--back", before)
    fact(f"new: takes the schema back ({back.stdout.split()[-1]})", back.returncode == 0)
    with old.serving() as older:
        works(older, "结构退回后所建")
        fact("old: runs on its own schema again", True)


def main() -> int:
    """Make the cluster and the two releases, then roll."""
    newest = subprocess.run(
        ["git", "describe", "--tags", "--abbrev=0"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    old, new = sys.argv[1:3] if len(sys.argv) > 2 else (newest.stdout.strip(), "HEAD")
    cluster = postgresql.create()
    if cluster is None or not old:
        print("The trial needs PostgreSQL, and a tag or two commits.")
        return 1
    cluster.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            roll(Release(old, Path(folder), cluster.url), Release(new, Path(folder), cluster.url))
    finally:
        cluster.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
