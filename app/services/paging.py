"""Keyset pages: the same cost at any depth, and a cursor that nobody can bend.

A sort is a tuple of columns that ends in the id and has an index. The cursor carries the values of
the last row, signed together with the sort and the filters, so that it only continues the list it
came from. Rights are in the statement itself and therefore apply anew on every page.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, Select, and_, false, null, or_
from sqlmodel import Session

from app.errors import DomainError, Kind
from app.messages import N_
from app.vault import Vault

MAX_LIMIT = 200


class CursorRefused(DomainError):
    """A cursor that was changed, or belongs to another list, sort or filter."""

    kind = Kind.INVALID
    code = "cursor_refused"
    message = N_("This page link does not belong to this list. Please start from the first page.")


@dataclass(frozen=True, slots=True)
class Sort:
    """A named order. ``columns`` end in the id; ``descending`` turns all of them."""

    name: str
    columns: tuple[Any, ...]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """One page: its rows and the cursors of its neighbours."""

    rows: Sequence[Any]
    next_cursor: str | None


def fetch(
    session: Session,
    statement: Select[*tuple[Any, ...]],
    sort: Sort,
    *,
    limit: int,
    cursor: str | None,
    filters: Mapping[str, Any],
) -> Slice:
    """The page of ``statement`` after ``cursor`` in the order of ``sort``.

    ``statement`` selects the rows a view needs and must contain the sort's columns under their own
    names. Raises CursorRefused.
    """
    vault: Vault = session.info["vault"]
    scope = _scope(sort, filters)
    limit = max(1, min(limit, MAX_LIMIT))
    if cursor:
        statement = statement.where(_after(sort, _open(vault, cursor, scope)))
    order = [column.desc().nulls_last() if sort.descending else column.asc().nulls_last() for column in sort.columns]
    rows = session.connection().execute(statement.order_by(*order).limit(limit + 1)).all()
    more = len(rows) > limit
    rows = rows[:limit]
    following = _close(vault, scope, sort, rows[-1]) if more else None
    return Slice(rows, following)


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


def _after(sort: Sort, values: list[Any]) -> ColumnElement[bool]:
    """Strictly after the given row, column by column; empty values stand last in both directions."""
    reached: ColumnElement[bool] = false()
    for index, column in enumerate(sort.columns):
        same = [_same(earlier, values[place]) for place, earlier in enumerate(sort.columns[:index])]
        reached = or_(reached, and_(*same, _beyond(column, values[index], sort.descending)))
    return reached


def _same(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    return column.is_(null()) if value is None else column == _typed(column, value)


def _beyond(column: ColumnElement[Any], value: Any, descending: bool) -> ColumnElement[bool]:
    if value is None:
        return false()
    typed = _typed(column, value)
    beyond = column < typed if descending else column > typed
    return or_(beyond, column.is_(null()))


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
