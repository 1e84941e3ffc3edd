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


# Business tables without a programme of their own, and why. Where one PostgreSQL is not enough, rows are placed by
# programme_id; these stand in full on every node (they are small), or go with the row that they belong to.
WITHOUT_PROGRAMME = {
    "programmes": "is the programme; its id is what the others carry",
    "units": "shared: a bureau takes part in many programmes",
    "unit_names": "goes with units",
    "group_members": "goes with units",
    "users": "shared: a person works in many programmes",
    "identities": "goes with users",
    "recovery_codes": "goes with users",
    "reset_codes": "goes with users",
    "second_factors": "goes with users",
    "tokens": "goes with users",
    "plan_items": "of a plan that is read before its programme exists; goes with plan_imports",
}
# Their column may be empty, and what an empty one means.
PROGRAMME_TO_COME = {
    "plan_imports": "read, and not accepted yet",
    "attachments": "of a thing that belongs to no programme",
    "exchange_packages": "brought, and the programme is not here before it is taken in",
}


def test_business_rows_carry_their_programme() -> None:
    """A distributed PostgreSQL or partitions need it in the row itself (docs/scaling.md)."""
    business = {name: table for name, table in TABLES.items() if name not in BOOKKEEPING}
    without = {name for name, table in business.items() if "programme_id" not in table.columns}
    assert without == set(WITHOUT_PROGRAMME), "carry programme_id, or stand on the list with a reason"
    empty = {name for name in business.keys() - without if business[name].columns["programme_id"].nullable}
    assert empty == set(PROGRAMME_TO_COME)
