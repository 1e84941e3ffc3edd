"""Idempotency keys: a POST that is sent twice is done once and answered twice, for 24 hours.

The answer is stored after the work is committed. In between a process can die, and so the transaction
of the work itself notes, with its first verb, that the key is used up: what was done is not done again.
"""

from contextvars import ContextVar
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
# Instead of a status: the work is committed, and its answer is not stored, or not yet.
_DONE = 0
# The digest of the key under which this request works, seen by all threads that work for it.
working_under: ContextVar[str | None] = ContextVar("working_under", default=None)


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


class AnswerLost(DomainError):
    """The first request was carried out, and what it was answered died with its process."""

    kind = Kind.CONFLICT
    code = "answer_lost"
    message = N_("This request was carried out already, but its answer was lost. Please look whether all is there.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered the first time."""

    status: int
    headers: str
    body: str


def claim(session: Session, digest: str, body_hash: str, now: datetime) -> Answer | None:
    """Take a key for a new request, or give the answer of the first. Raises KeyReused, StillRunning, AnswerLost."""
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
    if row.status:
        return Answer(row.status, row.headers, row.body)
    if now - row.created_at < _ABANDONED:
        raise StillRunning
    if row.status == _DONE:
        raise AnswerLost
    connection.execute(update(IdempotencyKey).where(col(IdempotencyKey.digest) == digest).values(created_at=now))
    return None


def use_up(session: Session) -> None:
    """Note in the transaction of the work that its key, if it has one, is not to be worked under again."""
    digest = working_under.get()
    if digest is not None:
        session.connection().execute(
            update(IdempotencyKey)
            .where(col(IdempotencyKey.digest) == digest, col(IdempotencyKey.status).is_(None))
            .values(status=_DONE)
        )


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
    unused = delete(IdempotencyKey).where(col(IdempotencyKey.digest) == digest, col(IdempotencyKey.status).is_(None))
    session.connection().execute(unused)
