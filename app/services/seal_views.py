"""What people see of seals: the list, the head and what is not sealed yet, the last verification, asking for one."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.errors import DomainError, Forbidden, Kind
from app.messages import N_
from app.models import Event, Job, JobState, Programme, Seal
from app.permissions import Actor, Permission, can
from app.rules import seals as rules
from app.rules.seals import Head
from app.services import event_rows, events, jobs, paging, seals
from app.services.paging import Slice, Sort
from app.settings import Settings

P = Permission
VERIFY = "events.verify"
# Beyond this number the tail is not counted: "1,000+".
COUNTED = 1001
NEWEST = Sort("newest", (col(Seal.ordinal),), descending=True)
_COLUMNS: tuple[Any, ...] = (
    col(Seal.ordinal),
    col(Seal.count),
    col(Seal.events),
    col(Seal.first_id),
    col(Seal.last_id),
    col(Seal.sealed_at),
    col(Seal.key_id),
    col(Seal.hash),
    (func.length(col(Seal.foreign_ids)) / 8).label("foreign"),
)


class VerificationRuns(DomainError):
    """Somebody has asked for one that has not ended."""

    kind = Kind.CONFLICT
    code = "verification_runs"
    message = N_("The log is being verified already. The result will stand on the page of the seals.")


@dataclass(frozen=True, slots=True)
class SealView:
    """One seal of the list."""

    ordinal: int
    count: int
    events: int
    first_id: int
    last_id: int
    foreign: int
    sealed_at: datetime
    key_id: str
    hash: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The newest result in the log: the entry, when it was written, and what it says."""

    event_id: int
    at: datetime
    whole: bool
    result: dict[str, Any]


def page(session: Session, actor: Actor, *, limit: int, cursor: str | None) -> Slice:
    """One page of SealView, the newest first. Raises Forbidden."""
    _refuse(actor, P.SEAL_READ)
    statement: Any = select(*_COLUMNS)
    found = paging.fetch(session, statement, NEWEST, limit=limit, cursor=cursor, filters={})
    return Slice([_view(row) for row in found.rows], found.next_cursor)


def _view(row: Any) -> SealView:
    return SealView(
        ordinal=row.ordinal,
        count=row.count,
        events=row.events,
        first_id=row.first_id,
        last_id=row.last_id,
        foreign=int(row.foreign),
        sealed_at=row.sealed_at,
        key_id=row.key_id,
        hash=row.hash.hex(),
        fingerprint=rules.fingerprint(row.hash),
    )


def head(session: Session, actor: Actor, settings: Settings) -> Head:
    """The signed head. Raises Forbidden or NothingSealed."""
    _refuse(actor, P.SEAL_READ)
    return seals.newest_head(session, settings)


def head_with_tail(session: Session, actor: Actor, settings: Settings) -> dict[str, Any]:
    """The head as ``HeadPublic``. Raises Forbidden or NothingSealed."""
    return {**asdict(head(session, actor, settings)), "unsealed": unsealed(session)}


def unsealed(session: Session) -> int | None:
    """How many entries stand behind the newest seal, counted up to ``COUNTED``; None right after a restore."""
    last = seals.newest(session)
    place: event_rows.Position | None = event_rows.BEGINNING
    if last is not None:
        place = event_rows.sealed_to(session, last.last_id, last.last_transaction, last.highest_id)
    return None if place is None else event_rows.count_behind(session, place, COUNTED)


def key(session: Session, actor: Actor, settings: Settings) -> dict[str, str]:
    """The public key as ``KeyPublic``. Raises Forbidden."""
    _refuse(actor, P.SEAL_READ)
    present = seals.key_of(settings, session.info["vault"])
    return {"key_id": present.id, "public_key": present.public_text}


def verification(session: Session, actor: Actor) -> Verification | None:
    """The newest result, or None where nobody has asked for one yet. Raises Forbidden."""
    _refuse(actor, P.SEAL_READ)
    return last_verification(session)


def last_verification(session: Session) -> Verification | None:
    """The same for the product itself, which has to know how old it is."""
    statement: Any = (
        select(Event.id, Event.at, Event.after)
        .where(col(Event.subject_type) == "seal", col(Event.subject_id).is_(None), col(Event.verb) == "seal.verify")
        .order_by(col(Event.id).desc())
        .limit(1)
    )
    row = session.connection().execute(statement).first()
    if row is None or not isinstance(row.after, dict):
        return None
    return Verification(row.id, row.at, bool(row.after.get("whole")), row.after)


def exportable(session: Session, actor: Actor) -> list[tuple[int, str]]:
    """The programmes whose part of the log ``actor`` may export, as (id, title)."""
    among = col(Programme.id).in_(actor.programmes_with(P.SEAL_EXPORT))
    statement: Any = select(Programme.id, Programme.title).where(among).order_by(col(Programme.id))
    return [(row.id, row.title) for row in session.connection().execute(statement)]


def running(session: Session) -> Job | None:
    """The verification that waits or runs."""
    open_states = col(Job.state).in_([JobState.QUEUED, JobState.RUNNING])
    return session.exec(select(Job).where(col(Job.kind) == VERIFY, open_states).limit(1)).first()


def ask(session: Session, actor: Actor, *, now: datetime) -> int:
    """Put a verification of the whole log into the queue; returns the job. Raises Forbidden or VerificationRuns."""
    _refuse(actor, P.SEAL_VERIFY)
    if running(session) is not None:
        raise VerificationRuns
    job_id = jobs.enqueue(session, VERIFY, {}, now=now, actor_id=actor.user_id)
    events.record(session, actor, "seal.ask_verification", now=now)
    return int(job_id or 0)


def _refuse(actor: Actor, permission: Permission) -> None:
    if not can(actor, permission):
        raise Forbidden
