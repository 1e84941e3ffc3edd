"""Making a backup while the product serves and writes.

The store comes first, at one moment. Files are stored before the row that names them and are never
changed, so every file that this moment refers to is there when its turn comes, however long that
takes. A file that an earlier backup of the same folder holds is linked, not copied.
"""

import ctypes
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import psycopg
from sqlalchemy import make_url

from app import clock
from app.adapters import storage
from app.adapters.storage import Storage, StoredFileMissing
from app.database import StoreUnavailable
from app.services.backups import folders, manifests, postgresql_copies, sqlite_copies, stored_files
from app.services.backups.manifests import Manifest, Sums, Table
from app.services.backups.outcomes import Made
from app.services.backups.progress import Phase, Progress, silent
from app.settings import Settings
from app.vault import Vault

# The standard library has only os.sync, which waits for every disk of the machine.
_LIBC = ctypes.CDLL(None, use_errno=True)
STORE, WANTED, MISSING = "store/duikou.sqlite3", ".wanted", "store/missing.txt"


@dataclass(frozen=True, slots=True)
class _Snapshot:
    at: datetime
    engine: str
    engine_version: str
    revision: str
    tables: tuple[Table, ...]
    seal_head: dict[str, Any] | None


def create(
    settings: Settings,
    folder: Path,
    *,
    now: datetime | None = None,
    fresh: bool = False,
    keep: int | None = None,
    progress: Progress = silent,
) -> Made:
    """Make a backup in ``folder``, which is made where it is missing; with ``keep``, remove older ones.

    ``fresh`` copies every file anew instead of linking those of the newest whole backup. Raises
    BackupFolderUnusable, BackupFolderFull, BackupRunning, StoreDamaged, StoreUnavailable or
    StorageUnavailable; then nothing is left that looks like a backup.
    """
    vault = Vault(settings.secret_key.get_secret_value())
    with folders.held(folder):
        earlier = None if fresh else _earlier(folder, vault)
        name = folders.new_name(folder, now or clock.now())
        partial = folder / f".{name}.partial"
        with _cleared(folder, partial):
            made = _write(settings, partial, earlier, vault, progress)
            _flush(partial)
            partial.rename(folder / name)
            _flush(folder)
        if keep is not None:
            folders.prune(folder, vault, keep)
    return Made(folder / name, *made)


def _earlier(folder: Path, vault: Vault) -> Path | None:
    try:
        return folders.newest_path(folder, vault)
    except folders.NoBackup:
        return None


@contextmanager
def _cleared(folder: Path, partial: Path) -> Iterator[None]:
    """Make ``partial``, and remove it again whatever ends the work early."""
    try:
        partial.mkdir(mode=0o700)
        (partial / "store").mkdir()
        yield
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise folders.refusal(folder, error) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _write(
    settings: Settings, partial: Path, earlier: Path | None, vault: Vault, progress: Progress
) -> tuple[Manifest, int, tuple[str, ...]]:
    with Sums(partial) as sums:
        snapshot = _snapshot(settings, partial, sums, progress)
        files = _Files(storage.from_settings(settings), partial, earlier, sums)
        _take_all(files, partial / WANTED, progress)
        if files.missing:
            _list_missing(partial, sums, files.missing)
        manifest = Manifest(
            created_at=snapshot.at,
            release=version("duikou"),
            engine=snapshot.engine,
            engine_version=snapshot.engine_version,
            revision=snapshot.revision,
            tables=snapshot.tables,
            files=files.taken,
            missing=len(files.missing),
            size=sums.size,
            sums=sums.close(),
            seal_head=snapshot.seal_head,
        )
    manifests.sign(partial, manifest, vault)
    return manifest, files.copied, tuple(files.missing)


def _take_all(files: "_Files", wanted: Path, progress: Progress) -> None:
    total = wanted.stat().st_size // 65
    with wanted.open(encoding="ascii") as lines:
        for done, line in enumerate(lines):
            progress(Phase.FILES, done, total)
            files.take(line.strip())
    progress(Phase.FILES, total, total)
    wanted.unlink()


def _list_missing(partial: Path, sums: Sums, missing: list[str]) -> None:
    content = "".join(f"{sha256}\n" for sha256 in missing).encode()
    (partial / MISSING).write_bytes(content)
    sums.add(hashlib.sha256(content).hexdigest(), MISSING, len(content))


def _snapshot(settings: Settings, partial: Path, sums: Sums, progress: Progress) -> _Snapshot:
    url = make_url(settings.resolved_database_url)
    if url.get_backend_name() == "sqlite":
        return _of_sqlite(Path(url.database or ""), partial, sums, progress)
    with postgresql_copies.spoken(), closing(postgresql_copies.connect(settings)) as connection:
        return _of_postgresql(connection, partial, sums, progress)


def _of_sqlite(source: Path, partial: Path, sums: Sums, progress: Progress) -> _Snapshot:
    at = clock.now()
    target = partial / STORE
    sqlite_copies.copy(source, target, progress)
    with target.open("rb") as file:
        sums.add(hashlib.file_digest(file, "sha256").hexdigest(), STORE, target.stat().st_size)
    with sqlite_copies.reading(target) as connection, (partial / WANTED).open("w", encoding="ascii") as wanted:
        names = sqlite_copies.tables(connection)
        query = stored_files.query(frozenset(names))
        for (sha256,) in connection.execute(query) if query else ():
            wanted.write(f"{sha256}\n")
        engine_version = str(connection.execute("SELECT sqlite_version()").fetchone()[0])
        tables = tuple(Table(name, sqlite_copies.count(connection, name)) for name in names)
        seal = connection.execute(manifests.NEWEST_SEAL).fetchone() if "seals" in names else None
        revision = sqlite_copies.revision(connection)
        return _Snapshot(at, "sqlite", engine_version, revision, tables, manifests.seal_head(seal))


def _of_postgresql(
    connection: "psycopg.Connection[tuple[object, ...]]", partial: Path, sums: Sums, progress: Progress
) -> _Snapshot:
    at = clock.now()
    postgresql_copies.begin_snapshot(connection)
    revision = postgresql_copies.revision(connection)
    if revision is None:
        raise StoreUnavailable
    tables = postgresql_copies.dump(connection, partial, sums, progress)
    postgresql_copies.wanted_files(connection, partial / WANTED)
    seal = None
    if any(table.name == "seals" for table in tables):
        seal = connection.execute(cast(Any, manifests.NEWEST_SEAL)).fetchone()
    engine_version = str(connection.info.server_version)
    return _Snapshot(at, "postgresql", engine_version, revision, tables, manifests.seal_head(seal))


class _Files:
    """Takes files over one by one: linked from an earlier backup, or read from the storage and verified."""

    def __init__(self, held: Storage, partial: Path, earlier: Path | None, sums: Sums) -> None:
        self._storage = held
        self._partial = partial
        self._earlier = earlier
        self._sums = sums
        self.taken = self.copied = 0
        self.missing: list[str] = []

    def take(self, sha256: str) -> None:
        """Put one file into the backup, or note that the storage has lost it or holds other bytes under its name."""
        path = f"files/{storage.place(sha256)}"
        target = self._partial / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not self._link(path, target):
            try:
                self._read(sha256, target)
            except StoredFileMissing:
                self.missing.append(sha256)
                target.unlink(missing_ok=True)
                return
        self.taken += 1
        self._sums.add(sha256, path, target.stat().st_size)

    def _link(self, path: str, target: Path) -> bool:
        if self._earlier is None:
            return False
        try:
            os.link(self._earlier / path, target)
        except OSError:
            # Not there, or the disk knows no links, or one file has too many: then it is copied.
            return False
        return True

    def _read(self, sha256: str, target: Path) -> None:
        digest = hashlib.sha256()
        with target.open("wb") as file:
            for block in self._storage.read(sha256):
                digest.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != sha256:
            raise StoredFileMissing
        self.copied += 1


def _flush(folder: Path) -> None:
    """Wait until the disk has what was written below ``folder``, its names included.

    The bytes of each file were flushed as they were written; for a hundred thousand names one flush of
    their file system is cheaper than one for each folder.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if _LIBC.syncfs(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
