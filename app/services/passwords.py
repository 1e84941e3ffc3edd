"""Password: choosing one's own, by the present one or by a printed one-time code.

Hashing takes 0.15 s and therefore stands outside every transaction: a caller first counts the try,
then prepares the hash, then stores it, and what was checked is compared again under the row's lock.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import select
from sqlmodel import Session, col

from app.clock import date_of
from app.errors import DomainError, Kind
from app.messages import N_
from app.models import ResetCode, Unit, User, UserKind
from app.permissions import Actor, P
from app.rules import one_time_codes
from app.rules import passwords as rules
from app.services import actors, events, places, sessions, throttles, users
from app.services.administrators import NotAPerson
from app.services.sessions import Candidate
from app.settings import Settings
from app.vault import digest

_COMMON = Path(__file__).resolve().parent.parent / "data" / "common_passwords.txt"
CODE_HOURS = 24


class PresentPasswordWrong(DomainError):
    """Changing a password without knowing it."""

    code = "present_password_wrong"
    message = N_("This is not the present password.")


class ResetRefused(DomainError):
    """Wrong login, wrong, used or old code, closed account: one sentence, so that nobody learns which."""

    code = "reset_refused"
    message = N_("The account or the code is not right, or the code has been used or is older than 24 hours.")


class NoPassword(DomainError):
    """A token of a service account has no password to change."""

    kind = Kind.CONFLICT
    code = "no_password"
    message = N_("This account does not sign in with a password.")


@dataclass(frozen=True, slots=True)
class Issued:
    """A one-time code; ``code`` is for the paper and is kept nowhere else."""

    user_id: int
    login: str
    name: str
    unit_name: str | None
    code: str
    expires_at: datetime


@cache
def common() -> frozenset[str]:
    """Passwords that are tried first, in lower case."""
    return frozenset(_COMMON.read_text(encoding="utf-8").split())


def prepare(settings: Settings, login: str, new_password: str) -> str:
    """The hash of a password that keeps the policy; raises its refusals. No transaction may be open."""
    rules.check(new_password, login, settings.password_min_length, common())
    return sessions.hash_password(new_password)


# --- by the present password ---


def attempt_change(session: Session, settings: Settings, actor: Actor, now: datetime) -> tuple[str, Candidate]:
    """Count a try at the actor's present password; gives login and hash. Raises SignInThrottled, NoPassword."""
    user = session.get(User, actor.user_id) if actor.user_id is not None else None
    if user is None or user.kind is not UserKind.PERSON or not user.password_hash:
        raise NoPassword
    throttles.count(session, settings, user.login, actor.address, now)
    return user.login, Candidate(user.key, user.password_hash)


def attempt_own(session: Session, settings: Settings, actor: Actor, now: datetime) -> tuple[str, Candidate]:
    """Count a try at showing that it is oneself; gives login and hash, an empty one where there is no password.

    Without a password, because one signs in at a provider, a sign-in of the last minutes has to do. Raises
    SignInThrottled, NotAPerson or SignInAgain.
    """
    user = session.get(User, actor.user_id) if actor.user_id is not None else None
    if user is None or user.kind is not UserKind.PERSON:
        raise NotAPerson
    throttles.count(session, settings, user.login, actor.address, now)
    if not user.password_hash and not sessions.is_fresh(session, actor, now):
        raise sessions.SignInAgain
    return user.login, Candidate(user.key, user.password_hash)


def refuse_changed(session: Session, checked: Candidate) -> User:
    """The account whose present password was right, held; raises PresentPasswordWrong where it was changed since."""
    user = session.get_one(User, checked.user_id, with_for_update=True)
    if user.password_hash != checked.password_hash:
        raise PresentPasswordWrong(field="password")
    return user


def check_change(candidate: Candidate, present: str, new: str) -> None:
    """Raise PresentPasswordWrong or PasswordUnchanged. No transaction may be open."""
    if not sessions.password_matches(present, candidate.password_hash):
        raise PresentPasswordWrong(field="password")
    if present == new:
        raise rules.PasswordUnchanged


def change(session: Session, actor: Actor, checked: Candidate, password_hash: str, *, now: datetime) -> None:
    """Store one's own new password; every other session of the account ends."""
    user = refuse_changed(session, checked)
    throttles.forgive(session, user.login, actor.address)
    _store(session, user, password_hash, now, but=actor.session_id)
    events.record(session, actor, "user.change_password", user, now=now)


def _store(session: Session, user: User, password_hash: str, now: datetime, *, but: int | None) -> None:
    user.password_hash = password_hash
    user.must_change_password = False
    user.password_changed_at = now
    session.flush()
    users.void_codes(session, user.key, now)
    sessions.revoke_all(session, user.key, now, but=but)


# --- by a printed code ---


def issue_code(session: Session, actor: Actor, user_id: int, *, now: datetime) -> Issued:
    """Print a one-time code for a person who has no or has forgotten the password; older codes end.

    It is valid for 24 hours, once. The password that the account has stays until the code is used.
    Raises NotFound, Forbidden, NotAPerson or AccountClosed.
    """
    user = users.locked(session, actor, user_id, None, P.USER_MANAGE)
    if user.kind is not UserKind.PERSON:
        raise NotAPerson
    if not user.active:
        raise users.AccountClosed
    users.void_codes(session, user.key, now)
    code = new_code(session, user.key, now)
    events.record(session, actor, "user.issue_reset_code", user, now=now)
    unit_name = session.scalar(select(col(Unit.name)).where(col(Unit.id) == user.unit_id))
    return Issued(user.key, user.login, user.name, unit_name, code, now + timedelta(hours=CODE_HOURS))


def new_code(session: Session, user_id: int, now: datetime) -> str:
    """A code for an account, of which only the digest is stored; the caller records why."""
    code = one_time_codes.new_printed()
    expires_at = now + timedelta(hours=CODE_HOURS)
    session.add(ResetCode(user_id=user_id, code_hash=digest(one_time_codes.typed(code)), expires_at=expires_at))
    return code


def redeem(
    session: Session,
    settings: Settings,
    checked: Candidate,
    code: str,
    password_hash: str,
    *,
    unchanged: bool,
    login: str,
    actor: Actor,
    now: datetime,
) -> bool:
    """Store a new password for whoever holds a valid code; every session of the account ends.

    False where the code does not open the account, which the caller refuses in one sentence.
    ``unchanged`` says whether the new password is the present one; it is only told to somebody with
    the right code. ``actor`` gives the address. Raises PasswordUnchanged, and AddressNotAllowed for an
    administrator elsewhere.
    """
    row = session.scalars(
        select(ResetCode)
        .where(
            col(ResetCode.code_hash) == digest(one_time_codes.typed(code)),
            col(ResetCode.user_id) == (checked.user_id or 0),
        )
        .with_for_update()
    ).one_or_none()
    if row is None or row.used_at is not None or row.expires_at <= now:
        return False
    person = actors.load(
        session, row.user_id, date_of(now), address=actor.address, request_id=actor.request_id, channel=actor.channel
    )
    if person is None:
        return False
    places.refuse_elsewhere(settings, person)
    if unchanged:
        raise rules.PasswordUnchanged
    row.used_at = now
    throttles.forgive(session, login, actor.address)
    user = session.get_one(User, row.user_id, with_for_update=True)
    _store(session, user, password_hash, now, but=None)
    events.record(session, person, "user.reset_password", user, now=now)
    return True
