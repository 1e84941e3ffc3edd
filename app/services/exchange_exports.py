"""Making an exchange package of a programme: asked for in one transaction, written from one snapshot, kept.

What was sent of each row is written down only when the package is whole, and only where nothing was
taken in meanwhile; otherwise it is made again. So a package never says more than is remembered of it.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from app import revisions
from app.adapters.storage import Storage, trouble
from app.database import Database
from app.errors import DomainError, Forbidden, Kind
from app.messages import N_
from app.models import Direction, Event, ExchangePackage, ExchangeState, Installation, Programme
from app.papers.packages import FileChanged, PackageWriter
from app.permissions import Actor, P, can
from app.services import events, exchange_queue, programmes
from app.services import exchange_nouns as nouns
from app.services import exchange_states as states
from app.services.exchange_lines import Lines

_TRIES = 3
_CHUNK = 1024 * 1024


class ExportRunning(DomainError):
    """One package of a programme is made at a time."""

    kind = Kind.CONFLICT
    code = "export_running"
    message = N_("A package of this programme is being made already.")


class ExchangeOvertaken(DomainError):
    """Something was taken into the programme while the package was being made."""

    kind = Kind.CONFLICT
    code = "exchange_overtaken"
    message = N_("The programme was exchanged meanwhile. Please make the package again.")


class StoredFileChanged(DomainError):
    """A file in storage that is no longer what it was when it was uploaded."""

    kind = Kind.CONFLICT
    code = "stored_file_changed"
    message = N_("A stored file is not what it was when it was uploaded: %(sha256)s. Tell the system administrator.")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a package is made: the store, the files, and a folder for what is not whole yet."""

    store: Database
    storage: Storage
    folder: Path


def begin(session: Session, actor: Actor, programme_id: int, *, now: datetime, queued: bool = True) -> ExchangePackage:
    """The row of a package that is to be made, by a worker if it is ``queued``.

    Raises NotFound, Forbidden, or ExportRunning while another one of the programme is being made.
    """
    programme = programmes.get(session, actor, programme_id, lock=True)
    if not can(actor, P.PROGRAMME_EXPORT, programme_id):
        raise Forbidden
    making = select(ExchangePackage).where(
        col(ExchangePackage.programme_id) == programme_id, col(ExchangePackage.state) == ExchangeState.MAKING
    )
    for other in session.scalars(making).all():
        if exchange_queue.goes_on(session, other, now=now):
            raise ExportRunning
        other.state, other.error = ExchangeState.FAILED, "work_ended"
    package = ExchangePackage(
        direction=Direction.SENT,
        state=ExchangeState.MAKING,
        programme_id=programme_id,
        unit_id=actor.unit_id,
        person_id=actor.user_id,
        installation=states.installation(session),
        number=next_number(session),
        made_at=now,
        title=programme.title,
        document_number=programme.document_number,
    )
    session.add(package)
    session.flush()
    if queued:
        exchange_queue.put(session, actor, package, exchange_queue.MAKE, now=now)
    events.record(session, actor, "programme.export", package, details={"number": package.number}, now=now)
    return package


def next_number(session: Session) -> int:
    """The number of the next package of this installation; who asks holds the lock until the commit."""
    here = states.installation(session)
    session.execute(select(col(Installation.id)).with_for_update())
    statement = select(func.max(col(ExchangePackage.number))).where(
        col(ExchangePackage.direction) == Direction.SENT, col(ExchangePackage.installation) == here
    )
    return int(session.connection().scalar(statement) or 0) + 1


def make(
    place: Place, actor: Actor, package_id: int, *, now: Callable[[], datetime], progress: Callable[[int, int], None]
) -> ExchangePackage:
    """Write the package, put it into storage and record it; can be called again after it was broken off.

    Raises ExchangeOvertaken after three tries, StoredFileChanged, StorageFull or StorageUnavailable.
    """
    for _ in range(_TRIES):
        started = now()
        with temporary(place.folder) as file:
            try:
                lines, counts = _write(place, file, package_id, progress)
            except FileChanged as error:
                raise StoredFileChanged(sha256=str(error)) from error
            sha256, size = measure(file)
            place.storage.put(sha256, Path(file.name))
        with place.store.transaction() as session:
            package = session.get_one(ExchangePackage, package_id, with_for_update=True)
            if package.state is not ExchangeState.MAKING:
                return package
            if _overtaken(session, package, started):
                continue
            states.write(session, lines.stamps)
            package.state, package.settled_at = ExchangeState.MADE, now()
            package.sha256, package.size, package.counts = sha256, size, counts
            package.name = f"{package.title[:80]}-{package.number}.duikou.zip"
            details = {"sha256": sha256, "number": package.number}
            events.record(session, actor, "exchange_package.make", package, details=details)
            return package
    raise ExchangeOvertaken


def fail(session: Session, actor: Actor, package_id: int, refusal: DomainError) -> None:
    """Record why a package could not be made or taken in; only its stable code and values are kept."""
    package = session.get_one(ExchangePackage, package_id, with_for_update=True)
    package.state, package.error = ExchangeState.FAILED, refusal.code
    package.error_values = {name: str(value)[:300] for name, value in refusal.values.items()}
    events.record(session, actor, "exchange_package.fail", package, details={"code": refusal.code})


def _write(
    place: Place, file: IO[bytes], package_id: int, progress: Callable[[int, int], None]
) -> tuple[Lines, dict[str, int]]:
    with snapshot(place.store) as session:
        package = session.get_one(ExchangePackage, package_id)
        programme_id = package.programme_id or 0
        head = _head(session, place.store, package)
        counting = _Counting(progress, _total(session, programme_id))
        lines = Lines(session, package.installation, programme_id, counting.add)
        writer = PackageWriter(file)
        try:
            counts = {noun.name: writer.part(noun.name, lines.of(noun)) for noun in nouns.NOUNS}
            counts[nouns.MEMBERS] = writer.part(nouns.MEMBERS, lines.members())
            counts[nouns.EVENTS] = writer.part(nouns.EVENTS, lines.evidence())
            for sha256 in sorted(lines.files):
                writer.file(sha256, place.storage.read(sha256))
                counting.add(1)
        except BaseException:
            writer.abandon()
            raise
        counts["files"] = len(lines.files)
    writer.finish(head, place.store.vault.sign_package)
    return lines, counts


@dataclass(slots=True)
class _Counting:
    progress: Callable[[int, int], None]
    total: int
    done: int = 0

    def add(self, count: int) -> None:
        # Units and files are not counted beforehand.
        self.done += count
        self.progress(min(self.done, self.total), self.total)


def _total(session: Session, programme_id: int) -> int:
    """About how many lines there will be."""
    mine = [noun.ids(programme_id).subquery() for noun in nouns.NOUNS if not noun.owned]
    mine.append(select(col(Event.id)).where(col(Event.programme_id) == programme_id).subquery())
    return sum(session.connection().scalar(select(func.count()).select_from(rows)) or 0 for rows in mine)


def _head(session: Session, store: Database, package: ExchangePackage) -> dict[str, Any]:
    programme = session.get_one(Programme, package.programme_id)
    entry = states.live(
        states.of_local(session, nouns.PROGRAMMES.name, [programme.key])[programme.key], programme.created_at
    )
    named = states.names_of(session, [entry.entry_id])[entry.entry_id] if entry else []
    return {
        "installation": package.installation,
        "key": store.vault.exchange_key,
        "number": package.number,
        "made_at": package.made_at,
        "release": version("duikou"),
        "schema_head": revisions.head(),
        "programme": {
            "id": named[0] if named else (package.installation, str(programme.key)),
            "title": programme.title,
            "document_number": programme.document_number,
            "issuer": programme.issuer,
        },
        "base": _base(session, programme.key),
    }


def _base(session: Session, programme_id: int) -> list[dict[str, Any]]:
    """The newest package that was taken in from each other installation."""
    statement = (
        select(col(ExchangePackage.installation), col(ExchangePackage.number), col(ExchangePackage.sha256))
        .where(
            col(ExchangePackage.programme_id) == programme_id,
            col(ExchangePackage.direction) == Direction.RECEIVED,
            col(ExchangePackage.state) == ExchangeState.APPLIED,
        )
        .order_by(col(ExchangePackage.number))
    )
    newest = {row.installation: row for row in session.connection().execute(statement)}
    return [
        {"installation": row.installation, "number": row.number, "sha256": row.sha256}
        for row in sorted(newest.values(), key=lambda row: str(row.installation))
    ]


def _overtaken(session: Session, package: ExchangePackage, started: datetime) -> bool:
    statement = select(col(ExchangePackage.id)).where(
        col(ExchangePackage.programme_id) == package.programme_id,
        col(ExchangePackage.id) != package.id,
        col(ExchangePackage.settled_at) >= started,
    )
    return session.connection().execute(statement).first() is not None


@contextmanager
def snapshot(store: Database) -> Iterator[Session]:
    """A reading session that sees one state of the store from its first statement to its last."""
    with store.reading() as session:
        if not store.is_sqlite:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


@contextmanager
def temporary(folder: Path) -> Iterator[IO[bytes]]:
    """A file in ``folder`` that is gone when the block ends; raises StorageFull or StorageUnavailable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix="package-") as file:
            yield file
    except OSError as error:
        raise trouble(error) from error


def measure(file: IO[bytes]) -> tuple[str, int]:
    """The SHA-256 of a file and its size in bytes."""
    file.flush()
    file.seek(0)
    whole = hashlib.sha256()
    size = 0
    while chunk := file.read(_CHUNK):
        whole.update(chunk)
        size += len(chunk)
    return whole.hexdigest(), size
