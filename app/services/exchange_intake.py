"""Checking a stored package, and taking it in: the two long steps, each of which can be done again."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import delete, insert, select
from sqlmodel import Session, col

from app.models import ExchangeDifference, ExchangePackage, ExchangeState
from app.papers.packages import Package, PackageDamaged
from app.permissions import Actor
from app.rules.exchange import Standing
from app.services import events, exchange_applying, exchange_checks
from app.services import exchange_states as states
from app.services.exchange_applying import Applied, Taking
from app.services.exchange_checks import Checked, Kept
from app.services.exchange_exports import Place, measure, snapshot, temporary
from app.services.exchange_merging import Judgement, Merge
from app.services.exchange_packages import Arrived, refuse_without_right
from app.settings import Settings


def arrive(place: Place, settings: Settings, name: str, file: IO[bytes]) -> Arrived:
    """A package that somebody brings: its signature proved first, then stored as it is.

    Raises PackageRefused's kinds, StorageFull or StorageUnavailable.
    """
    package = exchange_checks.open_package(file, settings, place.store)
    sha256, size = measure(file)
    place.storage.put(sha256, Path(file.name))
    return Arrived(name, sha256, size, package)


def look(
    place: Place, settings: Settings, actor: Actor, package_id: int, *, progress: Callable[[int, int], None]
) -> Checked:
    """Check a stored package and keep what was found; can be called again. Raises PackageRefused's kinds."""
    with stored(place, settings, package_id) as package:
        files = exchange_checks.files_of(package, place.folder)
        with snapshot(place.store) as session:
            checked = exchange_checks.check(session, actor, package, files, progress=progress)
    with place.store.transaction() as session:
        row = session.get_one(ExchangePackage, package_id, with_for_update=True)
        _keep(session, row, checked)
        if row.state is ExchangeState.CHECKING:
            row.state = ExchangeState.CHECKED
        details = {"conflicts": checked.total(Standing.CONFLICT)}
        events.record(session, actor, "exchange_package.check", row, details=details)
    return checked


def _keep(session: Session, row: ExchangePackage, checked: Checked) -> None:
    connection = session.connection()
    row.programme_id = row.programme_id or checked.programme_id
    row.counts = {"rows": checked.counts, "notes": checked.notes, "known": checked.known}
    mine = col(ExchangeDifference.package_id) == row.key
    chosen = {
        (old.noun, old.installation, old.uid, old.ours_digest): old.choice
        for old in connection.execute(select(ExchangeDifference).where(mine, col(ExchangeDifference.choice) != ""))
    }
    connection.execute(delete(ExchangeDifference).where(mine))
    for some in states.chunks(checked.differences):
        connection.execute(
            insert(ExchangeDifference),
            [
                {
                    "package_id": row.key,
                    "noun": found.noun,
                    "installation": found.identity[0],
                    "uid": found.identity[1],
                    "local_id": found.local_id,
                    "standing": found.standing.value,
                    "label": found.label,
                    "ours": found.ours,
                    "theirs": found.theirs,
                    "ours_digest": found.ours_digest,
                    "blocked": found.blocked,
                    # Who has chosen looked at this very text; a choice about another text is asked again.
                    "choice": chosen.get((found.noun, *found.identity, found.ours_digest), ""),
                }
                for found in some
            ],
        )


def apply(
    place: Place,
    settings: Settings,
    actor: Actor,
    package_id: int,
    *,
    now: datetime,
    progress: Callable[[int, int], None],
    take: str = "",
) -> Applied:
    """Take a stored package in, in one transaction, then look at what is left; can be called again.

    ``take`` decides every conflict that nobody has chosen in: ours, theirs or nothing.
    """
    with stored(place, settings, package_id) as package:
        files = exchange_checks.files_of(package, place.folder, place.storage)
        with place.store.transaction() as session:
            applied = _take(session, actor, package, files, package_id, now=now, progress=progress, take=take)
    look(place, settings, actor, package_id, progress=lambda _done, _total: None)
    return applied


@contextmanager
def stored(place: Place, settings: Settings, package_id: int) -> Iterator[Package]:
    """A package out of storage, in a temporary file for as long as the block runs; its bytes are proved again."""
    with place.store.reading() as session:
        sha256 = session.get_one(ExchangePackage, package_id).sha256
    with temporary(place.folder) as file:
        whole = hashlib.sha256()
        for chunk in place.storage.read(sha256):
            whole.update(chunk)
            file.write(chunk)
        if whole.hexdigest() != sha256:
            raise PackageDamaged
        file.flush()
        yield exchange_checks.open_package(file, settings, place.store)


def _take(
    session: Session,
    actor: Actor,
    package: Package,
    files: Mapping[str, Kept],
    package_id: int,
    *,
    now: datetime,
    progress: Callable[[int, int], None],
    take: str,
) -> Applied:
    row = session.get_one(ExchangePackage, package_id, with_for_update=True)
    programme_id = refuse_without_right(session, actor, package)
    here = states.installation(session)
    merge = Merge(session, actor, package, here, programme_id, lock=True)
    merge.inspect = lambda judgement: exchange_checks.refuse_wrong_file(judgement, files)
    details = {"package": row.sha256, "installation": row.installation, "number": row.number}
    choices = _choices(session, package_id)
    total, done = sum(package.parts.values()), [0]

    def count(lines: int) -> None:
        done[0] += lines
        progress(done[0], total)

    def decide(judgement: Judgement) -> str:
        ours = judgement.ours.digest if judgement.ours else ""
        return choices.get((judgement.noun.name, *judgement.identities[0], ours), take)

    taking = Taking(session, actor, merge, decide, details, now, count)
    applied = taking.run()
    if programme_id is None and applied.programme_id is not None:
        exchange_applying.seat(session, actor, applied.programme_id, now=now)
    row.programme_id, row.state, row.settled_at = applied.programme_id, ExchangeState.APPLIED, now
    outcome = {"changed": applied.changed, "open": applied.open, **applied.done}
    events.record(session, actor, "exchange_package.apply", row, details=outcome, now=now)
    return applied


def _choices(session: Session, package_id: int) -> dict[tuple[str, str, str, str], str]:
    statement = select(ExchangeDifference).where(
        col(ExchangeDifference.package_id) == package_id, col(ExchangeDifference.choice) != ""
    )
    rows: Sequence[Any] = session.connection().execute(statement).all()
    return {(row.noun, row.installation, row.uid, row.ours_digest): row.choice for row in rows}
