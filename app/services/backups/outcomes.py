"""What comes of a backup and of a restore; apart from what makes it, so that whoever only reports it loads no more."""

from dataclasses import dataclass
from pathlib import Path

from app.services.backups.manifests import Manifest
from app.services.verification import Report


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was just made. ``copied`` files were read, the others linked; ``missing`` were lost before."""

    path: Path
    manifest: Manifest
    copied: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """What stands in the place now. ``revision`` is that of this release; ``seconds`` it took.

    ``log`` is what verifying the restored log against its seals has found.
    """

    name: str
    manifest: Manifest
    files: int
    revision: str
    seconds: float
    log: Report
