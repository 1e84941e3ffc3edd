"""The engines of the two kinds of store, and what each has to be told."""

import json
import sqlite3
import time
from typing import Any

import orjson
import psycopg
from sqlalchemy import URL, Engine, FromClause, create_engine, event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.exc import InvalidatePoolError

from app import read_sessions
from app.read_sessions import explained
from app.settings import Settings

# Seconds that a writer waits for the one lock of the embedded store, or for a connection of the pool.
WRITER_WAIT = 10.0
_BUSY_MILLISECONDS = 10_000
# Seconds that a connection to PostgreSQL may have lain before it is looked at, and uses before a statement is kept.
_QUIET = 1.0
_PREPARED_AFTER = 3


class _HintingCompiler(SQLiteCompiler):
    """Writes out what ``with_hint`` says of a table, as NOT INDEXED; SQLAlchemy drops it without a word."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        return text


def sqlite(url: URL, begin: str, *, query_only: bool) -> Engine:
    """An engine of the embedded store whose transactions start with ``begin``; ``query_only``: it cannot write."""
    engine = create_engine(
        url,
        connect_args={"timeout": _BUSY_MILLISECONDS / 1000},
        pool_size=40,
        max_overflow=24,
        json_deserializer=_read_json,
    )
    engine.dialect.statement_compiler = _HintingCompiler

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        # The driver would begin a transaction at the first write only, after the reads it depends on.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON"):
            connection.execute(f"PRAGMA {pragma}")
        if query_only:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        driver = connection.connection.driver_connection
        if driver.in_transaction:
            # A reader that asked for prepared rows before.
            return
        if not query_only:
            wait = 0 if connection.get_execution_options().get("at_once") else _BUSY_MILLISECONDS
            driver.execute(f"PRAGMA busy_timeout={wait}")
        with explained(begin, connection.dialect):
            driver.execute(begin)

    return engine


def _read_json(text: str | bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # The standard allows what orjson does not, such as half a surrogate pair.
        return json.loads(text)


def postgresql(url: URL, settings: Settings) -> Engine:
    """The engine of a PostgreSQL, with its pool."""
    engine = create_engine(
        url,
        pool_size=settings.database_pool,
        max_overflow=10,
        pool_timeout=WRITER_WAIT,
        json_deserializer=_read_json,
        connect_args={
            "connect_timeout": 5,
            "prepare_threshold": _PREPARED_AFTER if settings.database_prepare else None,
            "options": "-c timezone=UTC -c lock_timeout=10s -c statement_timeout=30s -c client_encoding=UTF8",
        },
    )

    @event.listens_for(engine, "checkout")
    def _look(connection: Any, record: Any, _proxy: object) -> None:
        # Whether the other end is still there costs as much as a short query; a reader asks only after a pause.
        rested = time.monotonic() - record.info.get("used", 0.0)
        if rested > _QUIET or not getattr(read_sessions.reading, "now", False):
            try:
                engine.dialect.do_ping(connection)
            except psycopg.Error as error:
                raise InvalidatePoolError from error

    @event.listens_for(engine, "checkin")
    def _note(_connection: object, record: Any) -> None:
        record.info["used"] = time.monotonic()

    return engine
