"""Filled stores: made once for each engine, size, seed and schema, kept, and copied for every run.

A run writes, so it works on a copy; what is kept stays as the generator made it.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from app import migrating, revisions
from app.database import Database
from app.settings import Settings, load
from bench import filling
from bench.clusters import Cluster

SEED = 20220118
SECRET = "only-for-measuring-only-for-measuring-0"
_FILE = "duikou.sqlite3"


@dataclass(frozen=True, slots=True)
class Store:
    """One store: ``folder`` is its data folder, ``server_pid`` the database server's process, if there is one."""

    engine: str
    folder: Path
    url: str
    server_pid: int | None = None

    def environment(self) -> Mapping[str, str]:
        """The product's settings for it."""
        return {
            "MODE": "production",
            "SECRET_KEY": SECRET,
            "DATA": str(self.folder),
            "DATABASE_URL": self.url if self.server_pid is not None else "",
            "SESSION_IDLE_MINUTES": "1440",
        }

    def settings(self) -> Settings:
        """The same, for code that runs in this process."""
        return load({name.lower(): value for name, value in self.environment().items()})


@contextmanager
def scratch(engine: str, tasks: int, kept: Path, cluster: Cluster | None) -> Iterator[Store]:
    """A copy of the filled store, with people who are signed in now; removed afterwards."""
    name = f"{engine}_{tasks}_{SEED}_{revisions.head()}"
    with tempfile.TemporaryDirectory(dir=kept, prefix="run-") as place:
        folder = Path(place)
        if cluster is None:
            store = Store(engine, folder, f"sqlite:///{folder / _FILE}")
            shutil.copy(_kept_file(kept, name, tasks), folder / _FILE)
        else:
            store = Store(engine, folder, cluster.url(f"run_{folder.name[4:]}"), cluster.pid)
            _kept_database(cluster, name, tasks, folder)
            _sql(cluster, "CREATE DATABASE {} TEMPLATE {}", f"run_{folder.name[4:]}", name)
        _at_work(store)
        try:
            yield store
        finally:
            if cluster is not None:
                _sql(cluster, "DROP DATABASE {} WITH (FORCE)", f"run_{folder.name[4:]}")


def _kept_file(kept: Path, name: str, tasks: int) -> Path:
    wanted = kept / name / _FILE
    if wanted.exists():
        return wanted
    _drop_older(kept, name)
    with tempfile.TemporaryDirectory(dir=kept, prefix="fill-") as place:
        store = Store("sqlite", Path(place) / name, f"sqlite:///{Path(place) / name / _FILE}")
        _fill(store, tasks)
        with sqlite3.connect(store.folder / _FILE) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.move(store.folder, kept / name)
    return wanted


def _kept_database(cluster: Cluster, name: str, tasks: int, folder: Path) -> None:
    with psycopg.connect(_plain(cluster, "postgres")) as connection:
        names = [row[0] for row in connection.execute("SELECT datname FROM pg_database")]
    if name in names:
        return
    for stale in names:
        # Another size's copy may be in use beside it: a run_ that was left behind goes with the next start.
        if stale.startswith("fill_") or stale.rpartition("_")[0] == name.rpartition("_")[0]:
            _sql(cluster, "DROP DATABASE {} WITH (FORCE)", stale)
    _sql(cluster, "CREATE DATABASE {}", f"fill_{name}")
    _fill(Store("postgresql", folder, cluster.url(f"fill_{name}"), cluster.pid), tasks)
    with psycopg.connect(_plain(cluster, f"fill_{name}"), autocommit=True) as connection:
        # What autovacuum would have done by the time that people work with such a store.
        connection.execute("VACUUM ANALYZE")
    _sql(cluster, "ALTER DATABASE {} RENAME TO {}", f"fill_{name}", name)


def _fill(store: Store, tasks: int) -> None:
    settings = store.settings()
    store.folder.mkdir(parents=True, exist_ok=True)
    migrating.migrate(settings)
    filling.fill(store.url, tasks, SEED)


def clear(cluster: Cluster) -> None:
    """Drop the copies of runs that were killed."""
    with psycopg.connect(_plain(cluster, "postgres")) as connection:
        names = [row[0] for row in connection.execute("SELECT datname FROM pg_database")]
    for left in names:
        if left.startswith("run_"):
            _sql(cluster, "DROP DATABASE {} WITH (FORCE)", left)


def _at_work(store: Store) -> None:
    database = Database(store.settings())
    try:
        with database.transaction() as session:
            filling.sign_in(session)
    finally:
        database.dispose()


def _drop_older(kept: Path, name: str) -> None:
    """Stores of the same kind under a schema that is gone."""
    for folder in kept.glob(f"{name.rpartition('_')[0]}_*"):
        shutil.rmtree(folder)


def _plain(cluster: Cluster, database: str) -> str:
    return cluster.url(database).replace("+psycopg", "")


def _sql(cluster: Cluster, statement: str, *names: str) -> None:
    with psycopg.connect(_plain(cluster, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))
