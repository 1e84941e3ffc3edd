"""Older code on a newer schema: it runs where the steps since bear it, and says so where they do not."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from fastapi import FastAPI
from sqlalchemy import Connection, inspect

from app import migrating, revisions
from app.settings import Settings
from tests.cli.conftest import environment, run
from tests.clients import ApiClient
from tests.conftest import Stores

Take = Callable[[str, str | None], str]
_SCRIPTS = ScriptDirectory(str(revisions.FOLDER))
STEPS = list(_SCRIPTS.walk_revisions())[::-1]
# Made before a step had to say which code it bears; its code asks for exactly its own revision.
SILENT = {"072a914f5c30"}
TEXT = '''"""a step of a later release"""
revision = "{revision}"
down_revision = "{before}"
{bears}

def upgrade():
    pass


def downgrade():
    pass
'''


@pytest.fixture
def later_release(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Take:
    """Lets a later release migrate the store by one more step, then gives this release its place back."""
    own, folder = revisions.FOLDER, tmp_path / "migrations"
    shutil.copytree(own, folder, ignore=shutil.ignore_patterns("__pycache__"))
    heads = [revisions.head()]

    def take(revision: str, oldest_code: str | None) -> str:
        bears = f'oldest_code = "{oldest_code}"' if oldest_code else ""
        step = TEXT.format(revision=revision, before=heads[-1], bears=bears)
        (folder / "versions" / f"{revision}.py").write_text(step, encoding="utf-8")
        monkeypatch.setattr(revisions, "FOLDER", folder)
        at = migrating.migrate(settings)
        monkeypatch.setattr(revisions, "FOLDER", own)
        heads.append(revision)
        return at

    return take


class TestReadiness:
    def test_bears_a_newer_store_that_bears_this_code(self, app: FastAPI, later_release: Take) -> None:
        own = revisions.head()
        assert later_release("aaaa00000001", own) == "aaaa00000001"
        assert later_release("aaaa00000002", own) == "aaaa00000002"
        assert ApiClient(app).client.get("/readyz").text.startswith("ready\n")
        assert ApiClient(app).as_("coordinator").post("/programmes", json={"title": "新方案"}).status_code == 201

    @pytest.mark.parametrize("oldest", ["aaaa00000001", "aaaa00000002", None])
    def test_refuses_a_store_that_has_gone_too_far(self, app: FastAPI, later_release: Take, oldest: str | None) -> None:
        later_release("aaaa00000001", revisions.head())
        later_release("aaaa00000002", oldest)
        answer = ApiClient(app).client.get("/readyz")
        assert (answer.status_code, answer.text) == (503, "migration_pending\n")


class TestMigrate:
    def test_leaves_a_newer_store_that_bears_this_code_as_it_is(self, settings: Settings, later_release: Take) -> None:
        later_release("aaaa00000001", revisions.head())
        assert migrating.migrate(settings) == "aaaa00000001"

    def test_refuses_a_newer_store_in_words(
        self,
        settings: Settings,
        later_release: Take,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        later_release("aaaa00000001", None)
        for name, value in environment(settings).items():
            monkeypatch.setenv(name, value)
        for command in (["migrate"], ["migrate", "--back", "base"]):
            said = run(capfd, *command)
            assert (said.code, "aaaa00000001" in said.err, "newer release" in said.err) == (1, True, True)
        assert run(capfd, "user", "list").code == 1

    def test_back_makes_the_older_code_welcome_again(self, settings: Settings, stores: Stores) -> None:
        empty = stores.empty()
        migrating.migrate(empty)
        assert migrating.migrate_back(empty, "5b1f0c7d2e94") == "5b1f0c7d2e94"
        assert migrating.runnable("5b1f0c7d2e94") == ["5b1f0c7d2e94"]
        stores.drop(empty)


def _shape(settings: Settings, revision: str) -> dict[str, dict[str, Any]]:
    """What old code would meet, by table: columns with type, need and default, and what rows have to keep."""
    migrating.migrate(settings, revision)
    engine = migrating._engine(settings)
    with engine.connect() as connection:
        found = {table: _table(connection, table) for table in inspect(connection).get_table_names()}
    engine.dispose()
    return found


def _table(connection: Connection, table: str) -> dict[str, Any]:
    seen = inspect(connection)
    rules = [str(rule.get("column_names") or rule["sqltext"]) for rule in seen.get_unique_constraints(table)]
    rules += [str(index["column_names"]) for index in seen.get_indexes(table) if index["unique"]]
    rules += [str(check["name"]) for check in seen.get_check_constraints(table)]
    rules += [str(key["constrained_columns"]) for key in seen.get_foreign_keys(table)]
    columns = {
        column["name"]: (str(column["type"]), column["nullable"], column["default"] is not None)
        for column in seen.get_columns(table)
    }
    return {"columns": columns, "rules": set(rules)}


def broken(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> list[str]:
    """What in ``after`` code made for ``before`` could not live with."""
    found = [f"{table} is gone" for table in before if table not in after]
    for table in before.keys() & after.keys():
        old, new = before[table]["columns"], after[table]["columns"]
        found += [f"{table}.{column} is gone" for column in old if column not in new]
        found += [
            f"{table}.{column} is another type"
            for column in old.keys() & new.keys()
            if old[column][0] != new[column][0]
        ]
        found += [
            f"{table}.{column} has to be given"
            for column, (_, nullable, default) in new.items()
            if not nullable and not default and (column not in old or old[column][1])
        ]
        found += [f"{table} keeps a new rule: {rule}" for rule in after[table]["rules"] - before[table]["rules"]]
    return sorted(found)


class TestSteps:
    def test_say_which_code_they_bear(self) -> None:
        silent = {step.revision for step in STEPS if not hasattr(step.module, "oldest_code")}
        assert silent == SILENT, "write oldest_code into the migration, as docs/deployment.md says"

    def test_name_a_revision_that_exists_and_is_not_newer(self) -> None:
        place = {step.revision: index for index, step in enumerate(STEPS)}
        for index, step in enumerate(STEPS):
            assert place[getattr(step.module, "oldest_code", step.revision)] <= index

    @pytest.mark.parametrize("stores", ["postgresql"], indirect=True)
    def test_keep_what_they_promise_to_older_code(self, stores: Stores) -> None:
        """A step that bears older code takes nothing away from it and asks nothing new of its rows."""
        empty = stores.empty()
        shapes: dict[str, dict[str, dict[str, Any]]] = {}
        wrong: dict[str, list[str]] = {}
        for step in STEPS:
            shapes[step.revision] = _shape(empty, step.revision)
            oldest = getattr(step.module, "oldest_code", step.revision)
            trouble = broken(shapes[oldest], shapes[step.revision])
            if trouble:
                wrong[step.revision] = trouble
        stores.drop(empty)
        assert wrong == {}

    def test_would_be_caught(self) -> None:
        """The comparison sees each kind of break."""
        column = ("INTEGER", True, False)
        before = {"a": {"columns": {"x": column, "y": column, "z": column}, "rules": set()}, "b": {}}
        needed = {"x": ("TEXT", True, False), "z": ("INTEGER", False, False), "w": ("INTEGER", False, False)}
        after = {"a": {"columns": needed, "rules": {"['x']"}}}
        assert broken(before, after) == [
            "a keeps a new rule: ['x']",
            "a.w has to be given",
            "a.x is another type",
            "a.y is gone",
            "a.z has to be given",
            "b is gone",
        ]
