"""The full-text index of each engine, given terms: FTS5 on SQLite, tsvector with GIN on PostgreSQL.

An entry is a number and a set of terms; what the number stands for is the caller's business. Terms
are taken as they are (``rules.terms`` sees to that), without positions: whoever searches looks at the
text itself afterwards.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    cast,
    column,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY

_CREATE = {
    "sqlite": ("CREATE VIRTUAL TABLE search_index USING fts5(terms, tokenize='ascii', detail='none', columnsize=0)",),
    "postgresql": (
        "CREATE TABLE search_index (id bigint CONSTRAINT pk_search_index PRIMARY KEY, terms tsvector NOT NULL)",
        "CREATE INDEX ix_search_index_terms ON search_index USING gin (terms)",
    ),
}
_KEY = {"sqlite": "rowid", "postgresql": "id"}
_REMOVE = {
    "sqlite": "DELETE FROM search_index WHERE rowid = :id",
    "postgresql": "DELETE FROM search_index WHERE id = :id",
}
# In the driver's own words: they run for each row that is written.
_PUT = {
    "sqlite": "INSERT OR REPLACE INTO search_index (rowid, terms) VALUES (?, ?)",
    "postgresql": (
        "INSERT INTO search_index (id, terms) VALUES (%s, array_to_tsvector(CAST(%s AS text[])))"
        " ON CONFLICT (id) DO UPDATE SET terms = EXCLUDED.terms"
    ),
}
_ASKED: dict[str, ColumnElement[bool]] = {
    "sqlite": column("search_index").op("MATCH", is_comparison=True)(bindparam("asked", None)),
    "postgresql": column("terms").op("@@", is_comparison=True)(cast(bindparam("asked", None), TSQUERY)),
}
_QUOTE = {"sqlite": '"', "postgresql": "'"}
_BEGINS = {"sqlite": "*", "postgresql": ":*"}
_AND = {"sqlite": " AND ", "postgresql": " & "}
_OR = {"sqlite": " OR ", "postgresql": " | "}
TABLE = "search_index"


def create(connection: Connection) -> None:
    """Make the empty index."""
    for statement in _CREATE[connection.dialect.name]:
        connection.execute(text(statement))


def drop(connection: Connection) -> None:
    """Take the index away."""
    connection.execute(text("DROP TABLE search_index"))


def add(connection: Connection, entries: Iterable[tuple[int, Collection[str]]]) -> None:
    """Add entries with their terms, in place of what stands under their numbers."""
    engine = connection.dialect.name
    rows = [(key, " ".join(terms) if engine == "sqlite" else list(terms)) for key, terms in entries]
    if rows:
        connection.exec_driver_sql(_PUT[engine], rows)


def remove(connection: Connection, keys: Collection[int]) -> None:
    """Remove entries; those that are not there are no trouble."""
    if keys:
        connection.execute(text(_REMOVE[connection.dialect.name]), [{"id": key} for key in keys])


def remove_between(connection: Connection, first: int, last: int, *, step: int, kind: int) -> None:
    """Remove the entries from ``first`` to ``last`` whose number leaves ``kind`` when divided by ``step``."""
    key = _KEY[connection.dialect.name]
    statement = text(f"DELETE FROM search_index WHERE {key} BETWEEN :first AND :last AND {key} % :step = :kind")  # noqa: S608
    connection.execute(statement, {"first": first, "last": last, "step": step, "kind": kind})


def found(engine: str) -> Select[Any]:
    """The numbers of entries that match ``asked``, at most ``most``: both are bound when it is run."""
    keys: Select[Any] = select(column(_KEY[engine])).select_from(table(TABLE))
    return keys.where(_ASKED[engine]).limit(bindparam("most", None, Integer))


def asked(engine: str, *, scopes: Sequence[str], terms: Sequence[str], beginnings: Sequence[str]) -> str:
    """What finds entries with one of ``scopes``, if any are given, and with all the rest."""
    quote = _QUOTE[engine]
    parts = [f"{quote}{term}{quote}" for term in terms]
    parts += [f"{quote}{beginning}{quote}{_BEGINS[engine]}" for beginning in beginnings]
    if scopes:
        parts.append(f"({_OR[engine].join(f'{quote}{scope}{quote}' for scope in scopes)})")
    return _AND[engine].join(parts)


__all__ = ["TABLE", "add", "asked", "create", "drop", "found", "remove", "remove_between"]
