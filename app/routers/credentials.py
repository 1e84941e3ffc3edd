"""Checking a secret: the steps that pages and the API share, hashing outside every transaction.

Each counts the try first, in a transaction of its own, so that a refusal does not take the count back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from fastapi import Request

from app import clock
from app.permissions import Actor
from app.routers.dependencies import address_of, database, settings
from app.schemas.session import SignIn
from app.schemas.user import PasswordChange, ResetRedeem
from app.services import passwords, places, sessions
from app.services.sessions import Opened


def nobody(request: Request, channel: str = "web") -> Actor:
    """Whoever asks before anybody is known; events carry the address."""
    return Actor(
        None,
        "",
        clock.date_of(clock.now()),
        channel=channel,
        address=address_of(request),
        request_id=request.state.request_id,
    )


def sign_in(request: Request, given: SignIn, now: datetime) -> Opened:
    """Open a session; raises SignInRefused or SignInThrottled."""
    store, address = database(request), address_of(request)
    with store.transaction() as session:
        candidate = sessions.attempt(session, settings(request), given.login, address, now)
    opened = None
    right = sessions.password_matches(given.password, candidate.password_hash)
    with noting_elsewhere(request, given.login), store.transaction() as session:
        if right:
            opened = sessions.open_session(
                session,
                settings(request),
                candidate,
                given.login,
                address=address,
                browser=request.headers.get("user-agent", ""),
                now=now,
            )
        if opened is None:
            sessions.note_failure(session, nobody(request), given.login)
    if opened is None:
        raise sessions.SignInRefused
    return opened


@contextmanager
def noting_elsewhere(request: Request, login: str, channel: str = "web") -> Iterator[None]:
    """Record that an administrator was refused for the address; what the block did is taken back by then."""
    try:
        yield
    except places.AddressNotAllowed as refusal:
        with database(request).transaction() as session:
            sessions.note_failure(session, nobody(request, channel), login, refusal.code)
        raise


def change_password(request: Request, actor: Actor, given: PasswordChange, now: datetime) -> None:
    """Choose another password by the present one; raises what the policy and the throttle refuse."""
    store = database(request)
    with store.transaction() as session:
        login, candidate = passwords.attempt_change(session, settings(request), actor, now)
    passwords.check_change(candidate, given.password, given.new_password)
    password_hash = passwords.prepare(settings(request), login, given.new_password)
    with store.transaction() as session:
        passwords.change(session, actor, candidate, password_hash, now=now)


def redeem(request: Request, given: ResetRedeem, now: datetime, channel: str = "web") -> None:
    """Choose a password by a printed code; raises ResetRefused, SignInThrottled or what the policy refuses."""
    store = database(request)
    # The policy says nothing about any account, so it comes first and costs no try.
    password_hash = passwords.prepare(settings(request), given.login, given.new_password)
    with store.transaction() as session:
        candidate = sessions.attempt(session, settings(request), given.login, address_of(request), now)
    unchanged = sessions.password_matches(given.new_password, candidate.password_hash)
    actor = nobody(request, channel)
    with noting_elsewhere(request, given.login, channel), store.transaction() as session:
        stored = passwords.redeem(
            session,
            settings(request),
            candidate,
            given.code,
            password_hash,
            unchanged=unchanged,
            login=given.login,
            actor=actor,
            now=now,
        )
        if not stored:
            sessions.note_failure(session, actor, given.login)
    if not stored:
        raise passwords.ResetRefused
