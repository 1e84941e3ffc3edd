"""Trouble of the store: nothing is half stored, and the person is told in words with a status that fits."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from app import engines
from app.database import Database, StoreFull, StoreUnavailable, translated
from app.main import create_app
from app.models import Programme
from app.services import events, jobs
from app.settings import Settings, load
from tests import factories
from tests.clients import ApiClient, PageClient
from tests.conftest import SECRET

SQLITE = pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
NEW = {"title": "新方案"}


def _titles(settings: Settings) -> list[str]:
    store = Database(settings)
    with store.reading() as session:
        found = [programme.title for programme in session.exec(select(Programme))]
    store.dispose()
    return found


@SQLITE
class TestLocked:
    @contextmanager
    def _locked(self, settings: Settings) -> Iterator[None]:
        """Another program holds the write lock."""
        connection = sqlite3.connect(settings.data / "duikou.sqlite3", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
        connection.close()

    def test_writing_is_503_and_reading_goes_on(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engines, "_BUSY_MILLISECONDS", 100)
        app = create_app(settings)
        before = _titles(settings)
        with self._locked(settings):
            answer = ApiClient(app).as_("coordinator").get("/programmes")
            assert answer.status_code == 200
            answer = ApiClient(app).as_("coordinator").post("/programmes", json=NEW)
            assert (answer.status_code, answer.json()["code"]) == (503, "store_busy")
        assert _titles(settings) == before
        assert ApiClient(app).as_("coordinator").post("/programmes", json=NEW).status_code == 201
        app.state.database.dispose()

    def test_a_page_says_so_too(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engines, "_BUSY_MILLISECONDS", 100)
        app = create_app(settings)
        with self._locked(settings):
            answer = PageClient(app).as_("coordinator").post("/programmes", {"title": "新方案"})
        assert answer.status_code == 503
        app.state.database.dispose()


class TestFull:
    @SQLITE
    def test_a_full_disk_is_507_and_leaves_nothing(self, app: FastAPI, settings: Settings) -> None:
        """SQLite is told that the file may not grow, which is what a full disk comes to."""
        before = _titles(settings)
        engine = app.state.database.engine
        with engine.connect() as connection:
            pages = connection.scalar(text("PRAGMA page_count"))
        engine.dispose()

        def keep_small(connection: sqlite3.Connection, _record: object) -> None:
            connection.execute(f"PRAGMA max_page_count={pages}")

        event.listen(engine, "connect", keep_small)
        answer = ApiClient(app).as_("coordinator").post("/programmes", json={**NEW, "purpose": "长" * 20_000})
        assert (answer.status_code, answer.json()["code"]) == (507, "store_full")
        assert _titles(settings) == before

    def test_postgresql_says_it_by_a_class_of_its_own(self) -> None:
        with pytest.raises(StoreFull), translated():
            raise OperationalError("INSERT", {}, psycopg.errors.DiskFull("could not extend file"))


class TestUnavailable:
    def test_a_database_that_is_gone_is_503(self, tmp_path: Path) -> None:
        url = "postgresql+psycopg://nobody@127.0.0.1:1/none"
        app = create_app(load(mode="test", secret_key=SECRET, data=tmp_path, database_url=url, database_pool=1))
        answer = ApiClient(app).as_("coordinator").get("/tasks")
        assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
        ready = ApiClient(app).client.get("/readyz")
        assert (ready.status_code, ready.text) == (503, "store_unavailable\n")
        assert ApiClient(app).client.get("/healthz").status_code == 200
        app.state.database.dispose()

    @pytest.mark.parametrize("stores", ["postgresql"], indirect=True)
    def test_connections_that_were_cut_are_made_anew(self, app: FastAPI, settings: Settings) -> None:
        mine = ApiClient(app).as_("coordinator")
        assert mine.get("/tasks").status_code == 200
        engine = create_engine(settings.resolved_database_url)
        with engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        engine.dispose()
        assert mine.get("/tasks").status_code == 200

    @pytest.mark.parametrize("stores", ["postgresql"], indirect=True)
    def test_a_connection_cut_while_the_log_is_written_is_told_as_what_it_is(self, database: Database) -> None:
        def write_and_be_cut() -> None:
            with database.transaction() as session:
                session.add(Programme(title="新方案"))
                session.flush()
                mine = session.connection().scalar(text("SELECT pg_backend_pid()"))
                with database.engine.connect() as other:
                    other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
                events.record(session, factories.SYSTEM, "programme.create")

        with pytest.raises(StoreUnavailable):
            write_and_be_cut()

    def test_a_folder_that_cannot_be_used_is_unavailable(self, tmp_path: Path) -> None:
        (tmp_path / "duikou.sqlite3").mkdir()
        store = Database(load(mode="test", secret_key=SECRET, data=tmp_path))
        with pytest.raises(StoreUnavailable), store.reading() as session:
            session.connection()
        store.dispose()


class TestReadiness:
    def test_asks_for_the_triggers_of_the_log(self, app: FastAPI, settings: Settings) -> None:
        client = ApiClient(app).client
        assert client.get("/readyz").text.startswith("ready\n")
        engine = create_engine(settings.resolved_database_url)
        sqlite = engine.dialect.name == "sqlite"
        statement = "DROP TRIGGER events_no_update" if sqlite else "ALTER TABLE events DISABLE TRIGGER events_no_change"
        with engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()
        answer = client.get("/readyz")
        assert (answer.status_code, answer.text) == (503, "log_unprotected\n")

    def test_names_a_worker_that_stands_still_and_goes_on(self, app: FastAPI, database: Database) -> None:
        client, now = ApiClient(app).client, datetime.now(UTC)
        assert client.get("/readyz").text == "ready\nworker_silent\n"
        with database.transaction() as session:
            jobs.sign(session, "here", now, now)
            jobs.enqueue(session, "sweep", {}, now=now - timedelta(hours=1))
        answer = client.get("/readyz")
        assert answer.status_code == 200
        assert answer.text.startswith("ready\nworker_lag 36")

    def test_asks_for_room_on_the_replicas_own_disk(self, app: FastAPI) -> None:
        room = app.state.settings
        app.state.settings = room.model_copy(update={"disk_min_mb": 10**9})
        answer = ApiClient(app).client.get("/readyz")
        assert (answer.status_code, answer.text) == (503, "disk_full\n")
