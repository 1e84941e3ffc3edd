"""Whether a backup is still what it was: its signature, then the digest of every file in it."""

import hashlib
from pathlib import Path

from app.services.backups import manifests
from app.services.backups.manifests import BackupDamaged, Manifest
from app.services.backups.progress import Phase, Progress, silent
from app.vault import Vault

_NAMED = 20


def check(folder: Path, vault: Vault, *, other_key: bool = False, progress: Progress = silent) -> Manifest:
    """Read every file of a backup; returns the manifest where all are as they were.

    Raises what ``manifests.read`` raises, or BackupDamaged with the names of what has changed or is
    missing, up to twenty of them.
    """
    manifest = manifests.read(folder, vault, other_key=other_key)
    sums = folder / manifests.SUMS
    if not sums.is_file() or _digest(sums) != manifest.sums:
        raise BackupDamaged(name=folder.name, files=manifests.SUMS)
    wrong: list[str] = []
    read = 0
    for sha256, path in manifests.listed(folder):
        progress(Phase.VERIFYING, read, manifest.size)
        try:
            read += (folder / path).stat().st_size
            same = _digest(folder / path) == sha256
        except OSError:
            same = False
        if not same:
            wrong.append(path)
            if len(wrong) > _NAMED:
                break
    if wrong:
        raise BackupDamaged(name=folder.name, files=", ".join([*wrong[:_NAMED], *["…" for _ in wrong[_NAMED:]]]))
    progress(Phase.VERIFYING, manifest.size, manifest.size)
    return manifest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
