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
from functools import partial
from operator import eq
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, Select, bindparam, null, select, tuple_, union_all
from sqlmodel import Session

from app.errors import DomainError, Kind
from app.messages import N_
from app.prepared import Prepared, given
from app.vault import Vault

MAX_LIMIT = 200


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


class Listing:
    """A list that is asked for again and again: its statements are prepared when they are first needed.

    ``statement`` selects the rows a view needs and must contain the sort's columns under their own
    names; with ``parts`` it selects rows of these parts alone.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]], sort: Sort, parts: Parts | None = None) -> None:
        self._statement = statement
        self._sort = sort
        self._parts = parts
        self._prepared: dict[tuple[object, bool], Prepared] = {}

    def page(
        self,
        session: Session,
        *,
        limit: int,
        cursor: str | None,
        filters: Mapping[str, Any],
        values: Mapping[str, Any] | None = None,
    ) -> Slice:
        """The page after ``cursor``; ``values`` are those that are given to the statement. Raises CursorRefused."""

        def run(step: Step, more: dict[str, Any]) -> Sequence[Any]:
            found = self._prepared.get(step.key)
            if found is None:
                found = self._prepared.setdefault(step.key, Prepared(step.statement()))
            return found.all(session, **(values or {}), **more)

        return _page(session, run, self._statement, self._sort, self._parts, limit, cursor, filters)


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
    """The page of ``statement``, as ``Listing`` describes it, after ``cursor``. Raises CursorRefused."""

    def run(step: Step, values: dict[str, Any]) -> Sequence[Any]:
        return session.connection().execute(step.statement(), values).all()

    return _page(session, run, statement, sort, parts, limit, cursor, filters)


def _page(
    session: Session,
    run: Callable[["Step", dict[str, Any]], Sequence[Any]],
    statement: Select[*tuple[Any, ...]],
    sort: Sort,
    parts: Parts | None,
    limit: int,
    cursor: str | None,
    filters: Mapping[str, Any],
) -> Slice:
    vault: Vault = session.info["vault"]
    scope = _scope(sort, filters) if cursor else ""
    limit = max(1, min(limit, MAX_LIMIT))
    rows: list[Any] = []
    for step in _steps(statement, sort, parts, _open(vault, cursor, scope) if cursor else None):
        rows += run(step, {"limit": limit + 1 - len(rows), **step.values})
        if len(rows) > limit:
            break
    following = _close(vault, scope or _scope(sort, filters), sort, rows[limit - 1]) if len(rows) > limit else None
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


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a list: the branches that it merges, the columns that order it, and after which values.

    ``name`` tells it from the list's other steps.
    """

    name: object
    branches: Callable[[], Sequence[Any]]
    columns: tuple[Any, ...]
    descending: bool
    after: Sequence[Any] | None

    @property
    def key(self) -> tuple[object, bool]:
        """What tells its text from those of the list's other steps."""
        return self.name, self.after is not None

    @property
    def values(self) -> dict[str, Any]:
        """What is bound to it beside ``limit``."""
        pairs = zip(self.columns, self.after or (), strict=False)
        return {f"after_{place}": _typed(column, value) for place, (column, value) in enumerate(pairs)}

    def statement(self) -> Any:
        """At most ``limit`` rows in the order, strictly after the values."""
        order = [column.desc() if self.descending else column.asc() for column in self.columns]
        beyond = [] if self.after is None else [self._beyond()]
        found = [branch.where(*beyond).order_by(*order).limit(given("limit")) for branch in self.branches()]
        if len(found) == 1:
            return found[0]
        merged = union_all(*(select(branch.subquery()) for branch in found)).subquery()
        names = [merged.c[column.key] for column in self.columns]
        order = [name.desc() if self.descending else name.asc() for name in names]
        return select(merged).order_by(*order).limit(given("limit"))

    def _beyond(self) -> ColumnElement[bool]:
        # Compared as one row: what both engines look up in an index.
        bound = [bindparam(f"after_{place}", None, column.type) for place, column in enumerate(self.columns)]
        here: Any = self.columns[0] if len(bound) == 1 else tuple_(*self.columns)
        there: Any = bound[0] if len(bound) == 1 else tuple_(*bound)
        beyond: ColumnElement[bool] = here < there if self.descending else here > there
        return beyond


def _steps(statement: Any, sort: Sort, parts: Parts | None, after: list[Any] | None) -> Iterator[Step]:
    """Statements that give the list one after the other."""
    first, rest = sort.columns[0], sort.columns[1:]

    def step(
        name: object, columns: tuple[Any, ...], after: Sequence[Any] | None, condition: Callable[[], Any] | None = None
    ) -> Step:
        def branches() -> Sequence[Any]:
            # Only now, because a statement that is prepared already is not built again.
            narrowed = statement if condition is None else statement.where(condition())
            if parts is None or name in parts.values:
                return [narrowed]
            return [narrowed.where(parts.column == value) for value in parts.values]

        return Step(name, branches, columns, sort.descending, after)

    if parts is not None and parts.column is first:
        for value in sorted(parts.values, reverse=sort.descending):
            if after is None or value == after[0]:
                yield step(value, rest, after[1:] if after else None, partial(eq, first, value))
                after = None
        return
    if not getattr(first, "nullable", False):
        yield step("all", sort.columns, after)
        return
    # Empty values stand last in both directions, and neither engine finds them there by an index.
    if after is None or after[0] is not None:
        yield step("filled", sort.columns, after, lambda: first.is_not(null()))
        after = None
    yield step("empty", rest, after[1:] if after else None, lambda: first.is_(null()))


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
