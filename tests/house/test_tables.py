"""Every table is a business record with events, or stands on the list of bookkeeping with its reason."""

import ast

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import SQLModel

import app.models  # noqa: F401 - fills the metadata
from app.models import BOOKKEEPING
from tests.house.tree import APP, parsed

TABLES = SQLModel.metadata.tables


def test_bookkeeping_names_only_tables_that_exist() -> None:
    assert BOOKKEEPING - set(TABLES) == {"alembic_version", "search_index"}


def test_business_rows_carry_their_version() -> None:
    """Group members are pairs of ids: they appear and vanish, and never change."""
    pairs = {"group_members"}
    without = {name for name, table in TABLES.items() if "version" not in table.columns}
    assert without - BOOKKEEPING - pairs == set()


def test_every_business_table_is_written_by_a_service() -> None:
    """A model that no service constructs is a promise that nobody keeps."""
    used = {
        node.id
        for path in (APP / "services").rglob("*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Name)
    }
    models = {mapper.class_.__name__: mapper.local_table.name for mapper in SQLModel._sa_registry.mappers}
    assert {model for model, table in models.items() if table not in BOOKKEEPING} <= used


def test_foreign_keys_have_an_index() -> None:
    """Without one, each change of the row they refer to reads the whole table."""
    bare = []
    for table in TABLES.values():
        led = {next(iter(index.columns)).name for index in table.indexes if isinstance(index, Index)}
        led |= {
            next(iter(constraint.columns)).name
            for constraint in table.constraints
            if isinstance(constraint, UniqueConstraint) and len(constraint.columns)
        }
        led |= {column.name for column in list(table.primary_key.columns)[:1]}
        bare += [
            f"{table.name}.{column.name}" for column in table.columns if column.foreign_keys and column.name not in led
        ]
    assert bare == []


def test_enumerations_are_text() -> None:
    """A native type of PostgreSQL never gets the member that a later release adds."""
    native = [
        f"{table.name}.{column.name}"
        for table in TABLES.values()
        for column in table.columns
        if getattr(column.type, "native_enum", False)
    ]
    assert native == []
