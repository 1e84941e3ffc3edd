"""User: who sees which people and how much of them; opening, changing, closing and reopening accounts.

Accounts are the system administrator's (三员分立): opening and closing them gives no right to
anything. Rights are given by the security administrator, in memberships and administrators.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, null, or_, select, true
from sqlalchemy import update as sql_update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.errors import DomainError, Forbidden, Kind, NotFound, StaleVersion
from app.messages import N_
from app.models import AccountUse, Identity, Membership, Party, ResetCode, SecondFactor, Token, Unit, User, UserKind
from app.permissions import ENDS_SOON, Actor, Administrator, P, can
from app.recording import bulk_update
from app.schemas.user import UserCreate, UserFilters, UserUpdate
from app.services import events, paging, sessions, units
from app.services.paging import Slice, Sort
from app.services.units import UnitUnknown

SORTS = {
    "name": Sort("name", (col(User.name), col(User.id))),
    "-name": Sort("-name", (col(User.name), col(User.id)), descending=True),
    "id": Sort("id", (col(User.id),)),
    "-id": Sort("-id", (col(User.id),), descending=True),
}


class LoginTaken(DomainError):
    """A second account of one name."""

    kind = Kind.CONFLICT
    code = "login_taken"
    message = N_("Another account already has this login.")


class UnitNeeded(DomainError):
    """A person sits in a unit; a service account need not."""

    code = "unit_needed"
    message = N_("Please say in which unit the person works.")


class OwnAccount(DomainError):
    """Closing the account that one works with."""

    kind = Kind.CONFLICT
    code = "own_account"
    message = N_("This is your own account. Another system administrator has to do this.")


class LastAdministrator(DomainError):
    """A seat that would stay empty."""

    kind = Kind.CONFLICT
    code = "last_administrator"
    message = N_("Nobody else holds this administrator's seat. Appoint another person first.")


class AccountClosed(DomainError):
    """Something that only an open account can have."""

    kind = Kind.CONFLICT
    code = "account_closed"
    message = N_("The account is closed. Reopen it first.")


class AccountOpen(DomainError):
    """Reopening what was never closed."""

    kind = Kind.CONFLICT
    code = "account_open"
    message = N_("The account is open already.")


# --- who sees whom ---


def of_programmes(programme_ids: tuple[int, ...]) -> ColumnElement[bool]:
    """The people of programmes: those of their parties' trees and those who hold or held a role there."""
    if not programme_ids:
        return false()
    units = (
        select(col(Unit.id))
        .join(Party, col(Party.unit_id) == col(Unit.root_id))
        .where(col(Party.programme_id).in_(programme_ids))
    )
    holders = select(col(Membership.user_id)).where(col(Membership.programme_id).in_(programme_ids))
    return or_(col(User.unit_id).in_(units), col(User.id).in_(holders))


def seen_by(actor: Actor) -> ColumnElement[bool]:
    """The condition under which ``actor`` sees a person at all: by name and unit."""
    if actor.is_system or (actor.administrator is not None and can(actor, P.USER_READ)):
        return true()
    return or_(col(User.id) == (actor.user_id or 0), of_programmes(actor.programmes_with(P.USER_READ)))


def open_to(actor: Actor) -> ColumnElement[bool]:
    """Where login, phone, mail and the state of the account are shown as well."""
    if actor.is_system or (actor.administrator is not None and can(actor, P.USER_READ)):
        return true()
    return or_(col(User.id) == (actor.user_id or 0), of_programmes(actor.programmes_with(P.MEMBERSHIP_MANAGE)))


def visible_to(actor: Actor) -> Select[User]:
    """The accounts that ``actor`` sees."""
    return select(User).where(seen_by(actor))


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    shown = open_to(actor)

    def only(column: Any) -> ColumnElement[Any]:
        return case((shown, column), else_=null()).label(column.key)

    # Who lacks a second factor is worth knowing to somebody who guesses passwords.
    own = true() if actor.is_system or actor.administrator is not None else col(User.id) == (actor.user_id or 0)

    def guarded(column: Any, name: str) -> ColumnElement[Any]:
        return case((own, column), else_=null()).label(name)

    return (
        select(
            col(User.id),
            col(User.version),
            only(col(User.login)),
            col(User.kind),
            col(User.name),
            col(User.unit_id),
            col(Unit.name).label("unit_name"),
            only(col(User.phone)),
            only(col(User.email)),
            col(User.active),
            only(col(User.expires_on)),
            only(col(User.administrator)),
            only(col(User.must_change_password)),
            guarded(col(SecondFactor.created_at), "second_factor_since"),
            guarded(col(AccountUse.used_at), "last_used_at"),
            guarded(col(Identity.created_at), "linked_since"),
            guarded(col(User.link_until), "link_until"),
            col(User.created_at),
            col(User.updated_at),
        )
        .outerjoin(Unit, col(Unit.id) == col(User.unit_id))
        .outerjoin(SecondFactor, col(SecondFactor.user_id) == col(User.id))
        .outerjoin(AccountUse, col(AccountUse.user_id) == col(User.id))
        .outerjoin(Identity, col(Identity.user_id) == col(User.id))
        .where(seen_by(actor))
    )


def page(
    session: Session, actor: Actor, filters: UserFilters, *, sort: str = "name", limit: int, cursor: str | None
) -> Slice:
    """One page of the people that ``actor`` sees."""
    statement = _rows(actor)
    if filters.unit is not None:
        statement = statement.where(or_(col(User.unit_id) == filters.unit, col(Unit.root_id) == filters.unit))
    if filters.active is not None:
        statement = statement.where(col(User.active).is_(filters.active))
    if filters.kind:
        statement = statement.where(col(User.kind) == UserKind(filters.kind))
    if filters.expiry:
        statement = statement.where(_ending(actor, filters.expiry), open_to(actor))
    if filters.q:
        # A login that is not shown must not be found either.
        by_login = col(User.login).icontains(filters.q, autoescape=True) & open_to(actor)
        statement = statement.where(or_(col(User.name).icontains(filters.q, autoescape=True), by_login))
    scope = {"unit": filters.unit, "active": str(filters.active), "kind": filters.kind, "q": filters.q}
    scope["expiry"] = filters.expiry
    return paging.fetch(session, statement, SORTS[sort], limit=limit, cursor=cursor, filters=scope)


def _ending(actor: Actor, expiry: str) -> ColumnElement[bool]:
    """Open accounts whose last day is near, or is over."""
    last = col(User.expires_on)
    near = last.between(actor.today, actor.today + ENDS_SOON) if expiry == "soon" else last < actor.today
    return and_(col(User.active).is_(True), near)


def ending_soon(session: Session, actor: Actor) -> int:
    """How many open accounts have their last day within two weeks, for who can give them another."""
    if not can(actor, P.USER_MANAGE):
        return 0
    statement = select(func.count(col(User.id))).where(seen_by(actor), _ending(actor, "soon"))
    return int(session.connection().scalar(statement) or 0)


def one(session: Session, actor: Actor, user_id: int) -> Any:
    """One person's row; raises NotFound."""
    row = session.connection().execute(_rows(actor).where(col(User.id) == user_id)).first()
    if row is None:
        raise NotFound
    return row


def many(session: Session, actor: Actor, user_ids: list[int]) -> list[Any]:
    """The rows of several people that ``actor`` sees, in the order of their ids."""
    rows = session.connection().execute(_rows(actor).where(col(User.id).in_(user_ids)).order_by(col(User.id)))
    return list(rows.all())


def unit_name(session: Session, actor: Actor, unit_id: int | None) -> str:
    """What a unit is called, for the words of a filter; empty where ``actor`` does not see it."""
    if unit_id is None:
        return ""
    return session.scalar(select(col(Unit.name)).where(units.seen_by(actor), col(Unit.id) == unit_id)) or ""


def unit_choices(session: Session, actor: Actor, root_of: int | None = None) -> list[Any]:
    """The live units that ``actor`` sees, for a choice: id, name and the bureau's name; at most 3,000.

    ``root_of``: only those of this unit's bureau.
    """
    root = aliased(Unit)
    statement: Any = (
        select(col(Unit.id), col(Unit.name), col(root.name).label("root_name"))
        .join(root, col(root.id) == col(Unit.root_id))
        .where(units.seen_by(actor), col(Unit.merged_into_id).is_(None))
        .order_by(col(Unit.root_id), col(Unit.parent_id), col(Unit.position), col(Unit.id))
    )
    if root_of is not None:
        own_root = select(col(Unit.root_id)).where(col(Unit.id) == root_of).scalar_subquery()
        statement = statement.where(col(Unit.root_id) == own_root)
    return list(session.connection().execute(statement.limit(3000)).all())


def locked(session: Session, actor: Actor, user_id: int, version: int | None, permission: P) -> User:
    """An account to be changed. Raises NotFound, Forbidden or StaleVersion, in this order."""
    statement = visible_to(actor).where(col(User.id) == user_id).with_for_update()
    user = session.scalars(statement).one_or_none()
    if user is None:
        raise NotFound
    if not can(actor, permission):
        raise Forbidden
    if version is not None and user.version != version:
        raise StaleVersion
    return user


# --- opening, changing, closing ---


def create(
    session: Session,
    actor: Actor,
    data: UserCreate,
    *,
    now: datetime,
    password_hash: str = "",
    must_change_password: bool = False,
) -> User:
    """Open an account. Without ``password_hash`` a one-time code has to be printed before it can be used.

    Raises Forbidden, LoginTaken, UnitNeeded or UnitUnknown.
    """
    if not can(actor, P.USER_MANAGE):
        raise Forbidden
    if session.scalar(select(col(User.id)).where(func.lower(col(User.login)) == data.login)) is not None:
        raise LoginTaken(field="login")
    if data.kind == "person" and data.unit_id is None:
        raise UnitNeeded(field="unit_id")
    _check_unit(session, data.unit_id)
    user = from_data(data)
    user.password_hash = password_hash
    user.must_change_password = must_change_password
    user.password_changed_at = now if password_hash else None
    session.add(user)
    events.record(session, actor, "user.create", user, now=now)
    return user


def from_data(data: UserCreate) -> User:
    """A new account without a password, not stored yet."""
    return User(
        login=data.login,
        kind=UserKind(data.kind),
        name=data.name,
        phone=data.phone,
        email=data.email,
        unit_id=data.unit_id,
        expires_on=data.expires_on,
    )


def update(session: Session, actor: Actor, user_id: int, version: int, data: UserUpdate, *, now: datetime) -> User:
    """Change what ``data`` was sent with. Raises NotFound, Forbidden, StaleVersion or UnitUnknown."""
    user = locked(session, actor, user_id, version, P.USER_MANAGE)
    sent = data.model_dump(include=data.model_fields_set)
    if sent.get("unit_id", user.unit_id) is None and user.unit_id is not None and user.kind is UserKind.PERSON:
        raise UnitNeeded(field="unit_id")
    if sent.get("unit_id") != user.unit_id:
        _check_unit(session, sent.get("unit_id"))
    for name, value in sent.items():
        setattr(user, name, value)
    if session.is_modified(user):
        events.record(session, actor, "user.update", user, now=now)
    return user


def close(session: Session, actor: Actor, user_id: int, version: int, *, reason: str, now: datetime) -> User:
    """Close an account: its sessions, tokens and codes end with it; roles stay for a reopening.

    Raises NotFound, Forbidden, StaleVersion, OwnAccount, LastAdministrator or AccountClosed.
    """
    user = locked(session, actor, user_id, version, P.USER_MANAGE)
    if user.id == actor.user_id:
        raise OwnAccount
    if not user.active:
        raise AccountClosed
    refuse_empty_seat(session, user, actor.today)
    shut(session, user, now)
    events.record(session, actor, "user.close", user, reason=reason, now=now)
    return user


def reopen(session: Session, actor: Actor, user_id: int, version: int, *, reason: str, now: datetime) -> User:
    """Open a closed account again. Raises NotFound, Forbidden, StaleVersion or AccountOpen."""
    user = locked(session, actor, user_id, version, P.USER_MANAGE)
    if user.active:
        raise AccountOpen
    user.active = True
    events.record(session, actor, "user.reopen", user, reason=reason, now=now)
    return user


def shut(session: Session, user: User, now: datetime) -> None:
    """Close an account and everything that opens it; the caller records why."""
    user.active = False
    session.flush()
    sessions.revoke_all(session, user.key, now)
    void_codes(session, user.key, now)
    bulk_update(
        session,
        sql_update(Token).where(col(Token.user_id) == user.key, col(Token.revoked_at).is_(None)).values(revoked_at=now),
    )


def void_codes(session: Session, user_id: int, now: datetime) -> None:
    """Make the unused one-time codes of an account useless; the caller records why."""
    bulk_update(
        session,
        sql_update(ResetCode)
        .where(col(ResetCode.user_id) == user_id, col(ResetCode.used_at).is_(None), col(ResetCode.expires_at) > now)
        .values(expires_at=now),
    )


def refuse_empty_seat(session: Session, user: User, today: date) -> None:
    """Raise LastAdministrator where nobody else with an open account holds the person's seat."""
    if user.administrator is None:
        return
    others = session.scalars(
        select(col(User.id))
        .where(
            col(User.administrator) == Administrator(user.administrator),
            col(User.active).is_(True),
            or_(col(User.expires_on).is_(None), col(User.expires_on) >= today),
            col(User.id) != user.id,
        )
        .with_for_update()
    ).first()
    if others is None:
        raise LastAdministrator


def _check_unit(session: Session, unit_id: int | None) -> None:
    if unit_id is None:
        return
    statement = select(col(Unit.id)).where(col(Unit.id) == unit_id, col(Unit.merged_into_id).is_(None))
    if session.scalar(statement) is None:
        raise UnitUnknown(field="unit_id")
