"""All tables of a PostgreSQL store as of one snapshot, in the server's own COPY format, and back.

docs/decisions says why this is not pg_dump. Rows stand in the order of their primary key, so that the
same rows give the same bytes: a restore copies out what it has copied in and compares the digests.

Transaction numbers, which order the events, begin anew in another cluster. They are written shifted,
so that the newest event of a backup bears ``_NEWEST``: the order stays, and every event that is written
after a restore, on whatever cluster, sorts behind all that were restored.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg import sql
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import ProgrammingError

from app.database import StoreBusy, StoreFull, StoreUnavailable
from app.errors import DomainError, Kind
from app.messages import N_
from app.services.backups import stored_files
from app.services.backups.manifests import Manifest, Sums, Table
from app.services.backups.progress import Phase, Progress
from app.settings import Settings

_BLOCK = 1 << 18
# Below every number that a server gives; -1 is what the newest seal says while it catches up.
_NEWEST = -2
_EVENTS, _NUMBER = "events", "transaction_id"
# What says at which schema the store is comes from the migration, not from the backup.
_MIGRATIONS_OWN = ("alembic_version", "runnable_revisions")
_TABLES = """
SELECT c.relname, a.attname, pg_get_serial_sequence(quote_ident(c.relname), a.attname), pg_relation_size(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND c.relname <> ALL(%s)
ORDER BY c.relname, a.attnum
"""
_PRIMARY = """
SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = %s::regclass AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum)
"""
_FOREIGN = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY 1, 2
"""


class RightsLacking(DomainError):
    """The role that the settings name may not do this."""

    kind = Kind.FORBIDDEN
    code = "rights_lacking"
    message = N_("The database refuses it to this role: %(why)s")


class RestoredRowsDiffer(DomainError):
    """What was copied in does not come out as it was."""

    kind = Kind.CONFLICT
    code = "restored_rows_differ"
    message = N_("The restored store differs from the backup in these tables: %(tables)s. Nothing was kept.")


@contextmanager
def spoken() -> Iterator[None]:
    """Turn what PostgreSQL refuses into words."""
    try:
        yield
    except psycopg.errors.DiskFull as error:
        raise StoreFull from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise RightsLacking(why=error.diag.message_primary) from error
    except ProgrammingError as error:
        # The same by way of SQLAlchemy.
        if not isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
            raise
        raise RightsLacking(why=error.orig.diag.message_primary) from error
    except psycopg.errors.LockNotAvailable as error:
        raise StoreBusy from error
    except psycopg.OperationalError as error:
        raise StoreUnavailable from error


def connect(settings: Settings) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection of a backup's own, outside the pool and its time limits."""
    url = make_url(settings.resolved_database_url)
    password = settings.database_password.get_secret_value()
    url = url.set(password=password) if password else url
    options: dict[str, Any] = {"connect_timeout": 5, "client_encoding": "UTF8", **url.query}
    options |= url.translate_connect_args(username="user", database="dbname")
    return psycopg.connect(autocommit=True, **options)


def revision(connection: psycopg.Connection[tuple[Any, ...]]) -> str | None:
    """The schema revision of the store, or None where it has none."""
    cursor = connection.cursor()
    row = cursor.execute("SELECT to_regclass('alembic_version')").fetchone()
    if row is None or row[0] is None:
        return None
    row = cursor.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None


def driver(connection: Connection) -> psycopg.Connection[tuple[Any, ...]]:
    """The driver's own connection, inside the transaction that SQLAlchemy has begun."""
    connection.exec_driver_sql("SELECT 1")
    return cast("psycopg.Connection[tuple[Any, ...]]", connection.connection.driver_connection)


def begin_snapshot(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Begin the one transaction of a backup: a fixed snapshot, no time limits, no table changed under it."""
    cursor = connection.cursor()
    cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
        cursor.execute(sql.SQL("SET LOCAL {} = 0").format(sql.Identifier(limit)))
    cursor.execute("SET LOCAL lock_timeout = '60s'")
    names = [sql.Identifier(name) for name in described(cursor)]
    if names:
        cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(sql.SQL(", ").join(names)))


def described(cursor: psycopg.Cursor[Any]) -> dict[str, tuple[list[str], str | None, int]]:
    """Table > its columns, its sequence if it has one, and its size in bytes."""
    found: dict[str, tuple[list[str], str | None, int]] = {}
    for table, column, sequence, size in cursor.execute(_TABLES, [list(_MIGRATIONS_OWN)]).fetchall():
        columns, known, _ = found.get(table, ([], None, 0))
        found[table] = ([*columns, column], known or sequence, size)
    return found


def dump(
    connection: psycopg.Connection[tuple[Any, ...]], folder: Path, sums: Sums, progress: Progress
) -> tuple[Table, ...]:
    """Write each table to ``folder/store`` and its digest to ``sums``; call it after ``begin_snapshot``."""
    cursor = connection.cursor()
    found = described(cursor)
    total = sum(size for _, _, size in found.values())
    made: list[Table] = []
    for name, (columns, sequence, _) in found.items():
        path = f"store/{name}.copy"
        digest, size = hashlib.sha256(), 0
        with (folder / path).open("wb") as file:
            for block in _out(cursor, name, columns):
                digest.update(block)
                size += len(block)
                file.write(block)
                progress(Phase.STORE, min(sums.size + size, total), total)
            file.flush()
            os.fsync(file.fileno())
        rows = max(cursor.rowcount, 0)
        sums.add(digest.hexdigest(), path, size)
        made.append(Table(name, rows, tuple(columns), _last(cursor, sequence)))
    progress(Phase.STORE, total, total)
    return tuple(made)


def _out(cursor: psycopg.Cursor[Any], table: str, columns: Sequence[str]) -> Iterator[bytes]:
    """A table's rows as COPY writes them, in blocks of about ``_BLOCK`` bytes."""
    shift = 0
    if table == _EVENTS and _NUMBER in columns:
        row = cursor.execute("SELECT max(transaction_id) FROM events").fetchone()
        shift = row[0] - _NEWEST if row and row[0] is not None else 0
    chosen = [
        sql.SQL("{} - {}").format(sql.Identifier(column), sql.Literal(shift))
        if shift and column == _NUMBER
        else sql.Identifier(column)
        for column in columns
    ]
    key = [row[0] for row in cursor.execute(_PRIMARY, [f'"{table}"']).fetchall()]
    statement = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(
        sql.SQL(", ").join(chosen),
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, key or columns)),
    )
    # The server sends a message for each row.
    gathered = bytearray()
    with cursor.copy(statement) as copied:
        for row_bytes in copied:
            gathered += row_bytes
            if len(gathered) >= _BLOCK:
                yield bytes(gathered)
                gathered.clear()
    yield bytes(gathered)


def _last(cursor: psycopg.Cursor[Any], sequence: str | None) -> int | None:
    if sequence is None:
        return None
    row = cursor.execute("SELECT pg_sequence_last_value(%s::regclass)", [sequence]).fetchone()
    return row[0] if row else None


def wanted_files(connection: psycopg.Connection[tuple[Any, ...]], target: Path) -> None:
    """Write the digest of each file that the records refer to, one a line, in order."""
    cursor = connection.cursor()
    query = stored_files.query(frozenset(described(cursor)))
    with target.open("wb") as file:
        if query:
            with cursor.copy(sql.SQL("COPY ({}) TO STDOUT").format(sql.SQL(cast(Any, query)))) as copied:
                for block in copied:
                    file.write(block)


def load(connection: Connection, folder: Path, manifest: Manifest, progress: Progress) -> None:
    """Copy all tables in, into a schema of the manifest's revision, and prove that they are what they were.

    Foreign keys are laid down first and put back afterwards, which checks each of them in one pass,
    and lets tables refer to one another in any order. Raises RestoredRowsDiffer.
    """
    raw = driver(connection)
    cursor = raw.cursor()
    keys = cursor.execute(_FOREIGN).fetchall()
    for table, name, _ in keys:
        cursor.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.SQL(cast(Any, table)), sql.Identifier(name))
        )
    here = described(cursor)
    strange = [table.name for table in manifest.tables if not set(table.columns) <= set(here.get(table.name, ((),))[0])]
    if strange:
        raise RestoredRowsDiffer(tables=", ".join(strange))
    total = len(manifest.tables) * 2
    for done, table in enumerate(manifest.tables):
        progress(Phase.RESTORING_STORE, done, total)
        _in(cursor, folder / "store" / f"{table.name}.copy", table)
        sequence = here[table.name][1]
        if sequence is not None and table.sequence is not None:
            # What was drawn stays drawn: an id that people may have seen is not given to another row.
            cursor.execute("SELECT setval(%s::regclass, %s)", [sequence, table.sequence])
    for table, name, definition in keys:
        cursor.execute(
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                sql.SQL(cast(Any, table)), sql.Identifier(name), sql.SQL(cast(Any, definition))
            )
        )
    _compare(cursor, folder, manifest, progress)


def _in(cursor: psycopg.Cursor[Any], path: Path, table: Table) -> None:
    # A migration may have written rows of its own; those of the backup take their place.
    if cursor.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table.name))).fetchone():
        cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name)))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
    )
    with path.open("rb") as file, cursor.copy(statement) as copied:
        while block := file.read(_BLOCK):
            copied.write(block)


def _compare(cursor: psycopg.Cursor[Any], folder: Path, manifest: Manifest, progress: Progress) -> None:
    """Copy out again what was copied in, and compare digests and counts."""
    different: list[str] = []
    total = len(manifest.tables) * 2
    for done, table in enumerate(manifest.tables, len(manifest.tables)):
        progress(Phase.RESTORING_STORE, done, total)
        digest = hashlib.sha256()
        for block in _out(cursor, table.name, table.columns):
            digest.update(block)
        original = folder / "store" / f"{table.name}.copy"
        if cursor.rowcount != table.rows or digest.hexdigest() != _digest(original):
            different.append(table.name)
    if different:
        raise RestoredRowsDiffer(tables=", ".join(different))
    progress(Phase.RESTORING_STORE, total, total)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
