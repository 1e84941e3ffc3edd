"""Signing in and out: passwords, and sessions on the server that can be revoked."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pwdlib import PasswordHash
from sqlalchemy import delete, func, select, update
from sqlmodel import Session, col

from app.clock import date_of
from app.errors import DomainError, Kind, NotFound
from app.messages import N_
from app.models import Identity, SecondFactor, User, UserKind, UserSession
from app.permissions import Actor, Administrator
from app.prepared import Prepared, given
from app.services import account_uses, actors, events, paging, places, throttles
from app.services.paging import Slice, Sort
from app.settings import Settings
from app.vault import digest

_HASHER = PasswordHash.recommended()
# Checked when there is no such account, so that the answer takes as long as for one. Of a password that
# nobody has; written down, because making it takes as long as a sign-in. A test holds its cost to a new one's.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$JLoSyQ1EZDjaf2sDnzkNRw$vqHeczf0mnqDur0UZ3biaSdB7uUY1kSWSQMugCp5Ayc"
_SEEN_EVERY = timedelta(minutes=5)
_KEPT = timedelta(days=30)
_FRESH = timedelta(minutes=10)


class SignInRefused(DomainError):
    """Wrong login or password, closed or expired account: one sentence, so that nobody learns which."""

    kind = Kind.INVALID
    code = "sign_in_refused"
    message = N_("The account or the password is not right, or the account is closed.")


class SignInAgain(DomainError):
    """Something that a session without a password only does soon after it was opened."""

    kind = Kind.CONFLICT
    code = "sign_in_again"
    message = N_("Please sign out and in again first: this is done within ten minutes of signing in.")


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session: ``token`` is for the cookie and is kept nowhere else."""

    token: str
    user_id: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the store says about a login, read before the password is checked outside any transaction."""

    user_id: int | None
    password_hash: str


def hash_password(password: str) -> str:
    """argon2id with the library's recommended cost; call it outside a transaction (about 0.15 s)."""
    return _HASHER.hash(password)


def password_matches(password: str, password_hash: str) -> bool:
    """Whether the password is the one; takes as long where there is no hash to compare with."""
    if not password_hash:
        _HASHER.verify(password, _NOBODY)
        return False
    return _HASHER.verify(password, password_hash)


def attempt(session: Session, settings: Settings, login: str, address: str, now: datetime) -> Candidate:
    """Count a try and give the account of ``login``; raises SignInThrottled while it has to wait."""
    throttles.count(session, settings, login, address, now)
    row: Any = (
        session.connection()
        .execute(
            select(col(User.id), col(User.password_hash), col(Identity.id).label("identity_id"))
            .outerjoin(Identity, col(Identity.user_id) == col(User.id))
            .where(col(User.login) == login.lower(), col(User.kind) == UserKind.PERSON)
        )
        .first()
    )
    if row is None or (row.identity_id is not None and settings.oidc_issuer and not settings.oidc_passwords):
        return Candidate(None, "")
    return Candidate(row.id, row.password_hash)


def standing(session: Session, candidate: Candidate, address: str, now: datetime) -> tuple[Actor, User] | None:
    """The account whose password was right, as it stands now; None where it is closed or has changed since."""
    if candidate.user_id is None:
        return None
    actor = actors.load(session, candidate.user_id, date_of(now), address=address)
    user = session.get(User, candidate.user_id)
    if actor is None or user is None or user.password_hash != candidate.password_hash:
        return None
    return actor, user


def open_for(
    session: Session,
    settings: Settings,
    actor: Actor,
    user: User,
    *,
    browser: str,
    now: datetime,
    by: str = "password",
    factor: str | None = None,
) -> Opened:
    """Open a session for an account that has proven all it has to; ``by`` and ``factor`` say with what.

    Raises AddressNotAllowed for an administrator elsewhere: told only to somebody who has proven it all.
    """
    places.refuse_elsewhere(settings, actor)
    session.connection().execute(
        delete(UserSession).where(col(UserSession.user_id) == user.id, col(UserSession.expires_at) < now - _KEPT)
    )
    token = secrets.token_urlsafe(32)
    opened = UserSession(
        user_id=user.key,
        token_hash=digest(token),
        csrf=secrets.token_hex(16),
        address=actor.address[:45],
        browser=browser[:200],
        created_at=now,
        last_seen_at=now,
        expires_at=now + timedelta(hours=settings.session_absolute_hours),
        opened_by=by,
        second_factor_at=now if factor else None,
    )
    session.add(opened)
    account_uses.note(session, user.key, now)
    how = {"by": by, "second_factor": factor} if factor else {"by": by}
    events.record_access(
        session, actor, "session.open", subject_type="users", subject_id=user.id, name=user.login, details=how
    )
    return Opened(token, user.key)


def note_failure(session: Session, actor: Actor, login: str, code: str = SignInRefused.code) -> None:
    """Record a refused try and its code, without what was typed as a password."""
    events.record_access(
        session, actor, "session.refuse", subject_type="users", name=login[:64], details={"code": code}
    )


class Duty(StrEnum):
    """What a person has to do before anything else is answered."""

    PASSWORD = "password"  # noqa: S105 - a word, not a password
    SECOND_FACTOR = "second_factor"


def factor_required(settings: Settings, administrator: Administrator | None) -> bool:
    """Whether the setting asks whoever holds this seat, or none, for a second factor."""
    return settings.second_factor == "everybody" or (
        settings.second_factor == "administrators" and administrator is not None
    )


@dataclass(frozen=True, slots=True)
class Found:
    """A live session: who, its form token, what they have to do first.

    It ends by itself at ``until``, unless it is seen again before; ``is_stale``: that should be written.
    """

    actor: Actor
    csrf: str
    duty: Duty | None
    until: datetime
    is_stale: bool


_OPENING = Prepared(
    select(
        col(UserSession.id),
        col(UserSession.user_id),
        col(UserSession.csrf),
        col(UserSession.last_seen_at),
        col(UserSession.expires_at),
        col(UserSession.opened_by),
        col(UserSession.second_factor_at),
        col(User.must_change_password),
        func.coalesce(col(User.password_changed_at), col(User.created_at)).label("password_changed_at"),
        (col(User.password_hash) != "").label("has_password"),
        col(SecondFactor.id).label("factor_id"),
    )
    .join(User, col(User.id) == col(UserSession.user_id))
    .outerjoin(SecondFactor, col(SecondFactor.user_id) == col(UserSession.user_id))
    .where(col(UserSession.token_hash) == given("digest"), col(UserSession.revoked_at).is_(None))
)


def resolve(
    session: Session, settings: Settings, token: str, now: datetime, *, address: str = "", request_id: str = ""
) -> Found | None:
    """The session of a cookie, unless it was revoked, idle or absolute limits are over. Two queries."""
    row = _OPENING.first(session, digest=digest(token))
    idle = timedelta(minutes=settings.session_idle_minutes)
    if row is None or row.expires_at <= now or row.last_seen_at + idle <= now:
        return None
    if row.factor_id is not None and row.second_factor_at is None:
        return None
    actor = actors.load(session, row.user_id, date_of(now), session_id=row.id, address=address, request_id=request_id)
    if actor is None:
        return None
    # Where the idle limit is short, a sight noted every five minutes would end a session in use.
    stale = now - row.last_seen_at > min(_SEEN_EVERY, idle / 5)
    until = min(row.expires_at, row.last_seen_at + idle)
    return Found(actor, row.csrf, _duty(settings, actor, row, now), until, stale)


def _duty(settings: Settings, actor: Actor, row: Any, now: datetime) -> Duty | None:
    age = timedelta(days=settings.password_max_age_days)
    too_old = bool(age) and row.has_password and row.password_changed_at + age <= now
    # Where linked accounts sign in at the provider alone, their password opens nothing and need not be young.
    unused = row.opened_by == "openid" and not settings.oidc_passwords
    if not unused and (row.must_change_password or too_old):
        return Duty.PASSWORD
    if row.factor_id is None and factor_required(settings, actor.administrator):
        return Duty.SECOND_FACTOR
    return None


def is_fresh(session: Session, actor: Actor, now: datetime) -> bool:
    """Whether the session that the actor came with was opened within the last ten minutes."""
    opened = session.scalar(select(col(UserSession.created_at)).where(col(UserSession.id) == actor.session_id))
    return opened is not None and now - opened < _FRESH


def touch(session: Session, actor: Actor, now: datetime) -> None:
    """Note that a session was used; not at each request, so that reading stays reading."""
    seen = update(UserSession).where(col(UserSession.id) == actor.session_id)
    session.connection().execute(seen.values(last_seen_at=now))
    account_uses.note(session, actor.user_id or 0, now)


def close(session: Session, actor: Actor, now: datetime) -> str | None:
    """Sign out: revoke the session that the actor came with; gives what had opened it."""
    session.connection().execute(
        update(UserSession).where(col(UserSession.id) == actor.session_id).values(revoked_at=now)
    )
    events.record_access(session, actor, "session.close", subject_type="users", subject_id=actor.user_id)
    by: str | None = session.scalar(select(col(UserSession.opened_by)).where(col(UserSession.id) == actor.session_id))
    return by


def own(session: Session, settings: Settings, actor: Actor, now: datetime, *, limit: int, cursor: str | None) -> Slice:
    """The actor's live sessions, the newest first; ``current`` marks the one that asks."""
    statement = select(
        col(UserSession.id),
        col(UserSession.address),
        col(UserSession.browser),
        col(UserSession.created_at),
        col(UserSession.last_seen_at),
        col(UserSession.expires_at),
        (col(UserSession.id) == (actor.session_id or 0)).label("current"),
    ).where(
        col(UserSession.user_id) == actor.user_id,
        col(UserSession.revoked_at).is_(None),
        col(UserSession.expires_at) > now,
        col(UserSession.last_seen_at) > now - timedelta(minutes=settings.session_idle_minutes),
    )
    newest = Sort("newest", (col(UserSession.id),), descending=True)
    return paging.fetch(session, statement, newest, limit=limit, cursor=cursor, filters={})


def revoke(session: Session, actor: Actor, session_id: int, now: datetime) -> None:
    """Revoke one of the actor's own sessions; raises NotFound for anybody else's."""
    statement = update(UserSession).where(
        col(UserSession.id) == session_id,
        col(UserSession.user_id) == actor.user_id,
        col(UserSession.revoked_at).is_(None),
    )
    if session.connection().execute(statement.values(revoked_at=now)).rowcount == 0:
        raise NotFound
    events.record_access(session, actor, "session.revoke", subject_type="users", subject_id=actor.user_id)


def revoke_others(session: Session, actor: Actor, now: datetime) -> int:
    """Revoke all of the actor's sessions but the one that asks; returns how many."""
    if actor.user_id is None:
        return 0
    number = revoke_all(session, actor.user_id, now, but=actor.session_id)
    events.record_access(
        session,
        actor,
        "session.revoke_all",
        subject_type="users",
        subject_id=actor.user_id,
        details={"sessions": number},
    )
    return number


def sweep(session: Session, now: datetime, at_once: int) -> int:
    """Remove at most so many sessions that ended a month ago; returns how many."""
    over = select(col(UserSession.id)).where(col(UserSession.expires_at) < now - _KEPT).limit(at_once)
    return session.connection().execute(delete(UserSession).where(col(UserSession.id).in_(over))).rowcount


def revoke_all(session: Session, user_id: int, now: datetime, *, but: int | None = None) -> int:
    """Revoke every live session of an account, except one; returns how many. The caller records why."""
    statement = update(UserSession).where(
        col(UserSession.user_id) == user_id,
        col(UserSession.revoked_at).is_(None),
        col(UserSession.expires_at) > now,
        func.coalesce(col(UserSession.id), 0) != (but or 0),
    )
    return int(session.connection().execute(statement.values(revoked_at=now)).rowcount)
