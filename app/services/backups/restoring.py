"""Restoring a backup into an empty place: verified before anything is written, whole or not at all.

A backup of an older release is loaded at its own schema revision, proved equal to what was backed up,
and only then migrated to this release.
"""

import hashlib
import os
import time
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import delete
from sqlmodel import Session

from app import migrating, revisions
from app.adapters import storage
from app.adapters.storage import Storage
from app.database import Database, translated
from app.errors import DomainError, Kind
from app.messages import N_
from app.models import UserSession
from app.permissions import Actor
from app.services import events, seals, verification
from app.services.backups import checking, manifests, places, postgresql_copies, sqlite_copies
from app.services.backups.making import STORE
from app.services.backups.manifests import BackupDamaged, Manifest
from app.services.backups.outcomes import Restored
from app.services.backups.postgresql_copies import RestoredRowsDiffer
from app.services.backups.progress import Phase, Progress, silent
from app.services.verification import Report
from app.settings import Settings
from app.vault import Vault

_BLOCK = 1 << 20


class BackupOfOtherEngine(DomainError):
    """SQLite into PostgreSQL, or the other way round."""

    code = "backup_of_other_engine"
    message = N_("The backup %(name)s is of a %(theirs)s store, and the settings name a %(ours)s store.")


class BackupOfNewerRelease(DomainError):
    """Its schema has steps that this code has not."""

    kind = Kind.UNSUPPORTED
    code = "backup_of_newer_release"
    message = N_(
        "The backup %(name)s was made by release %(release)s, at revision %(revision)s, which this release does not "
        "know. Restore it with that release or a newer one."
    )


class RestoredLogNotWhole(DomainError):
    """Restored as it was, and it was not whole when it was backed up."""

    kind = Kind.CONFLICT
    code = "restored_log_not_whole"
    message = N_(
        "Everything is as it was backed up, but the log in the backup %(name)s is not whole (%(number)s findings): it "
        "was changed before, or sealed with a key that is not trusted here. The findings: duikou audit verify"
    )


def restore(
    settings: Settings,
    backup: Path,
    *,
    actor: Actor,
    now: datetime,
    held: Storage | None = None,
    again: bool = False,
    other_key: bool = False,
    progress: Progress = silent,
) -> Restored:
    """Restore ``backup`` into the empty place that ``settings`` name; ``held`` replaces their file storage.

    Everybody's session ends, and the log gets an entry. What somebody did to the log before the backup
    does not keep the rest from being restored: ``Restored.log`` names it. Raises a refusal of ``manifests``,
    ``checking`` or ``places``, BackupOfOtherEngine, BackupOfNewerRelease, or RestoredRowsDiffer; then no
    store stands there, at most files of the backup, which ``again`` goes on from.
    """
    started = time.monotonic()
    vault = Vault(settings.secret_key.get_secret_value())
    manifest = manifests.read(backup, vault, other_key=other_key)
    refuse_other(settings, backup, manifest)
    held = held or storage.from_settings(settings)
    places.refuse_unfit(settings, held, backup, again=again)
    manifest = checking.check(backup, vault, other_key=other_key, progress=progress)
    files = _restore_files(backup, held, manifest, progress)
    load = _load_sqlite if manifest.engine == "sqlite" else _load_postgresql
    try:
        with translated():
            revision = load(settings, backup, manifest, actor, now, progress)
    except OSError as error:
        raise storage.trouble(error) from error
    log = _verify_log(settings, progress)
    return Restored(backup.name, manifest, files, revision, time.monotonic() - started, log)


def refuse_broken_log(done: Restored) -> None:
    """Raise RestoredLogNotWhole where the log that was restored does not fit its seals."""
    if not done.log.whole:
        raise RestoredLogNotWhole(name=done.name, number=done.log.findings.counts.total())


def refuse_other(settings: Settings, backup: Path, manifest: Manifest) -> None:
    """Raise BackupOfOtherEngine or BackupOfNewerRelease."""
    ours = places.engine_of(settings)
    if manifest.engine != ours:
        raise BackupOfOtherEngine(name=backup.name, theirs=manifest.engine, ours=ours)
    if manifest.revision not in revisions.known():
        raise BackupOfNewerRelease(name=backup.name, release=manifest.release, revision=manifest.revision)


def _restore_files(backup: Path, held: Storage, manifest: Manifest, progress: Progress) -> int:
    done = 0
    for sha256, path in manifests.listed(backup):
        if path.startswith("files/"):
            held.put(sha256, backup / path)
            done += 1
            progress(Phase.RESTORING_FILES, done, manifest.files)
    there = sum(1 for _ in held.held())
    if (done, there) != (manifest.files, manifest.files):
        raise RestoredRowsDiffer(tables=f"files: {there}/{manifest.files}")
    return done


def _load_sqlite(
    settings: Settings, backup: Path, manifest: Manifest, actor: Actor, now: datetime, progress: Progress
) -> str:
    here = places.of(settings)
    assert here.target is not None and here.unfinished is not None  # noqa: S101, PT018 - the engine was asked
    here.target.parent.mkdir(parents=True, exist_ok=True)
    places.clear(here.unfinished)
    try:
        _copy(backup, here.unfinished, progress)
        revision = _finish_sqlite(settings, here.unfinished, backup.name, manifest, actor, now)
    except BaseException:
        places.clear(here.unfinished)
        raise
    # Only a store without tables can stand there.
    places.clear(here.target)
    here.unfinished.rename(here.target)
    _flush(here.target.parent)
    return revision


def _finish_sqlite(settings: Settings, path: Path, name: str, manifest: Manifest, actor: Actor, now: datetime) -> str:
    """Compare a copied store with the manifest, migrate it, and make its file the whole of it."""
    sqlite_copies.check(path)
    _compare(path, manifest)
    temporary = settings.model_copy(update={"database_url": f"sqlite:///{path}"})
    revision = migrating.migrate(temporary)
    store = Database(temporary)
    try:
        with store.transaction() as session:
            _conclude(session, name, manifest, actor, now)
    finally:
        store.dispose()
    sqlite_copies.settle(path)
    return revision


def _copy(backup: Path, target: Path, progress: Progress) -> None:
    source = backup / STORE
    expected = next((sha256 for sha256, path in manifests.listed(backup) if path == STORE), "")
    digest, done, total = hashlib.sha256(), 0, source.stat().st_size
    with source.open("rb") as read, target.open("wb") as write:
        while block := read.read(_BLOCK):
            digest.update(block)
            write.write(block)
            done += len(block)
            progress(Phase.RESTORING_STORE, done, total)
        write.flush()
        os.fsync(write.fileno())
    if digest.hexdigest() != expected:
        raise BackupDamaged(name=backup.name, files=STORE)


def _compare(path: Path, manifest: Manifest) -> None:
    with sqlite_copies.reading(path) as connection:
        names = sqlite_copies.tables(connection)
        rows = {name: sqlite_copies.count(connection, name) for name in names}
    expected = {table.name: table.rows for table in manifest.tables}
    different = sorted(name for name in rows.keys() | expected.keys() if rows.get(name) != expected.get(name))
    if different:
        raise RestoredRowsDiffer(tables=", ".join(different))


def _load_postgresql(
    settings: Settings, backup: Path, manifest: Manifest, actor: Actor, now: datetime, progress: Progress
) -> str:
    with postgresql_copies.spoken(), migrating.changing(settings) as connection:
        places.refuse_tables(connection)
        migrating.bring(connection, settings, manifest.revision)
        postgresql_copies.load(connection, backup, manifest, progress)
        revision = migrating.bring(connection, settings)
        with Session(connection, info={"vault": Vault(settings.secret_key.get_secret_value())}) as session:
            _conclude(session, backup.name, manifest, actor, now)
    return revision


def _verify_log(settings: Settings, progress: Progress) -> Report:
    store = Database(settings)
    try:
        keys = seals.trusted_keys(settings, store.vault)
        return verification.verify(store, keys, progress=partial(progress, Phase.LOG))
    finally:
        store.dispose()


def _conclude(session: Session, name: str, manifest: Manifest, actor: Actor, now: datetime) -> None:
    """End all sessions, so that none which was closed since the backup lives again, and say so in the log."""
    session.connection().execute(delete(UserSession))
    details = {
        "made_at": manifest.created_at,
        "release": manifest.release,
        "revision": manifest.revision,
        "rows": manifest.rows,
        "files": manifest.files,
        "sums": manifest.sums,
    }
    events.record(session, actor, "store.restore", name=name, details=details, now=now)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
