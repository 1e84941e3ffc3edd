"""The three seats (三员): the security administrator gives them and takes them back.

The system administrator opens accounts and thereby gives no right; a seat is a right, so it is given
where rights are given. Nobody changes their own seat, no seat is left empty, and one person holds
one seat and no role beside it (GB/T 22239-2019 8.1.5).
"""

from datetime import datetime

from sqlalchemy import or_, select
from sqlmodel import Session, col

from app.errors import DomainError, Kind
from app.messages import N_
from app.models import Membership, User, UserKind
from app.permissions import Actor, Administrator, P
from app.services import events, sessions, users


class HoldsASeatAlready(DomainError):
    """One person, one seat."""

    kind = Kind.CONFLICT
    code = "holds_a_seat_already"
    message = N_("This person holds an administrator's seat already. One person holds one seat.")


class HoldsNoSeat(DomainError):
    """Nothing to take back."""

    kind = Kind.CONFLICT
    code = "holds_no_seat"
    message = N_("This person holds no administrator's seat.")


class HoldsARole(DomainError):
    """A seat beside a role in a programme."""

    kind = Kind.CONFLICT
    code = "holds_a_role"
    message = N_("This person holds a role in a programme. End it before the seat is given.")


class SeatIsOwn(DomainError):
    """One's own seat."""

    kind = Kind.FORBIDDEN
    code = "seat_is_own"
    message = N_("Nobody gives or takes their own seat. Another security administrator has to do this.")


class NotAPerson(DomainError):
    """What only a person can have."""

    kind = Kind.CONFLICT
    code = "not_a_person"
    message = N_("A service account cannot have this; only a person can.")


def appoint(
    session: Session,
    actor: Actor,
    user_id: int,
    version: int,
    seat: Administrator,
    *,
    reason: str,
    now: datetime,
) -> User:
    """Give a seat to a person without one.

    Raises NotFound, Forbidden, StaleVersion, SeatIsOwn, NotAPerson, AccountClosed, HoldsASeatAlready
    or HoldsARole.
    """
    user = users.locked(session, actor, user_id, version, P.ADMINISTRATOR_APPOINT)
    if user.id == actor.user_id:
        raise SeatIsOwn
    if user.kind is not UserKind.PERSON:
        raise NotAPerson
    if not user.active:
        raise users.AccountClosed
    if user.administrator is not None:
        raise HoldsASeatAlready(field="administrator")
    if _holds_role(session, actor, user):
        raise HoldsARole
    user.administrator = seat
    events.record(session, actor, "user.appoint", user, reason=reason, now=now)
    return user


def dismiss(session: Session, actor: Actor, user_id: int, version: int, *, reason: str, now: datetime) -> User:
    """Take a seat back; the person is signed out everywhere.

    Raises NotFound, Forbidden, StaleVersion, SeatIsOwn, HoldsNoSeat or LastAdministrator.
    """
    user = users.locked(session, actor, user_id, version, P.ADMINISTRATOR_APPOINT)
    if user.id == actor.user_id:
        raise SeatIsOwn
    if user.administrator is None:
        raise HoldsNoSeat
    users.refuse_empty_seat(session, user, actor.today)
    user.administrator = None
    sessions.revoke_all(session, user.key, now)
    events.record(session, actor, "user.dismiss", user, reason=reason, now=now)
    return user


def _holds_role(session: Session, actor: Actor, user: User) -> bool:
    """Whether a role is held today or will be."""
    statement = select(col(Membership.id)).where(
        col(Membership.user_id) == user.id,
        or_(col(Membership.ends_on).is_(None), col(Membership.ends_on) >= actor.today),
    )
    return session.scalar(statement.limit(1)) is not None
