"""What a backup says about itself: its contents, the digest of every file, and who signed it.

Three small files stand at the top of a backup. ``SHA256SUMS`` has one line per file in the form that
``sha256sum -c`` reads, so that anybody can verify a copy without this product. ``manifest.json``
says what the store held and the digest of ``SHA256SUMS``. ``signature.json`` signs the manifest.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from app.errors import DomainError, Kind
from app.messages import N_
from app.seal_keys import is_signed
from app.vault import Vault

FORMAT = 1
MANIFEST, SUMS, SIGNATURE = "manifest.json", "SHA256SUMS", "signature.json"
NEWEST_SEAL = "SELECT ordinal, events, hash, key_id, signature FROM seals ORDER BY ordinal DESC LIMIT 1"
_LINE = re.compile(r"([0-9a-f]{64})  (store/[a-z0-9_]+\.[a-z0-9]+|files/[0-9a-f]{2}/[0-9a-f]{2}/([0-9a-f]{64}))\n")
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class NotABackup(DomainError):
    """A folder without a manifest, or nothing at all."""

    kind = Kind.NOT_FOUND
    code = "not_a_backup"
    message = N_("%(folder)s is not a backup: there is no %(file)s in it.")


class BackupDamaged(DomainError):
    """Files that are not what they were when the backup was made."""

    kind = Kind.CONFLICT
    code = "backup_damaged"
    message = N_("The backup %(name)s is not as it was made. Changed or missing: %(files)s")


class BackupOfOtherKey(DomainError):
    """Signed, but not by this installation."""

    kind = Kind.FORBIDDEN
    code = "backup_of_other_key"
    message = N_(
        "The backup %(name)s was signed with another key than this installation's (%(theirs)s, here %(ours)s). "
        "Give the secret key of the installation that it comes from, or accept the other key: --other-key"
    )


class BackupOfNewerFormat(DomainError):
    """Made by a release whose backups look different."""

    kind = Kind.UNSUPPORTED
    code = "backup_of_newer_format"
    message = N_("The backup %(name)s was made by release %(release)s, which this release cannot read. Use that one.")


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its rows; on PostgreSQL also its columns in the order of its file, its sequence's last number."""

    name: str
    rows: int
    columns: tuple[str, ...] = ()
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """The contents of one backup.

    ``size`` is the bytes of all of it, ``missing`` counts files that the storage had lost before.
    """

    created_at: datetime
    release: str
    engine: str
    engine_version: str
    revision: str
    tables: tuple[Table, ...]
    files: int
    missing: int
    size: int
    sums: str
    seal_head: dict[str, Any] | None = None

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return sum(table.rows for table in self.tables)

    def dumped(self) -> bytes:
        """The JSON that is stored and signed."""
        content = {"format": FORMAT, **asdict(self), "created_at": self.created_at.isoformat()}
        return json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n"

    @classmethod
    def loaded(cls, content: dict[str, Any]) -> Self:
        """From what ``dumped`` wrote; raises KeyError, TypeError or ValueError for anything else."""
        given = {name: content[name] for name in cls.__dataclass_fields__}
        tables = tuple(Table(**{**table, "columns": tuple(table["columns"])}) for table in given["tables"])
        if not all(_NAME.fullmatch(name) for table in tables for name in (table.name, *table.columns)):
            raise ValueError("a name that no table or column has")
        return cls(**{**given, "tables": tables, "created_at": datetime.fromisoformat(given["created_at"])})


class Sums:
    """Writes ``SHA256SUMS`` line by line and keeps its totals; memory does not grow with the files."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / SUMS).open("wb")
        self._digest = hashlib.sha256()
        self.size = 0

    def add(self, sha256: str, path: str, size: int) -> None:
        """One more file of the backup."""
        line = f"{sha256}  {path}\n".encode()
        self._file.write(line)
        self._digest.update(line)
        self.size += size

    def close(self) -> str:
        """Finish the file; returns its own digest."""
        self._file.close()
        return self._digest.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def seal_head(row: Sequence[Any] | None) -> dict[str, Any] | None:
    """The newest seal of a store for its manifest, from the row of ``NEWEST_SEAL``; bytes in hex."""
    if row is None:
        return None
    names = ("ordinal", "events", "hash", "key_id", "signature")
    return {
        name: bytes(value).hex() if isinstance(value, bytes | memoryview) else value
        for name, value in zip(names, row, strict=True)
    }


def listed(folder: Path) -> Iterator[tuple[str, str]]:
    """Digest and path of every file of a backup, in the order in which they were written.

    Raises BackupDamaged at a line that no backup has: a path must not lead out of the folder.
    """
    try:
        with (folder / SUMS).open(encoding="ascii", newline="\n") as file:
            for line in file:
                found = _LINE.fullmatch(line)
                if found is None or found[3] not in (None, found[1]):
                    raise BackupDamaged(name=folder.name, files=SUMS)
                yield found[1], found[2]
    except (OSError, UnicodeDecodeError):
        raise BackupDamaged(name=folder.name, files=SUMS) from None


def sign(folder: Path, manifest: Manifest, vault: Vault) -> None:
    """Write the manifest and its signature."""
    content = manifest.dumped()
    (folder / MANIFEST).write_bytes(content)
    signature = {"algorithm": "Ed25519", "key": vault.backup_key, "signature": vault.sign_backup(content)}
    (folder / SIGNATURE).write_text(json.dumps(signature, indent=1) + "\n", encoding="ascii")


def read(folder: Path, vault: Vault, *, other_key: bool = False) -> Manifest:
    """The manifest of a backup whose signature fits.

    With ``other_key`` any key may have signed it: it is then known to be unchanged since, by nobody
    in particular. Raises NotABackup, BackupDamaged, BackupOfOtherKey or BackupOfNewerFormat.
    """
    try:
        content = (folder / MANIFEST).read_bytes()
    except OSError:
        raise NotABackup(folder=folder, file=MANIFEST) from None
    key = _signer(folder, content)
    if key != vault.backup_key and not other_key:
        raise BackupOfOtherKey(name=folder.name, theirs=key[:16], ours=vault.backup_key[:16])
    loaded = json.loads(content)
    if loaded.get("format") != FORMAT:
        raise BackupOfNewerFormat(name=folder.name, release=loaded.get("release"))
    try:
        return Manifest.loaded(loaded)
    except (KeyError, TypeError, ValueError):
        raise BackupDamaged(name=folder.name, files=MANIFEST) from None


def _signer(folder: Path, content: bytes) -> str:
    """The key that signed the manifest; raises BackupDamaged where nothing or something else was signed."""
    try:
        signature = json.loads((folder / SIGNATURE).read_text(encoding="ascii"))
        key = str(signature["key"])
        fits = is_signed(bytes.fromhex(key), content, bytes.fromhex(signature["signature"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise BackupDamaged(name=folder.name, files=SIGNATURE) from None
    if not fits:
        raise BackupDamaged(name=folder.name, files=f"{MANIFEST}, {SIGNATURE}")
    return key
