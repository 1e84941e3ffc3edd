"""Merging a unit into another (机构改革): work, people, parts and names go on; nothing is deleted.

What happens to a task that has both units is decided in ``rules/units.py``.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from app import periods
from app.errors import DomainError, Kind
from app.messages import N_
from app.models import (
    Assignment,
    AssignmentRole,
    AssignmentState,
    GroupMember,
    Membership,
    Unit,
    UnitKind,
    UnitName,
    UnitNameKind,
    User,
)
from app.permissions import Actor, P
from app.rules import units as rules
from app.schemas.unit import UnitMerge, UnitMergePreview
from app.services import events, units


class UnitMergedAlready(DomainError):
    """A second merger of one unit."""

    kind = Kind.CONFLICT
    code = "unit_merged_already"
    message = N_("%(name)s has been merged already.")


class MergerRefused(DomainError):
    """Two units that cannot become one: one unit twice, two bureaus, a whole bureau, a group and a unit."""

    kind = Kind.CONFLICT
    code = "merger_refused"
    message = N_("%(name)s cannot go on for this unit. Choose another unit of the same bureau and of a like kind.")


class MergerIntoPart(DomainError):
    """The unit that goes on stands below the one that ends."""

    kind = Kind.CONFLICT
    code = "merger_into_part"
    message = N_("%(name)s stands below this unit. Move it out first.")


def preview(session: Session, actor: Actor, unit_id: int, into_id: int) -> UnitMergePreview:
    """What a merger would move, without doing it; raises what ``merge`` would refuse for these two units."""
    unit = units.get(session, actor, unit_id)
    units.require_management(session, actor, unit)
    into = _survivor(session, actor, unit, into_id)
    count = session.connection().scalar
    seen = [] if actor.is_system else [col(Assignment.programme_id).in_(actor.programmes_with(P.TASK_READ))]
    own = select(col(Assignment.task_id)).where(col(Assignment.unit_id) == unit.id, *seen)
    both = own.where(col(Assignment.task_id).in_(_task_ids(into)))
    assignments, joined = _count(session, own), _count(session, both)
    work = count(select(func.count()).where(col(Assignment.unit_id) == unit.id)) or 0
    seats = select(col(Membership.programme_id)).where(col(Membership.unit_id) == unit.id)
    programmes = set(session.connection().scalars(seats))
    unseen = set() if actor.is_system else programmes - set(actor.programmes_with(P.MEMBERSHIP_READ))
    return UnitMergePreview(
        unit_id=unit.key,
        into_id=into.key,
        parts=count(_counting(Unit, col(Unit.parent_id) == unit.id, col(Unit.ends_on).is_(None))) or 0,
        names=len(_inherited(session, unit, into)),
        accounts=count(_counting(User, col(User.unit_id) == unit.id)) or 0,
        memberships=count(
            _counting(Membership, col(Membership.unit_id) == unit.id, col(Membership.programme_id).not_in(unseen))
        )
        or 0,
        assignments=assignments - joined,
        joined=joined,
        elsewhere=bool(unseen) or work > assignments,
    )


def merge(session: Session, actor: Actor, unit_id: int, version: int, data: UnitMerge, *, now: datetime) -> Unit:
    """Let ``data.into_id`` go on for a unit from a day on; gives the unit that ended.

    Raises UnitMergedAlready, MergerRefused, MergerIntoPart, UnitUnknown, UnitHasEnded, DayToCome,
    PeriodReversed beside what ``units.open_for_change`` raises.
    """
    unit = units.open_for_change(session, actor, unit_id, version, tree=True)
    into = _survivor(session, actor, unit, data.into_id)
    periods.refuse_future(data.starts_on, actor.today, "starts_on")
    last_day = periods.day_before(data.starts_on)
    periods.check(unit.starts_on, last_day, "starts_on")
    _move_assignments(session, unit, into)
    _move_people(session, unit, into, data)
    _move_parts(session, unit, into)
    for name in _inherited(session, unit, into):
        ends_on = last_day if name.ends_on is None else min(name.ends_on, last_day)
        session.add(
            UnitName(
                unit_id=into.key,
                name=name.name,
                folded=name.folded,
                kind=UnitNameKind.ALIAS,
                starts_on=name.starts_on,
                ends_on=ends_on,
            )
        )
    unit.merged_into_id = into.id
    unit.ends_on = last_day if unit.ends_on is None else min(unit.ends_on, last_day)
    details = {"into": into.name, "into_id": into.id, "starts_on": data.starts_on}
    events.record(session, actor, "unit.merge", unit, reason=data.reason, details=details, now=now)
    return unit


def _survivor(session: Session, actor: Actor, unit: Unit, into_id: int) -> Unit:
    into = session.scalars(units.visible_to(actor).where(col(Unit.id) == into_id)).one_or_none()
    if into is None:
        raise units.UnitUnknown(field="into_id")
    if unit.merged_into_id is not None:
        raise UnitMergedAlready(name=unit.name)
    like = (unit.kind is UnitKind.GROUP) == (into.kind is UnitKind.GROUP)
    if unit.id == into.id or unit.root_id != into.root_id or unit.id == unit.root_id or not like:
        raise MergerRefused(field="into_id", name=into.name)
    units.refuse_ended(into, "into_id")
    if rules.is_below(units.parents_in(session, unit.root_id), into.key, unit.key):
        raise MergerIntoPart(field="into_id", name=into.name)
    return into


def _task_ids(unit: Unit) -> Any:
    return select(col(Assignment.task_id)).where(col(Assignment.unit_id) == unit.id)


def _count(session: Session, statement: Any) -> int:
    return session.connection().scalar(select(func.count()).select_from(statement.subquery())) or 0


def _counting(model: Any, *conditions: Any) -> Any:
    return select(func.count()).select_from(model).where(*conditions)


def _move_assignments(session: Session, unit: Unit, into: Unit) -> None:
    moving = select(Assignment).where(col(Assignment.unit_id) == unit.id).with_for_update()
    staying = (
        select(Assignment)
        .where(col(Assignment.unit_id) == into.id, col(Assignment.task_id).in_(_task_ids(unit)))
        .with_for_update()
    )
    kept = {assignment.task_id: assignment for assignment in session.scalars(staying)}
    for absorbed in session.scalars(moving).all():
        survivor = kept.get(absorbed.task_id)
        if survivor is None:
            absorbed.unit_id = into.key
            continue
        share = rules.joined(_share(survivor), _share(absorbed))
        survivor.role, survivor.role_confirmed = AssignmentRole(share.role), share.role_confirmed
        survivor.state = AssignmentState(share.state)
        survivor.due_on, survivor.handler_id = share.due_on, share.handler_id
        absorbed.state = AssignmentState(rules.left_behind(_share(absorbed)))


def _share(assignment: Assignment) -> rules.Share:
    return rules.Share(
        assignment.role, assignment.role_confirmed, assignment.state, assignment.due_on, assignment.handler_id
    )


def _move_people(session: Session, unit: Unit, into: Unit, data: UnitMerge) -> None:
    for user in session.scalars(select(User).where(col(User.unit_id) == unit.id)):
        user.unit_id = into.key
    there = select(Membership).where(col(Membership.unit_id) == into.id, col(Membership.ends_on).is_(None))
    held = {(seat.user_id, seat.programme_id, seat.role) for seat in session.scalars(there)}
    here = select(Membership).where(col(Membership.unit_id) == unit.id)
    for seat in session.scalars(here).all():
        if seat.ends_on is not None and seat.ends_on < data.starts_on:
            continue
        if (seat.user_id, seat.programme_id, seat.role) in held:
            # The same role is held for the unit that goes on: this one ends with its unit.
            seat.ends_on = periods.day_before(data.starts_on)
        else:
            seat.unit_id = into.key


def _move_parts(session: Session, unit: Unit, into: Unit) -> None:
    siblings = select(col(Unit.position)).where(col(Unit.parent_id) == into.id)
    place = rules.next_position(session.connection().scalars(siblings))
    below = select(Unit).where(col(Unit.parent_id) == unit.id, col(Unit.ends_on).is_(None))
    for part in session.scalars(below.order_by(col(Unit.position), col(Unit.id))).all():
        part.parent_id, part.position = into.key, place
        place += 1
    for own, other in ((GroupMember.member_id, GroupMember.group_id), (GroupMember.group_id, GroupMember.member_id)):
        # The old membership stays beside the new one: lists leave merged units out.
        wanted = session.connection().scalars(select(col(other)).where(col(own) == unit.id))
        present = set(session.connection().scalars(select(col(other)).where(col(own) == into.id)))
        for key in sorted(set(wanted) - present - {into.key}):
            pair = {own.key: into.key, other.key: key}  # type: ignore[attr-defined]
            session.add(GroupMember(**pair))


def _inherited(session: Session, unit: Unit, into: Unit) -> list[UnitName]:
    known = set(session.connection().scalars(select(col(UnitName.folded)).where(col(UnitName.unit_id) == into.id)))
    names = session.scalars(select(UnitName).where(col(UnitName.unit_id) == unit.id).order_by(col(UnitName.id))).all()
    return [name for name in names if name.folded not in known]
