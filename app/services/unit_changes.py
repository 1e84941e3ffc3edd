"""Changing a unit: mending its name, moving it inside its bureau, ending it."""

from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from app import periods
from app.errors import DomainError, Kind
from app.folding import fold
from app.messages import N_
from app.models import (
    Assignment,
    AssignmentState,
    GroupMember,
    Task,
    TaskState,
    Unit,
    UnitKind,
    UnitName,
    UnitNameKind,
)
from app.permissions import Actor
from app.rules import units as rules
from app.schemas.unit import UnitEnd, UnitUpdate
from app.services import events, units


class BureauStays(DomainError):
    """A bureau is a boundary: it is neither moved below another unit nor is a unit made one."""

    kind = Kind.CONFLICT
    code = "bureau_stays"
    message = N_("A unit stays in its bureau, and a bureau stays a bureau. Choose a unit of the same bureau.")


class UnitBelowItself(DomainError):
    """A tree that would become a circle."""

    kind = Kind.CONFLICT
    code = "unit_below_itself"
    message = N_("%(name)s stands below this unit, so it cannot stand above it.")


class UnitHasParts(DomainError):
    """Ending a unit that others stand below."""

    kind = Kind.CONFLICT
    code = "unit_has_parts"
    message = N_("Other units stand below %(name)s. Move or end them first.")


class UnitHasOpenWork(DomainError):
    """Ending a unit that still has something to do."""

    kind = Kind.CONFLICT
    code = "unit_has_open_work"
    message = N_("%(name)s still has open tasks. Merge it into the unit that takes them over, or reassign them first.")


class GroupHasMembers(DomainError):
    """Another kind for a group that stands for units."""

    kind = Kind.CONFLICT
    code = "group_has_members"
    message = N_("%(name)s stands for other units. Remove its members first.")


def update(session: Session, actor: Actor, unit_id: int, version: int, data: UnitUpdate, *, now: datetime) -> Unit:
    """Mend a unit's name, change its kind and place. A new name is given by ``unit_names.rename``.

    Raises UnitNameTaken, UnitUnknown, BureauStays, UnitBelowItself, GroupHasMembers beside what
    ``units.open_for_change`` raises.
    """
    given = data.model_fields_set
    unit = units.open_for_change(session, actor, unit_id, version, tree="parent_id" in given)
    if data.name is not None and data.name != unit.name:
        units.refuse_taken_name(session, actor, unit, data.name)
        _mend_name(session, unit, UnitNameKind.FULL, data.name)
        unit.name = data.name
    if "short_name" in given and (data.short_name or "") != unit.short_name:
        _mend_name(session, unit, UnitNameKind.SHORT, data.short_name or "")
        unit.short_name = data.short_name or ""
    if data.kind is not None and UnitKind(data.kind) != unit.kind:
        _refuse_members(session, unit)
        unit.kind = UnitKind(data.kind)
    if "parent_id" in given and data.parent_id != unit.parent_id:
        _move(session, actor, unit, data.parent_id)
    if data.position is not None:
        unit.position = data.position
    if "starts_on" in given:
        unit.starts_on = data.starts_on
    periods.check(unit.starts_on, unit.ends_on, "starts_on")
    events.record(session, actor, "unit.update", unit, now=now)
    return unit


def end(session: Session, actor: Actor, unit_id: int, version: int, data: UnitEnd, *, now: datetime) -> Unit:
    """Let a unit exist until a day that is not to come.

    Raises UnitHasEnded, UnitHasParts, UnitHasOpenWork, DayToCome or PeriodReversed beside what
    ``units.open_for_change`` raises.
    """
    unit = units.open_for_change(session, actor, unit_id, version, tree=True)
    units.refuse_ended(unit)
    periods.refuse_future(data.ends_on, actor.today, "ends_on")
    periods.check(unit.starts_on, data.ends_on)
    parts = select(col(Unit.id)).where(col(Unit.parent_id) == unit.id, col(Unit.ends_on).is_(None))
    if session.connection().scalar(select(parts.exists())):
        raise UnitHasParts(name=unit.name)
    work = (
        select(col(Assignment.id))
        .join(Task, col(Task.id) == col(Assignment.task_id))
        .where(
            col(Assignment.unit_id) == unit.id,
            col(Assignment.state).not_in([AssignmentState.DONE, AssignmentState.EXCUSED]),
            col(Task.state).not_in([TaskState.COMPLETED, TaskState.CLOSED, TaskState.WITHDRAWN]),
        )
    )
    if session.connection().scalar(select(work.exists())):
        raise UnitHasOpenWork(name=unit.name)
    unit.ends_on = data.ends_on
    events.record(session, actor, "unit.end", unit, reason=data.reason, now=now)
    return unit


def _move(session: Session, actor: Actor, unit: Unit, parent_id: int | None) -> None:
    if parent_id is None or unit.root_id == unit.id:
        raise BureauStays(field="parent_id")
    parent = session.scalars(units.visible_to(actor).where(col(Unit.id) == parent_id)).one_or_none()
    if parent is None:
        raise units.UnitUnknown(field="parent_id")
    if parent.root_id != unit.root_id:
        raise BureauStays(field="parent_id")
    units.refuse_ended(parent, "parent_id")
    if rules.is_below(units.parents_in(session, unit.root_id), parent_id, unit.key):
        raise UnitBelowItself(field="parent_id", name=parent.name)
    statement = select(col(Unit.position)).where(col(Unit.parent_id) == parent_id)
    unit.parent_id, unit.position = parent_id, rules.next_position(session.connection().scalars(statement))


def _mend_name(session: Session, unit: Unit, kind: UnitNameKind, name: str) -> None:
    statement = select(UnitName).where(
        col(UnitName.unit_id) == unit.id, col(UnitName.kind) == kind, col(UnitName.ends_on).is_(None)
    )
    current = session.scalars(statement.order_by(col(UnitName.id).desc()).limit(1)).one_or_none()
    if current is None and name:
        session.add(UnitName(unit_id=unit.key, name=name, folded=fold(name), kind=kind))
    elif current is not None and name:
        current.name, current.folded = name, fold(name)
    elif current is not None:
        session.delete(current)


def _refuse_members(session: Session, unit: Unit) -> None:
    members = select(col(GroupMember.member_id)).where(col(GroupMember.group_id) == unit.id)
    if session.connection().scalar(select(members.exists())):
        raise GroupHasMembers(field="kind", name=unit.name)
