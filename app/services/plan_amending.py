"""Accepting a plan as the next version of its programme: states and assignments that remain are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from app.errors import DomainError
from app.messages import N_
from app.models import (
    Assignment,
    AssignmentRole,
    AssignmentState,
    Milestone,
    MilestoneKind,
    PlanImport,
    PlanItemKind,
    Task,
)
from app.permissions import Actor
from app.rules.tasks import ENDED
from app.schemas.plan_import import PlanAccept
from app.services import events, plan_differences, plan_making, plan_units, programmes, tasks
from app.services.plan_differences import Comparison
from app.services.plan_making import Maker


class PlanNotVanished(DomainError):
    """Only what vanished from the plan is withdrawn or excused by accepting it."""

    code = "plan_not_vanished"
    message = N_("The plan still names number %(id)s, so accepting it cannot end it.")


class PlanReasonMissing(DomainError):
    """What is withdrawn or excused needs a reason."""

    code = "required"
    message = N_("Please give the reason for what is withdrawn or excused.")


def accept(
    session: Session, actor: Actor, row: PlanImport, items: Sequence[Any], data: PlanAccept, *, now: datetime
) -> tuple[int, int, int]:
    """Make ``row`` the next version of its programme; programme, number and how many tasks it states.

    Raises PlanNotVanished, PlanReasonMissing, and what tasks.withdraw and units refuse.
    """
    acting = replace(actor, scopes=None)
    programme = programmes.get(session, acting, row.programme_id or 0, lock=True)
    comparison = plan_differences.between(session, row, items)
    _check(comparison, data)
    unit_ids = plan_units.settle(session, acting, row, programme, items, now=now)
    head = plan_making.head_of(row, items)
    programme.plan_number += 1
    for name, value in head.items():
        setattr(programme, name, value)
    maker = Maker(session, programme, row, unit_ids)
    wanted = [item for item in items if item.kind == PlanItemKind.TASK]
    _tasks(maker, wanted, comparison)
    _milestones(maker, [item for item in items if item.kind == PlanItemKind.MILESTONE], comparison)
    plan_making.finish(session, actor, maker, comparison.as_rows(), now=now)
    _excuse(session, acting, data, now)
    _withdraw(session, acting, data, now)
    return programme.key, programme.plan_number, len(wanted)


def _check(comparison: Comparison, data: PlanAccept) -> None:
    vanished = {entry.id for entry in comparison.tasks.removed}
    left = {entry.id for entry in comparison.assignments}
    for field, asked, allowed in (("withdraw", data.withdraw, vanished), ("excuse", data.excuse, left)):
        for row_id in asked:
            if row_id not in allowed:
                raise PlanNotVanished(field=field, id=row_id)
    if (data.withdraw or data.excuse) and not data.reason:
        raise PlanReasonMissing(field="reason")


def _tasks(maker: Maker, wanted: Sequence[Any], comparison: Comparison) -> None:
    """Reword the tasks that were matched, make those that are new, and nest all of them anew."""
    session = maker.session
    maker.prepare_tracks(wanted)
    matched = {match.new.id: match.old.id for match in comparison.tasks.matched}
    stored = {
        task.key: task
        for task in session.exec(select(Task).where(col(Task.programme_id) == maker.programme.key).with_for_update())
    }
    assigned: dict[int, dict[int, Assignment]] = {}
    for assignment in session.exec(select(Assignment).where(col(Assignment.programme_id) == maker.programme.key)):
        assigned.setdefault(assignment.task_id, {})[assignment.unit_id] = assignment
    became: dict[int, Task] = {}
    for item in wanted:
        task = stored.get(matched.get(item.id, 0))
        if task is None:
            became[item.id] = maker.task(item)
        else:
            _reword(maker, task, item)
            became[item.id] = task
    maker.nest(wanted, became)
    for item in wanted:
        task = became[item.id]
        _assign(session, maker.assignments(item, task.key), assigned.get(task.key, {}))


def _reword(maker: Maker, task: Task, item: Any) -> None:
    """Take the new words. A task that is over keeps its own: its record is not changed any more."""
    words = {"plan_number": maker.programme.plan_number}
    if task.state not in ENDED:
        words = maker.wording(item)
        track_id = maker.track_id(item.data)
        if track_id is not None:
            words["track_id"] = track_id
        if not item.data["target"]:
            # A target that people have set since is not the plan's to empty.
            del words["target"]
        if task.first_due_on is None:
            words["first_due_on"] = words["due_on"]
    for name, value in words.items():
        if getattr(task, name) != value:
            setattr(task, name, value)


def _assign(session: Session, wanted: Sequence[Assignment], present: Mapping[int, Assignment]) -> None:
    """Add the units that are new on a task; those that remain keep state, date, handler and a confirmed role."""
    for new in wanted:
        old = present.get(new.unit_id)
        if old is None:
            session.add(new)
            continue
        if old.position != new.position:
            old.position = new.position
        if old.named_as != new.named_as:
            old.named_as = new.named_as
        if not old.role_confirmed and new.role not in (old.role, AssignmentRole.UNDECLARED):
            old.role = new.role


def _milestones(maker: Maker, wanted: Sequence[Any], comparison: Comparison) -> None:
    """Milestones that vanished stay: they are part of what was planned, and the differences list them."""
    matched = {match.new.id: match.old.id for match in comparison.milestones.matched}
    statement = select(Milestone).where(col(Milestone.programme_id) == maker.programme.key)
    stored = {milestone.key: milestone for milestone in maker.session.exec(statement)}
    for item in wanted:
        new = plan_making.milestone(maker.programme, item)
        old = stored.get(matched.get(item.id, 0))
        if old is None:
            maker.session.add(new)
            continue
        for name in (
            "when_text",
            "what",
            "starts_on",
            "ends_on",
            "recurring",
            "position",
            "source_line",
            "plan_number",
        ):
            if getattr(old, name) != getattr(new, name):
                setattr(old, name, getattr(new, name))
        kind = MilestoneKind(new.kind)
        if old.kind != kind:
            old.kind = kind


def _excuse(session: Session, actor: Actor, data: PlanAccept, now: datetime) -> None:
    for assignment in session.exec(select(Assignment).where(col(Assignment.id).in_(data.excuse))):
        assignment.state = AssignmentState.EXCUSED
        events.record(session, actor, "assignment.excuse", assignment, reason=data.reason, now=now)


def _withdraw(session: Session, actor: Actor, data: PlanAccept, now: datetime) -> None:
    """Innermost first: a task is not withdrawn above its open sub-tasks."""
    statement = select(Task.id, Task.version).where(col(Task.id).in_(data.withdraw))
    rows = session.exec(statement.order_by(col(Task.sort_key).desc(), col(Task.id).desc())).all()
    for task_id, version in rows:
        tasks.withdraw(session, actor, task_id or 0, version, data.reason, now=now)
