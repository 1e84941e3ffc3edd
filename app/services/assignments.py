"""Assignment: which unit takes part in a task, in which role, and who handles it there."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import exists, func, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.errors import DomainError, Forbidden, Kind, NotFound, StaleVersion
from app.messages import N_
from app.models import Assignment, AssignmentRole, GroupMember, Membership, Party, Task, Unit, User, UserKind
from app.permissions import Actor, Permission, can
from app.prepared import Prepared, among
from app.rules import tasks as rules
from app.schemas.assignment import AssignmentCreate, AssignmentQuery, AssignmentUpdate
from app.services import events, paging, tasks, visibility

P = Permission
COLUMNS: tuple[Any, ...] = (
    col(Assignment.id),
    col(Assignment.version),
    col(Assignment.programme_id),
    col(Assignment.task_id),
    col(Assignment.unit_id),
    col(Unit.name).label("unit_name"),
    col(Assignment.named_as),
    col(Assignment.role),
    col(Assignment.role_confirmed),
    col(Assignment.state),
    col(Assignment.position),
    col(Assignment.due_on),
    col(Assignment.handler_id),
    col(User.name).label("handler_name"),
    col(Assignment.created_at),
    col(Assignment.updated_at),
)
# What the row of a task shows of them.
BRIEF: tuple[Any, ...] = (col(Assignment.task_id), col(Unit.name).label("unit_name"), col(Assignment.role))
BY_ID = paging.Sort("id", (col(Assignment.id),))


class UnitNotInProgramme(DomainError):
    """Only units of the programme's sides take part; another bureau's unit is as good as none."""

    code = "unit_not_in_programme"
    message = N_("This unit belongs to no side of the programme.")


class UnitAlreadyAssigned(DomainError):
    """A unit takes part in a task once."""

    kind = Kind.CONFLICT
    code = "unit_already_assigned"
    message = N_("This unit takes part in the task already. Change its role there.")


class HandlerNotInUnit(DomainError):
    """A handler is a person of the assigned unit."""

    code = "handler_not_in_unit"
    message = N_("The handler has to be a person of this unit.")


def visible_to(actor: Actor) -> SelectOfScalar[Assignment]:
    """The assignments of the tasks that ``actor`` sees."""
    seen = visibility.tasks_seen(actor)
    return select(Assignment).join(Task, col(Task.id) == col(Assignment.task_id)).where(seen)


def _rows(actor: Actor) -> Any:
    return (
        visible_to(actor)
        .join(Unit, col(Unit.id) == col(Assignment.unit_id))
        .outerjoin(User, col(User.id) == col(Assignment.handler_id))
        .with_only_columns(*COLUMNS)
    )


def page(session: Session, actor: Actor, query: AssignmentQuery) -> paging.Slice:
    """One page of the visible assignments as rows with ``COLUMNS``. Raises CursorRefused."""
    given = query.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    fields = {"programme": Assignment.programme_id, "task": Assignment.task_id, "unit": Assignment.unit_id}
    statement = _rows(actor).where(*(col(fields[name]) == value for name, value in given.items()))
    return paging.fetch(session, statement, BY_ID, limit=query.limit, cursor=query.cursor, filters=given)


def of_tasks(session: Session, actor: Actor, task_ids: list[int], *, brief: bool = False) -> dict[int, list[Any]]:
    """The assignments of some tasks, each in the plan's order, leads first; one query. ``brief``: as ``BRIEF``."""
    found: dict[int, list[Any]] = {task_id: [] for task_id in task_ids}
    for row in _of_tasks(actor.rights, brief).all(session, task_ids=task_ids):
        found[row.task_id].append(row)
    return found


@lru_cache(maxsize=256)
def _of_tasks(rights: Actor, brief: bool) -> Prepared:
    # The tasks are named twice: joined to all that the actor sees, either engine reads all of those.
    task = (col(Task.id) == col(Assignment.task_id), among(col(Task.id), "task_ids"), visibility.tasks_seen(rights))
    rows: Any = (
        select(*(BRIEF if brief else COLUMNS))
        .join(Unit, col(Unit.id) == col(Assignment.unit_id))
        .where(among(col(Assignment.task_id), "task_ids"), exists().where(*task).correlate(Assignment))
        .order_by(col(Assignment.role) != AssignmentRole.LEAD, col(Assignment.position), col(Assignment.id))
    )
    return Prepared(rows if brief else rows.outerjoin(User, col(User.id) == col(Assignment.handler_id)))


def show(session: Session, actor: Actor, assignment_id: int) -> Any:
    """One visible assignment as a row with ``COLUMNS``; raises NotFound."""
    row = session.connection().execute(_rows(actor).where(col(Assignment.id) == assignment_id)).first()
    if row is None:
        raise NotFound
    return row


def _load(session: Session, actor: Actor, assignment_id: int, version: int) -> tuple[Assignment, Task]:
    statement = visible_to(actor).where(col(Assignment.id) == assignment_id).with_for_update(of=Assignment)
    assignment = session.exec(statement).first()
    if assignment is None:
        raise NotFound
    if not can(actor, P.TASK_ASSIGN, assignment.programme_id):
        raise Forbidden
    if assignment.version != version:
        raise StaleVersion
    task = session.get_one(Task, assignment.task_id)
    rules.refuse_ended(task.state)
    return assignment, task


def create(session: Session, actor: Actor, data: AssignmentCreate, *, now: datetime) -> Assignment:
    """Let a unit take part in a task; a declared role counts as confirmed by the person who gives it.

    Raises NotFound, Forbidden, TaskEnded, UnitNotInProgramme, UnitAlreadyAssigned, HandlerNotInUnit.
    """
    try:
        task = tasks.load(session, actor, data.task_id)
    except NotFound:
        raise NotFound(field="task_id") from None
    if not can(actor, P.TASK_ASSIGN, task.programme_id):
        raise Forbidden
    rules.refuse_ended(task.state)
    unit = _unit_of_programme(session, task.programme_id, data.unit_id)
    existing = select(Assignment.unit_id, Assignment.position).where(col(Assignment.task_id) == task.key)
    present = session.connection().execute(existing).all()
    if any(row.unit_id == unit.key for row in present):
        raise UnitAlreadyAssigned(field="unit_id")
    _check_handler(session, task.programme_id, unit.key, data.handler_id)
    assignment = Assignment(
        **data.model_dump(),
        programme_id=task.programme_id,
        role_confirmed=data.role != AssignmentRole.UNDECLARED.value,
        position=max((row.position for row in present), default=-1) + 1,
        named_as=unit.name,
    )
    session.add(assignment)
    session.flush()
    events.record(session, actor, "assignment.create", assignment, now=now)
    return assignment


def update(
    session: Session, actor: Actor, assignment_id: int, version: int, data: AssignmentUpdate, *, now: datetime
) -> Assignment:
    """Change role, date or handler; a role that a person declares is confirmed by that.

    Raises NotFound, Forbidden, StaleVersion, TaskEnded, HandlerNotInUnit.
    """
    assignment, _ = _load(session, actor, assignment_id, version)
    changes = data.model_dump(exclude_unset=True)
    _check_handler(session, assignment.programme_id, assignment.unit_id, changes.get("handler_id"))
    for name, value in changes.items():
        if getattr(assignment, name) != value:
            setattr(assignment, name, value)
    if "role" in changes:
        declared = changes["role"] != AssignmentRole.UNDECLARED
        if assignment.role_confirmed != declared:
            assignment.role_confirmed = declared
    if session.is_modified(assignment):
        events.record(session, actor, "assignment.update", assignment, now=now)
    return assignment


def confirm_role(session: Session, actor: Actor, assignment_id: int, version: int, *, now: datetime) -> Assignment:
    """Confirm the role as the plan declares it; a task is issued only when all are confirmed.

    Raises NotFound, Forbidden, StaleVersion, TaskEnded, RoleUndeclared.
    """
    assignment, _ = _load(session, actor, assignment_id, version)
    rules.refuse_unconfirmable(assignment.role)
    if not assignment.role_confirmed:
        assignment.role_confirmed = True
        events.record(session, actor, "assignment.confirm_role", assignment, now=now)
    return assignment


def remove(session: Session, actor: Actor, assignment_id: int, version: int, *, now: datetime) -> int:
    """Take a unit off a draft; returns the task's id. The log keeps what was removed.

    Raises NotFound, Forbidden, StaleVersion, TaskEnded, TaskIssued.
    """
    assignment, task = _load(session, actor, assignment_id, version)
    rules.refuse_removal(task.state)
    name = assignment.named_as
    session.delete(assignment)
    # Its subject is the task: what it belonged to can still be seen, and by whom is still known.
    events.record(session, actor, "assignment.remove", task, name=name, now=now)
    return task.key


def _unit_of_programme(session: Session, programme_id: int, unit_id: int) -> Unit:
    parties = select(Party.unit_id).where(col(Party.programme_id) == programme_id)
    belongs = or_(col(Unit.root_id).in_(parties), col(Unit.id).in_(parties))
    unit = session.exec(
        select(Unit).where(col(Unit.id) == unit_id, belongs, col(Unit.merged_into_id).is_(None))
    ).first()
    if unit is None:
        raise UnitNotInProgramme(field="unit_id")
    return unit


def handlers(session: Session, programme_id: int, unit_ids: list[int]) -> dict[int, list[Any]]:
    """The people who can handle each unit's part: (id, name) by unit; two queries."""
    found: dict[int, dict[int, Any]] = {unit_id: {} for unit_id in unit_ids}
    person = (col(User.id), col(User.name))
    members: Any = (
        select(*person, col(Membership.unit_id).label("unit_id"))
        .join(Membership, col(Membership.user_id) == col(User.id))
        .where(col(Membership.programme_id) == programme_id, col(Membership.unit_id).in_(unit_ids))
    )
    staff: Any = select(*person, col(User.unit_id).label("unit_id")).where(col(User.unit_id).in_(unit_ids))
    for statement in (members, staff):
        for row in session.connection().execute(statement.where(*_able()).order_by(col(User.name), col(User.id))):
            found[row.unit_id][row.id] = row
    return {unit_id: list(people.values()) for unit_id, people in found.items()}


def _able() -> tuple[Any, ...]:
    return (
        col(User.active).is_(True),
        col(User.kind) == UserKind.PERSON,
        col(User.administrator).is_(None),
    )


def _check_handler(session: Session, programme_id: int, unit_id: int, handler_id: int | None) -> None:
    if handler_id is None:
        return
    own = [unit_id, *session.exec(select(GroupMember.member_id).where(col(GroupMember.group_id) == unit_id))]
    seated = select(Membership.user_id).where(
        col(Membership.programme_id) == programme_id, col(Membership.unit_id).in_(own)
    )
    belongs = or_(col(User.unit_id).in_(own), col(User.id).in_(seated))
    able = select(func.count()).select_from(User).where(col(User.id) == handler_id, belongs, *_able())
    if not session.connection().scalar(able):
        raise HandlerNotInUnit(field="handler_id")
