"""Two replicas before two databases: one product, and what was acknowledged is there whatever dies.

One test, because starting replicas is what it costs.
"""

import itertools
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlmodel import select

from app import migrating
from app.database import Database
from app.models import Programme
from app.settings import Settings, load
from tests import factories
from tests.conftest import SECRET, missing
from tests.nodes.processes import Node, Site, site, until
from tests.nodes.sharing import share_all_that_counts
from tests.postgresql import binaries

pytestmark = pytest.mark.postgresql
WRITERS = 4
ROUND = 25
HEADERS = {"Authorization": f"Bearer {factories.bearer_token('coordinator')}"}


class Load:
    """Writers who go on whatever happens, and note what they were told is stored."""

    def __init__(self, opened: Site) -> None:
        self.opened = opened
        self.acknowledged: list[str] = []
        self.refused: set[str] = set()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]

    def _write(self, number: int) -> None:
        with self.opened.client(headers=HEADERS) as client:
            for count in itertools.count():
                if self._stop.is_set():
                    return
                title = f"方案 {number}/{count}"
                try:
                    answer = client.post("/api/v1/programmes", json={"title": title})
                except httpx.TransportError:
                    continue
                if answer.status_code == 201:
                    self.acknowledged.append(title)
                elif answer.headers.get("content-type") == "application/problem+json":
                    self.refused.add(answer.json()["code"])
                else:
                    self.refused.add(str(answer.status_code))

    def more(self) -> None:
        """Wait until another round of writes is acknowledged."""
        enough = len(self.acknowledged) + ROUND
        until("writes are acknowledged", lambda: len(self.acknowledged) >= enough)

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def _nodes() -> Iterator[tuple[Node, Node]]:
    """A primary that acknowledges only what its standby has, and the standby."""
    commands = binaries()
    if commands is None:
        missing("PostgreSQL")
    assert commands is not None
    folders = [Path(tempfile.mkdtemp(prefix="duikou-node-")) for _ in range(2)]
    if os.geteuid() == 0:
        for folder in folders:
            shutil.chown(folder, "nobody")
    primary, standby = (Node(folder, commands) for folder in folders)
    running = []
    try:
        primary.create()
        running.append(primary)
        standby.follow(primary)
        running.append(standby)
        yield primary, standby
    finally:
        for node in running:
            with suppress(subprocess.CalledProcessError):
                node.halt()
            shutil.rmtree(node.folder, ignore_errors=True)


def _sql(node: Node, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
    with psycopg.connect(
        f"host=127.0.0.1 port={node.port} user=duikou dbname={database}", autocommit=True
    ) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _prepare(primary: Node, folder: Path) -> Settings:
    """A migrated and filled store on the primary; from now on it waits for its standby with every commit."""
    _sql(primary, "CREATE DATABASE duikou")
    settings = load(mode="test", secret_key=SECRET, data=folder, database_url=f"{primary.url}/duikou")
    migrating.migrate(settings)
    store = Database(settings)
    factories.build(store)
    store.dispose()
    _sql(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
    _sql(primary, "SELECT pg_reload_conf()")
    waiting = "SELECT 1 FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"
    until("the standby is in step", lambda: bool(_sql(primary, waiting)))
    return settings


def _stored(settings: Settings, node: Node) -> list[str]:
    store = Database(settings.model_copy(update={"database_url": f"{node.url}/duikou"}))
    with store.reading() as session:
        titles = list(session.exec(select(Programme.title)))
    store.dispose()
    return titles


def _gone_and_back(opened: Site, node: Node, load_of: Load) -> None:
    """Without any database the product says so, and needs nobody to begin again."""
    load_of.refused.clear()
    node.halt()
    until("the writers are told", lambda: "store_unavailable" in load_of.refused)
    asked = httpx.get(f"{opened.replicas[1].address}/api/v1/me", headers=HEADERS, trust_env=False, timeout=60)
    assert (asked.status_code, asked.json()["code"]) == (503, "store_unavailable")
    assert not opened.replicas[1].ready()
    node.begin()
    until("the replica is ready again", opened.replicas[1].ready)


def test_two_replicas_are_one_product_and_lose_no_acknowledged_write(tmp_path: Path) -> None:
    with _nodes() as (primary, standby):
        settings = _prepare(primary, tmp_path)
        hosts = f"host=127.0.0.1:{primary.port}&host=127.0.0.1:{standby.port}&target_session_attrs=read-write"
        both = settings.model_copy(update={"database_url": f"postgresql+psycopg://duikou@/duikou?{hosts}"})
        with site(both, tmp_path) as opened:
            share_all_that_counts(opened, settings)
            with Load(opened) as load_of:
                load_of.more()
                opened.replicas[0].process.kill()
                load_of.more()
                primary.halt()
                standby.promote()
                load_of.more()
                _gone_and_back(opened, standby, load_of)
                load_of.more()
        stored = _stored(settings, standby)
        assert len(stored) == len(set(stored))
        assert set(load_of.acknowledged) <= set(stored)
        assert len(load_of.acknowledged) >= 4 * ROUND
        # Never a mistake of the product's own, and never an answer that is neither.
        assert load_of.refused <= {"store_unavailable", "store_busy", "502", "503"}
