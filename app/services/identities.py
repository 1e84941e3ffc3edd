"""Identity: which account a subject of an OpenID provider belongs to.

An account is never made here, and never found by what the provider calls a person: a claim can be
changed by whoever holds the identity. A subject is linked by the system administrator, or by a person
who holds both ends: the identity at the provider, and the password or a printed code of an account that
the administrator has opened for linking. From then on the subject alone counts.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from app.adapters.provider import Claims
from app.clock import date_of
from app.errors import DomainError, Kind
from app.messages import N_
from app.models import Identity, User, UserKind
from app.models.base import utc_now
from app.permissions import Actor, P
from app.services import actors, events, users
from app.services.administrators import NotAPerson
from app.settings import Settings
from app.vault import digest

PERMIT_DAYS = 7


class NoProvider(DomainError):
    """Signing in at a provider where none is set."""

    kind = Kind.NOT_FOUND
    code = "no_provider"
    message = N_("Signing in elsewhere is not set up here.")


class IdentityTaken(DomainError):
    """One subject for two accounts."""

    kind = Kind.CONFLICT
    code = "identity_taken"
    message = N_("This identity is linked to another account.")


class IdentityStands(DomainError):
    """A second identity beside the one that is linked."""

    kind = Kind.CONFLICT
    code = "identity_stands"
    message = N_("The account is linked already. Take the link away first.")


class NoIdentity(DomainError):
    """Nothing to take away."""

    kind = Kind.CONFLICT
    code = "no_identity"
    message = N_("The account is not linked.")


def subject_hash(issuer: str, subject: str) -> str:
    """What is kept of a subject. A subject means something only together with who gave it."""
    return digest(f"{issuer}\n{subject}")


def account_of(session: Session, claims: Claims, address: str, now: datetime) -> tuple[Actor, User] | None:
    """The open account that is linked to who signed in at the provider."""
    user_id = session.scalar(
        select(col(Identity.user_id)).where(
            col(Identity.issuer) == claims.issuer,
            col(Identity.subject_hash) == subject_hash(claims.issuer, claims.subject),
        )
    )
    user = session.get(User, user_id) if user_id is not None else None
    actor = actors.load(session, user.key, date_of(now), address=address) if user is not None else None
    return (actor, user) if actor is not None and user is not None else None


def is_linked(session: Session, user_id: int) -> bool:
    """Whether an account signs in at a provider."""
    return session.scalar(select(col(Identity.id)).where(col(Identity.user_id) == user_id)) is not None


def link(
    session: Session, settings: Settings, actor: Actor, user_id: int, version: int, subject: str, *, now: datetime
) -> User:
    """Link a subject of the provider to an account.

    Raises NotFound, Forbidden, StaleVersion, NoProvider, NotAPerson, IdentityStands or IdentityTaken.
    """
    user = _person(session, settings, actor, user_id, version)
    marked = subject_hash(settings.oidc_issuer, subject)
    taken = select(col(Identity.id)).where(
        col(Identity.issuer) == settings.oidc_issuer, col(Identity.subject_hash) == marked
    )
    if session.scalar(taken) is not None:
        raise IdentityTaken(field="subject")
    attach(session, user, settings.oidc_issuer, marked)
    events.record(session, actor, "user.link_identity", user, details={"by": "administrator"}, now=now)
    return user


def permit(session: Session, settings: Settings, actor: Actor, user_id: int, version: int, *, now: datetime) -> User:
    """Open an account for linking by its person, for a week. Raises as ``link``."""
    user = _person(session, settings, actor, user_id, version)
    user.link_until = now + timedelta(days=PERMIT_DAYS)
    events.record(session, actor, "user.permit_link", user, now=now)
    return user


def unlink(session: Session, actor: Actor, user_id: int, version: int, *, reason: str, now: datetime) -> User:
    """Take the link away. Raises NotFound, Forbidden, StaleVersion or NoIdentity."""
    user = users.locked(session, actor, user_id, version, P.USER_MANAGE)
    row = session.scalars(select(Identity).where(col(Identity.user_id) == user.id)).one_or_none()
    if row is None:
        raise NoIdentity
    session.delete(row)
    session.flush()
    user.link_until = None
    user.updated_at = utc_now()
    events.record(session, actor, "user.unlink_identity", user, reason=reason, now=now)
    return user


def _person(session: Session, settings: Settings, actor: Actor, user_id: int, version: int) -> User:
    user = users.locked(session, actor, user_id, version, P.USER_MANAGE)
    if not settings.oidc_issuer:
        raise NoProvider
    if user.kind is not UserKind.PERSON:
        raise NotAPerson
    if is_linked(session, user.key):
        raise IdentityStands
    return user


def attach(session: Session, user: User, issuer: str, marked: str) -> None:
    """Link a subject to an account that the caller holds, and records."""
    session.add(Identity(user_id=user.key, issuer=issuer, subject_hash=marked))
    user.link_until = None
    # What is said of the account has changed with the link, so its version does too.
    user.updated_at = utc_now()
    session.flush()
