"""Which tasks an actor sees: one condition, for the nouns that hang on a task as well.

Drafts: those who may read drafts (coordinator, recipient, inspector, leader, auditor) and the people
of a unit that takes part. Issued and later: every member who may read tasks; a partner only where
their own bureau takes part. The superior sees none (product.md, "Who may do what").
"""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, true
from sqlmodel import col

from app.models import Assignment, GroupMember, Task, Unit
from app.permissions import PROGRAMME_RIGHTS, Actor, Permission, Role
from app.rules.tasks import UNPUBLISHED

P = Permission


def tasks_seen(actor: Actor) -> ColumnElement[bool]:
    """The condition on ``Task`` under which ``actor`` sees a row."""
    if actor.is_system:
        return true()
    readable = actor.programmes_with(P.TASK_READ)
    drafts = set(actor.programmes_with(P.TASK_READ_DRAFT)) & set(readable)
    conditions: list[ColumnElement[bool]] = [col(Task.programme_id).in_(sorted(drafts))] if drafts else []
    for programme_id in readable:
        if programme_id in drafts:
            continue
        takes_part = task_of_units(units_of(actor, programme_id))
        partner = _only_partner(actor, programme_id)
        published = col(Task.state).not_in(sorted(UNPUBLISHED))
        conditions.append(
            and_(col(Task.programme_id) == programme_id, takes_part if partner else or_(published, takes_part))
        )
    return or_(*conditions) if conditions else false()


def task_of_units(units: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether one of the units takes part in the task; ``units`` is a condition on Assignment."""
    return exists().where(col(Assignment.task_id) == col(Task.id), units).correlate(Task)


def units_of(actor: Actor, programme_id: int) -> ColumnElement[bool]:
    """The condition on ``Assignment`` that it is given to a unit of ``actor`` in one programme.

    A unit's people answer for the groups (各中心站) that stand for it too, a partner for the bureau.
    """
    unit_ids = sorted(actor.units_in(programme_id))
    condition = _unit_or_group(unit_ids)
    if _only_partner(actor, programme_id) and actor.root_id is not None:
        bureau = select(col(Unit.id)).where(col(Unit.root_id) == actor.root_id)
        condition = or_(condition, col(Assignment.unit_id).in_(bureau))
    return and_(col(Assignment.programme_id) == programme_id, condition)


def mine(actor: Actor) -> ColumnElement[bool]:
    """The condition on ``Assignment`` that it is given to a unit of ``actor`` in any programme."""
    conditions = [units_of(actor, programme_id) for programme_id in actor.programmes_with(P.TASK_READ)]
    return or_(*conditions) if conditions else false()


def _unit_or_group(unit_ids: Iterable[int]) -> ColumnElement[bool]:
    ids = list(unit_ids)
    groups = select(col(GroupMember.group_id)).where(col(GroupMember.member_id).in_(ids))
    return or_(col(Assignment.unit_id).in_(ids), col(Assignment.unit_id).in_(groups))


def _only_partner(actor: Actor, programme_id: int) -> bool:
    readers = {role for role in actor.roles_in(programme_id) if P.TASK_READ in PROGRAMME_RIGHTS[role]}
    return readers == {Role.PARTNER}
