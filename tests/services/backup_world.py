"""What the tests of backups share: a store with files, an empty place, a digest of all that a store holds."""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.pool import NullPool

from app.adapters import storage
from app.database import Database
from app.models import Attachment
from app.services import events
from app.services.backups import making, restoring
from app.services.backups.restoring import Restored
from app.settings import Settings
from app.vault import Vault
from tests.conftest import SECRET, Stores
from tests.factories import NOW, SYSTEM, World

VAULT = Vault(SECRET)
CONTENTS = tuple(f"第{number}份验收材料\n".encode() * (number * 100) for number in range(1, 5))


def attach(settings: Settings, world: World, contents: tuple[bytes, ...], tmp_path: Path) -> list[str]:
    """Put files on a task, bytes and rows; returns their digests."""
    held, digests = storage.from_settings(settings), []
    database = Database(settings)
    for content in contents:
        digests.append(hashlib.sha256(content).hexdigest())
        path = tmp_path / "upload"
        path.write_bytes(content)
        held.put(digests[-1], path)
        with database.transaction() as session:
            session.add(
                row := Attachment(
                    programme_id=world.programmes["home"],
                    subject_type="tasks",
                    subject_id=world.tasks["issued"],
                    name="材料.txt",
                    media_type="text/plain",
                    size=len(content),
                    sha256=digests[-1],
                )
            )
            session.flush()
            events.record(session, SYSTEM, "attachment.create", row, now=NOW)
    database.dispose()
    return digests


@pytest.fixture
def filled(settings: Settings, world: World, tmp_path: Path) -> Settings:
    """The world with four files on a task."""
    attach(settings, world, CONTENTS, tmp_path)
    return settings


@pytest.fixture
def place(stores: Stores) -> Iterator[Settings]:
    """An empty place of the same engine."""
    empty = stores.empty()
    yield empty
    stores.drop(empty)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the backups go."""
    return tmp_path / "backups"


def backup(settings: Settings, folder: Path, **options: Any) -> Path:
    """Make one; returns where it is."""
    return making.create(settings, folder, **options).path


def restore(place: Settings, path: Path, **options: Any) -> Restored:
    """Restore one."""
    return restoring.restore(place, path, actor=SYSTEM, now=NOW, **options)


def contents(settings: Settings) -> dict[str, list[Any]]:
    """All rows of all tables, but for the order number of a transaction, which is the server's own."""
    engine = create_engine(settings.resolved_database_url, poolclass=NullPool)
    found: dict[str, list[Any]] = {}
    with engine.connect() as connection:
        # A virtual table shows the rows of the tables behind it, which are looked at themselves.
        for table in set(inspect(connection).get_table_names()) - _virtual(connection):
            rows = connection.execute(text(f'SELECT * FROM "{table}"')).mappings()
            found[table] = sorted(
                repr([value for name, value in row.items() if name != "transaction_id"]) for row in rows
            )
    engine.dispose()
    return found


def _virtual(connection: Connection) -> set[str]:
    if connection.dialect.name != "sqlite":
        return set()
    return set(connection.scalars(text("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL%'")))


def without_the_restore(found: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """``contents`` without what a restore adds and ends: its own entry in the log, everybody's sessions."""
    kept = {name: rows for name, rows in found.items() if name != "user_sessions"}
    return kept | {"events": [row for row in kept["events"] if "store.restore" not in row]}


def files_of(settings: Settings) -> dict[str, bytes]:
    """The bytes of all files by name."""
    return {path.name: path.read_bytes() for path in (settings.data / "files").rglob("*") if path.is_file()}


def is_empty(settings: Settings) -> bool:
    """Whether no store stands there."""
    if settings.database_url:
        engine = create_engine(settings.database_url, poolclass=NullPool)
        with engine.connect() as connection:
            found = inspect(connection).get_table_names()
        engine.dispose()
        return found == []
    return not (settings.data / "duikou.sqlite3").exists()


def flip(path: Path, where: int) -> None:
    """Change one byte of a file; a hard link's other names keep theirs."""
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(content)
    path.chmod(mode)


def copy(path: Path, tmp_path: Path) -> Path:
    """Another copy of a backup, to damage."""
    return Path(shutil.copytree(path, tmp_path / "copies" / path.name, dirs_exist_ok=True))


def ask(path: Path, statement: str) -> Any:
    """One value out of an SQLite file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchone()[0]
