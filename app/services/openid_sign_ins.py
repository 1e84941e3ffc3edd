"""Signing in at an OpenID provider: the way there and back, and a person who links their own account.

The browser takes along a state and keeps a cookie; both have to come back together, once, within
minutes. Otherwise somebody could sign another person's browser in as themselves, or hand in a code that
was given elsewhere.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlmodel import Session, col

from app.adapters.provider import Claims
from app.clock import date_of
from app.errors import DomainError, Kind
from app.messages import N_
from app.models import PendingLink, ResetCode, SignInFlow, User, UserKind
from app.permissions import Actor
from app.rules import one_time_codes
from app.services import actors, events, identities, throttles
from app.services.sessions import Candidate
from app.settings import Settings
from app.vault import Vault, digest

FLOW_MINUTES = 10
LINK_MINUTES = 10
_FLOWS_OF_AN_ADDRESS = 200


class ProviderDown(DomainError):
    """The provider does not answer; passwords do."""

    kind = Kind.UNAVAILABLE
    code = "provider_down"
    message = N_("%(name)s cannot be reached at the moment. Please sign in with your password, or try again later.")


class FlowOver(DomainError):
    """A return without a departure, from another browser, twice, or too late."""

    kind = Kind.UNAUTHENTICATED
    code = "flow_over"
    message = N_("This sign-in was not begun here, or it took too long. Please begin again.")


class NotCompleted(DomainError):
    """The person, or the provider, has broken it off."""

    kind = Kind.UNAUTHENTICATED
    code = "not_completed"
    message = N_("Signing in at %(name)s was not completed. Please begin again.")


class ProofRefused(DomainError):
    """What came back does not prove who signed in."""

    kind = Kind.UNAUTHENTICATED
    code = "proof_refused"
    message = N_("The answer of %(name)s could not be confirmed. Please begin again.")


class NoAccount(DomainError):
    """Somebody whom the provider knows and this place does not; or a closed account. One sentence for all."""

    kind = Kind.UNAUTHENTICATED
    code = "no_account"
    message = N_("No open account here belongs to this sign-in. The system administrator can link yours.")


class LinkRefused(DomainError):
    """Neither the password nor a printed code of the account."""

    code = "link_refused"
    message = N_("This is neither the password nor a valid one-time code of the account.")


@dataclass(frozen=True, slots=True)
class Departure:
    """A browser on its way to the provider; ``browser`` is for its cookie, the rest for the address."""

    state: str
    browser: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Return:
    """What was kept of a departure."""

    nonce: str
    verifier: str
    target: str


@dataclass(frozen=True, slots=True)
class Asking:
    """A subject that asks for an account, as the form finds it."""

    pending_id: int
    user_id: int
    login: str
    issuer: str
    subject_hash: str


# --- there and back ---


def depart(session: Session, address: str, target: str, now: datetime) -> Departure:
    """Note a departure. Raises SignInThrottled for an address with very many that have not come back."""
    waiting = select(func.count(col(SignInFlow.id))).where(
        col(SignInFlow.address) == address[:45], col(SignInFlow.expires_at) > now
    )
    if (session.connection().scalar(waiting) or 0) >= _FLOWS_OF_AN_ADDRESS:
        raise throttles.SignInThrottled(minutes=FLOW_MINUTES)
    made = Departure(*(secrets.token_urlsafe(32) for _ in range(4)))
    vault: Vault = session.info["vault"]
    session.add(
        SignInFlow(
            state_hash=digest(made.state),
            browser_hash=digest(made.browser),
            nonce=made.nonce,
            locked_verifier=vault.lock(made.verifier, _flow_of(made.state)),
            target=target[:2000],
            address=address[:45],
            created_at=now,
            expires_at=now + timedelta(minutes=FLOW_MINUTES),
        )
    )
    return made


def come_back(session: Session, state: str, browser: str, now: datetime) -> Return | None:
    """Take the departure of this state and browser, once; None where there is none."""
    row = session.scalars(
        select(SignInFlow)
        .where(
            col(SignInFlow.state_hash) == digest(state),
            col(SignInFlow.browser_hash) == digest(browser),
            col(SignInFlow.expires_at) > now,
        )
        .with_for_update()
    ).one_or_none()
    if row is None:
        return None
    taken = session.connection().execute(delete(SignInFlow).where(col(SignInFlow.id) == row.id))
    vault: Vault = session.info["vault"]
    verifier = vault.unlock(row.locked_verifier, _flow_of(state))
    return Return(row.nonce, verifier, row.target) if taken.rowcount == 1 and verifier else None


# --- linking by the person ---


def ask(session: Session, claims: Claims, now: datetime) -> str | None:
    """Let a subject ask for the account of its login, where that was opened for linking; gives a cookie."""
    if not claims.login:
        return None
    user = session.scalars(
        select(User).where(
            col(User.login) == claims.login.lower(),
            col(User.kind) == UserKind.PERSON,
            col(User.link_until) > now,
        )
    ).one_or_none()
    if user is None or identities.is_linked(session, user.key):
        return None
    token = secrets.token_urlsafe(32)
    session.add(
        PendingLink(
            token_hash=digest(token),
            user_id=user.key,
            issuer=claims.issuer,
            subject_hash=identities.subject_hash(claims.issuer, claims.subject),
            created_at=now,
            expires_at=now + timedelta(minutes=LINK_MINUTES),
        )
    )
    return token


def asking(session: Session, token: str, now: datetime) -> Asking | None:
    """The asking of a cookie, while it lasts."""
    row = (
        session.connection()
        .execute(
            select(
                col(PendingLink.id),
                col(PendingLink.user_id),
                col(User.login),
                col(PendingLink.issuer),
                col(PendingLink.subject_hash),
            )
            .join(User, col(User.id) == col(PendingLink.user_id))
            .where(col(PendingLink.token_hash) == digest(token), col(PendingLink.expires_at) > now)
        )
        .first()
    )
    return Asking(row.id, row.user_id, row.login, row.issuer, row.subject_hash) if row else None


def attempt_link(
    session: Session, settings: Settings, token: str, address: str, now: datetime
) -> tuple[Asking, Candidate]:
    """Count a try at the account's secret. Raises FlowOver or SignInThrottled."""
    found = asking(session, token, now)
    if found is None:
        raise FlowOver
    throttles.count(session, settings, found.login, address, now)
    password_hash = session.connection().scalar(select(col(User.password_hash)).where(col(User.id) == found.user_id))
    return found, Candidate(found.user_id, password_hash or "")


def link_own(
    session: Session,
    found: Asking,
    checked: Candidate,
    secret: str,
    *,
    password_right: bool,
    address: str,
    now: datetime,
) -> tuple[Actor, User] | None:
    """Link the subject to the account whose password was right, or whose printed code this is; None otherwise."""
    user = session.get(User, found.user_id, with_for_update=True)
    actor = actors.load(session, found.user_id, date_of(now), address=address)
    if user is None or actor is None or user.link_until is None or user.link_until <= now:
        return None
    if identities.is_linked(session, user.key) or session.get(PendingLink, found.pending_id) is None:
        return None
    right = password_right and user.password_hash == checked.password_hash
    if not right and not _take_code(session, user.key, secret, now):
        return None
    identities.attach(session, user, found.issuer, found.subject_hash)
    session.connection().execute(delete(PendingLink).where(col(PendingLink.user_id) == user.key))
    throttles.forgive(session, user.login, address)
    events.record(session, actor, "user.link_identity", user, details={"by": "person"}, now=now)
    return actor, user


def sweep(session: Session, now: datetime, at_once: int) -> int:
    """Remove at most so many departures and askings that are over; returns how many."""
    removed = 0
    models: tuple[Any, ...] = (SignInFlow, PendingLink)
    for model in models:
        over = select(col(model.id)).where(col(model.expires_at) <= now).limit(at_once)
        removed = max(removed, session.connection().execute(delete(model).where(col(model.id).in_(over))).rowcount)
    return removed


def _take_code(session: Session, user_id: int, code: str, now: datetime) -> bool:
    row = session.scalars(
        select(ResetCode)
        .where(
            col(ResetCode.user_id) == user_id,
            col(ResetCode.code_hash) == digest(one_time_codes.typed(code)),
            col(ResetCode.used_at).is_(None),
            col(ResetCode.expires_at) > now,
        )
        .with_for_update()
    ).one_or_none()
    if row is None:
        return False
    row.used_at = now
    return True


def _flow_of(state: str) -> str:
    return f"sign_in_flows/{digest(state)}"
