"""Task: who sees it, lists of it, and what can be changed before its life begins."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import and_, exists, func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.errors import DomainError, Forbidden, NotFound, StaleVersion
from app.messages import N_
from app.models import Assignment, Event, EventKind, Task, TaskState, Track
from app.permissions import Actor, Permission, can
from app.prepared import Prepared, given, row_type
from app.recording import insert_row
from app.rules import paths
from app.rules import tasks as rules
from app.schemas.task import TaskCreate, TaskFilters, TaskUpdate
from app.services import events, paging, task_places, task_words, visibility
from app.services.task_words import Sought

P = Permission
_NAMES = (
    "id",
    "version",
    "programme_id",
    "parent_id",
    "track_id",
    "path",
    "part",
    "sort_key",
    "heading",
    "text",
    "due_text",
    "due_on",
    "first_due_on",
    "open_ended",
    "target",
    "responsible_people",
    "marked",
    "source_line",
    "plan_number",
    "state",
    "created_at",
    "updated_at",
)
COLUMNS = tuple(col(getattr(Task, name)) for name in _NAMES)
# What a row of a list shows, and what its order and its cursor need.
BRIEF = tuple(
    col(getattr(Task, name))
    for name in (
        "id",
        "programme_id",
        "path",
        "sort_key",
        "heading",
        "due_text",
        "due_on",
        "open_ended",
        "state",
        "updated_at",
    )
)
SORTS = {
    "plan": paging.Sort("plan", (col(Task.programme_id), col(Task.sort_key), col(Task.id))),
    "due": paging.Sort("due", (col(Task.due_on), col(Task.id))),
    "updated": paging.Sort("updated", (col(Task.updated_at), col(Task.id)), descending=True),
}
_made = row_type(_NAMES)
_OF_PARENT = ("programme_id", "track_id", "path", "state")
_COUNTED_UP_TO = 1000
_MOST_PARTS = 50
_FILTERS = set(TaskFilters.model_fields)


class TrackUnknown(DomainError):
    """A track that the programme does not have."""

    code = "track_unknown"
    message = N_("The programme has no such track.")


class PlaceUnknown(DomainError):
    """A new task belongs under a task or into a section of the same programme."""

    code = "place_unknown"
    message = N_("Choose the task or the section that the new task belongs to.")


def visible_to(actor: Actor) -> SelectOfScalar[Task]:
    """The tasks that ``actor`` sees; list, get, count and export all start here."""
    return select(Task).where(visibility.tasks_seen(actor))


def _narrowed(rights: Actor, filters: TaskFilters, sought: Sought) -> SelectOfScalar[Task]:
    statement = visible_to(rights).where(*_conditions(rights, filters), *task_words.conditions(sought))
    # SQLite would rather walk a programme in its order than look at a few rows by their ids.
    return statement.with_hint(Task, "NOT INDEXED", "sqlite") if sought.proposed else statement


def _programmes(actor: Actor, filters: TaskFilters) -> tuple[int, ...]:
    readable = actor.programmes_with(P.TASK_READ)
    return (filters.programme,) if filters.programme in readable else readable


def _parts(actor: Actor, programmes: Sequence[int]) -> paging.Parts | None:
    # The system sees all programmes, and nobody is a member of more than a few.
    divided = not actor.is_system and len(programmes) <= _MOST_PARTS
    return paging.Parts(col(Task.programme_id), programmes) if divided else None


def _conditions(actor: Actor, filters: TaskFilters) -> list[Any]:
    equal = {
        Task.programme_id: filters.programme,
        Task.parent_id: filters.parent,
        Task.track_id: filters.track,
        Task.state: filters.state,
        Task.open_ended: filters.open_ended,
        Task.marked: filters.marked,
    }
    wanted: list[Any] = [col(column) == value for column, value in equal.items() if value is not None]
    if filters.open:
        wanted.append(col(Task.state).not_in(sorted(rules.NOT_OWED)))
    taken = _assignment_conditions(actor, filters)
    if taken:
        dates = _due(filters, func.coalesce(col(Assignment.due_on), col(Task.due_on)))
        part = and_(col(Assignment.task_id) == col(Task.id), *taken, *dates)
        wanted.append(exists().where(part).correlate(Task))
    else:
        wanted.extend(_due(filters, col(Task.due_on)))
    return wanted


def _assignment_conditions(actor: Actor, filters: TaskFilters) -> list[Any]:
    conditions: list[Any] = []
    if filters.unit is not None:
        conditions.append(col(Assignment.unit_id) == filters.unit)
    if filters.role is not None:
        conditions.append(col(Assignment.role) == filters.role)
    if filters.mine:
        conditions.append(visibility.mine(actor))
        if filters.open:
            conditions.append(col(Assignment.state).not_in(sorted(rules.SETTLED_ASSIGNMENTS)))
    return conditions


def _due(filters: TaskFilters, due_on: Any) -> list[Any]:
    conditions = []
    if filters.due_from is not None:
        conditions.append(due_on >= filters.due_from)
    if filters.due_to is not None:
        conditions.append(due_on <= filters.due_to)
    if filters.dated is not None:
        conditions.append(due_on.is_not(None) if filters.dated else due_on.is_(None))
    return conditions


def page(
    session: Session,
    actor: Actor,
    filters: TaskFilters,
    *,
    sort: str = "plan",
    limit: int = 50,
    cursor: str | None,
    brief: bool = False,
) -> paging.Slice:
    """One page of the visible tasks as rows with ``COLUMNS``, or ``BRIEF`` where asked. Raises CursorRefused."""
    asked = filters.model_dump(include=_FILTERS, exclude_none=True)
    sought, values = task_words.look_up(session, filters.q, _programmes(actor, filters))
    listing = _listing(actor.rights, _shape(asked), sort, sought, brief)
    return listing.page(session, limit=limit, cursor=cursor, filters=asked, values=values)


def _shape(asked: dict[str, Any]) -> frozenset[tuple[str, Any]]:
    """The filters that stand in the statement itself."""
    return frozenset((name, value) for name, value in asked.items() if name != "q")


@lru_cache(maxsize=256)
def _listing(
    rights: Actor, filters: frozenset[tuple[str, Any]], sort: str, sought: Sought, brief: bool
) -> paging.Listing:
    wanted = TaskFilters.model_construct(**dict(filters))
    statement: Any = _narrowed(rights, wanted, sought).with_only_columns(*(BRIEF if brief else COLUMNS))
    parts = _parts(rights, _programmes(rights, wanted)) if not sought.proposed else None
    return paging.Listing(statement, SORTS[sort], parts)


def count(session: Session, actor: Actor, filters: TaskFilters) -> int:
    """How many visible tasks match, at most 1,001: beyond a thousand the screen says "1,000+"."""
    asked = filters.model_dump(include=_FILTERS, exclude_none=True)
    sought, values = task_words.look_up(session, filters.q, _programmes(actor, filters))
    return int(_counting(actor.rights, _shape(asked), sought).scalar(session, **values) or 0)


@lru_cache(maxsize=256)
def _counting(rights: Actor, filters: frozenset[tuple[str, Any]], sought: Sought) -> Prepared:
    return Prepared(_counted(_narrowed(rights, TaskFilters.model_construct(**dict(filters)), sought)))


def _counted(statement: SelectOfScalar[Task]) -> Any:
    some = statement.with_only_columns(col(Task.id)).limit(_COUNTED_UP_TO + 1).subquery()
    return select(func.count()).select_from(some)


def show(session: Session, actor: Actor, task_id: int) -> Any:
    """One visible task as a row with ``COLUMNS``; raises NotFound."""
    row = _showing(actor.rights).first(session, task_id=task_id)
    if row is None:
        raise NotFound
    return row


@lru_cache(maxsize=256)
def _showing(rights: Actor) -> Prepared:
    return Prepared(visible_to(rights).where(col(Task.id) == given("task_id")).with_only_columns(*COLUMNS))


def load(session: Session, actor: Actor, task_id: int, version: int | None = None) -> Task:
    """A visible task for a change, locked; raises NotFound, or StaleVersion where it moved on."""
    task = session.exec(_loading(actor.rights), params={"task_id": task_id}).first()
    if task is None:
        raise NotFound
    if version is not None and task.version != version:
        raise StaleVersion
    return task


@lru_cache(maxsize=256)
def _loading(rights: Actor) -> SelectOfScalar[Task]:
    return visible_to(rights).where(col(Task.id) == given("task_id")).with_for_update(of=Task)


def create(session: Session, actor: Actor, data: TaskCreate, *, now: datetime) -> Any:
    """Add a draft under a task or in a section; it takes the next marker there. Gives a row with ``COLUMNS``.

    Raises NotFound, Forbidden, PlaceUnknown, TrackUnknown, TaskEnded, DueAndOpenEnded, and what
    task_places.next_path refuses.
    """
    if not can(actor, P.TASK_READ, data.programme_id):
        raise NotFound(field="programme_id")
    if not can(actor, P.TASK_CREATE, data.programme_id):
        raise Forbidden
    parent = _parent(session, actor, data)
    rules.check_due(data.due_on, open_ended=data.open_ended)
    _check_track(session, data.programme_id, data.track_id)
    path = task_places.next_path(session, data.programme_id, parent.path if parent else data.section)
    values = data.model_dump(exclude={"section", "track_id"}) | {
        "track_id": data.track_id or (parent.track_id if parent else None),
        "path": paths.SEPARATOR.join(path),
        "sort_key": paths.sort_key(path, 1),
        "first_due_on": data.due_on,
    }
    task: Any = _made(**insert_row(session, Task, values))
    subject = events.Subject("tasks", task.id, task.heading[:300], task.programme_id)
    events.record(session, actor, "task.create", subject, now=now)
    return task


def _parent(session: Session, actor: Actor, data: TaskCreate) -> Any:
    if data.parent_id is None:
        if not data.section:
            raise PlaceUnknown(field="section")
        return None
    parent = _looking_up(actor.rights).first(session, task_id=data.parent_id)
    if parent is None or parent.programme_id != data.programme_id or data.section:
        raise PlaceUnknown(field="parent_id")
    rules.refuse_ended(parent.state)
    return parent


@lru_cache(maxsize=256)
def _looking_up(rights: Actor) -> Prepared:
    return Prepared(_loading(rights).with_only_columns(*(col(getattr(Task, name)) for name in _OF_PARENT)))


def _check_track(session: Session, programme_id: int, track_id: int | None) -> None:
    if track_id is None:
        return
    track = session.get(Track, track_id)
    if track is None or track.programme_id != programme_id:
        raise TrackUnknown(field="track_id")


def update(session: Session, actor: Actor, task_id: int, version: int, data: TaskUpdate, *, now: datetime) -> Task:
    """Change the fields that were sent. The wording before stays in the log, so ``text`` may change too.

    Raises NotFound, Forbidden, StaleVersion, TaskEnded, TrackUnknown, DueAndOpenEnded.
    """
    task = load(session, actor, task_id, version)
    if not can(actor, P.TASK_UPDATE, task.programme_id):
        raise Forbidden
    rules.refuse_ended(task.state)
    changes = data.model_dump(exclude_unset=True, exclude={"reason"})
    _check_track(session, task.programme_id, changes.get("track_id"))
    for name, value in changes.items():
        if getattr(task, name) != value:
            setattr(task, name, value)
    if changes.keys() & {"due_on", "open_ended"}:
        rules.check_due(task.due_on, open_ended=task.open_ended)
    if task.first_due_on is None:
        task.first_due_on = task.due_on
    if session.is_modified(task):
        events.record(session, actor, "task.update", task, reason=data.reason, now=now)
    return task


def withdraw(session: Session, actor: Actor, task_id: int, version: int, reason: str, *, now: datetime) -> Task:
    """Take a task out of the work for good, with a reason; its record stays.

    Raises NotFound, Forbidden, StaleVersion, TaskEnded, TaskHasOpenChildren.
    """
    task = load(session, actor, task_id, version)
    if not can(actor, P.TASK_WITHDRAW, task.programme_id):
        raise Forbidden
    children = select(func.count()).where(
        col(Task.parent_id) == task.key, col(Task.state).not_in([TaskState(state) for state in sorted(rules.ENDED)])
    )
    rules.refuse_withdrawal(task.state, int(session.connection().scalar(children) or 0))
    task.state = TaskState.WITHDRAWN
    events.record(session, actor, "task.withdraw", task, reason=reason, now=now)
    return task


def plan_wording(session: Session, task_id: int) -> str | None:
    """The task's text as the plan last stated it, from the log; None where the log does not say.

    What ``task.update`` wrote is a person's wording; what anything else wrote came from the plan.
    """
    cause = select(Event.id).where(col(Event.verb) == "task.update", col(Event.kind) == EventKind.VERB).subquery()
    rows: Sequence[Any] = (
        session.connection()
        .scalars(
            select(Event.after)
            .where(
                col(Event.subject_type) == "tasks",
                col(Event.subject_id) == task_id,
                col(Event.kind) == EventKind.ROW,
                col(Event.cause_id).not_in(select(cause.c.id)),
            )
            .order_by(col(Event.id).desc())
            .limit(50)
        )
        .all()
    )
    return next((str(after["text"]) for after in rows if after and "text" in after), None)
