"""Idempotency keys: a POST that is sent twice is done once and answered twice, for 24 hours."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from app.errors import DomainError, Kind
from app.messages import N_
from app.models import IdempotencyKey

_KEPT = timedelta(hours=24)
# A claim whose process was killed must not block its key for a day.
_ABANDONED = timedelta(minutes=2)


class KeyReused(DomainError):
    """The same key with another body."""

    kind = Kind.INVALID
    code = "idempotency_key_reused"
    message = N_("This Idempotency-Key was used with another request body.")


class StillRunning(DomainError):
    """The first request with this key has not been answered yet."""

    kind = Kind.CONFLICT
    code = "still_running"
    message = N_("The same request is still being processed. Please wait a moment.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered the first time."""

    status: int
    headers: str
    body: str


def claim(session: Session, digest: str, body_hash: str, now: datetime) -> Answer | None:
    """Take a key for a new request, or give the answer of the first. Raises KeyReused, StillRunning."""
    connection = session.connection()
    connection.execute(delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < now - _KEPT))
    row = connection.execute(
        select(
            col(IdempotencyKey.body_hash),
            col(IdempotencyKey.status),
            col(IdempotencyKey.headers),
            col(IdempotencyKey.body),
            col(IdempotencyKey.created_at),
        ).where(col(IdempotencyKey.digest) == digest)
    ).first()
    if row is None:
        try:
            connection.execute(insert(IdempotencyKey).values(digest=digest, body_hash=body_hash, created_at=now))
        except IntegrityError as error:
            raise StillRunning from error
        return None
    if row.body_hash != body_hash:
        raise KeyReused
    if row.status is not None:
        return Answer(row.status, row.headers, row.body)
    if now - row.created_at < _ABANDONED:
        raise StillRunning
    connection.execute(update(IdempotencyKey).where(col(IdempotencyKey.digest) == digest).values(created_at=now))
    return None


def keep(session: Session, digest: str, answer: Answer) -> None:
    """Store the answer of the request that claimed the key."""
    session.connection().execute(
        update(IdempotencyKey)
        .where(col(IdempotencyKey.digest) == digest)
        .values(status=answer.status, headers=answer.headers, body=answer.body)
    )


def sweep(session: Session, now: datetime, at_once: int) -> int:
    """Remove at most so many keys whose day is over; returns how many."""
    over = select(col(IdempotencyKey.id)).where(col(IdempotencyKey.created_at) < now - _KEPT).limit(at_once)
    return session.connection().execute(delete(IdempotencyKey).where(col(IdempotencyKey.id).in_(over))).rowcount


def release(session: Session, digest: str) -> None:
    """Give the key back after a request that changed nothing, so that it can be tried again."""
    session.connection().execute(delete(IdempotencyKey).where(col(IdempotencyKey.digest) == digest))
