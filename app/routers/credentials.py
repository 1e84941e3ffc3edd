"""Checking a secret: the steps that pages and the API share, hashing outside every transaction.

Each counts the try first, in a transaction of its own, so that a refusal does not take the count back.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from fastapi import Request
from sqlmodel import Session

from app import clock
from app.permissions import Actor
from app.routers.dependencies import address_of, database, settings
from app.schemas.second_factor import Code, FullProof, Proof
from app.schemas.session import SignIn
from app.schemas.user import PasswordChange, ResetRedeem
from app.services import passwords, places, second_factors, sessions, sign_ins, throttles
from app.services.second_factors import Enrolment
from app.services.sessions import Candidate, Opened
from app.services.sign_ins import Pending

R = TypeVar("R")


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


def sign_in(request: Request, given: SignIn, now: datetime) -> Opened | Pending:
    """The first step; raises SignInRefused, SignInThrottled or AddressNotAllowed."""
    store, address = database(request), address_of(request)
    with store.transaction() as session:
        candidate = sessions.attempt(session, settings(request), given.login, address, now)
    done: Opened | Pending | None = None
    right = sessions.password_matches(given.password, candidate.password_hash)
    with noting_elsewhere(request, given.login), store.transaction() as session:
        standing = sessions.standing(session, candidate, address, now) if right else None
        if standing is None:
            sessions.note_failure(session, nobody(request), given.login)
        else:
            browser = request.headers.get("user-agent", "")
            done = sign_ins.after_first_step(session, settings(request), *standing, browser=browser, now=now)
    if done is None:
        raise sessions.SignInRefused
    return done


def prove(request: Request, token: str, given: Code, now: datetime) -> Opened:
    """The second step; raises SignInOver, SignInThrottled, CodeRefused or AddressNotAllowed."""
    store, address = database(request), address_of(request)
    with store.transaction() as session:
        half = sign_ins.attempt(session, settings(request), token, address, now)
    browser = request.headers.get("user-agent", "")
    with noting_elsewhere(request, half.login), store.transaction() as session:
        opened = sign_ins.prove(session, settings(request), half, given.code, address=address, browser=browser, now=now)
        if opened is None:
            sessions.note_failure(session, nobody(request), half.login, second_factors.CodeRefused.code)
    if opened is None:
        raise second_factors.CodeRefused(field="code")
    return opened


def begin_second_factor(request: Request, actor: Actor, given: Proof, now: datetime) -> Enrolment:
    """A fresh secret, for whoever knows the password; raises what the throttle and the factor refuse."""
    login, candidate = _own_password(request, actor, given.password, now)
    with database(request).transaction() as session:
        passwords.refuse_changed(session, candidate)
        throttles.forgive(session, login, actor.address)
        return second_factors.begin(session, settings(request), actor, now)


def renew_codes(request: Request, actor: Actor, given: FullProof, now: datetime) -> list[str]:
    """New recovery codes, for password and code; raises what the throttle, the password and the code refuse."""
    return _with_both(
        request, actor, given, now, lambda session: second_factors.renew_codes(session, actor, given.code, now=now)
    )


def remove_second_factor(request: Request, actor: Actor, given: FullProof, now: datetime) -> None:
    """Take one's own factor away, for password and code; raises what throttle, password and code refuse."""
    _with_both(request, actor, given, now, lambda session: second_factors.remove(session, actor, given.code, now=now))


def _own_password(request: Request, actor: Actor, password: str | None, now: datetime) -> tuple[str, Candidate]:
    with database(request).transaction() as session:
        login, candidate = passwords.attempt_own(session, settings(request), actor, now)
    if candidate.password_hash and not sessions.password_matches(password or "", candidate.password_hash):
        raise passwords.PresentPasswordWrong(field="password")
    return login, candidate


def _with_both(request: Request, actor: Actor, given: FullProof, now: datetime, do: Callable[[Session], R | None]) -> R:
    """Do what takes password and code; a wrong code stays counted as a try."""
    login, candidate = _own_password(request, actor, given.password, now)
    with database(request).transaction() as session:
        passwords.refuse_changed(session, candidate)
        done = do(session)
        if done:
            throttles.forgive(session, login, actor.address)
        else:
            sessions.note_failure(session, actor, login, second_factors.CodeRefused.code)
    if not done:
        raise second_factors.CodeRefused(field="code")
    return done


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
