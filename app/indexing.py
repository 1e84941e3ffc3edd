"""What is searched for words, and keeping its index: in the transaction of the change, before it commits.

The recording door knows every row that a transaction changes; the ones with text are read again and
their entries replaced, whatever changed them. An index that was left behind, by rows written past the
product, is built anew by ``rebuild``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, select
from sqlmodel import Session, SQLModel, col

from app.adapters import search
from app.models import Task
from app.prepared import Prepared, dialect_of, given
from app.recording import RowChange
from app.rules import paths, terms

_KINDS = 64
_BATCH = 1000
_LAST = 2**31 - 1
# More matches than this are no help: walking the list in its order meets a page of them soon enough.
MOST = 2000
# So many rows are looked at without asking first to which programmes they belong.
FEW = 250
_MOST_SCOPES = 50
_FOUND = {engine: Prepared(search.found(engine)) for engine in ("sqlite", "postgresql")}


@dataclass(frozen=True, slots=True)
class Source:
    """A noun with text. ``kind`` is its number for good; ``texts`` takes the ``columns`` of a row."""

    kind: int
    model: type[SQLModel]
    columns: tuple[str, ...]
    texts: Callable[[Any], Iterable[str]]

    @property
    def table(self) -> str:
        """The name of its table."""
        return str(self.model.__tablename__)

    def entry(self, row_id: int) -> int:
        """The number of a row's entry: one index serves all nouns."""
        return row_id * _KINDS + self.kind


def _of_task(row: Any) -> tuple[str, ...]:
    return row.heading, row.text, row.path.replace(paths.SEPARATOR, ""), row.path


TASKS = Source(1, Task, ("programme_id", "heading", "text", "path"), _of_task)
SOURCES = {source.table: source for source in (TASKS,)}


def refresh(session: Session) -> None:
    """Index what the session's flushes and bulk statements have changed; called before every commit."""
    changes: list[RowChange] = session.info.pop("touched", [])
    touched: dict[str, set[int]] = {}
    for change in changes:
        source = SOURCES.get(change.table)
        if source is not None and change.row_id is not None and _matters(source, change):
            touched.setdefault(change.table, set()).add(change.row_id)
    for table, row_ids in touched.items():
        _index(session.connection(), SOURCES[table], sorted(row_ids))


def rebuild_after(connection: Connection, source: Source, last: int) -> tuple[int, int]:
    """Build anew the entries of the next thousand rows after the id ``last``, and lock these rows.

    Returns the last of their ids and their number; entries without a row are gone. Call it until the
    number is 0, each time in a transaction or all in one: nothing that can be found is missed meanwhile.
    """
    key = _column(source, "id")
    statement = select(key).where(key > last).order_by(key).limit(_BATCH).with_for_update()
    keys = list(connection.scalars(statement))
    end = source.entry(keys[-1]) if keys else source.entry(_LAST)
    search.remove_between(connection, source.entry(last + 1), end, step=_KINDS, kind=source.kind)
    _write(connection, source, keys)
    return (keys[-1] if keys else last), len(keys)


def rebuild(connection: Connection) -> None:
    """Build all of the index anew in the transaction that is open."""
    for source in SOURCES.values():
        last, number = rebuild_after(connection, source, 0)
        while number:
            last, number = rebuild_after(connection, source, last)


def candidates(session: Session, source: Source, text: str, programmes: Sequence[int]) -> list[int] | None:
    """The ids of all rows of ``programmes`` that can hold every word of ``text``, and of some that do not.

    None where the index cannot tell: too many, or nothing that it keeps. Without programmes: of all.
    """
    whole, beginnings = terms.asked(text)
    if not whole and not beginnings:
        return None
    scopes = [terms.scope(source.kind, programme_id) for programme_id in programmes[: _MOST_SCOPES + 1]]
    if len(scopes) > _MOST_SCOPES:
        scopes = []
    engine = dialect_of(session).name
    tries = [(scopes, MOST)]
    if scopes and not beginnings:
        # All of a programme is in its scope: to look there costs more than a few rows of other programmes.
        tries.insert(0, ([], min(FEW, MOST)))
    for narrowed, most in tries:
        asked = search.asked(engine, scopes=narrowed, terms=whole, beginnings=beginnings)
        found = _FOUND[engine].all(session, asked=asked, most=most + 1)
        if len(found) <= most:
            return [entry // _KINDS for (entry,) in found if entry % _KINDS == source.kind]
    return None


def among(engine: str, column: Any) -> ColumnElement[bool]:
    """The condition that a row is one of the candidates, which are given as ``keys``."""
    return search.among(engine, column, given("keys"))


def listed(engine: str, keys: Sequence[int]) -> Any:
    """The candidates as the value ``keys``."""
    return search.listed(engine, keys)


def _matters(source: Source, change: RowChange) -> bool:
    return change.action != "update" or not source.columns or bool(set(source.columns) & set(change.before or ()))


def _index(connection: Connection, source: Source, row_ids: Sequence[int]) -> None:
    for place in range(0, len(row_ids), _BATCH):
        batch = row_ids[place : place + _BATCH]
        search.remove(connection, [source.entry(row_id) for row_id in batch])
        _write(connection, source, batch)


def _write(connection: Connection, source: Source, row_ids: Sequence[int]) -> None:
    """Entries for those of the rows that are there; nothing may stand in their places."""
    columns = [_column(source, name) for name in ("id", *source.columns)]
    engine = connection.dialect.name
    there = search.among(engine, columns[0], given("keys"))
    rows = connection.execute(select(*columns).where(there), {"keys": search.listed(engine, row_ids)})
    search.add(
        connection,
        [
            (source.entry(row.id), terms.of(source.texts(row)) | {terms.scope(source.kind, row.programme_id)})
            for row in rows
        ],
    )


def _column(source: Source, name: str) -> Any:
    return col(getattr(source.model, name))


__all__ = [
    "FEW",
    "MOST",
    "SOURCES",
    "TASKS",
    "Source",
    "among",
    "candidates",
    "listed",
    "rebuild",
    "rebuild_after",
    "refresh",
]
