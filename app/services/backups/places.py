"""Where a backup is restored: only an empty place will do, and what an interrupted restore left is known.

The store comes last and appears at once, in one transaction or by one renaming. So a restore that was
killed leaves files of the backup without a store, or a store under a name that nothing else opens.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, inspect, make_url, text

from app import migrating
from app.adapters.storage import Storage, place
from app.database import translated
from app.errors import DomainError, Kind
from app.messages import N_
from app.services.backups import sqlite_copies
from app.settings import Settings

_OWN = "alembic_version"


class StoreNotEmpty(DomainError):
    """There are tables: it could be somebody's work."""

    kind = Kind.CONFLICT
    code = "restore_store_not_empty"
    message = N_(
        "The store %(store)s has tables already. A backup is restored into an empty place only: name another folder "
        "or database, or move what is there away. (Tables without any row go by: duikou migrate --back base)"
    )


class FilesNotEmpty(DomainError):
    """There are files that the backup does not have."""

    kind = Kind.CONFLICT
    code = "restore_files_not_empty"
    message = N_(
        "The file storage holds files that are not of this backup, such as %(file)s. A backup is restored into an "
        "empty place only: name another folder or bucket, or move what is there away."
    )


class RestoreInterrupted(DomainError):
    """An earlier restore did not come to its end."""

    kind = Kind.CONFLICT
    code = "restore_interrupted"
    message = N_("A restore of this backup was begun here and did not end. Clear what it left and begin anew: --again")


class OwnerWanted(DomainError):
    """The application's role cannot make tables, and must not."""

    kind = Kind.FORBIDDEN
    code = "restore_owner_wanted"
    message = N_(
        "The role %(role)s may not create tables. Restore as the role that owns them, the one that duikou migrate uses."
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where the store goes: a file and the name it has until it is whole, or a database (then both are None)."""

    target: Path | None
    unfinished: Path | None


def of(settings: Settings) -> Place:
    """The place that the settings name."""
    url = make_url(settings.resolved_database_url)
    if url.get_backend_name() != "sqlite":
        return Place(None, None)
    target = Path(url.database or "").absolute()
    return Place(target, target.with_name(f"{target.name}.restoring"))


def engine_of(settings: Settings) -> str:
    """The engine of the place: sqlite or postgresql."""
    return make_url(settings.resolved_database_url).get_backend_name()


def refuse_unfit(settings: Settings, held: Storage, backup: Path, *, again: bool) -> None:
    """Raise StoreNotEmpty, FilesNotEmpty or RestoreInterrupted unless ``backup`` may be restored here."""
    here = of(settings)
    if here.target is not None:
        if _has_tables(here.target):
            raise StoreNotEmpty(store=here.target)
    else:
        with translated(), migrating.changing(settings) as connection:
            refuse_tables(connection)
            if not connection.scalar(text("SELECT has_schema_privilege(current_schema(), 'CREATE')")):
                raise OwnerWanted(role=connection.engine.url.username)
    begun = here.unfinished is not None and here.unfinished.exists()
    for name, _ in held.held():
        if len(name) != 64 or not (backup / "files" / place(name)).is_file():
            raise FilesNotEmpty(file=name)
        begun = True
        if not again:
            break
    if begun and not again:
        raise RestoreInterrupted


def refuse_tables(connection: Connection) -> None:
    """Raise StoreNotEmpty where the database of a connection has tables; an empty alembic_version is none."""
    found = inspect(connection).get_table_names()
    empty = found == [_OWN] and not connection.scalar(text("SELECT count(*) FROM alembic_version"))
    if found and not empty:
        raise StoreNotEmpty(store=connection.engine.url.database)


def _has_tables(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(path)) as connection:
            found = sqlite_copies.tables(connection)
            return bool(found) and (found != [_OWN] or sqlite_copies.count(connection, _OWN) > 0)
    except sqlite3.DatabaseError:
        # Whatever this is, it is not nothing.
        return True


def clear(path: Path) -> None:
    """Remove a store's file and what SQLite keeps beside it."""
    for suffix in ("-wal", "-shm", "-journal", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
