"""The event log: writing it in the transaction of the change, reading it in commit order."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Select, Text, cast, func, literal, select, tuple_
from sqlmodel import Session, SQLModel, col

from app.clock import now as clock_now
from app.models import Event, EventKind
from app.permissions import Actor
from app.prepared import Prepared, PreparedInsert, dialect_of, given
from app.recording import RowChange, plain, storable, take_noted, writing_events
from app.rules import event_lines
from app.services import idempotency
from app.vault import Vault

_SIDES = (event_lines.COLUMNS.index("before"), event_lines.COLUMNS.index("after"))
_AT = event_lines.COLUMNS.index("at")
_BLANK: dict[str, Any] = {
    "after": None,
    "before": None,
    "cause_id": None,
    "programme_id": None,
    "reason": "",
    "subject_id": None,
    "subject_name": "",
    "subject_type": "",
}


class Subject(NamedTuple):
    """What a verb was done to, where there is no object of it: its table, id, name and programme."""

    table: str
    id: int
    name: str
    programme_id: int | None


def record(
    session: Session,
    actor: Actor,
    verb: str,
    subject: SQLModel | Subject | None = None,
    *,
    name: str | None = None,
    programme_id: int | None = None,
    reason: str = "",
    details: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> int:
    """Write the event of a verb and one for each row it changed; returns the verb event's id.

    Call it after the changes: what was changed since the last call belongs to this verb. ``verb``
    is ``noun.verb``; ``subject`` is the row that the verb was done to and gives name and programme.
    """
    changes = take_noted(session)
    head = _head(actor, verb, EventKind.VERB, now)
    head["reason"] = reason
    head["after"] = {key: plain(value) for key, value in details.items()} if details else None
    if subject is not None:
        if not isinstance(subject, Subject):
            subject = _subject(subject, name)
        head["subject_type"] = subject.table
        head["subject_id"] = subject.id
        head["subject_name"] = subject.name
        head["programme_id"] = programme_id or subject.programme_id
    else:
        head["subject_type"] = verb.partition(".")[0]
        head["subject_name"] = name or ""
        head["programme_id"] = programme_id
    idempotency.use_up(session)
    return _write(session, [head, *(_row(session, actor, change, head["at"]) for change in changes)])


def _subject(row: Any, name: str | None) -> Subject:
    key: int = row.id
    table = str(row.__tablename__)
    programme = key if table == "programmes" else getattr(row, "programme_id", None)
    return Subject(table, key, name if name is not None else label(row), programme)


def record_more(session: Session, actor: Actor, cause: int, *, now: datetime) -> int:
    """Write the events of further rows that a verb changed, for one that changes too many to hold at once.

    ``cause`` is the verb's event, of the same transaction. Returns how many rows there were.
    """
    rows = [_row(session, actor, change, now) for change in take_noted(session)]
    if rows:
        _write(session, rows, cause)
    return len(rows)


def record_access(
    session: Session,
    actor: Actor,
    verb: str,
    *,
    subject_type: str,
    subject_id: int | None = None,
    name: str = "",
    programme_id: int | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Write a reading or a refusal. Call it in a transaction of its own, before bytes leave."""
    head = _head(actor, verb, EventKind.ACCESS, None)
    head |= {
        "subject_type": subject_type,
        "subject_id": subject_id,
        "subject_name": name[:300],
        "programme_id": programme_id,
        "after": details,
    }
    _write(session, [head])


def _write(session: Session, rows: list[dict[str, Any]], cause: int | None = None) -> int:
    """Write entries; without a cause the first is the cause of the others. Returns the first one's id."""
    # The id is part of what an entry's mac is made over, so it is taken before the entry is written.
    vault: Vault = session.info["vault"]
    with writing_events(session) as connection:
        ids = _take_ids(session, connection, len(rows))
        entries = [{"id": key, **_BLANK, **row} for key, row in zip(ids, rows, strict=True)]
        for entry in entries if cause is not None else entries[1:]:
            entry["cause_id"] = ids[0] if cause is None else cause
        for entry in entries:
            entry["mac"] = event_lines.mac(vault.event_key, event_lines.leaf(line_of(entry)))
        _ENTRIES.all(connection, entries)
    _count(session, len(ids))
    return ids[0]


def _count(session: Session, number: int) -> None:
    """Tell the store how many events its next commit makes visible; it wakes those who listen."""
    session.info["events_written"] = session.info.get("events_written", 0) + number


def _take_ids(session: Session, connection: Connection, number: int) -> list[int]:
    if connection.dialect.name == "postgresql":
        return [row[0] for row in _NEXT.all(session, number=number)]
    newest = _NEWEST.scalar(session) or 0
    return list(range(newest + 1, newest + 1 + number))


def line_of(entry: dict[str, Any]) -> bytes:
    """The line of an event that is about to be written, as it will be read again from either engine."""
    values = [entry[name] for name in event_lines.COLUMNS]
    for place in _SIDES:
        if values[place] is not None:
            values[place] = json.dumps(values[place])
    values[_AT] = entry["at"].isoformat()
    return event_lines.line(values)


def label(subject: SQLModel) -> str:
    """What a thing is called in the log. A person is called by the login: names are personal."""
    for attribute in ("login", "heading", "title", "what", "name", "named_as", "code"):
        text = getattr(subject, attribute, None)
        if text:
            return str(text)[:300]
    return ""


def _head(actor: Actor, verb: str, kind: EventKind, now: datetime | None) -> dict[str, Any]:
    return {
        "at": now or clock_now(),
        "kind": kind,
        "verb": verb,
        "actor_id": actor.user_id,
        "token_id": actor.token_id,
        "channel": actor.channel,
        "address": actor.address,
        "request_id": actor.request_id,
    }


def _row(session: Session, actor: Actor, change: RowChange, at: datetime) -> dict[str, Any]:
    row = _head(actor, change.action, EventKind.ROW, at)
    return row | {
        "subject_type": change.table,
        "subject_id": change.row_id,
        "programme_id": change.programme_id,
        "before": storable(session, change, change.before),
        "after": storable(session, change, change.after),
    }


def settled(session: Session) -> Select[Event]:
    """The events of which no earlier one can still appear, in commit order.

    On PostgreSQL a transaction that is still open may hold an id below those already visible, so
    reading stops before the oldest open transaction. Order and cursor are (transaction_id, id).
    """
    return settled_on(dialect_of(session).name)


def settled_on(engine: str) -> Select[Event]:
    """The same as a statement for one kind of engine, to be prepared."""
    statement = select(Event).order_by(col(Event.transaction_id), col(Event.id))
    if engine == "postgresql":
        horizon = func.pg_snapshot_xmin(func.pg_current_snapshot())
        statement = statement.where(col(Event.transaction_id) < cast(cast(horizon, Text), BigInteger))
    return statement


def after(session: Session, statement: Select[Event], transaction_id: int, event_id: int) -> Select[Event]:
    """Only what comes after one event, in commit order.

    The pair is compared as one, which PostgreSQL looks up in the index of the order. SQLite would look up its first
    half, which all events share that were written there, and walk the log from its beginning. But those come
    after all that a restore has brought, and their ids are their order.
    """
    if transaction_id == 0 and dialect_of(session).name != "postgresql":
        return statement.where(col(Event.id) > event_id).order_by(None).order_by(col(Event.id))
    place = tuple_(col(Event.transaction_id), col(Event.id))
    return statement.where(place > tuple_(literal(transaction_id, BigInteger), literal(event_id, BigInteger)))


def beginning(session: Session) -> tuple[int, int]:
    """The position before all events. A restore gives those of a backup transaction numbers below 0."""
    oldest = _OLDEST.scalar(session)
    return (0, 0) if oldest is None or oldest >= 0 else (oldest - 1, 0)


def of_subjects(subject_type: str, subject_ids: Sequence[int]) -> Select[Event]:
    """The events of some things, newest first, for their timelines."""
    return (
        select(Event)
        .where(col(Event.subject_type) == subject_type, col(Event.subject_id).in_(subject_ids))
        .order_by(col(Event.id).desc())
    )


def horizon(session: Session) -> str:
    """A text that changes whenever an event becomes visible, and for little else: lists are tagged with it. One query.

    The newest id is not enough on PostgreSQL, where a lower one can still be committed. There it is the newest
    transaction that wrote an event, and those older than it that are still open: each may have written one.
    Transactions that came after it and wrote none leave the text as it is.
    """
    if dialect_of(session).name != "postgresql":
        return str(_NEWEST.scalar(session))
    newest, transaction, snapshot = _NEWEST_COMMITTED.first(session)
    older = [number for number in str(snapshot).rpartition(":")[2].split(",") if number and int(number) < transaction]
    return f"{newest}/{transaction}/{','.join(older)}"


_ENTRIES = PreparedInsert(Event, (*event_lines.COLUMNS, "mac"))
_NEXT = Prepared(
    select(func.nextval(func.pg_get_serial_sequence("events", "id"))).select_from(
        func.generate_series(1, given("number"))
    )
)
_OLDEST = Prepared(select(func.min(col(Event.transaction_id))))
_newest = select(func.max(col(Event.id)))
_NEWEST = Prepared(_newest, alone=True)
_NEWEST_COMMITTED = Prepared(
    select(
        _newest.scalar_subquery(),
        func.coalesce(select(func.max(col(Event.transaction_id))).scalar_subquery(), 0),
        cast(func.pg_current_snapshot(), Text),
    ),
    alone=True,
)
