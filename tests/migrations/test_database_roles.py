"""Two roles on PostgreSQL: the application works as the one that cannot change tables or the log."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import ProgrammingError
from sqlmodel import SQLModel

from app import database_roles, migrating
from app.database_roles import AppRoleMissing, AppRoleTooStrong
from app.main import create_app
from app.settings import Settings
from tests import factories
from tests.clients import ApiClient, PageClient

pytestmark = [pytest.mark.parametrize("stores", ["postgresql"], indirect=True)]
ROLE = f"duikou_app_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
FORBIDDEN = [
    "ALTER TABLE tasks ADD COLUMN x integer",
    "ALTER TABLE events DISABLE TRIGGER events_no_change",
    "ALTER TABLE events DISABLE TRIGGER ALL",
    "DROP TRIGGER events_no_change ON events",
    "DROP TABLE tasks",
    "CREATE TABLE mine (x integer)",
    "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION refuse_event_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TRIGGER mine BEFORE INSERT ON events EXECUTE FUNCTION refuse_event_change()",
    "UPDATE events SET reason = 'x'",
    "DELETE FROM events",
    "TRUNCATE events",
    "TRUNCATE tasks",
    "UPDATE seals SET hash = previous",
    "DELETE FROM seals",
    "TRUNCATE seals",
    "INSERT INTO events (transaction_id, at, kind, verb, subject_type, subject_name, channel, address, request_id,"
    " reason) VALUES (1, now(), 'verb', 'x.x', '', '', '', '', '', '')",
    "SELECT setval('events_id_seq', 1)",
    "UPDATE alembic_version SET version_num = 'x'",
    "DELETE FROM runnable_revisions",
    "SET session_replication_role = replica",
    "SELECT pg_read_file('/etc/passwd')",
]


def _role(engine: Engine, name: str, options: str = "LOGIN") -> None:
    with engine.begin() as connection:
        if connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": name}) is None:
            connection.execute(text(f"CREATE ROLE {name} {options}"))


@pytest.fixture
def owner(settings: Settings) -> Iterator[Engine]:
    """The store as its owner sees it, with the application's role and its rights."""
    engine = create_engine(settings.resolved_database_url)
    _role(engine, ROLE)
    migrating.migrate(settings.model_copy(update={"database_app_role": ROLE}))
    yield engine
    engine.dispose()


@pytest.fixture
def restricted(settings: Settings, owner: Engine) -> Settings:
    """Settings with which the application signs in as its own role."""
    return settings.model_copy(update={"database_url": settings.database_url.replace("//duikou@", f"//{ROLE}@")})


@pytest.fixture
def app(restricted: Settings) -> Iterator[FastAPI]:
    """The application as its own role."""
    made = create_app(restricted)
    yield made
    made.state.database.dispose()


class TestRights:
    def test_forbid_what_would_unmake_the_log_or_a_table(self, restricted: Settings) -> None:
        engine = create_engine(restricted.database_url)
        allowed = []
        for statement in FORBIDDEN:
            try:
                with engine.begin() as connection:
                    connection.execute(text(statement))
            except ProgrammingError as error:
                if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
                    continue
            allowed.append(statement)
        engine.dispose()
        assert allowed == []

    def test_cover_every_table(self, owner: Engine) -> None:
        may = text("SELECT has_table_privilege(:role, :table, 'SELECT')")
        with owner.connect() as connection:
            for table in SQLModel.metadata.tables:
                assert connection.scalar(may, {"role": ROLE, "table": table}), table
            assert database_roles.excess(connection, ROLE) == []

    def test_cover_a_table_of_a_later_release(self, owner: Engine, settings: Settings, restricted: Settings) -> None:
        with owner.begin() as connection:
            connection.execute(text("CREATE TABLE later (id serial PRIMARY KEY, x integer)"))
            if not connection.scalar(text("SELECT to_regclass('seals')")):
                connection.execute(text("CREATE TABLE seals (id serial PRIMARY KEY, x integer)"))
            connection.execute(text(f"GRANT ALL ON later, seals TO {ROLE}"))
            database_roles.grant(connection, ROLE)
        engine = create_engine(restricted.database_url)
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO later (x) VALUES (1)"))
            connection.execute(text("UPDATE later SET x = 2"))
        for statement in ("DELETE FROM seals", "TRUNCATE seals", "TRUNCATE later"):
            with pytest.raises(ProgrammingError), engine.begin() as connection:
                connection.execute(text(statement))
        engine.dispose()


class TestGrant:
    def test_refuses_a_role_that_is_missing(self, settings: Settings) -> None:
        with pytest.raises(AppRoleMissing):
            migrating.migrate(settings.model_copy(update={"database_app_role": "nobody_of_that_name"}))

    @pytest.mark.parametrize(
        ("name", "options", "right"),
        [
            ("member", "LOGIN NOINHERIT IN ROLE duikou", "OWNER OF"),
            ("super", "LOGIN SUPERUSER", "rolsuper"),
            ("maker", "LOGIN CREATEROLE", "rolcreaterole"),
            ("writer", "LOGIN IN ROLE pg_write_all_data", "UPDATE ON events"),
        ],
    )
    def test_refuses_a_role_that_could_do_more(
        self, settings: Settings, owner: Engine, name: str, options: str, right: str
    ) -> None:
        name = f"{ROLE}_{name}"
        _role(owner, name, options)
        with pytest.raises(AppRoleTooStrong) as refused:
            migrating.migrate(settings.model_copy(update={"database_app_role": name}))
        assert right in str(refused.value.values["rights"])


class TestProduct:
    """What people do every day, signed in to the database as the application's role."""

    def test_is_ready(self, app: FastAPI) -> None:
        assert ApiClient(app).client.get("/readyz").text.startswith("ready\n")

    def test_signs_in_is_throttled_and_signs_out(self, app: FastAPI) -> None:
        pages = PageClient(app)
        statuses = [
            pages.client.post("/sign-in", data={"login": "handler", "password": password}).status_code
            for password in ("wrong", factories.PASSWORD)
        ]
        assert statuses == [422, 303]
        assert pages.get("/tasks").status_code == 200
        assert pages.as_("coordinator").post("/sign-out").headers["location"] == "/sign-in"

    def test_writes_with_events_and_repeats_an_answer(self, app: FastAPI, world: factories.World) -> None:
        api = ApiClient(app).as_("coordinator")
        key = {"Idempotency-Key": "once-and-only-once"}
        first = api.post("/programmes", json={"title": "新方案"}, headers=key)
        assert first.status_code == 201
        assert api.post("/programmes", json={"title": "新方案"}, headers=key).json() == first.json()
        changed = api.patch(f"/tasks/{world.tasks['issued']}", version=1, json={"target": "每年六十人次"})
        assert changed.status_code == 200
        place = {"subject_type": "tasks", "subject_id": world.tasks["issued"]}
        made = api.post("/attachments", params=place, files={"file": ("证据.txt", "内容".encode(), "text/plain")})
        assert made.status_code == 201, made.text
        assert ApiClient(app).as_("inspector").get(f"/attachments/{made.json()['id']}/content").status_code == 200

    def test_removes_rows_that_are_not_the_log(self, app: FastAPI, world: factories.World) -> None:
        api = ApiClient(app).as_("coordinator")
        made = api.post("/milestones", json={"programme_id": world.programmes["home"], "what": "启动"})
        assert made.status_code == 201
        assert api.delete(f"/milestones/{made.json()['id']}", version=1).status_code == 204

    def test_imports_a_plan(self, app: FastAPI) -> None:
        api = ApiClient(app).as_("coordinator")
        plan = ("方案.txt", "关于印发方案的通知\n一、任务\n（一）修路。（规划财务处牵头）\n".encode(), "text/plain")
        assert api.post("/plan-imports", files={"file": plan}).status_code == 201

    def test_makes_and_closes_accounts(self, app: FastAPI, world: factories.World) -> None:
        api = ApiClient(app).as_("system_admin")
        made = api.post("/users", json={"login": "new-service", "name": "新服务", "kind": "service"})
        assert made.status_code == 201
        closed = api.post(f"/users/{made.json()['id']}/close", version=1, json={})
        assert closed.status_code == 200
