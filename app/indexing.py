"""What is searched for words, and keeping its index: in the transaction of the change, before it commits.

The recording door knows every row that a transaction changes. Those with text are read again, unless they
are as they were inserted, and their entries replaced, whatever changed them. An index that was left
behind, by rows written past the product, is built anew by ``rebuild``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, select
from sqlmodel import Session, SQLModel, col

from app.adapters import search
from app.models import Task
from app.prepared import Prepared, among, dialect_of
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
_FOUND = {engine: Prepared(search.found(engine), varies=True) for engine in ("sqlite", "postgresql")}


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
    undone = session.info.pop("undone", False)
    # The values of a row that is as it was inserted; None for one that has to be read.
    touched: dict[str, dict[int, dict[str, Any] | None]] = {}
    for change in changes:
        source = SOURCES.get(change.table)
        if source is not None and change.row_id is not None and _matters(source, change):
            rows = touched.setdefault(change.table, {})
            is_new = change.action == "insert" and change.row_id not in rows and not undone
            rows[change.row_id] = change.after if is_new else None
    for table, rows in touched.items():
        _index(session.connection(), SOURCES[table], dict(sorted(rows.items())))


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


def _matters(source: Source, change: RowChange) -> bool:
    return change.action != "update" or not source.columns or bool(set(source.columns) & set(change.before or ()))


def _index(connection: Connection, source: Source, rows: Mapping[int, dict[str, Any] | None]) -> None:
    new = [SimpleNamespace(**values) for values in rows.values() if values is not None]
    for place in range(0, len(new), _BATCH):
        _put(connection, source, new[place : place + _BATCH])
    others = [row_id for row_id, values in rows.items() if values is None]
    for place in range(0, len(others), _BATCH):
        batch = others[place : place + _BATCH]
        gone = set(batch) - _write(connection, source, batch)
        search.remove(connection, [source.entry(row_id) for row_id in gone])


def _write(connection: Connection, source: Source, row_ids: Sequence[int]) -> set[int]:
    """Entries for those of the rows that are there; returns their ids."""
    rows = connection.execute(_READING[source.kind], {"keys": row_ids}).all()
    _put(connection, source, rows)
    return {row.id for row in rows}


def _put(connection: Connection, source: Source, rows: Iterable[Any]) -> None:
    """An entry for each row, which has ``id`` and the source's columns."""
    search.add(
        connection,
        [
            (source.entry(row.id), terms.of(source.texts(row)) | {terms.scope(source.kind, row.programme_id)})
            for row in rows
        ],
    )


def _column(source: Source, name: str) -> Any:
    return col(getattr(source.model, name))


# The texts of the rows ``keys``.
_READING = {
    source.kind: select(*(_column(source, name) for name in ("id", *source.columns))).where(
        among(_column(source, "id"), "keys")
    )
    for source in SOURCES.values()
}


__all__ = [
    "FEW",
    "MOST",
    "SOURCES",
    "TASKS",
    "Source",
    "candidates",
    "rebuild",
    "rebuild_after",
    "refresh",
]
