"""Signing in by steps: the password or the provider first, then the second factor where there is one.

Between the steps there is no session. The first step leaves a pending sign-in in the store, which any
process finds by the browser's cookie; it ends after a few minutes, with the first right code, or when
the password is changed. Codes are tried under the same throttle as passwords, and the right password
does not forgive wrong codes: otherwise whoever knows it could try codes without end.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app.clock import date_of
from app.errors import DomainError, Kind
from app.messages import N_
from app.models import PendingSignIn, User
from app.permissions import Actor
from app.services import actors, events, places, second_factors, sessions, throttles
from app.services.sessions import Opened
from app.settings import Settings
from app.vault import digest

MINUTES = 5


class SignInOver(DomainError):
    """A second step without a first one, or long after it."""

    kind = Kind.UNAUTHENTICATED
    code = "sign_in_over"
    message = N_("Signing in took too long. Please begin again.")


@dataclass(frozen=True, slots=True)
class Pending:
    """A first step that was right: ``token`` is for the cookie and is kept nowhere else."""

    token: str


@dataclass(frozen=True, slots=True)
class Half:
    """A pending sign-in as a second step finds it."""

    pending_id: int
    user_id: int
    login: str
    credential: str


def after_first_step(
    session: Session,
    settings: Settings,
    actor: Actor,
    user: User,
    *,
    browser: str,
    now: datetime,
    by: str = "password",
) -> Opened | Pending:
    """Open a session, or ask for the second factor of an account that has one. Raises AddressNotAllowed."""
    if not second_factors.holds(session, user.key):
        opened = sessions.open_for(session, settings, actor, user, browser=browser, now=now, by=by)
        if by == "password":
            throttles.forgive(session, user.login, actor.address)
        return opened
    places.refuse_elsewhere(settings, actor)
    # Only what was counted is given back: signing in at a provider counts no try, and an own account there
    # must not buy tries at other people's.
    if by == "password":
        throttles.give_back(session, user.login, actor.address)
    token = secrets.token_urlsafe(32)
    pending = PendingSignIn(
        user_id=user.key,
        token_hash=digest(token),
        credential=_credential(user, by),
        created_at=now,
        expires_at=now + timedelta(minutes=MINUTES),
    )
    session.add(pending)
    return Pending(token)


def find(session: Session, token: str, now: datetime) -> Half | None:
    """The pending sign-in of a cookie, while it lasts."""
    row = (
        session.connection()
        .execute(
            select(col(PendingSignIn.id), col(PendingSignIn.user_id), col(PendingSignIn.credential), col(User.login))
            .join(User, col(User.id) == col(PendingSignIn.user_id))
            .where(col(PendingSignIn.token_hash) == digest(token), col(PendingSignIn.expires_at) > now)
        )
        .first()
    )
    return Half(row.id, row.user_id, row.login, row.credential) if row else None


def attempt(session: Session, settings: Settings, token: str, address: str, now: datetime) -> Half:
    """Count a try at the second step. Raises SignInOver or SignInThrottled."""
    half = find(session, token, now)
    if half is None:
        raise SignInOver
    throttles.count(session, settings, half.login, address, now)
    return half


def prove(
    session: Session, settings: Settings, half: Half, code: str, *, address: str, browser: str, now: datetime
) -> Opened | None:
    """Take the code and open the session; None for a wrong code or an account that has changed since.

    Two requests with one code, or with one pending sign-in, open one session. Raises AddressNotAllowed.
    """
    user = session.get(User, half.user_id, with_for_update=True)
    actor = actors.load(session, half.user_id, date_of(now), address=address)
    by = half.credential.partition(":")[0]
    if user is None or actor is None or _credential(user, by) != half.credential:
        return None
    if session.get(PendingSignIn, half.pending_id) is None:
        return None
    factor = second_factors.check(session, user.key, code, now)
    if factor is None:
        return None
    opened = sessions.open_for(session, settings, actor, user, browser=browser, now=now, by=by, factor=factor)
    throttles.forgive(session, user.login, address)
    session.connection().execute(delete(PendingSignIn).where(col(PendingSignIn.user_id) == user.key))
    if factor == "recovery_code":
        events.record(session, actor, "user.use_recovery_code", user, now=now)
    return opened


def sweep(session: Session, now: datetime, at_once: int) -> int:
    """Remove at most so many sign-ins that were never finished; returns how many."""
    over = select(col(PendingSignIn.id)).where(col(PendingSignIn.expires_at) <= now).limit(at_once)
    return session.connection().execute(delete(PendingSignIn).where(col(PendingSignIn.id).in_(over))).rowcount


def _credential(user: User, by: str) -> str:
    """What the first step held against, so that a pending sign-in ends when that is changed."""
    return f"{by}:{digest(user.password_hash)[:40]}"
