"""Keyset pages: the same cost at any depth, and a cursor that nobody can bend.

A sort is a tuple of columns that ends in the id and has an index. The cursor carries the values of
the last row, signed together with the sort and the filters, so that it only continues the list it
came from. Rights are in the statement itself and therefore apply anew on every page.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, Select, bindparam, null, select, tuple_, union_all
from sqlmodel import Session

from app.errors import DomainError, Kind
from app.messages import N_
from app.vault import Vault

MAX_LIMIT = 200
Step = Callable[[int], Any]


class CursorRefused(DomainError):
    """A cursor that was changed, or belongs to another list, sort or filter."""

    kind = Kind.INVALID
    code = "cursor_refused"
    message = N_("This page link does not belong to this list. Please start from the first page.")


@dataclass(frozen=True, slots=True)
class Sort:
    """A named order. ``columns`` end in the id, and only the first may be empty; ``descending`` turns all of them."""

    name: str
    columns: tuple[Any, ...]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """One page: its rows and the cursors of its neighbours."""

    rows: Sequence[Any]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Parts:
    """A division of the rows by a column that every index of the sorts begins with, such as the programme.

    An index gives the order within one part only, so each part is read in its order and the parts are put
    together: one after the other where the sort begins with the column, else merged.
    """

    column: Any
    values: Sequence[int]


def fetch(
    session: Session,
    statement: Select[*tuple[Any, ...]],
    sort: Sort,
    *,
    limit: int,
    cursor: str | None,
    filters: Mapping[str, Any],
    parts: Parts | None = None,
) -> Slice:
    """The page of ``statement`` after ``cursor`` in the order of ``sort``.

    ``statement`` selects the rows a view needs and must contain the sort's columns under their own
    names; with ``parts`` it selects rows of these parts alone. Raises CursorRefused.
    """
    vault: Vault = session.info["vault"]
    scope = _scope(sort, filters)
    limit = max(1, min(limit, MAX_LIMIT))
    rows: list[Any] = []
    for step in _steps(statement, sort, parts, _open(vault, cursor, scope) if cursor else None):
        rows += session.connection().execute(step(limit + 1 - len(rows))).all()
        if len(rows) > limit:
            break
    following = _close(vault, scope, sort, rows[limit - 1]) if len(rows) > limit else None
    return Slice(rows[:limit], following)


def cursor_after(vault: Vault, sort: Sort, row: Row[Any], filters: Mapping[str, Any]) -> str:
    """The cursor of the page that begins after ``row`` in the list of ``sort`` and ``filters``."""
    return _close(vault, _scope(sort, filters), sort, row)


def _scope(sort: Sort, filters: Mapping[str, Any]) -> str:
    kept = sorted((name, str(_plain(value))) for name, value in filters.items() if value not in (None, "", (), []))
    return hashlib.sha256(orjson.dumps([sort.name, sort.descending, kept])).hexdigest()[:16]


def _close(vault: Vault, scope: str, sort: Sort, row: Row[Any]) -> str:
    values = [_plain(getattr(row, column.key or "")) for column in sort.columns]
    return vault.sign(orjson.dumps([scope, values]).decode())


def _open(vault: Vault, cursor: str, scope: str) -> list[Any]:
    opened = vault.open_signed(cursor)
    if opened is None:
        raise CursorRefused(field="cursor")
    signed_scope, values = orjson.loads(opened)
    if signed_scope != scope:
        raise CursorRefused(field="cursor")
    return list(values)


def _steps(statement: Any, sort: Sort, parts: Parts | None, after: list[Any] | None) -> Iterator[Step]:
    """Statements that give the list one after the other, each for at most as many rows as it is asked for."""
    first = sort.columns[0]
    if parts is not None and parts.column is first:
        for value in sorted(parts.values, reverse=sort.descending):
            passed = after is not None and (value > after[0] if sort.descending else value < after[0])
            if not passed:
                rest = after[1:] if after is not None and value == after[0] else None
                yield _step([statement.where(first == value)], sort.columns[1:], sort, rest)
        return
    branches = [statement] if parts is None else [statement.where(parts.column == value) for value in parts.values]
    if not getattr(first, "nullable", False):
        yield _step(branches, sort.columns, sort, after)
        return
    # Empty values stand last in both directions, and neither engine finds them there by an index.
    if after is None or after[0] is not None:
        yield _step([branch.where(first.is_not(null())) for branch in branches], sort.columns, sort, after)
        after = None
    rest = after[1:] if after is not None else None
    yield _step([branch.where(first.is_(null())) for branch in branches], sort.columns[1:], sort, rest)


def _step(branches: Sequence[Any], columns: Sequence[Any], sort: Sort, after: list[Any] | None) -> Step:
    def limited(limit: int) -> Any:
        order = [column.desc() if sort.descending else column.asc() for column in columns]
        beyond = [_beyond(columns, after, descending=sort.descending)] if after is not None else []
        found = [branch.where(*beyond).order_by(*order).limit(limit) for branch in branches]
        if len(found) == 1:
            return found[0]
        merged = union_all(*(select(branch.subquery()) for branch in found)).subquery()
        names = [merged.c[column.key] for column in columns]
        return select(merged).order_by(*(name.desc() if sort.descending else name for name in names)).limit(limit)

    return limited


def _beyond(columns: Sequence[Any], values: list[Any], *, descending: bool) -> ColumnElement[bool]:
    """Strictly after the given row, compared as one: what both engines look up in an index."""
    row = [
        bindparam(None, _typed(column, value), type_=column.type) for column, value in zip(columns, values, strict=True)
    ]
    here: Any = columns[0] if len(row) == 1 else tuple_(*columns)
    there: Any = row[0] if len(row) == 1 else tuple_(*row)
    beyond: ColumnElement[bool] = here < there if descending else here > there
    return beyond


def _typed(column: ColumnElement[Any], value: Any) -> Any:
    # A decorated type (UTCDateTime) says what it wraps only by its implementation.
    kind = getattr(column.type, "impl", column.type).python_type
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is date:
        return date.fromisoformat(value)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value
