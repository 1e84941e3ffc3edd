"""Membership: giving and ending roles.

The security administrator gives roles in any programme, a coordinator in their own; nobody gives one
to themselves. An ended role is end-dated and stays: who held what when is part of the record.
"""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select, true
from sqlmodel import Session, col

from app.errors import DomainError, Forbidden, Kind, NotFound, StaleVersion
from app.messages import N_
from app.models import Membership, Party, Programme, Unit, User
from app.permissions import Actor, P, can
from app.rules import memberships as rules
from app.schemas.membership import MembershipCreate, MembershipFilters
from app.services import events, paging, users
from app.services.paging import Slice, Sort
from app.services.units import UnitUnknown

SORTS = {
    "id": Sort("id", (col(Membership.id),)),
    "-id": Sort("-id", (col(Membership.id),), descending=True),
}


class PersonUnknown(DomainError):
    """A person named in a body who does not exist or may not be seen; the two look the same."""

    code = "person_unknown"
    message = N_("There is no such person, or you may not see them.")


class ProgrammeUnknown(DomainError):
    """A programme named in a body that does not exist or may not be seen; the two look the same."""

    code = "programme_unknown"
    message = N_("There is no such programme, or you may not see it.")


class RoleHeldAlready(DomainError):
    """The same role twice at one time."""

    kind = Kind.CONFLICT
    code = "role_held_already"
    message = N_("The person already holds this role for this unit in that time.")


class RoleEnded(DomainError):
    """Ending what has ended."""

    kind = Kind.CONFLICT
    code = "role_ended"
    message = N_("This role has ended already.")


def seen_by(actor: Actor) -> ColumnElement[bool]:
    """The condition under which ``actor`` sees a role: their own, and those of their programmes."""
    if actor.is_system or (actor.administrator is not None and can(actor, P.MEMBERSHIP_READ)):
        return true()
    programmes = actor.programmes_with(P.MEMBERSHIP_READ)
    return or_(col(Membership.user_id) == (actor.user_id or 0), col(Membership.programme_id).in_(programmes))


def visible_to(actor: Actor) -> Select[Membership]:
    """The roles that ``actor`` sees."""
    return select(Membership).where(seen_by(actor))


def _holding(today: date) -> ColumnElement[bool]:
    return and_(
        or_(col(Membership.starts_on).is_(None), col(Membership.starts_on) <= today),
        or_(col(Membership.ends_on).is_(None), col(Membership.ends_on) >= today),
    )


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            col(Membership.id),
            col(Membership.version),
            col(Membership.programme_id),
            col(Programme.title).label("programme_title"),
            col(Membership.user_id),
            col(User.name).label("user_name"),
            col(Membership.unit_id),
            col(Unit.name).label("unit_name"),
            col(Party.side),
            col(Membership.role),
            col(Membership.starts_on),
            col(Membership.ends_on),
            _holding(actor.today).label("holds"),
            col(Membership.created_at),
            col(Membership.updated_at),
        )
        .join(Programme, col(Programme.id) == col(Membership.programme_id))
        .join(User, col(User.id) == col(Membership.user_id))
        .join(Unit, col(Unit.id) == col(Membership.unit_id))
        .outerjoin(
            Party,
            and_(col(Party.unit_id) == col(Unit.root_id), col(Party.programme_id) == col(Membership.programme_id)),
        )
        .where(seen_by(actor))
    )


def page(
    session: Session, actor: Actor, filters: MembershipFilters, *, sort: str = "-id", limit: int, cursor: str | None
) -> Slice:
    """One page of the roles that ``actor`` sees."""
    statement = _rows(actor)
    for column, value in (
        (col(Membership.programme_id), filters.programme),
        (col(Membership.user_id), filters.user),
        (col(Membership.unit_id), filters.unit),
        (col(Membership.role), filters.role),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if filters.holds is not None:
        holding = _holding(actor.today)
        statement = statement.where(holding if filters.holds else ~holding)
    scope = {
        "programme": filters.programme,
        "user": filters.user,
        "unit": filters.unit,
        "role": filters.role,
        "holds": str(filters.holds),
    }
    return paging.fetch(session, statement, SORTS[sort], limit=limit, cursor=cursor, filters=scope)


def one(session: Session, actor: Actor, membership_id: int) -> Any:
    """One role's row; raises NotFound."""
    row = session.connection().execute(_rows(actor).where(col(Membership.id) == membership_id)).first()
    if row is None:
        raise NotFound
    return row


def of_user(session: Session, actor: Actor, user_id: int) -> list[Any]:
    """The roles of one person that ``actor`` sees, the newest first; at most 200."""
    statement = _rows(actor).where(col(Membership.user_id) == user_id).order_by(col(Membership.id).desc()).limit(200)
    return list(session.connection().execute(statement).all())


def programme_choices(session: Session, actor: Actor) -> list[Any]:
    """The programmes in which ``actor`` gives roles: id and title; at most 500."""
    statement = select(col(Programme.id), col(Programme.title)).order_by(col(Programme.id).desc())
    if not (actor.is_system or (actor.administrator is not None and can(actor, P.MEMBERSHIP_MANAGE))):
        statement = statement.where(col(Programme.id).in_(actor.programmes_with(P.MEMBERSHIP_MANAGE)))
    return list(session.connection().execute(statement.limit(500)).all())


def _locked(session: Session, actor: Actor, membership_id: int, version: int) -> Membership:
    statement = visible_to(actor).where(col(Membership.id) == membership_id).with_for_update()
    membership = session.scalars(statement).one_or_none()
    if membership is None:
        raise NotFound
    if not can(actor, P.MEMBERSHIP_MANAGE, membership.programme_id):
        raise Forbidden
    if membership.version != version:
        raise StaleVersion
    return membership


def grant(session: Session, actor: Actor, data: MembershipCreate, *, now: datetime) -> Membership:
    """Give a role from ``starts_on`` (today if not given) to ``ends_on``.

    Raises PersonUnknown, ProgrammeUnknown, UnitUnknown, Forbidden, OwnRole, AccountClosed,
    AdministratorHoldsNoRole, UnitNotParty, RoleOfAnotherSide, AuditorNeedsEnd, EndsBeforeStart or
    RoleHeldAlready.
    """
    if not _programme_seen(session, actor, data.programme_id):
        raise ProgrammeUnknown(field="programme_id")
    if not can(actor, P.MEMBERSHIP_MANAGE, data.programme_id):
        raise Forbidden
    # The person's row is locked, so that a seat and a role, or one role twice, cannot be given at once.
    user = session.scalars(users.visible_to(actor).where(col(User.id) == data.user_id).with_for_update()).one_or_none()
    if user is None:
        raise PersonUnknown(field="user_id")
    if user.id == actor.user_id:
        raise rules.OwnRole(field="user_id")
    if not user.active:
        raise users.AccountClosed(field="user_id")
    if user.administrator is not None:
        raise rules.AdministratorHoldsNoRole(field="user_id")
    _check_unit(session, actor, data)
    starts_on = data.starts_on or actor.today
    rules.check_dates(data.role, starts_on, data.ends_on)
    membership = _unused(session, data, starts_on)
    membership.ends_on = data.ends_on
    session.add(membership)
    session.flush()
    events.record(session, actor, "membership.grant", membership, name=user.login, now=now)
    return membership


def update(
    session: Session, actor: Actor, membership_id: int, version: int, ends_on: date | None, *, now: datetime
) -> Membership:
    """Give a role another last day.

    Raises NotFound, Forbidden, StaleVersion, OwnRole, AdministratorHoldsNoRole, AuditorNeedsEnd,
    EndsBeforeStart or RoleHeldAlready.
    """
    membership = _locked(session, actor, membership_id, version)
    user = session.get_one(User, membership.user_id, with_for_update=True)
    if user.id == actor.user_id:
        raise rules.OwnRole(field="ends_on")
    if user.administrator is not None:
        raise rules.AdministratorHoldsNoRole(field="ends_on")
    rules.check_dates(membership.role, membership.starts_on, ends_on)
    same = select(Membership).where(*_same(membership), col(Membership.id) != membership.id)
    if any(_overlap(other, membership.starts_on, ends_on) for other in session.scalars(same)):
        raise RoleHeldAlready(field="ends_on")
    membership.ends_on = ends_on
    if session.is_modified(membership):
        events.record(session, actor, "membership.update", membership, name=user.login, now=now)
    return membership


def end(
    session: Session,
    actor: Actor,
    membership_id: int,
    version: int,
    *,
    ends_on: date | None,
    reason: str,
    now: datetime,
) -> Membership:
    """End-date a role; without a date it holds no longer from this moment on.

    Raises NotFound, Forbidden, StaleVersion, RoleEnded or EndsBeforeStart.
    """
    membership = _locked(session, actor, membership_id, version)
    if membership.ends_on is not None and membership.ends_on < actor.today:
        raise RoleEnded
    if ends_on is not None:
        rules.check_dates(membership.role, membership.starts_on, ends_on)
        if membership.ends_on is not None and ends_on > membership.ends_on:
            raise rules.EndsBeforeStart(field="ends_on")
    membership.ends_on = ends_on or yesterday(actor.today)
    user = session.get_one(User, membership.user_id)
    events.record(session, actor, "membership.end", membership, name=user.login, reason=reason, now=now)
    return membership


def yesterday(today: date) -> date:
    """The last day of a role that ends at once: it does not hold today any more."""
    return today - timedelta(days=1)


def _programme_seen(session: Session, actor: Actor, programme_id: int) -> bool:
    if not (actor.is_system or actor.administrator is not None):
        return programme_id in actor.programmes_with(P.MEMBERSHIP_READ)
    return session.scalar(select(col(Programme.id)).where(col(Programme.id) == programme_id)) is not None


def _check_unit(session: Session, actor: Actor, data: MembershipCreate) -> None:
    row: Any = (
        session.connection()
        .execute(
            select(col(Unit.id), col(Party.side))
            .outerjoin(
                Party, and_(col(Party.unit_id) == col(Unit.root_id), col(Party.programme_id) == data.programme_id)
            )
            .where(col(Unit.id) == data.unit_id, col(Unit.merged_into_id).is_(None))
        )
        .first()
    )
    outside = row is not None and row.side is None and not (actor.is_system or actor.administrator is not None)
    if row is None or outside:
        raise UnitUnknown(field="unit_id")
    rules.check_side(data.role, row.side.value if row.side else None)


def _same(membership: Membership) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Membership.user_id) == membership.user_id,
        col(Membership.programme_id) == membership.programme_id,
        col(Membership.unit_id) == membership.unit_id,
        col(Membership.role) == membership.role,
    )


def _unused(session: Session, data: MembershipCreate, starts_on: date) -> Membership:
    """A new row; or the one of the same first day that was ended before it held for a whole day."""
    new = Membership(
        programme_id=data.programme_id,
        user_id=data.user_id,
        unit_id=data.unit_id,
        role=data.role,
        starts_on=starts_on,
    )
    found = None
    for other in session.scalars(select(Membership).where(*_same(new))):
        if _overlap(other, starts_on, data.ends_on):
            raise RoleHeldAlready(field="role")
        if other.starts_on == starts_on:
            found = other
    return found or new


def _overlap(other: Membership, starts_on: date | None, ends_on: date | None) -> bool:
    if other.ends_on is not None and other.starts_on is not None and other.ends_on < other.starts_on:
        return False
    begins_in_time = ends_on is None or other.starts_on is None or other.starts_on <= ends_on
    ends_late_enough = other.ends_on is None or starts_on is None or other.ends_on >= starts_on
    return begins_in_time and ends_late_enough
