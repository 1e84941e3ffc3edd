"""Second factor: adding, checking, renewing and removing a person's one-time password generator.

While a factor is being added its secret is kept nowhere here: the person's form carries it, encrypted
for that account and for a quarter of an hour, and the store gets it only with a first right code.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from app.errors import DomainError, Forbidden, Kind
from app.messages import N_
from app.models import Event, FactorUse, RecoveryCode, SecondFactor, User, UserKind, UserSession
from app.permissions import Actor, P, can
from app.rules import one_time_codes
from app.services import events, paging, sessions, users
from app.services.administrators import NotAPerson
from app.services.paging import Slice, Sort
from app.settings import Settings
from app.vault import Vault, digest

CODES = 10
MINUTES = 15
RESET = "user.reset_second_factor"


class SecondFactorStands(DomainError):
    """A second generator beside the one that is there."""

    kind = Kind.CONFLICT
    code = "second_factor_stands"
    message = N_("This account has a second factor already. Remove it before another is added.")


class NoSecondFactor(DomainError):
    """Nothing to renew, remove or reset."""

    kind = Kind.CONFLICT
    code = "no_second_factor"
    message = N_("This account has no second factor.")


class CodeRefused(DomainError):
    """A code that is wrong, old or used."""

    code = "code_refused"
    message = N_("This code is not right, or it has been used. Please take the next one that is shown.")


class EnrolmentOver(DomainError):
    """A form that was begun too long ago, or by somebody else."""

    code = "enrolment_over"
    message = N_("Adding the second factor took too long. Please begin again.")


@dataclass(frozen=True, slots=True)
class State:
    """What a person sees of their own factor."""

    since: datetime | None
    codes_left: int
    required: bool
    has_password: bool = True


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A factor that is being added: ``enrolment`` comes back with the first code."""

    enrolment: str
    secret: str
    address: str


def required(settings: Settings, actor: Actor) -> bool:
    """Whether ``actor`` has to have a second factor."""
    return sessions.factor_required(settings, actor.administrator)


def state(session: Session, settings: Settings, actor: Actor) -> State:
    """The actor's own factor."""
    since = session.scalar(select(col(SecondFactor.created_at)).where(col(SecondFactor.user_id) == actor.user_id))
    left = session.scalar(
        select(func.count(col(RecoveryCode.id))).where(
            col(RecoveryCode.user_id) == actor.user_id, col(RecoveryCode.used_at).is_(None)
        )
    )
    has_password = bool(session.scalar(select(col(User.password_hash)).where(col(User.id) == actor.user_id)))
    return State(since, left or 0, required(settings, actor), has_password)


# --- adding ---


def begin(session: Session, settings: Settings, actor: Actor, now: datetime) -> Enrolment:
    """A fresh secret for the actor's generator; nothing is stored. Raises SecondFactorStands or NotAPerson."""
    user = _own(session, actor)
    if _factor(session, user.key) is not None:
        raise SecondFactorStands
    secret = one_time_codes.new_secret()
    body = orjson.dumps([secret, (now + timedelta(minutes=MINUTES)).isoformat()]).decode()
    vault: Vault = session.info["vault"]
    label = one_time_codes.address(secret, user.login, settings.issuer_name)
    return Enrolment(vault.lock(body, _enrolment_of(user.key)), secret, label)


def reopened(session: Session, settings: Settings, actor: Actor, enrolment: str, now: datetime) -> Enrolment:
    """What ``begin`` gave, from the form of the same person; raises EnrolmentOver."""
    user = _own(session, actor)
    vault: Vault = session.info["vault"]
    body = vault.unlock(enrolment, _enrolment_of(user.key))
    secret, until = orjson.loads(body) if body else ("", "")
    if not secret or datetime.fromisoformat(until) <= now:
        raise EnrolmentOver
    return Enrolment(enrolment, secret, one_time_codes.address(secret, user.login, settings.issuer_name))


def confirm(
    session: Session, settings: Settings, actor: Actor, enrolment: str, code: str, *, now: datetime
) -> list[str]:
    """Add the factor with its first code; the other sessions end. Returns the recovery codes, shown this once.

    Raises EnrolmentOver, SecondFactorStands or CodeRefused.
    """
    begun = reopened(session, settings, actor, enrolment, now)
    user = _own(session, actor, lock=True)
    if _factor(session, user.key) is not None:
        raise SecondFactorStands
    step = one_time_codes.step_of(begun.secret, code, now, _last_step(session, user.key))
    if step is None or not _take_step(session, user.key, step):
        raise CodeRefused(field="code")
    vault: Vault = session.info["vault"]
    session.add(SecondFactor(user_id=user.key, sealed_secret=vault.lock(begun.secret, _secret_of(user.key))))
    codes = _new_codes(session, user.key)
    sessions.revoke_all(session, user.key, now, but=actor.session_id)
    _step_up(session, actor, now)
    events.record(session, actor, "user.add_second_factor", user, now=now)
    return codes


# --- checking ---


def check(session: Session, user_id: int, code: str, now: datetime) -> str | None:
    """Take a code, once: "totp" or "recovery_code", or None for a wrong or used one.

    The caller has counted the try and holds the account's row. A recovery code that is used is a change
    of a business row, which the caller's event names.
    """
    factor = _factor(session, user_id)
    if factor is None:
        return None
    if one_time_codes.is_generated(code):
        vault: Vault = session.info["vault"]
        secret = vault.unlock(factor.sealed_secret, _secret_of(user_id))
        step = one_time_codes.step_of(secret, code, now, _last_step(session, user_id)) if secret else None
        return "totp" if step is not None and _take_step(session, user_id, step) else None
    row = session.scalars(
        select(RecoveryCode)
        .where(
            col(RecoveryCode.user_id) == user_id,
            col(RecoveryCode.code_hash) == digest(one_time_codes.typed(code)),
            col(RecoveryCode.used_at).is_(None),
        )
        .with_for_update()
    ).one_or_none()
    if row is None:
        return None
    row.used_at = now
    session.flush()
    return "recovery_code"


def holds(session: Session, user_id: int) -> bool:
    """Whether an account has a second factor."""
    return _factor(session, user_id) is not None


# --- renewing, removing, resetting ---


def renew_codes(session: Session, actor: Actor, code: str, *, now: datetime) -> list[str] | None:
    """New recovery codes for the old ones; None for a wrong code. Raises NoSecondFactor."""
    user = _proven(session, actor, code, now)
    if user is None:
        return None
    _drop(session, RecoveryCode, user.key)
    codes = _new_codes(session, user.key)
    _step_up(session, actor, now)
    events.record(session, actor, "user.renew_recovery_codes", user, now=now)
    return codes


def remove(session: Session, actor: Actor, code: str, *, now: datetime) -> bool:
    """Take one's own factor away; the other sessions end. False for a wrong code. Raises NoSecondFactor."""
    user = _proven(session, actor, code, now)
    if user is None:
        return False
    _drop_all(session, user.key)
    sessions.revoke_all(session, user.key, now, but=actor.session_id)
    events.record(session, actor, "user.remove_second_factor", user, now=now)
    return True


def reset(session: Session, actor: Actor, user_id: int, version: int, *, reason: str, now: datetime) -> User:
    """Take away the factor of a person who has lost it; every session of theirs ends.

    Raises NotFound, Forbidden, StaleVersion, OwnAccount or NoSecondFactor.
    """
    user = users.locked(session, actor, user_id, version, P.USER_MANAGE)
    if user.id == actor.user_id:
        raise users.OwnAccount
    if _factor(session, user.key) is None:
        raise NoSecondFactor
    _drop_all(session, user.key)
    sessions.revoke_all(session, user.key, now)
    events.record(session, actor, RESET, user, reason=reason, now=now)
    return user


NEWEST = Sort("newest", (col(Event.id),), descending=True)


def resets(
    session: Session,
    actor: Actor,
    *,
    user_id: int | None = None,
    since: datetime | None = None,
    limit: int,
    cursor: str | None,
) -> Slice:
    """The factors that were reset, newest first, for the three administrators: whose, when, by whom and why."""
    if not can(actor, P.SECOND_FACTOR_READ):
        raise Forbidden
    by = User.__table__.alias("by")  # type: ignore[attr-defined]
    statement: Any = (
        select(
            col(Event.id),
            col(Event.at),
            col(Event.subject_id).label("user_id"),
            col(User.name).label("user_name"),
            col(Event.actor_id),
            by.c.name.label("actor_name"),
            col(Event.channel),
            col(Event.reason),
        )
        .outerjoin(User, col(User.id) == col(Event.subject_id))
        .outerjoin(by, by.c.id == col(Event.actor_id))
        .where(col(Event.verb) == RESET)
    )
    if user_id is not None:
        statement = statement.where(col(Event.subject_type) == "users", col(Event.subject_id) == user_id)
    if since is not None:
        statement = statement.where(col(Event.at) >= since)
    filters = {"user": user_id, "since": since.isoformat() if since else None}
    return paging.fetch(session, statement, NEWEST, limit=limit, cursor=cursor, filters=filters)


# --- parts ---


def _own(session: Session, actor: Actor, *, lock: bool = False) -> User:
    user = session.get(User, actor.user_id or 0, with_for_update=lock or None)
    if user is None or user.kind is not UserKind.PERSON:
        raise NotAPerson
    return user


def _proven(session: Session, actor: Actor, code: str, now: datetime) -> User | None:
    user = _own(session, actor, lock=True)
    if _factor(session, user.key) is None:
        raise NoSecondFactor
    return user if check(session, user.key, code, now) else None


def _factor(session: Session, user_id: int) -> SecondFactor | None:
    return session.scalars(select(SecondFactor).where(col(SecondFactor.user_id) == user_id)).one_or_none()


def _last_step(session: Session, user_id: int) -> int:
    step = session.connection().scalar(select(col(FactorUse.last_step)).where(col(FactorUse.user_id) == user_id))
    return step or 0


def _take_step(session: Session, user_id: int, step: int) -> bool:
    """Mark a step as taken; False where another request has taken it or a later one in between."""
    connection = session.connection()
    insert: Any = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    statement = insert(FactorUse).values(user_id=user_id, last_step=step)
    statement = statement.on_conflict_do_update(
        index_elements=["user_id"], set_={"last_step": step}, where=col(FactorUse.last_step) < step
    )
    return connection.scalar(statement.returning(col(FactorUse.last_step))) is not None


def _new_codes(session: Session, user_id: int) -> list[str]:
    codes = [one_time_codes.new_printed() for _ in range(CODES)]
    session.add_all(RecoveryCode(user_id=user_id, code_hash=digest(one_time_codes.typed(code))) for code in codes)
    return codes


def _drop(session: Session, model: Any, user_id: int) -> None:
    for row in session.scalars(select(model).where(col(model.user_id) == user_id).with_for_update()).all():
        session.delete(row)
    session.flush()


def _drop_all(session: Session, user_id: int) -> None:
    _drop(session, RecoveryCode, user_id)
    _drop(session, SecondFactor, user_id)
    session.connection().execute(delete(FactorUse).where(col(FactorUse.user_id) == user_id))


def _step_up(session: Session, actor: Actor, now: datetime) -> None:
    session.connection().execute(
        update(UserSession).where(col(UserSession.id) == actor.session_id).values(second_factor_at=now)
    )


def _secret_of(user_id: int) -> str:
    return f"second_factors/{user_id}"


def _enrolment_of(user_id: int) -> str:
    return f"enrolments/{user_id}"
