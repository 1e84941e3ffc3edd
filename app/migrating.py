"""Moving the store to the schema of this code, and saying whether it is there."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.pool import NullPool

from app.settings import Settings

_FOLDER = Path(__file__).resolve().parent.parent / "migrations"


class WrongEncoding(Exception):
    """The PostgreSQL database was made with an encoding that cannot hold Chinese text."""


def migrate(settings: Settings, revision: str = "head") -> str:
    """Upgrade to ``revision``; returns the revision that the store is at.

    Runs in one transaction on both engines: a failure leaves the store as it was.
    """
    return _run(settings, command.upgrade, revision)


def migrate_back(settings: Settings, revision: str) -> str:
    """Downgrade to ``revision``, an older one or "base"; returns the revision that the store is at."""
    return _run(settings, command.downgrade, revision)


def _run(settings: Settings, step: Callable[[Config, str], None], revision: str) -> str:
    engine = _engine(settings)
    try:
        with engine.connect() as connection, connection.begin():
            _refuse_wrong_encoding(connection)
            if connection.dialect.name == "postgresql":
                # Two migrations that start together: the second waits, then finds nothing to do.
                connection.execute(text("SELECT pg_advisory_xact_lock(20211231)"))
            step(_config(connection), revision)
            return current(connection) or "base"
    finally:
        engine.dispose()


def drift(settings: Settings) -> None:
    """Raise alembic's own error where the models and the migrated store differ."""
    engine = _engine(settings)
    with engine.connect() as connection:
        command.check(_config(connection))
    engine.dispose()


def head() -> str:
    """The revision that this code needs."""
    return ScriptDirectory(str(_FOLDER)).get_current_head() or "base"


def current(connection: Connection) -> str | None:
    """The revision that a store is at, or None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
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
