"""Hand-over: when somebody leaves, their open work goes to a successor and everything of theirs ends.

It belongs to the system administrator, who closes accounts. It gives nobody a right: the successor
has to hold a role in the programmes of that work already, which the security administrator gives.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy import update as sql_update
from sqlmodel import Session, col

from app.errors import DomainError, Forbidden, Kind, NotFound
from app.messages import N_
from app.models import Assignment, AssignmentState, Membership, Token, User, UserKind, UserSession
from app.permissions import Actor, P, can
from app.recording import bulk_update
from app.schemas.user import HandOver
from app.services import events, users
from app.services.memberships import yesterday

_OVER = (AssignmentState.DONE, AssignmentState.EXCUSED)


class SuccessorNeeded(DomainError):
    """Open work that would be in nobody's hands."""

    code = "successor_needed"
    message = N_("There is open work in this person's hands. Please choose who takes over.")


class SuccessorUnfit(DomainError):
    """Somebody who cannot take over: another unit's, closed, an administrator, or the person themselves."""

    code = "successor_unfit"
    message = N_("Please choose another person of the same unit whose account is open.")


class SuccessorWithoutRole(DomainError):
    """Work that the successor would not see."""

    kind = Kind.CONFLICT
    code = "successor_without_role"
    message = N_(
        "The successor holds no role in %(number)s of the programmes that this work belongs to. "
        "The security administrator has to give it first."
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """What handing over does, in numbers: the system administrator sees no business rows."""

    user_id: int
    version: int
    assignments: int
    memberships: int
    tokens: int
    sessions: int


def _open_work(user_id: int) -> ColumnElement[bool]:
    return and_(col(Assignment.handler_id) == user_id, col(Assignment.state).not_in(_OVER))


def _current(user_id: int, actor: Actor) -> ColumnElement[bool]:
    return and_(
        col(Membership.user_id) == user_id,
        or_(col(Membership.ends_on).is_(None), col(Membership.ends_on) >= actor.today),
    )


def preview(session: Session, actor: Actor, user_id: int, now: datetime) -> Summary:
    """What handing over would do now. Raises NotFound or Forbidden."""
    version = session.scalar(select(col(User.version)).where(col(User.id) == user_id, users.seen_by(actor)))
    if version is None:
        raise NotFound
    if not can(actor, P.USER_MANAGE):
        raise Forbidden

    def count(table: Any, *conditions: ColumnElement[bool]) -> int:
        return int(session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0)

    return Summary(
        user_id,
        version,
        count(Assignment, _open_work(user_id)),
        count(Membership, _current(user_id, actor)),
        count(Token, col(Token.user_id) == user_id, col(Token.revoked_at).is_(None), col(Token.expires_at) > now),
        count(
            UserSession,
            col(UserSession.user_id) == user_id,
            col(UserSession.revoked_at).is_(None),
            col(UserSession.expires_at) > now,
        ),
    )


def successors(session: Session, actor: Actor, user_id: int) -> list[Any]:
    """Who may take over: id and name of the open accounts of the person's unit; at most 500."""
    unit_id = select(col(User.unit_id)).where(col(User.id) == user_id).scalar_subquery()
    statement = (
        select(col(User.id), col(User.name), col(User.login))
        .where(users.seen_by(actor), col(User.unit_id) == unit_id, col(User.id) != user_id, *_fit(actor))
        .order_by(col(User.name), col(User.id))
    )
    return list(session.connection().execute(statement.limit(500)).all())


def hand_over(session: Session, actor: Actor, user_id: int, version: int, data: HandOver, *, now: datetime) -> Summary:
    """Move open work to the successor, end roles, seat, tokens, codes and sessions, close the account.

    Raises NotFound, Forbidden, StaleVersion, OwnAccount, AccountClosed, LastAdministrator,
    SuccessorNeeded, SuccessorUnfit or SuccessorWithoutRole.
    """
    user = users.locked(session, actor, user_id, version, P.USER_MANAGE)
    if user.id == actor.user_id:
        raise users.OwnAccount
    if not user.active:
        raise users.AccountClosed
    users.refuse_empty_seat(session, user, actor.today)
    done = preview(session, actor, user_id, now)
    if data.successor_id is not None:
        _check_successor(session, actor, user, data.successor_id)
    elif done.assignments:
        raise SuccessorNeeded(field="successor_id")
    user.administrator = None
    users.shut(session, user, now)
    bulk_update(session, sql_update(Assignment).where(_open_work(user_id)).values(handler_id=data.successor_id))
    bulk_update(session, sql_update(Membership).where(_current(user_id, actor)).values(ends_on=yesterday(actor.today)))
    details = {"successor": data.successor_id, "assignments": done.assignments, "memberships": done.memberships}
    events.record(session, actor, "user.hand_over", user, reason=data.reason, details=details, now=now)
    return Summary(user_id, user.version, done.assignments, done.memberships, done.tokens, done.sessions)


def _fit(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    return (
        col(User.active).is_(True),
        col(User.kind) == UserKind.PERSON,
        col(User.administrator).is_(None),
        or_(col(User.expires_on).is_(None), col(User.expires_on) >= actor.today),
    )


def _check_successor(session: Session, actor: Actor, user: User, successor_id: int) -> None:
    statement = select(User).where(
        col(User.id) == successor_id, col(User.id) != user.id, col(User.unit_id) == user.unit_id, *_fit(actor)
    )
    if session.scalars(statement.with_for_update()).one_or_none() is None:
        raise SuccessorUnfit(field="successor_id")
    needed = set(session.scalars(select(col(Assignment.programme_id)).where(_open_work(user.key)).distinct()))
    held = set(
        session.scalars(
            select(col(Membership.programme_id)).where(
                _current(successor_id, actor),
                or_(col(Membership.starts_on).is_(None), col(Membership.starts_on) <= actor.today),
            )
        )
    )
    if needed - held:
        raise SuccessorWithoutRole(field="successor_id", number=len(needed - held))
