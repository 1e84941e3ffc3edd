"""A session that only reads, and how the driver's trouble is told by both ways to rows, SQLAlchemy's and ours."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

from sqlalchemy import Connection, Dialect, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection
from sqlmodel import Session

# Whether this thread takes a connection to read with: a dead one is then replaced, and need not be looked at first.
reading = threading.local()


class ReadSession(Session):
    """A session that only reads. Prepared statements use its driver's connection and spare it the rest.

    Whatever else is asked in it runs on the same connection, and on SQLite in the same snapshot.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, autoflush=False, expire_on_commit=False)
        self._engine = engine
        self._borrowed: PoolProxiedConnection | None = None
        self._driver: Any = None
        self._connection: Connection | None = None
        self._is_sqlite = engine.dialect.name == "sqlite"

    def driver(self, *, alone: bool = False) -> Any:
        """The driver's connection, inside a transaction on SQLite and outside of any on PostgreSQL.

        ``alone``: for one statement whose rows need not be of the same snapshot as what follows.
        """
        found = self._driver
        if found is None:
            with explained("", self._engine.dialect):
                reading.now = True
                try:
                    self._borrowed = self._engine.raw_connection()
                finally:
                    reading.now = False
            found = self._driver = cast(Any, self._borrowed.driver_connection)
            if not self._is_sqlite:
                found.autocommit = True
        if self._is_sqlite and not alone and not found.in_transaction:
            found.execute("BEGIN")
        return found

    @property
    def dialect(self) -> Dialect:
        """The engine's dialect."""
        return self._engine.dialect

    def get_bind(self, *_: Any, **__: Any) -> Engine | Connection:
        """The connection that the driver's was taken from, once something asks for more than rows."""
        if self._connection is None:
            driver: Any = self._driver
            if driver is not None and not self._is_sqlite:
                driver.autocommit = False
            self._connection = Connection(self._engine, connection=self._borrowed)
            self._borrowed = self._connection.connection
            self._driver = self._borrowed.driver_connection
        return self._connection

    def lose(self, error: BaseException) -> bool:
        """Keep the connection out of the pool, for its other end is gone; the others are then opened anew too.

        Returns whether the statement can be asked again on another: it was in no transaction.
        """
        if self._borrowed is None:
            return False
        self._engine.pool._invalidate(self._borrowed, error)
        alone = self._connection is None and not self._is_sqlite
        if alone:
            self._borrowed = self._driver = None
        return alone

    def close(self) -> None:
        """Give the connection back."""
        connection, borrowed, driver = self._connection, self._borrowed, self._driver
        self._connection = self._borrowed = self._driver = None
        if connection is not None:
            super().close()
            connection.close()
        elif borrowed is not None:
            if not self._is_sqlite:
                with suppress(Exception):
                    driver.autocommit = False
            borrowed.close()


def dialect_of(session: Session) -> Dialect:
    """The dialect behind a session, without asking for a connection."""
    return session.dialect if isinstance(session, ReadSession) else session.get_bind().dialect


@contextmanager
def explained(text: str, dialect: Dialect, driver: Any = None) -> Iterator[None]:
    """The driver's errors as SQLAlchemy's, which the store knows how to explain."""
    try:
        yield
    except dialect.loaded_dbapi.Error as error:
        raise as_sqlalchemys(error, text, dialect, driver) from error


def as_sqlalchemys(error: Any, text: str, dialect: Dialect, driver: Any) -> DBAPIError:
    """An error of the driver's as SQLAlchemy would raise it; it tells whether the connection was lost."""
    lost = driver is not None and dialect.is_disconnect(error, driver, None)
    made: Any = DBAPIError.instance(
        text, {}, error, dialect.loaded_dbapi.Error, connection_invalidated=lost, dialect=dialect
    )
    return cast(DBAPIError, made)
