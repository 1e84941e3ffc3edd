"""Groups (各中心站): the units that one name in a plan stands for."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.errors import DomainError, Kind, NotFound, StaleVersion
from app.messages import N_
from app.models import GroupMember, Unit, UnitKind
from app.permissions import Actor
from app.schemas.unit import UnitMemberAdd
from app.services import events, units


class NotAGroup(DomainError):
    """Members of a unit that is no group."""

    kind = Kind.CONFLICT
    code = "not_a_group"
    message = N_("%(name)s is not a group. Only a group stands for other units.")


class MemberRefused(DomainError):
    """A member from another bureau, another group, or the group itself."""

    code = "member_refused"
    message = N_("%(name)s cannot be a member: a group stands for single units of its own bureau.")


class MemberExists(DomainError):
    """A unit twice in one group."""

    kind = Kind.CONFLICT
    code = "member_exists"
    message = N_("%(name)s is a member already.")


def members(session: Session, actor: Actor, group_id: int) -> list[Any]:
    """The units that a group stands for, in their order; a merged one is no longer among them. Raises NotFound."""
    units.get(session, actor, group_id)
    statement = (
        select(*units.COLUMNS)
        .join(GroupMember, col(GroupMember.member_id) == col(Unit.id))
        .where(col(GroupMember.group_id) == group_id, col(Unit.merged_into_id).is_(None))
    )
    return list(session.connection().execute(statement.order_by(col(Unit.position), col(Unit.id))))


def groups_of(session: Session, actor: Actor, unit_id: int) -> list[Any]:
    """The groups that stand for a unit, for its page; raises NotFound."""
    units.get(session, actor, unit_id)
    statement = (
        select(*units.COLUMNS)
        .join(GroupMember, col(GroupMember.group_id) == col(Unit.id))
        .where(col(GroupMember.member_id) == unit_id, units.seen_by(actor))
    )
    return list(session.connection().execute(statement.order_by(col(Unit.id))))


def add_member(session: Session, actor: Actor, group_id: int, data: UnitMemberAdd, now: datetime) -> Unit:
    """Let a group stand for one more unit; gives the member.

    Raises NotAGroup, UnitUnknown, MemberRefused, MemberExists, UnitHasEnded, Forbidden, NotFound.
    """
    group = units.get(session, actor, group_id, lock=True)
    units.require_management(session, actor, group)
    if group.kind is not UnitKind.GROUP:
        raise NotAGroup(name=group.name)
    member = session.scalars(units.visible_to(actor).where(col(Unit.id) == data.unit_id)).one_or_none()
    if member is None:
        raise units.UnitUnknown(field="unit_id")
    if member.root_id != group.root_id or member.kind is UnitKind.GROUP:
        raise MemberRefused(field="unit_id", name=member.name)
    units.refuse_ended(member, "unit_id")
    if session.get(GroupMember, (group_id, data.unit_id)) is not None:
        raise MemberExists(field="unit_id", name=member.name)
    session.add(GroupMember(group_id=group_id, member_id=member.key))
    events.record(session, actor, "unit.add_member", group, details={"unit": member.name}, now=now)
    return member


def remove_member(
    session: Session, actor: Actor, group_id: int, member_id: int, version: int, *, now: datetime
) -> None:
    """Take a unit out of a group of the given version; raises StaleVersion, Forbidden, NotFound."""
    group = units.get(session, actor, group_id, lock=True)
    units.require_management(session, actor, group)
    membership = session.get(GroupMember, (group_id, member_id), with_for_update=True)
    if membership is None:
        raise NotFound
    if group.version != version:
        raise StaleVersion
    name = session.get_one(Unit, member_id).name
    session.delete(membership)
    events.record(session, actor, "unit.remove_member", group, details={"unit": name}, now=now)
