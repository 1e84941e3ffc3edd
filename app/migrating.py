"""Moving the store to the schema of this code; whether this code may run on it says ``revisions``.

A store may be newer than the code: while replicas are replaced one by one, and after a release was
taken back. Each migration says with ``oldest_code`` which older code runs on what it makes; the store
holds the sum (``runnable_revisions``), because the older code cannot know of the newer step.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, delete, event, insert, inspect, make_url, text
from sqlalchemy.pool import NullPool

from app import database_roles, revisions
from app.errors import DomainError, Kind
from app.messages import N_
from app.models import RunnableRevision
from app.settings import Settings


class WrongEncoding(Exception):
    """The PostgreSQL database was made with an encoding that cannot hold Chinese text."""


class StoreNewer(DomainError):
    """A newer release has changed the store in a way that this code was not made for."""

    kind = Kind.UNAVAILABLE
    code = "store_newer"
    message = N_(
        "The store is at revision %(at)s of a newer release, on which this one cannot run. Use the newer release, "
        "or let it take the store back first: duikou migrate --back %(head)s"
    )


def migrate(settings: Settings, revision: str = "head") -> str:
    """Upgrade to ``revision``; returns the revision that the store is at.

    Runs in one transaction on both engines: a failure leaves the store as it was. A store of a newer
    release is left alone where this code runs on it; else StoreNewer is raised.
    """
    return _run(settings, command.upgrade, revision)


def migrate_back(settings: Settings, revision: str) -> str:
    """Downgrade to ``revision``, an older one or "base"; returns the revision that the store is at."""
    return _run(settings, command.downgrade, revision)


def _run(settings: Settings, step: Callable[[Config, str], None], revision: str) -> str:
    with changing(settings) as connection:
        at = revisions.current(connection)
        if at is not None and at not in revisions.known():
            if step is command.upgrade and revisions.runs_here(connection):
                return at
            raise StoreNewer(at=at, head=revisions.head())
        return _take(connection, settings, step, revision)


@contextmanager
def changing(settings: Settings) -> Iterator[Connection]:
    """One transaction in which the tables may be changed, on a connection of its own without time limits.

    Two at once: the second waits for the first. Raises WrongEncoding.
    """
    engine = _engine(settings)
    try:
        with engine.connect() as connection, connection.begin():
            _refuse_wrong_encoding(connection)
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(20211231)"))
            yield connection
    finally:
        engine.dispose()


def bring(connection: Connection, settings: Settings, revision: str = "head") -> str:
    """Upgrade to ``revision`` inside a transaction that ``changing`` has begun; returns what the store is at."""
    return _take(connection, settings, command.upgrade, revision)


def _take(connection: Connection, settings: Settings, step: Callable[[Config, str], None], revision: str) -> str:
    step(_config(connection), revision)
    _note_runnable(connection)
    if settings.database_app_role and connection.dialect.name == "postgresql":
        database_roles.grant(connection, settings.database_app_role)
    return revisions.current(connection) or "base"


def drift(settings: Settings) -> None:
    """Raise alembic's own error where the models and the migrated store differ."""
    engine = _engine(settings)
    with engine.connect() as connection:
        command.check(_config(connection))
    engine.dispose()


def runnable(at: str) -> list[str]:
    """The revisions whose code runs on a store at ``at``, the newest first.

    Code of revision A runs there if every step after A names A or an older one as its ``oldest_code``.
    A step that names none wants its own code.
    """
    scripts = ScriptDirectory(str(revisions.FOLDER))
    chain = list(scripts.walk_revisions(head=at))[::-1]
    place = {script.revision: index for index, script in enumerate(chain)}
    found: list[str] = []
    wanted = 0
    for index in range(len(chain) - 1, -1, -1):
        if wanted > index:
            break
        script = chain[index]
        found.append(script.revision)
        wanted = max(wanted, place[getattr(script.module, "oldest_code", script.revision)])
    return found


def _note_runnable(connection: Connection) -> None:
    at = revisions.current(connection)
    if at is None or not inspect(connection).has_table("runnable_revisions"):
        return
    connection.execute(delete(RunnableRevision))
    connection.execute(insert(RunnableRevision), [{"revision": revision} for revision in runnable(at)])


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(revisions.FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _engine(settings: Settings) -> Engine:
    # A connection of its own, without foreign keys on SQLite: rebuilding a table there would
    # otherwise cascade into the rows that refer to it.
    url = make_url(settings.resolved_database_url)
    password = settings.database_password.get_secret_value()
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url.set(password=password) if password else url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _leave_transactions_to_us(connection: sqlite3.Connection, _record: object) -> None:
    # The driver would leave changes of the schema outside of any transaction.
    connection.isolation_level = None


def _refuse_wrong_encoding(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise WrongEncoding(f"The database has the encoding {encoding}; create it with ENCODING 'UTF8'.")
