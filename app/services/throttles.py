"""Throttle: how often one account or one address may be tried, counted for all processes together.

A try is counted before the secret is checked and given back when it was right. Counting afterwards
would let a burst of requests be checked before the first of them is counted.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from app.errors import DomainError, Kind
from app.messages import N_
from app.models import Throttle
from app.settings import Settings
from app.vault import digest

_ADDRESS_FACTOR = 10
# Longer than any wait that the settings allow.
_KEPT = timedelta(days=2)


class SignInThrottled(DomainError):
    """Too many failed tries for the account or from the address."""

    kind = Kind.THROTTLED
    code = "sign_in_throttled"
    message = N_("Too many tries. Please wait %(minutes)s minutes and try again.")


def count(session: Session, settings: Settings, login: str, address: str, now: datetime) -> None:
    """Count one try against the account and the address; raises SignInThrottled while either waits."""
    wait = timedelta(minutes=settings.sign_in_wait_minutes)
    # Always in the same order, so that two tries never wait for each other's rows.
    limits = zip(keys(login, address), (settings.sign_in_tries, settings.sign_in_tries * _ADDRESS_FACTOR), strict=True)
    for key, tries in sorted(limits):
        _refuse_waiting(session, key, now)
        failures = _add(session, key, tries, now, wait)
        if failures > tries:
            raise SignInThrottled(minutes=settings.sign_in_wait_minutes)


def forgive(session: Session, login: str, address: str) -> None:
    """The secret was right: forget the account's tries, and give this one back to the address."""
    account, place = keys(login, address)
    connection = session.connection()
    connection.execute(delete(Throttle).where(col(Throttle.key) == account))
    connection.execute(
        update(Throttle)
        .where(col(Throttle.key) == place, col(Throttle.failures) > 0)
        .values(failures=col(Throttle.failures) - 1, blocked_until=None)
    )


def sweep(session: Session, now: datetime, at_once: int) -> int:
    """Remove at most so many counts that no longer make anybody wait; returns how many."""
    over = select(col(Throttle.key)).where(
        col(Throttle.first_at) < now - _KEPT,
        or_(col(Throttle.blocked_until).is_(None), col(Throttle.blocked_until) < now),
    )
    return session.connection().execute(delete(Throttle).where(col(Throttle.key).in_(over.limit(at_once)))).rowcount


def give_back(session: Session, login: str, address: str) -> None:
    """Take back one try that was right and yet not the last step: it neither forgives nor counts."""
    session.connection().execute(
        update(Throttle)
        .where(col(Throttle.key).in_(keys(login, address)), col(Throttle.failures) > 0)
        .values(failures=col(Throttle.failures) - 1, blocked_until=None)
    )


def keys(login: str, address: str) -> tuple[str, str]:
    """Under what the tries are counted: the account, without its name in clear, and the address."""
    return (f"login:{digest(login.lower())[:32]}", f"address:{address[:45]}")


def _refuse_waiting(session: Session, key: str, now: datetime) -> None:
    until = session.connection().scalar(select(col(Throttle.blocked_until)).where(col(Throttle.key) == key))
    if until is not None and until > now:
        raise SignInThrottled(minutes=max(1, round((until - now).total_seconds() / 60)))


def _add(session: Session, key: str, tries: int, now: datetime, wait: timedelta) -> int:
    """One more try under ``key``, in one statement that two processes may run at once."""
    connection = session.connection()
    insert: Any = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    over = col(Throttle.first_at) < now - wait
    failures = case((over, 1), else_=col(Throttle.failures) + 1)
    statement = insert(Throttle).values(key=key, failures=1, first_at=now)
    statement = statement.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "failures": failures,
            "first_at": case((over, now), else_=col(Throttle.first_at)),
            "blocked_until": case((failures >= tries, now + wait), else_=None),
        },
    ).returning(col(Throttle.failures))
    return int(connection.scalar(statement) or 0)
