"""Engines, the world and clients. ``make test`` runs this in parallel; each worker has its own templates."""

import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from app import migrating
from app.database import Database
from app.main import attach, create_app
from app.settings import Settings, load
from tests import copies, factories, openid_provider, postgresql
from tests.clients import ApiClient, PageClient

SECRET = "only-for-tests-only-for-tests-only-for-tests"
_ROOM = 2 * 1024**3
R = TypeVar("R", pytest.TestReport, pytest.CollectReport)
_CLUSTER = pytest.StashKey[postgresql.Cluster]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the one PostgreSQL of the run, before xdist starts its workers."""
    if hasattr(config, "workerinput"):
        return
    _keep_stores_in_memory()
    if os.environ.get(postgresql.ADDRESS):
        return
    cluster = postgresql.create()
    if cluster is not None:
        cluster.start()
        config.stash[_CLUSTER] = cluster
        os.environ[postgresql.ADDRESS] = cluster.url


def _keep_stores_in_memory() -> None:
    """A store that lives for one test need not outlive the machine, and on a disk half the time is waiting for it."""
    memory = Path("/dev/shm")
    if "TMPDIR" not in os.environ and memory.is_dir() and shutil.disk_usage(memory).free > _ROOM:
        os.environ["TMPDIR"] = str(memory)
        tempfile.tempdir = None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the PostgreSQL that this process started, and no other."""
    cluster = config.stash.get(_CLUSTER, None)
    if cluster is not None:
        os.environ.pop(postgresql.ADDRESS, None)
        cluster.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under CI a test that was skipped has failed: nobody reads the skips of a green run."""
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself while it is collected."""
    return _refuse_skip((yield))


def _refuse_skip(report: R) -> R:
    if os.environ.get("CI") == "true" and report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"under CI nothing may be skipped: {reason}"
    return report


def missing(what: str) -> None:
    """Skip for want of ``what``; under CI the hooks above make it a failure."""
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def shared_plans() -> Path:
    """The folder of real plans with hand-made readings, where it stands beside the checkout."""
    folder = Path(__file__).resolve().parent.parent.parent / "shared" / "plans"
    if not folder.is_dir():
        missing("the folder of real plans")
    return folder


class Stores:
    """One engine's migrated and filled template, and fresh copies of it."""

    def __init__(self, engine: str, folder: Path, worker: str) -> None:
        self.engine = engine
        self.folder = folder
        self.worker = worker
        self.count = 0
        self.template = self._settings(f"template_{worker}")
        self._create(self.template)
        migrating.migrate(self.template)
        database = Database(self.template)
        self.world = factories.build(database)
        if engine == "postgresql":
            with database.engine.begin() as connection:
                self.shape = copies.keep(connection)
        database.dispose()
        self.used: list[Settings] = []

    def copy(self) -> Settings:
        """Settings of a store that equals the template."""
        if self.used:
            return self._again(self.used.pop())
        self.count += 1
        settings = self._settings(f"test_{self.worker}_{self.count}")
        if self.engine == "sqlite":
            settings.data.mkdir(parents=True)
            shutil.copy(self.template.data / "duikou.sqlite3", settings.data / "duikou.sqlite3")
        else:
            self._sql(f'CREATE DATABASE "{settings.data.name}" TEMPLATE "{self.template.data.name}"')
        return settings

    def _again(self, settings: Settings) -> Settings:
        """A used copy with the template's rows, or a new one where that one was bent."""
        engine = create_engine(settings.database_url, poolclass=NullPool)
        fresh = copies.put_back(engine, self.shape)
        engine.dispose()
        if fresh:
            settings.data.mkdir(parents=True, exist_ok=True)
            return settings
        self._sql(f'DROP DATABASE IF EXISTS "{settings.data.name}" WITH (FORCE)')
        return self.copy()

    def empty(self) -> Settings:
        """Settings of a new store without any table."""
        self.count += 1
        settings = self._settings(f"empty_{self.worker}_{self.count}")
        self._create(settings)
        return settings

    def drop(self, settings: Settings) -> None:
        """Remove an empty store, or keep a copy for the next test that asks for one."""
        if self.engine == "postgresql" and settings.data.name.startswith("test_"):
            self.used.append(settings)
        elif self.engine == "postgresql":
            self._sql(f'DROP DATABASE IF EXISTS "{settings.data.name}" WITH (FORCE)')
        shutil.rmtree(settings.data, ignore_errors=True)

    def _settings(self, name: str) -> Settings:
        url = "" if self.engine == "sqlite" else f"{os.environ[postgresql.ADDRESS]}/{name}"
        return load(mode="test", secret_key=SECRET, data=self.folder / name, database_url=url, database_pool=5)

    def _create(self, settings: Settings) -> None:
        settings.data.mkdir(parents=True, exist_ok=True)
        if self.engine == "postgresql":
            self._sql(f'CREATE DATABASE "{settings.data.name}"')

    def _sql(self, statement: str) -> None:
        engine = create_engine(
            f"{os.environ[postgresql.ADDRESS]}/postgres", poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@pytest.fixture(scope="session")
def _stores(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Stores]:
    made: dict[str, Stores] = {}
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")

    def get(engine: str) -> Stores:
        if engine not in made:
            made[engine] = Stores(engine, tmp_path_factory.mktemp(engine), worker)
        return made[engine]

    return get


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def stores(request: pytest.FixtureRequest, _stores: Callable[[str], Stores]) -> Stores:
    """Both engines, one after the other; ask for it through the fixtures below."""
    if request.param == "postgresql" and not os.environ.get(postgresql.ADDRESS):
        missing("PostgreSQL")
    return _stores(request.param)


@pytest.fixture
def settings(stores: Stores) -> Iterator[Settings]:
    """Settings of a fresh copy of the world."""
    copied = stores.copy()
    yield copied
    stores.drop(copied)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """The fresh copy itself."""
    opened = Database(settings)
    yield opened
    opened.dispose()


@pytest.fixture
def world(stores: Stores) -> factories.World:
    """Ids of what the copy holds."""
    return stores.world


@pytest.fixture(scope="session")
def _application() -> Callable[[Settings], FastAPI]:
    """One application for all tests of a process: its routes take longer to build than most tests to run."""
    made: list[FastAPI] = []

    def on(settings: Settings) -> FastAPI:
        if made:
            attach(made[0], settings)
        else:
            made.append(create_app(settings))
        return made[0]

    return on


@pytest.fixture
def app(settings: Settings, _application: Callable[[Settings], FastAPI]) -> Iterator[FastAPI]:
    """The application on the fresh copy."""
    attached = _application(settings)
    yield attached
    attached.state.database.dispose()


@pytest.fixture
def api(app: FastAPI) -> ApiClient:
    """Calls of the API: ``api.as_("recipient").get("/tasks")``."""
    return ApiClient(app)


@pytest.fixture
def pages(app: FastAPI) -> PageClient:
    """Pages in a browser without scripts; every page that is visited is checked."""
    return PageClient(app)


@pytest.fixture(scope="session")
def provider() -> Iterator[openid_provider.Running]:
    """A real OpenID provider for the product at http://testserver, once per worker."""
    if openid_provider.node() is None:
        missing("the OpenID provider (node, and npm ci in tests/provider)")
    with openid_provider.running("http://testserver") as started:
        yield started
