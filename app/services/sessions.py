"""Signing in and out: passwords, throttling shared by all processes, sessions that can be revoked."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from pwdlib import PasswordHash
from sqlalchemy import delete, func, select, update
from sqlmodel import Session, col

from app.clock import date_of
from app.errors import DomainError, Kind
from app.messages import N_
from app.models import Throttle, User, UserKind, UserSession
from app.permissions import Actor
from app.services import actors, events
from app.settings import Settings
from app.vault import digest

_HASHER = PasswordHash.recommended()
# Checked when there is no such account, so that the answer takes as long as for one.
_NOBODY = _HASHER.hash(secrets.token_urlsafe(16))
_SEEN_EVERY = timedelta(minutes=5)
_ADDRESS_FACTOR = 10


class SignInRefused(DomainError):
    """Wrong login or password, closed or expired account: one sentence, so that nobody learns which."""

    kind = Kind.INVALID
    code = "sign_in_refused"
    message = N_("The account or the password is not right, or the account is closed.")


class SignInThrottled(DomainError):
    """Too many failed tries for the account or from the address."""

    kind = Kind.THROTTLED
    code = "sign_in_throttled"
    message = N_("Too many tries. Please wait %(minutes)s minutes and try again.")


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session: ``token`` is for the cookie and is kept nowhere else."""

    token: str
    user_id: int
    must_change_password: bool


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


def find(session: Session, login: str, address: str, now: datetime) -> Candidate:
    """The account of ``login``; raises SignInThrottled while it or the address has to wait."""
    for key in _keys(login, address):
        throttle = session.get(Throttle, key)
        if throttle is not None and throttle.blocked_until is not None and throttle.blocked_until > now:
            minutes = max(1, round((throttle.blocked_until - now).total_seconds() / 60))
            raise SignInThrottled(minutes=minutes)
    row = (
        session.connection()
        .execute(
            select(col(User.id), col(User.password_hash)).where(
                col(User.login) == login, col(User.kind) == UserKind.PERSON
            )
        )
        .first()
    )
    return Candidate(row.id, row.password_hash) if row else Candidate(None, "")


def open_session(
    session: Session, settings: Settings, candidate: Candidate, login: str, *, address: str, browser: str, now: datetime
) -> Opened | None:
    """Open a session for an account whose password was right; None where it is closed or expired."""
    if candidate.user_id is None:
        return None
    actor = actors.load(session, candidate.user_id, date_of(now), address=address)
    user = session.get(User, candidate.user_id)
    # The password may have been changed since it was checked.
    if actor is None or user is None or user.password_hash != candidate.password_hash:
        return None
    session.connection().execute(delete(Throttle).where(col(Throttle.key) == _keys(login, address)[0]))
    token = secrets.token_urlsafe(32)
    opened = UserSession(
        user_id=candidate.user_id,
        token_hash=digest(token),
        csrf=secrets.token_hex(16),
        address=address[:45],
        browser=browser[:200],
        created_at=now,
        last_seen_at=now,
        expires_at=now + timedelta(hours=settings.session_absolute_hours),
    )
    session.add(opened)
    events.record_access(session, actor, "session.open", subject_type="users", subject_id=user.id, name=user.login)
    return Opened(token, candidate.user_id, user.must_change_password)


def note_failure(session: Session, settings: Settings, login: str, actor: Actor, now: datetime) -> None:
    """Count a failed sign-in against the account and the address; record it without the password."""
    wait = timedelta(minutes=settings.sign_in_wait_minutes)
    for key, tries in zip(
        _keys(login, actor.address), (settings.sign_in_tries, settings.sign_in_tries * _ADDRESS_FACTOR), strict=True
    ):
        throttle = session.get(Throttle, key, with_for_update=True)
        if throttle is None:
            throttle = Throttle(key=key, first_at=now)
        elif now - throttle.first_at > wait:
            throttle.failures, throttle.first_at, throttle.blocked_until = 0, now, None
        throttle.failures += 1
        if throttle.failures >= tries:
            throttle.blocked_until = now + wait
        session.add(throttle)
    events.record_access(session, actor, "session.refuse", subject_type="users", name=login[:64])


def _keys(login: str, address: str) -> tuple[str, str]:
    return (f"login:{digest(login.lower())[:32]}", f"address:{address[:45]}")


@dataclass(frozen=True, slots=True)
class Found:
    """A live session: who, its form token, and whether its last sight should be written."""

    actor: Actor
    csrf: str
    must_change_password: bool
    stale_sight: bool


def resolve(
    session: Session, settings: Settings, token: str, now: datetime, *, address: str, request_id: str
) -> Found | None:
    """The session of a cookie, unless it was revoked, idle or absolute limits are over. Three queries."""
    row = (
        session.connection()
        .execute(
            select(
                col(UserSession.id),
                col(UserSession.user_id),
                col(UserSession.csrf),
                col(UserSession.last_seen_at),
                col(UserSession.expires_at),
                col(User.must_change_password),
            )
            .join(User, col(User.id) == col(UserSession.user_id))
            .where(col(UserSession.token_hash) == digest(token), col(UserSession.revoked_at).is_(None))
        )
        .first()
    )
    idle = timedelta(minutes=settings.session_idle_minutes)
    if row is None or row.expires_at <= now or row.last_seen_at + idle <= now:
        return None
    actor = actors.load(session, row.user_id, date_of(now), session_id=row.id, address=address, request_id=request_id)
    if actor is None:
        return None
    return Found(actor, row.csrf, row.must_change_password, now - row.last_seen_at > _SEEN_EVERY)


def touch(session: Session, session_id: int, now: datetime) -> None:
    """Note that a session was used; at most every five minutes, so that reading stays reading."""
    session.connection().execute(update(UserSession).where(col(UserSession.id) == session_id).values(last_seen_at=now))


def close(session: Session, actor: Actor, now: datetime) -> None:
    """Sign out: revoke the session that the actor came with."""
    session.connection().execute(
        update(UserSession).where(col(UserSession.id) == actor.session_id).values(revoked_at=now)
    )
    events.record_access(session, actor, "session.close", subject_type="users", subject_id=actor.user_id)


def revoke_all(session: Session, user_id: int, now: datetime, *, but: int | None = None) -> int:
    """Revoke every live session of an account, except one; returns how many."""
    statement = update(UserSession).where(
        col(UserSession.user_id) == user_id,
        col(UserSession.revoked_at).is_(None),
        func.coalesce(col(UserSession.id), 0) != (but or 0),
    )
    return int(session.connection().execute(statement.values(revoked_at=now)).rowcount)
