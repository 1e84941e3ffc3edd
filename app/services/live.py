"""Live updates: whether tasks that somebody is looking at were changed by somebody else.

Positions are those of the change feed, in commit order, so that nothing is missed between a page and
its stream. What is seen is decided by ``audit.seen``, as for every reading of the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import and_, or_, select
from sqlmodel import Session, col

from app.models import Assignment, Attachment, Event, EventKind
from app.permissions import Actor
from app.prepared import Prepared, dialect_of
from app.services import audit, events

TABLES = frozenset({"tasks", "assignments", "attachments"})
Position = tuple[int, int]
START: Position = (0, 0)


@dataclass(frozen=True, slots=True)
class Change:
    """The newest change that the reader sees and has not made."""

    verb: str
    subject_type: str
    subject_id: int | None


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen, and the position up to which it was looked."""

    position: Position
    change: Change | None


def position(session: Session) -> Position:
    """The last position of which no earlier event can still appear."""
    row = _newest(dialect_of(session).name).first(session)
    return (row[0], row[1]) if row else START


@cache
def _newest(engine: str) -> Prepared:
    statement: Any = events.settled_on(engine).with_only_columns(col(Event.transaction_id), col(Event.id))
    return Prepared(statement.order_by(None).order_by(col(Event.transaction_id).desc(), col(Event.id).desc()).limit(1))


def look(session: Session, actor: Actor, task_ids: Sequence[int], since: Position) -> Sight:
    """Whether ``actor`` sees that somebody else changed one of the tasks, its assignments or files after ``since``."""
    until = position(session)
    if until <= since:
        return Sight(since, None)
    ids = list(task_ids)
    subject: Any = and_(col(Event.subject_type) == "tasks", col(Event.subject_id).in_(ids))
    parts = select(col(Assignment.id)).where(col(Assignment.task_id).in_(ids))
    files = select(col(Attachment.id)).where(
        col(Attachment.subject_type) == "tasks", col(Attachment.subject_id).in_(ids)
    )
    for name, rows in (("assignments", parts), ("attachments", files)):
        subject = or_(subject, and_(col(Event.subject_type) == name, col(Event.subject_id).in_(rows)))
    others = or_(col(Event.actor_id).is_(None), col(Event.actor_id) != actor.user_id)
    statement: Any = events.after(session, events.settled(session), *since)
    statement = statement.with_only_columns(col(Event.verb), col(Event.subject_type), col(Event.subject_id))
    found = statement.where(audit.seen(actor), subject, others, col(Event.kind) != EventKind.ACCESS)
    row = session.connection().execute(found.order_by(None).order_by(col(Event.id).desc()).limit(1)).first()
    return Sight(until, Change(*row) if row else None)


def outline(session: Session, since: Position, limit: int) -> Sequence[Any]:
    """What came after ``since``, as far as it decides whom to wake: position, programme, table, actor."""
    statement: Any = events.after(session, events.settled(session), *since)
    columns = (Event.transaction_id, Event.id, Event.programme_id, Event.subject_type, Event.actor_id)
    return session.connection().execute(statement.with_only_columns(*map(col, columns)).limit(limit)).all()
