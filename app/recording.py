"""The recording door: no business row changes without an event in the same transaction.

A session notes each row that a flush inserts, updates or deletes. A service then says why, through
``services.events.record``, which writes one event for the verb and one per noted row. Three guards
keep that true: ``refuse_unrecorded`` before the commit; ``_refuse_unseen`` on the connection, for a
statement that changes business rows past the flush (Core, raw SQL); and triggers in the store,
against any change of the log itself.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache, lru_cache, partial
from typing import Any

from sqlalchemy import Connection, Engine, Update, event, insert, inspect, select
from sqlmodel import Session, SQLModel, col

from app.clock import now
from app.models import BOOKKEEPING, PersonalKey
from app.models.base import Row
from app.prepared import PreparedInsert
from app.vault import Vault

PERSONAL = {"users": frozenset({"name", "phone", "email"})}
_SECRET = frozenset({"password_hash", "token_hash", "code_hash", "sealed_secret"})
_BULKY = {"plan_imports": frozenset({"lines"})}
_DERIVED = frozenset({"version", "created_at", "updated_at"})
_WRITES = re.compile(
    r"""\b(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|REPLACE\s+INTO|UPDATE(?:\s+OR\s+\w+)?(?:\s+ONLY)?
        |DELETE\s+FROM(?:\s+ONLY)?|TRUNCATE(?:\s+TABLE)?(?:\s+ONLY)?|MERGE\s+INTO|COPY)
        \s+(?:"?\w+"?\.)?["`\[]?(\w+)""",
    re.IGNORECASE | re.VERBOSE,
)
# What may follow the word UPDATE without being a table: locking clauses and upserts.
_NOT_TABLES = frozenset({"set", "nowait", "skip", "of"})


class ChangeWithoutEvent(Exception):
    """A mistake in the product, not of its user: rows changed and no verb says why.

    Its text names tables and numbers, so that it may stand in the log.
    """

    holds_no_value = True


@dataclass(frozen=True, slots=True)
class RowChange:
    """One changed row: where, what was done to it, and its columns before and after."""

    table: str
    row_id: int | None
    action: str
    programme_id: int | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class RecordedSession(Session):
    """A session that notes what its flushes change."""

    @property
    def noted(self) -> list[RowChange]:
        """The changes that no event has named yet."""
        changes: list[RowChange] = self.info.setdefault("noted", [])
        return changes


def take_noted(session: Session) -> list[RowChange]:
    """Flush, then hand over the changes noted so far; they belong to the verb that asks."""
    session.flush()
    changes: list[RowChange] = session.info.pop("noted", [])
    return changes


def refuse_unrecorded(session: Session) -> None:
    """Raise ChangeWithoutEvent where a noted change has no event; called before every commit."""
    session.flush()
    noted = session.info.get("noted")
    if noted:
        rows = ", ".join(f"{change.action} {change.table} {change.row_id}" for change in noted[:5])
        raise ChangeWithoutEvent(f"no event names these changes: {rows}")


def insert_row(session: Session, model: type[Row], values: Mapping[str, Any]) -> dict[str, Any]:
    """Insert one row through the door without making an object of it; gives all of its values, with its id.

    Nothing looks at them but the store: whoever calls it has.
    """
    session.flush()
    row = {name: values[name] if name in values else make() for name, make in _defaults(model).items()}
    connection = session.connection()
    with _door(connection):
        row["id"] = _inserting(model).one(connection, row)
    table = str(model.__tablename__)
    programme = row["id"] if table == "programmes" else row.get("programme_id")
    _note(session, RowChange(table, row["id"], "insert", programme, None, row))
    return row


@cache
def _inserting(model: type[Row]) -> PreparedInsert:
    return PreparedInsert(model, [name for name in _defaults(model) if name != "id"])


@cache
def _defaults(model: type[Row]) -> dict[str, Callable[[], Any]]:
    """What makes each column of a model where it is not given."""
    return {attribute.key: _default(model, attribute.key) for attribute in inspect(model).mapper.column_attrs}


def _default(model: type[Row], name: str) -> Callable[[], Any]:
    field = model.model_fields[name]
    if field.is_required():
        return partial(_missing, name)
    factory: Any = field.default_factory
    return factory or partial(deepcopy, field.default)


def _missing(name: str) -> Any:
    raise KeyError(name)


def bulk_update(session: Session, statement: Update) -> int:
    """Run one UPDATE over many rows of a model through the door; returns how many it changed.

    The rows are read before and after, so that each gets its own event. ``version`` and
    ``updated_at`` are moved on as a flush would.
    """
    table: Any = statement.table
    columns = inspect(table).columns
    where = statement.whereclause
    before = {
        row["id"]: dict(row)
        for row in session.connection()
        .execute(select(table).where(where) if where is not None else select(table))
        .mappings()
    }
    if not before:
        return 0
    if "version" in columns:
        statement = statement.values(version=columns["version"] + 1, updated_at=now())
    connection = session.connection()
    with _door(connection):
        connection.execute(statement)
    after = connection.execute(select(table).where(columns["id"].in_(list(before)))).mappings()
    for row in after:
        old = before[row["id"]]
        changed = {name for name in old if old[name] != row[name] and name not in _DERIVED}
        _note(
            session,
            RowChange(
                str(table.name),
                row["id"],
                "update",
                row.get("programme_id"),
                {name: old[name] for name in changed},
                {name: row[name] for name in changed},
            ),
        )
    session.expire_all()
    return len(before)


@contextmanager
def _door(connection: Connection) -> Iterator[None]:
    # Asked once: a connection that broke in between would not give it again, and hide why it broke.
    info = connection.info
    info["door"] = True
    try:
        yield
    finally:
        info["door"] = False


@contextmanager
def writing_events(session: Session) -> Iterator[Connection]:
    """The connection on which ``services.events`` writes the log."""
    # Before the door is opened, because a flush ends with closing it.
    session.flush()
    connection = session.connection()
    with _door(connection):
        yield connection


@event.listens_for(RecordedSession, "before_flush")
def _before_flush(session: Session, *_: object) -> None:
    for row in session.dirty:
        if isinstance(row, Row) and session.is_modified(row):
            row.version += 1
            row.updated_at = now()
    session.connection().info["door"] = True


@event.listens_for(RecordedSession, "after_flush")
def _after_flush(session: Session, *_: object) -> None:
    for rows, action in ((session.new, "insert"), (session.dirty, "update"), (session.deleted, "delete")):
        for row in rows:
            if row.__tablename__ not in BOOKKEEPING and (action != "update" or session.is_modified(row)):
                _note(session, _change(row, action))
    session.connection().info["door"] = False


@event.listens_for(RecordedSession, "after_rollback")
def _after_rollback(session: Session) -> None:
    session.info.pop("noted", None)
    session.info.pop("touched", None)


@event.listens_for(RecordedSession, "after_soft_rollback")
def _after_a_part_was_undone(session: Session, _undone: object) -> None:
    # Rows that were noted may not be there any more; whoever looks at them has to read them.
    session.info["undone"] = True


def _note(session: Session, change: RowChange) -> None:
    session.info.setdefault("noted", []).append(change)
    # Events name a change once; whoever keeps something derived from the row looks at it before the commit.
    session.info.setdefault("touched", []).append(change)


def _change(row: SQLModel, action: str) -> RowChange:
    state = inspect(row)
    table = str(row.__tablename__)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for attribute in state.mapper.column_attrs:
        name = attribute.key
        if action != "update":
            (after if action == "insert" else before)[name] = getattr(row, name)
            continue
        history = state.attrs[name].history
        if name not in _DERIVED and history.has_changes():
            before[name] = history.deleted[0] if history.deleted else None
            after[name] = history.added[0] if history.added else None
    key = state.identity or state.mapper.primary_key_from_instance(row)
    programme = row.id if table == "programmes" else getattr(row, "programme_id", None)  # type: ignore[attr-defined]
    return RowChange(
        table,
        int(key[0]),
        action,
        programme,
        None if action == "insert" else before,
        None if action == "delete" else after,
    )


def storable(session: Session, change: RowChange, values: dict[str, Any] | None) -> dict[str, Any] | None:
    """``values`` as the log keeps them: JSON, without secrets, personal fields sealed."""
    if values is None:
        return None
    personal = PERSONAL.get(change.table, frozenset())
    bulky = _BULKY.get(change.table, frozenset())
    kept: dict[str, Any] = {}
    for name, value in values.items():
        if name in _SECRET:
            kept[name] = "(secret)"
        elif name in bulky:
            kept[name] = f"({len(value)})"
        elif name in personal and value and change.row_id is not None:
            kept[name] = _seal(session, change.row_id, name, str(value))
        else:
            kept[name] = plain(value)
    return kept


def plain(value: Any) -> Any:
    """A column's value in JSON: ISO dates, values of enumerations."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return value


def _seal(session: Session, user_id: int, field: str, text: str) -> str:
    vault: Vault = session.info["vault"]
    cache: dict[int, str] = session.info.setdefault("personal_keys", {})
    wrapped = cache.get(user_id)
    if wrapped is None:
        connection = session.connection()
        wrapped = connection.scalar(select(col(PersonalKey.wrapped)).where(col(PersonalKey.user_id) == user_id))
        if wrapped is None:
            wrapped = vault.new_personal_key(user_id)
            connection.execute(insert(PersonalKey).values(user_id=user_id, wrapped=wrapped))
        cache[user_id] = wrapped
    return vault.seal(wrapped, user_id, field, text)


@lru_cache(maxsize=4096)
def _business_targets(statement: str) -> tuple[str, ...]:
    """The business tables that a statement writes to. Statements are few and their values bound."""
    found = {name.lower() for name in _WRITES.findall(re.sub(r"/\*.*?\*/|--[^\n]*", " ", statement, flags=re.DOTALL))}
    return tuple(sorted(found - BOOKKEEPING - _NOT_TABLES)) + (("events",) if "events" in found else ())


def guard(engine: Engine) -> None:
    """Hold every connection of ``engine`` to the door."""

    @event.listens_for(engine, "begin")
    def _shut(connection: Connection) -> None:
        # A flush that failed left it open, and the pool hands the same connection on.
        connection.info["door"] = False

    @event.listens_for(engine, "before_cursor_execute")
    def _refuse_unseen(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if connection.info.get("door"):
            return
        targets = _business_targets(statement)
        if targets:
            raise ChangeWithoutEvent(f"a statement past the recording door writes to {', '.join(targets)}")


__all__ = [
    "PERSONAL",
    "ChangeWithoutEvent",
    "RecordedSession",
    "RowChange",
    "bulk_update",
    "guard",
    "insert_row",
    "plain",
    "refuse_unrecorded",
    "storable",
    "take_noted",
    "writing_events",
]
