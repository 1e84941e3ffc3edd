"""Reading the log: who sees which events, the list newest first, and the change feed in commit order."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlmodel import Session, col, select

from app.clock import SHANGHAI
from app.models import Assignment, Attachment, Event, EventKind, PersonalKey, Task, User
from app.permissions import Actor, Administrator, Permission, can
from app.schemas.event import EventFilters
from app.services import events, paging, visibility
from app.vault import SEALED, Vault

P = Permission
MASK = "•••"
# Filters that an index answers in the order of ids.
_INDEXED = ("actor_id", "programme", "subject_id")
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(9000, 1, 1)
# What an audit administrator reads: accounts, rights, sessions, access; of business rows only that they were touched.
ACCOUNTS = frozenset(
    {
        "group_members",
        "jobs",
        "identities",
        "memberships",
        "recovery_codes",
        "reset_codes",
        "routes",
        "seal",
        "second_factors",
        "session",
        "sessions",
        "store",
        "tokens",
        "unit_names",
        "units",
        "users",
    }
)
# What every member of a programme sees changing; tasks and what hangs on them follow the task's own rule.
_COMMON = ("memberships", "milestones", "parties", "plan_versions", "programmes", "tracks")
COLUMNS: tuple[Any, ...] = (
    col(Event.id),
    col(Event.transaction_id),
    col(Event.at),
    col(Event.kind),
    col(Event.verb),
    col(Event.cause_id),
    col(Event.programme_id),
    col(Event.subject_type),
    col(Event.subject_id),
    col(Event.subject_name),
    col(Event.actor_id),
    col(User.name).label("actor_name"),
    col(Event.channel),
    col(Event.address),
    col(Event.reason),
    col(Event.before),
    col(Event.after),
)
NEWEST = paging.Sort("newest", (col(Event.id),), descending=True)


def seen(actor: Actor) -> ColumnElement[bool]:
    """The condition on ``Event`` under which ``actor`` sees an entry.

    A member sees the changes of what they see in their programmes, a draft's only with the draft. Who
    keeps watch over a programme (inspector, leader) sees all its entries, accesses included.
    """
    if actor.is_system:
        return true()
    conditions: list[ColumnElement[bool]] = []
    if actor.administrator is Administrator.AUDIT and can(actor, P.AUDIT_READ):
        conditions.append(or_(col(Event.subject_type).in_(sorted(ACCOUNTS)), col(Event.kind) == EventKind.ACCESS))
    watched = actor.programmes_with(P.AUDIT_READ)
    if watched:
        conditions.append(col(Event.programme_id).in_(watched))
    readable = actor.programmes_with(P.EVENT_READ)
    whole = [key for key in actor.programmes_with(P.TASK_READ_DRAFT) if key in readable]
    changed = col(Event.kind) != EventKind.ACCESS
    if whole:
        conditions.append(and_(col(Event.programme_id).in_(whole), changed))
    rest = [key for key in readable if key not in whole]
    if rest:
        conditions.append(and_(col(Event.programme_id).in_(rest), changed, _of_what_is_seen(actor)))
    return or_(*conditions) if conditions else false()


def read_in_full(actor: Actor) -> ColumnElement[bool]:
    """The condition on ``Event`` under which ``actor`` may read an entry with nothing masked but personal fields.

    Only who reads the audit trail does: an audit administrator of accounts and accesses, who keeps watch
    over a programme of all its entries.
    """
    if actor.is_system:
        return true()
    conditions: list[ColumnElement[bool]] = []
    if actor.administrator is Administrator.AUDIT and can(actor, P.AUDIT_READ):
        conditions.append(col(Event.subject_type).in_(sorted(ACCOUNTS)))
    watched = actor.programmes_with(P.AUDIT_READ)
    if watched:
        conditions.append(col(Event.programme_id).in_(watched))
    return or_(*conditions) if conditions else false()


def between(since: date | None, until: date | None) -> ColumnElement[bool]:
    """The condition on ``Event`` for days in Asia/Shanghai, both included."""
    first = [col(Event.at) >= _midnight(since)] if since is not None else []
    last = [col(Event.at) < _midnight(min(until, _LAST_DAY) + timedelta(days=1))] if until is not None else []
    return and_(true(), *first, *last)


def _of_what_is_seen(actor: Actor) -> ColumnElement[bool]:
    tasks = select(Task.id).where(visibility.tasks_seen(actor))
    conditions: list[ColumnElement[bool]] = [
        col(Event.subject_type).in_(_COMMON),
        and_(col(Event.subject_type) == "tasks", col(Event.subject_id).in_(tasks)),
    ]
    parts = select(Assignment.id).where(col(Assignment.task_id).in_(tasks))
    files = select(Attachment.id).where(col(Attachment.subject_type) == "tasks", col(Attachment.subject_id).in_(tasks))
    for name, rows in (("assignments", parts), ("attachments", files)):
        conditions.append(and_(col(Event.subject_type) == name, col(Event.subject_id).in_(rows)))
    return or_(*conditions)


def page(session: Session, actor: Actor, filters: EventFilters, *, limit: int, cursor: str | None) -> paging.Slice:
    """One page of the entries that ``actor`` sees, newest first, as dictionaries for ``EventPublic``."""
    statement: Any = _narrowed(actor, filters, select(Event)).with_only_columns(*COLUMNS)
    given = filters.model_dump(include=set(EventFilters.model_fields), exclude_none=True)
    found = paging.fetch(session, statement, NEWEST, limit=limit, cursor=cursor, filters=given)
    return paging.Slice(shown(session, actor, found.rows), found.next_cursor)


def feed(
    session: Session, actor: Actor, filters: EventFilters, after: str, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """What follows a position in commit order, and the position to go on from where there is more."""
    place = _place(session, after)
    statement: Any = _narrowed(actor, filters, events.after(session, events.settled(session), *place))
    several = len(actor.programmes_with(P.EVENT_READ)) > 1 and all(getattr(filters, name) is None for name in _INDEXED)
    if several and place[0] == 0:
        # SQLite would rather sort all later events of these programmes than walk to the first of them.
        statement = statement.with_hint(Event, "NOT INDEXED", "sqlite")
    rows = session.connection().execute(statement.with_only_columns(*COLUMNS).limit(limit + 1)).all()
    items = shown(session, actor, rows[:limit])
    return items, items[-1]["position"] if len(rows) > limit else None


def _place(session: Session, position: str) -> tuple[int, int]:
    """Where a position is in commit order.

    A restore gives the events of a backup other transaction numbers, all below 0, and leaves their order
    and their ids. So the event that a reader saw last says where the reader is, and 0-0 is before all.
    """
    number, _, event_id = position.rpartition("-")
    if int(event_id) == 0:
        return events.beginning(session)
    found = session.connection().scalar(select(col(Event.transaction_id)).where(col(Event.id) == int(event_id)))
    return int(number) if found is None else found, int(event_id)


def _narrowed(actor: Actor, filters: EventFilters, statement: Any) -> Any:
    wanted: list[Any] = [seen(actor)]
    equal = {
        Event.actor_id: filters.actor_id,
        Event.kind: filters.kind,
        Event.subject_type: filters.subject_type,
        Event.subject_id: filters.subject_id,
        Event.programme_id: filters.programme,
    }
    wanted += [col(column) == value for column, value in equal.items() if value is not None]
    if filters.verb:
        wanted.append(col(Event.verb).startswith(filters.verb, autoescape=True))
    if filters.since is not None or filters.until is not None:
        wanted.append(between(filters.since, filters.until))
    if filters.person:
        wanted.append(col(Event.actor_id).in_(_people(actor, filters.person)))
    return statement.outerjoin(User, col(User.id) == col(Event.actor_id)).where(*wanted)


def _midnight(day: date) -> datetime:
    # The first and the last day of the calendar have no instant in UTC; no event is near them.
    return datetime.combine(min(max(day, _FIRST_DAY), _LAST_DAY), time.min, SHANGHAI)


def _people(actor: Actor, text: str) -> Any:
    named = col(User.login) == text
    if can(actor, P.USER_READ):
        named = or_(named, col(User.name).icontains(text, autoescape=True))
    return select(User.id).where(named)


def shown(session: Session, actor: Actor, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows as this reader may know them: names, addresses, sealed fields and business content or their masks."""
    keys = _keys(session, rows) if can(actor, P.USER_READ) else {}
    return [_shown(session, actor, row, keys) for row in rows]


def _shown(session: Session, actor: Actor, row: Any, keys: dict[int, str]) -> dict[str, Any]:
    item = dict(row._mapping)
    item["position"] = f"{item.pop('transaction_id')}-{item['id']}"
    if not can(actor, P.USER_READ):
        item["actor_name"] = None
    if not can(actor, P.AUDIT_READ):
        item["address"] = ""
    if actor.administrator is not None and row.subject_type not in ACCOUNTS:
        item |= {"subject_name": "", "reason": "", "before": None, "after": None}
    vault: Vault = session.info["vault"]
    for side in ("before", "after"):
        if item[side]:
            item[side] = {name: _open(vault, keys, row.subject_id, name, value) for name, value in item[side].items()}
    return item


def _open(vault: Vault, keys: dict[int, str], user_id: int | None, name: str, value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(SEALED):
        return value
    wrapped = keys.get(user_id or 0)
    opened = vault.unseal(wrapped, user_id or 0, name, value) if wrapped else None
    return MASK if opened is None else opened


def _keys(session: Session, rows: Sequence[Any]) -> dict[int, str]:
    sealed = {row.subject_id for row in rows if row.subject_type == "users" and _is_sealed(row)}
    if not sealed:
        return {}
    statement = select(PersonalKey.user_id, PersonalKey.wrapped).where(
        col(PersonalKey.user_id).in_(sealed), col(PersonalKey.destroyed_at).is_(None)
    )
    return {row.user_id: row.wrapped for row in session.connection().execute(statement)}


def _is_sealed(row: Any) -> bool:
    values = [*(row.before or {}).values(), *(row.after or {}).values()]
    return any(isinstance(value, str) and value.startswith(SEALED) for value in values)


def in_clear(items: Sequence[dict[str, Any]]) -> list[int]:
    """The accounts whose personal fields stand in clear in ``items``; reading them is recorded."""
    personal = {"name", "phone", "email"}
    return sorted(
        {
            item["subject_id"]
            for item in items
            if item["subject_type"] == "users" and item["kind"] == EventKind.ROW and item["subject_id"]
            for side in ("before", "after")
            if any(value not in (None, "", MASK) for name, value in (item[side] or {}).items() if name in personal)
        }
    )


def note_reading(session: Session, actor: Actor, user_ids: list[int]) -> None:
    """Record that personal fields were read in clear; call it in a transaction of its own, before bytes leave."""
    events.record_access(session, actor, "user.read_clear", subject_type="users", details={"ids": user_ids})
