"""The folder that holds backups: their names, one writer at a time, which are whole, which go.

A backup is written under a name that begins with a dot and renamed when everything is on the disk,
so what bears a backup's name is whole. What a killed run left under a dotted name is swept by the next.
"""

import errno
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.clock import SHANGHAI
from app.errors import DomainError, Kind
from app.messages import N_
from app.services.backups import manifests
from app.settings import Settings
from app.vault import Vault

_NAME = re.compile(r"duikou-\d{8}-\d{6}(?:-\d+)?")
_UNFINISHED = re.compile(r"\.(?:duikou-\d{8}-\d{6}(?:-\d+)?\.(?:partial|removed)|drill-\w+)")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class BackupFolderUnset(DomainError):
    """Nobody said where to."""

    code = "backup_folder_unset"
    message = N_("Say in which folder the backups are: as an argument, or by DUIKOU_BACKUP_FOLDER.")


class BackupFolderUnusable(DomainError):
    """The folder cannot be written or read."""

    kind = Kind.UNAVAILABLE
    code = "backup_folder_unusable"
    message = N_("The folder %(folder)s cannot be used for backups: %(why)s.")


class BackupFolderFull(DomainError):
    """The disk that holds the backups has no room."""

    kind = Kind.FULL
    code = "backup_folder_full"
    message = N_(
        "The disk of the folder %(folder)s is full. Nothing was left there that looks like a backup. "
        "Make room, or keep fewer: DUIKOU_BACKUP_KEEP"
    )


class BackupRunning(DomainError):
    """Two at once would each sweep what the other writes."""

    kind = Kind.CONFLICT
    code = "backup_running"
    message = N_("A backup or a drill is running in %(folder)s. Try again when it has ended.")


class NoBackup(DomainError):
    """The folder holds none that is whole."""

    kind = Kind.NOT_FOUND
    code = "no_backup"
    message = N_("There is no whole backup in %(folder)s.")


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest backup whose manifest verifies: its name, its moment, its size in bytes, its rows and files.

    ``missing`` counts files that the storage had lost by then; ``damaged`` counts newer backups whose
    manifest or signature does not verify.
    """

    name: str
    at: datetime
    size: int
    rows: int
    files: int
    missing: int
    damaged: int


def chosen(settings: Settings, folder: Path | None) -> Path:
    """The folder that was named, else that of the settings; raises BackupFolderUnset."""
    if folder is None and not settings.backup_folder:
        raise BackupFolderUnset
    return folder if folder is not None else Path(settings.backup_folder)


def refusal(folder: Path, error: OSError) -> DomainError:
    """What an error of the backup folder's disk is called."""
    if error.errno in _NO_ROOM:
        return BackupFolderFull(folder=folder)
    return BackupFolderUnusable(folder=folder, why=error.strerror or type(error).__name__)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The one who may write in ``folder``, which is made where it is missing; sweeps what a killed run left.

    The operating system lets go of the lock with the process, however that ends. Raises BackupRunning
    or BackupFolderUnusable.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise refusal(folder, error) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise refusal(folder, error) from error
            raise BackupRunning(folder=folder) from None
        for path in folder.iterdir():
            if _UNFINISHED.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=True)
        yield
    finally:
        os.close(lock)


def new_name(folder: Path, now: datetime) -> str:
    """A name by the time in Asia/Shanghai, so that names sort as the backups were made."""
    base = now.astimezone(SHANGHAI).strftime("duikou-%Y%m%d-%H%M%S")
    names = (base, *(f"{base}-{number:02}" for number in range(2, 100)))
    return next(name for name in names if not (folder / name).exists())


def all_in(folder: Path) -> list[Path]:
    """The backups of a folder, the newest first; none where there is no folder."""
    try:
        found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_dir()]
    except OSError:
        return []
    return sorted(found, key=lambda path: path.name, reverse=True)


def _whole(folder: Path, vault: Vault) -> manifests.Manifest | None:
    try:
        return manifests.read(folder, vault)
    except DomainError:
        return None


def newest_path(folder: Path, vault: Vault) -> Path:
    """The newest backup whose manifest verifies; raises NoBackup."""
    for path in all_in(folder):
        if _whole(path, vault) is not None:
            return path
    raise NoBackup(folder=folder)


def newest(settings: Settings) -> Newest | None:
    """The newest whole backup in the folder of the settings, or None.

    Cheap: it reads three small files and verifies a signature; the digests of all files are the
    drill's part.
    """
    if not settings.backup_folder:
        return None
    vault = Vault(settings.secret_key.get_secret_value())
    for damaged, path in enumerate(all_in(Path(settings.backup_folder))):
        found = _whole(path, vault)
        if found is not None:
            return Newest(path.name, found.created_at, found.size, found.rows, found.files, found.missing, damaged)
    return None


def prune(folder: Path, vault: Vault, keep: int) -> list[str]:
    """Remove what is older than the ``keep`` newest whole backups; returns the names. Call it while ``held``.

    A backup that does not verify counts for nothing: it never pushes a whole one out, and where no
    backup is whole nothing is removed.
    """
    found = all_in(folder)
    whole = [path for path in found if _whole(path, vault) is not None]
    if len(whole) < keep:
        return []
    oldest_kept = whole[keep - 1].name
    removed = [path for path in found if path.name < oldest_kept]
    for path in removed:
        gone = path.with_name(f".{path.name}.removed")
        path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
    return [path.name for path in removed]
