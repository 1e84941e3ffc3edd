"""Migrations go up and down on both engines, and lead to exactly what the models say."""

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlmodel import SQLModel

from app import migrating, revisions
from app.adapters import search
from app.log_triggers import missing_triggers
from app.settings import Settings
from tests.conftest import Stores


@pytest.fixture
def empty(stores: Stores) -> Settings:
    """A store without any table."""
    return stores.empty()


def _tables(settings: Settings) -> set[str]:
    engine = migrating._engine(settings)
    with engine.connect() as connection:
        found = set(inspect(connection).get_table_names())
    engine.dispose()
    return {name for name in found if not name.startswith(search.TABLE)} - {"alembic_version"}


def test_lead_to_the_models(empty: Settings) -> None:
    migrating.migrate(empty)
    migrating.drift(empty)
    assert _tables(empty) == set(SQLModel.metadata.tables)


def test_lay_the_triggers(empty: Settings) -> None:
    migrating.migrate(empty)
    engine = migrating._engine(empty)
    with engine.connect() as connection:
        assert missing_triggers(connection) == []
    engine.dispose()


def test_can_be_taken_back_one_by_one(empty: Settings) -> None:
    scripts = ScriptDirectory(str(revisions.FOLDER))
    newest, *older_ones = [script.revision for script in scripts.walk_revisions()]
    assert migrating.migrate(empty) == newest
    for older in [*older_ones, "base"]:
        assert migrating.migrate_back(empty, older) == older
    assert _tables(empty) == set()
    assert migrating.migrate(empty) == revisions.head()
    migrating.drift(empty)


def test_twice_is_once(empty: Settings) -> None:
    assert migrating.migrate(empty) == migrating.migrate(empty) == revisions.head()


def test_stand_in_one_line() -> None:
    """Two heads are two releases that do not know of each other."""
    assert len(ScriptDirectory(str(revisions.FOLDER)).get_heads()) == 1
