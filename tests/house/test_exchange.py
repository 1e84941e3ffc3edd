"""Nothing of a programme stays behind unnoticed when it leaves, and nothing of people leaves with it."""

import re

import pytest
from sqlmodel import SQLModel

from app.services import exchange_nouns as nouns
from tests.house.tree import ROOT

TABLES = SQLModel.metadata.tables


def test_every_table_of_a_programme_leaves_with_it_or_says_why_not() -> None:
    """A noun of a later release that is forgotten here would be lost on its way to the other bureau."""
    parts = {noun.name for noun in nouns.NOUNS}
    hanging = {
        name
        for name, table in TABLES.items()
        if "programme_id" in table.columns
        or any(key.column.table.name in parts for column in table.columns for key in column.foreign_keys)
    }
    assert hanging - parts - set(nouns.STAY) == set()
    assert parts & set(nouns.STAY) == set(), "a table leaves or stays, not both"
    assert all(nouns.STAY.values())


@pytest.mark.parametrize("noun", nouns.NOUNS, ids=lambda noun: noun.name)
def test_no_column_of_an_account_leaves(noun: nouns.Noun) -> None:
    table = TABLES[noun.name]
    accounts = {
        column.name for column in table.columns if any(key.column.table.name == "users" for key in column.foreign_keys)
    }
    assert accounts & set(nouns.columns(noun)) == set()


@pytest.mark.parametrize("noun", nouns.NOUNS, ids=lambda noun: noun.name)
def test_every_reference_leads_to_a_part_that_comes_first(noun: nouns.Noun) -> None:
    order = [one.name for one in nouns.NOUNS]
    for target in nouns.references(noun).values():
        assert not target or order.index(target) <= order.index(noun.name)


@pytest.mark.parametrize("noun", nouns.NOUNS, ids=lambda noun: noun.name)
def test_what_decides_on_rights_is_left_out(noun: nouns.Noun) -> None:
    assert not any(name.startswith("may_") for name in nouns.columns(noun))


def test_the_format_is_documented_field_by_field() -> None:
    text = (ROOT / "docs" / "exchange.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^\| `([a-z_]+)` \| (.+?) \|", text, re.MULTILINE))
    for noun in nouns.NOUNS:
        fields = re.findall(r"`([a-z0-9_]+)`", sections[noun.name])
        assert fields == [nouns.field_of(noun, column) for column in nouns.columns(noun)], noun.name
