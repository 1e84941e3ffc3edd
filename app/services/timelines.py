"""The timeline of a task: what was done to it, to its assignments and files, newest first."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from app.models import Assignment, Attachment, Event, EventKind, Track, Unit, User
from app.permissions import Actor, Permission, can
from app.services import paging, tasks

P = Permission
_TABLES = ("tasks", "assignments", "attachments")
_HEAD: tuple[Any, ...] = (
    col(Event.id),
    col(Event.at),
    col(Event.verb),
    col(Event.actor_id),
    col(Event.subject_type),
    col(Event.subject_name),
    col(Event.reason),
)
_ROW: tuple[Any, ...] = (col(Event.cause_id), col(Event.subject_type), col(Event.before), col(Event.after))
# Columns that hold an id, and what the reader is told instead of it.
_REFERENCES: dict[str, Any] = {"unit_id": Unit, "handler_id": User, "track_id": Track}
_NAME_OF: dict[Any, Any] = {Unit: Unit.name, User: User.name, Track: Track.name}


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one row before and after; ids are replaced by the names of what they mean."""

    table: str
    field: str
    before: Any
    after: Any


@dataclass(slots=True)
class Happening:
    """A verb: who, when, to what, why, and the fields that it changed."""

    id: int
    at: datetime
    verb: str
    actor_id: int | None
    actor_name: str | None
    subject_name: str
    reason: str
    changes: list[Change] = field(default_factory=list)


def of_task(
    session: Session, actor: Actor, task_id: int, *, limit: int = 20, cursor: str | None = None
) -> paging.Slice:
    """One page of a visible task's Happenings; raises NotFound or CursorRefused. Constant in queries."""
    tasks.show(session, actor, task_id)
    subjects = _subjects(task_id)
    root = func.coalesce(col(Event.cause_id), col(Event.id)).label("id")
    roots: Any = select(root).where(subjects, col(Event.kind) != EventKind.ACCESS).distinct()
    sort = paging.Sort("timeline", (root,), descending=True)
    found = paging.fetch(session, roots, sort, limit=limit, cursor=cursor, filters={"task": task_id})
    return paging.Slice(_happenings(session, actor, [row.id for row in found.rows], subjects), found.next_cursor)


def _subjects(task_id: int) -> Any:
    parts = select(Assignment.id).where(col(Assignment.task_id) == task_id)
    files = select(Attachment.id).where(col(Attachment.subject_type) == "tasks", col(Attachment.subject_id) == task_id)
    return or_(
        and_(col(Event.subject_type) == "tasks", col(Event.subject_id) == task_id),
        and_(col(Event.subject_type) == "assignments", col(Event.subject_id).in_(parts)),
        and_(col(Event.subject_type) == "attachments", col(Event.subject_id).in_(files)),
    )


def _happenings(session: Session, actor: Actor, ids: list[int], subjects: Any) -> list[Happening]:
    connection = session.connection()
    verbs = connection.execute(select(*_HEAD).where(col(Event.id).in_(ids))).all()
    rows = connection.execute(
        select(*_ROW).where(col(Event.cause_id).in_(ids), subjects, col(Event.verb) == "update").order_by(col(Event.id))
    ).all()
    names = _names(session, actor, {verb.actor_id for verb in verbs}, rows)
    changes: dict[int, list[Change]] = defaultdict(list)
    for row in rows:
        for name, after in (row.after or {}).items():
            before = (row.before or {}).get(name)
            changes[row.cause_id].append(
                Change(row.subject_type, name, _named(names, name, before), _named(names, name, after))
            )
    made = {
        verb.id: Happening(
            verb.id,
            verb.at,
            verb.verb,
            verb.actor_id,
            names[User].get(verb.actor_id),
            # A verb over many things is called by itself; its name is not this task's to tell.
            verb.subject_name if verb.subject_type in _TABLES else "",
            verb.reason if verb.subject_type in _TABLES else "",
            changes[verb.id],
        )
        for verb in verbs
    }
    return [made[key] for key in ids if key in made]


def _names(
    session: Session, actor: Actor, actor_ids: Iterable[int | None], rows: Sequence[Any]
) -> dict[Any, dict[Any, str]]:
    wanted: dict[Any, set[int]] = {model: set() for model in _NAME_OF}
    wanted[User] |= {key for key in actor_ids if key is not None}
    for row in rows:
        for side in (row.before, row.after):
            for name, model in _REFERENCES.items():
                if isinstance((side or {}).get(name), int):
                    wanted[model].add(side[name])
    if not can(actor, P.USER_READ):
        wanted[User].clear()
    found: dict[Any, dict[Any, str]] = {}
    for model, ids in wanted.items():
        statement = select(model.id, _NAME_OF[model].label("name")).where(col(model.id).in_(sorted(ids)))
        found[model] = {row.id: row.name for row in session.connection().execute(statement)}
    return found


def _named(names: dict[Any, dict[Any, str]], name: str, value: Any) -> Any:
    model = _REFERENCES.get(name)
    return names[model].get(value) if model is not None and value is not None else value
