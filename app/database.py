"""The store: the two ways to a session, and the only commit in the tree.

SQLite runs in WAL mode with two engines over one file. Writers begin IMMEDIATE, so that a
read-then-write never works on a stale read, and queue for one lock inside the process, because
waiting in SQLite's busy handler makes the slowest of them wait half a second. Readers use
connections that can only query and never wait for a writer.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar, cast

import psycopg
from psycopg import sql
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool, QueuePool
from sqlmodel import Session

from app import engines, indexing
from app.errors import DomainError, Kind
from app.messages import N_
from app.read_sessions import ReadSession
from app.recording import RecordedSession, guard, refuse_unrecorded
from app.settings import Settings
from app.vault import Vault

log = logging.getLogger("duikou")


class StoreBusy(DomainError):
    """Somebody else writes for too long; nothing was stored."""

    kind = Kind.UNAVAILABLE
    code = "store_busy"
    message = N_("The store is busy. Nothing was saved; please try again in a moment.")


class StoreUnavailable(DomainError):
    """The database cannot be reached."""

    kind = Kind.UNAVAILABLE
    code = "store_unavailable"
    message = N_("The store cannot be reached. Nothing was saved; please try again in a moment.")


class StoreFull(DomainError):
    """The disk has no room."""

    kind = Kind.FULL
    code = "store_full"
    message = N_("The disk of the server is full. Nothing was saved; please tell the system administrator.")


class RowConflict(DomainError):
    """Two people made the same thing at once, or it is still referred to."""

    kind = Kind.CONFLICT
    code = "row_conflict"
    message = N_("This exists already, or something else still refers to it. Nothing was saved.")


class Database:
    """The engines of one process and the two ways to a session."""

    session_class: ClassVar[type[RecordedSession]] = RecordedSession

    def __init__(self, settings: Settings) -> None:
        url = make_url(settings.resolved_database_url)
        self.vault = Vault(settings.secret_key.get_secret_value())
        self.is_sqlite = url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._writer = engines.sqlite(url, begin="BEGIN IMMEDIATE", query_only=False)
            self._reader = engines.sqlite(url, begin="BEGIN", query_only=True)
            lock = threading.Lock()
            self._gate: Any = _Gate(lock, engines.WRITER_WAIT)
            self._open_gate: Any = _Gate(lock, 0)
        else:
            password = settings.database_password.get_secret_value()
            self._writer = engines.postgresql(url.set(password=password) if password else url, settings)
            self._reader = self._writer.execution_options(postgresql_readonly=True)
            self._gate = self._open_gate = nullcontext()
        guard(self._writer)
        self._here = threading.local()
        # Called with the number of events after each commit that wrote some; they must be quick and not raise.
        self.listeners: list[Callable[[int], None]] = []

    def exists(self) -> bool:
        """Whether the embedded store's file is there; asking SQLite anything would create it."""
        file = self._writer.url.database
        return not self.is_sqlite or bool(file and Path(file).exists())

    @property
    def engine(self) -> Engine:
        """The writing engine, for readiness and for migrations' checks."""
        return self._writer

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits when the block ends and keeps nothing if it raises.

        Raises StoreBusy, StoreFull, StoreUnavailable or RowConflict for trouble of the store, and
        ChangeWithoutEvent where the block changed a row without recording why.
        """
        with self._writing(self._gate, self._writer) as session:
            yield session

    def note(self, write: Callable[[Session], None]) -> None:
        """Do a small write of bookkeeping at once or not at all: a reader never waits for it or fails with it."""
        try:
            with self._writing(self._open_gate, self._writer.execution_options(at_once=True)) as session:
                write(session)
        except DomainError as trouble:
            log.info("a note was left out: %s", trouble.code)

    @contextmanager
    def _writing(self, gate: Any, engine: Engine) -> Iterator[Session]:
        # Whoever holds a connection to read with while waiting for one to write with can wait for themselves.
        self._read_anew()
        with translated(), gate, self.session_class(engine, expire_on_commit=False) as session:
            session.info["vault"] = self.vault
            yield session
            refuse_unrecorded(session)
            indexing.refresh(session)
            session.commit()
            self._read_anew()
            written = session.info.pop("events_written", 0)
            if written:
                for listener in self.listeners:
                    listener(written)

    def reading(self) -> AbstractContextManager[Session]:
        """A session that only reads, one snapshot on SQLite, and never waits for a writer."""
        return getattr(self._here, "shared", None) or _Once(self._read_session())

    @contextmanager
    def one_reading(self) -> Iterator[None]:
        """Within the block every reading of this thread is one session, one snapshot on SQLite.

        After a transaction of the thread's own it begins anew, so that whoever wrote reads what they wrote.
        """
        kept = getattr(self._here, "kept", None)
        if kept is None:
            kept = self._here.kept = _Shared(self._read_session())
        self._here.shared = kept
        try:
            yield
        finally:
            self._here.shared = None
            kept.end()

    def _read_anew(self) -> None:
        shared: _Shared | None = getattr(self._here, "shared", None)
        if shared is not None:
            shared.renew()

    def _read_session(self) -> ReadSession:
        session = ReadSession(self._reader)
        session.info["vault"] = self.vault
        return session

    @property
    def pools(self) -> tuple[int, int]:
        """The connections in use, and those that there may be."""
        pools = {id(engine.pool): engine.pool for engine in (self._writer, self._reader)}.values()
        return (
            sum(pool.checkedout() for pool in pools if isinstance(pool, QueuePool)),
            sum(pool.size() + pool._max_overflow for pool in pools if isinstance(pool, QueuePool)),
        )

    def listen(self, channel: str) -> psycopg.Connection:
        """A connection of its own that hears what is notified on ``channel``; the caller closes it.

        On PostgreSQL only. Raises psycopg.Error.
        """
        _, options = self._writer.dialect.create_connect_args(self._writer.url)
        connection = psycopg.connect(**options, connect_timeout=5, autocommit=True)
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        return connection

    def dispose(self) -> None:
        """Close all connections."""
        self._writer.dispose()
        self._reader.dispose()


class _Once:
    """A reading with a session of its own."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    def __enter__(self) -> ReadSession:
        return self._session

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._session.close()
        explain(error)


class _Shared:
    """The one reading of a thread: its session, and how many blocks are reading in it now."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._blocks = 0
        self._stale = False

    def __enter__(self) -> ReadSession:
        self._blocks += 1
        return self._session

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._blocks -= 1
        if self._stale and not self._blocks:
            self.end()
        explain(error)

    def renew(self) -> None:
        """Let the next block begin anew; one that is still reading keeps its snapshot until it is through."""
        self._stale = True
        if not self._blocks:
            self.end()

    def end(self) -> None:
        """Give the connection back."""
        self._stale = False
        self._session.close()


def listening(settings: Settings) -> Callable[[], "psycopg.Connection[tuple[Any, ...]]"] | None:
    """Opens the connection on which a process hears of the others' commits; None for the embedded store.

    It stands apart from the pool, leads to the primary without a pooler in between, and commits by itself.
    """
    url = make_url(settings.database_listen_url or settings.resolved_database_url)
    if url.get_backend_name() == "sqlite":
        return None
    password = settings.database_password.get_secret_value()
    engine = create_engine(
        url.set(password=password) if password else url,
        poolclass=NullPool,
        connect_args={"connect_timeout": 5, "autocommit": True, "application_name": "duikou-live"},
    )

    def connect() -> "psycopg.Connection[tuple[Any, ...]]":
        borrowed = engine.raw_connection()
        borrowed.detach()
        return cast("psycopg.Connection[tuple[Any, ...]]", borrowed.dbapi_connection)

    return connect


class _Gate:
    """Lets one writer at a time into SQLite, inside this process."""

    def __init__(self, lock: threading.Lock, wait: float) -> None:
        self._lock = lock
        self._wait = wait

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=self._wait):
            raise StoreBusy

    def __exit__(self, *_: object) -> None:
        self._lock.release()


@contextmanager
def translated() -> Iterator[None]:
    """Turn trouble of the store into refusals that a person can read."""
    try:
        yield
    except DBAPIError as error:
        explain(error)
        raise


def explain(error: BaseException | None) -> None:
    """Raise the refusal that trouble of the store amounts to; anything else is left as it is."""
    if isinstance(error, IntegrityError):
        raise RowConflict from error
    if isinstance(error, DBAPIError):
        raise _refusal(error) from error


def _refusal(error: DBAPIError) -> Exception:
    cause = error.orig
    text = str(cause).lower()
    if isinstance(cause, psycopg.errors.DiskFull) or "disk is full" in text or "disk i/o error" in text:
        return StoreFull()
    if isinstance(cause, psycopg.errors.LockNotAvailable | psycopg.errors.QueryCanceled) or "locked" in text:
        return StoreBusy()
    if isinstance(cause, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
        return StoreBusy()
    unreachable = error.connection_invalidated or "unable to open database file" in text
    if unreachable or isinstance(cause, psycopg.OperationalError):
        return StoreUnavailable()
    return error
