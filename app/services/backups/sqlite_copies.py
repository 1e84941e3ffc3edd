"""One consistent copy of an embedded store, taken while others write.

The online backup runs inside one read transaction: it copies in steps, reports them, and neither
begins again when somebody writes (as it would without the transaction) nor makes a writer wait. The
log that writers append meanwhile is merged into the store afterwards.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from app.database import StoreUnavailable
from app.errors import DomainError, Kind
from app.messages import N_
from app.services.backups.folders import BackupFolderFull
from app.services.backups.progress import Phase, Progress

_PAGES = 2048
_BUSY_SECONDS = 30
# Only the copy is written to, so these are its disk's.
_NO_ROOM = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_TRUNCATE", "SQLITE_IOERR_FSYNC")


class StoreDamaged(DomainError):
    """SQLite finds that its own file is broken."""

    kind = Kind.UNAVAILABLE
    code = "store_damaged"
    message = N_("The store itself is damaged (%(why)s). No backup was made of it: the earlier ones are worth more.")


def copy(source: Path, target: Path, progress: Progress) -> None:
    """Copy the store at ``source`` to ``target`` as it is at one moment, and wait until it is on the disk.

    Raises BackupFolderFull, StoreDamaged or StoreUnavailable.
    """
    if not source.exists():
        raise StoreUnavailable
    try:
        with (
            closing(sqlite3.connect(source, isolation_level=None, timeout=_BUSY_SECONDS)) as live,
            closing(sqlite3.connect(target, isolation_level=None)) as made,
        ):
            live.execute("PRAGMA query_only=ON")
            live.execute("BEGIN")
            live.execute("SELECT count(*) FROM sqlite_master").fetchone()
            # The target is nobody's yet; it is flushed once, below.
            made.execute("PRAGMA synchronous=OFF")
            live.backup(
                made,
                pages=_PAGES,
                progress=lambda _, left, total: progress(Phase.STORE, total - left, total),
            )
            live.execute("COMMIT")
        with target.open("rb") as file:
            os.fsync(file.fileno())
    except sqlite3.DatabaseError as error:
        raise _refusal(error, target.parent) from error
    check(target)


def check(path: Path) -> None:
    """Let SQLite read its file through; raises StoreDamaged with the first thing that it finds."""
    try:
        with reading(path) as connection:
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        raise StoreDamaged(why=error) from error
    if found != "ok":
        raise StoreDamaged(why=found)


def _refusal(error: sqlite3.DatabaseError, folder: Path) -> DomainError:
    name = getattr(error, "sqlite_errorname", "")
    if name in _NO_ROOM:
        return BackupFolderFull(folder=folder.parent)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN")):
        return StoreUnavailable()
    return StoreDamaged(why=error)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a copy that nobody writes to; no file appears beside it."""
    with closing(sqlite3.connect(f"file:{quote(str(path))}?immutable=1", uri=True)) as connection:
        yield connection


def revision(connection: sqlite3.Connection) -> str:
    """The schema revision of the store; raises StoreUnavailable where it has none."""
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        row = None
    if row is None:
        raise StoreUnavailable
    return str(row[0])


def tables(connection: sqlite3.Connection) -> list[str]:
    """The names of the tables that hold rows of their own, in alphabetical order."""
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        " AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    )
    return [str(row[0]) for row in found]


def count(connection: sqlite3.Connection, table: str) -> int:
    """How many rows a table has."""
    return int(connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])  # noqa: S608 - from the schema


def settle(path: Path) -> None:
    """Merge SQLite's log into its file, so that the file alone is the store, and wait until the disk has it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("rb") as file:
        os.fsync(file.fileno())
