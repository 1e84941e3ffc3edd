"""The drill: a backup nobody has restored is a hope. It is restored into a temporary place and removed again."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import make_url

from app.adapters import storage
from app.errors import DomainError, Kind
from app.messages import N_
from app.permissions import Actor
from app.services.backups import folders, places, postgresql_copies, restoring
from app.services.backups.outcomes import Restored
from app.services.backups.progress import Progress, silent
from app.settings import Settings
from app.vault import Vault

_MARK = "a drill of duikou; it may be dropped"


class DrillDatabaseRefused(DomainError):
    """The role may not create databases."""

    kind = Kind.FORBIDDEN
    code = "drill_database_refused"
    message = N_(
        "The drill could not create its temporary database (%(why)s). "
        "Give the address of a role that may, by DUIKOU_DRILL_DATABASE_URL."
    )


class LinkedFiles:
    """A storage in a temporary folder: links to the backup's own files where the disk has links, else copies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, sha256: str, path: Path) -> None:
        """See Storage."""
        target = self._folder / storage.place(sha256)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, target)
            except OSError:
                shutil.copyfile(path, target)
        except OSError as error:
            raise storage.trouble(error) from error

    def read(self, sha256: str) -> Iterator[bytes]:
        """See Storage."""
        yield (self._folder / storage.place(sha256)).read_bytes()

    def held(self) -> Iterator[tuple[str, int]]:
        """See Storage."""
        for parent, _, names in os.walk(self._folder):
            for name in names:
                yield name, (Path(parent) / name).stat().st_size


def drill(settings: Settings, backup: Path, *, actor: Actor, now: datetime, progress: Progress = silent) -> Restored:
    """Restore ``backup`` into a temporary place beside it, verify everything, and remove it again.

    On PostgreSQL the place is a temporary database of ``drill_database_url``. Raises what
    ``restoring.restore`` raises, RestoredLogNotWhole, BackupRunning, or DrillDatabaseRefused.
    """
    with folders.held(backup.parent), _temporary(settings, backup.parent) as (elsewhere, files):
        done = restoring.restore(elsewhere, backup, actor=actor, now=now, held=files, progress=progress)
        restoring.refuse_broken_log(done)
        return done


def newest(settings: Settings, folder: Path) -> Path:
    """The backup that a drill takes where none is named; raises NoBackup."""
    return folders.newest_path(folder, Vault(settings.secret_key.get_secret_value()))


@contextmanager
def _temporary(settings: Settings, beside: Path) -> Iterator[tuple[Settings, LinkedFiles]]:
    try:
        data = Path(tempfile.mkdtemp(prefix=".drill-", dir=beside))
    except OSError as error:
        raise folders.refusal(beside, error) from error
    changed: dict[str, Any] = {"data": data, "storage_url": "", "database_url": "", "database_app_role": ""}
    try:
        if places.engine_of(settings) == "sqlite":
            yield settings.model_copy(update=changed), LinkedFiles(data / "files")
        else:
            with _temporary_database(settings) as given:
                yield settings.model_copy(update={**changed, **given}), LinkedFiles(data / "files")
    finally:
        shutil.rmtree(data, ignore_errors=True)


@contextmanager
def _temporary_database(settings: Settings) -> Iterator[dict[str, Any]]:
    """Create a database, give the settings that lead to it, and drop it; those of killed drills go too."""
    apart = bool(settings.drill_database_url)
    url = make_url(settings.drill_database_url if apart else settings.resolved_database_url)
    password: SecretStr = settings.drill_database_password if apart else settings.database_password
    base = settings.model_copy(
        update={"database_url": url.render_as_string(hide_password=False), "database_password": password}
    )
    prefix = f"{(make_url(settings.resolved_database_url).database or 'duikou')[:40]}_drill_"
    name = prefix + secrets.token_hex(4)
    try:
        with postgresql_copies.spoken(), closing(postgresql_copies.connect(base)) as connection:
            _drop_left(connection, prefix)
            _create(connection, name)
            try:
                there = url.set(database=name).render_as_string(hide_password=False)
                yield {"database_url": there, "database_password": password}
            finally:
                _drop(connection, name)
    except postgresql_copies.RightsLacking as error:
        raise DrillDatabaseRefused(why=error.values["why"]) from error


def _create(connection: psycopg.Connection[tuple[Any, ...]], name: str) -> None:
    identifier = sql.Identifier(name)
    connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(identifier))
    connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(identifier, sql.Literal(_MARK)))


def _drop(connection: psycopg.Connection[tuple[Any, ...]], name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _drop_left(connection: psycopg.Connection[tuple[Any, ...]], prefix: str) -> None:
    left = connection.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s) AND shobj_description(oid, 'pg_database') = %s",
        [prefix, _MARK],
    ).fetchall()
    for (name,) in left:
        _drop(connection, name)
