"""What the log knows of backups and drills: written when they end, read by whoever watches over them.

The folder of the backups may be mounted on one machine only; the log can be read from each.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from app.errors import DomainError
from app.models import Event
from app.permissions import Actor
from app.services import events
from app.services.backups.outcomes import Made, Restored

BACKUP, DRILL = "store.backup", "store.drill"


@dataclass(frozen=True, slots=True)
class LastBackup:
    """The last backup that the log knows: its name, when it was made, and what is in it."""

    name: str
    at: datetime
    rows: int
    files: int
    missing: int
    size: int


@dataclass(frozen=True, slots=True)
class LastDrill:
    """The last drill that the log knows: which backup, when, and whether it came to a good end."""

    backup: str
    at: datetime
    passed: bool
    rows: int
    files: int
    seconds: int
    error: str


def note_backup(session: Session, actor: Actor, made: Made, *, now: datetime) -> None:
    """Record that a backup was made, and what is in it."""
    manifest = made.manifest
    details = {
        "rows": manifest.rows,
        "files": manifest.files,
        "copied": made.copied,
        "missing": manifest.missing,
        "size": manifest.size,
        "sums": manifest.sums,
    }
    events.record(session, actor, BACKUP, name=made.path.name, details=details, now=now)


def note_drill(session: Session, actor: Actor, backup: str, outcome: Restored | DomainError, *, now: datetime) -> None:
    """Record how a drill ended, with its figures or the code of what it found."""
    details: dict[str, Any]
    if isinstance(outcome, Restored):
        seconds = round(outcome.seconds)
        details = {"passed": True, "rows": outcome.manifest.rows, "files": outcome.files, "seconds": seconds}
    else:
        details = {"passed": False, "error": outcome.code}
    events.record(session, actor, DRILL, name=backup, details=details, now=now)


def last_backup(session: Session) -> LastBackup | None:
    """The last backup that was recorded; None where there was none."""
    event = _last(session, BACKUP)
    if event is None:
        return None
    rows, files, missing, size = _figures(event, "rows", "files", "missing", "size")
    return LastBackup(event.subject_name, event.at, rows, files, missing, size)


def last_drill(session: Session) -> LastDrill | None:
    """The last drill that was recorded, good or bad; None where there was none."""
    event = _last(session, DRILL)
    if event is None:
        return None
    after = event.after or {}
    rows, files, seconds = _figures(event, "rows", "files", "seconds")
    passed, error = bool(after.get("passed")), str(after.get("error", ""))
    return LastDrill(event.subject_name, event.at, passed, rows, files, seconds, error)


def _last(session: Session, verb: str) -> Event | None:
    statement = (
        select(Event)
        .where(col(Event.subject_type) == "store", col(Event.subject_id).is_(None), col(Event.verb) == verb)
        .order_by(col(Event.id).desc())
        .limit(1)
    )
    return session.exec(statement).first()


def _figures(event: Event, *names: str) -> tuple[int, ...]:
    return tuple(int((event.after or {}).get(name, 0)) for name in names)
