"""The bell: waiting until there may be work, without asking more often than once a second."""

import logging
import threading
import time

import psycopg

from app.database import Database
from app.services import jobs

log = logging.getLogger("duikou")
_AGAIN = 30.0


class Bell:
    """Waits for a moment, or on PostgreSQL until a job is put in.

    It listens on a connection of its own. Where that cannot be (a pooler that shares connections, a
    server that is away), looking once a second remains.
    """

    def __init__(self, store: Database, stopping: threading.Event) -> None:
        self._store = store
        self._stopping = stopping
        self._connection: psycopg.Connection | None = None
        self._not_before = 0.0

    def wait(self, seconds: float) -> None:
        """Return after so many seconds, or earlier where the bell rings or the worker is to stop."""
        if self._connection is None and not self._listen():
            self._stopping.wait(seconds)
            return
        assert self._connection is not None  # noqa: S101 - for the type checker
        try:
            for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                return
        except psycopg.Error:
            self.close()
            self._stopping.wait(seconds)

    def close(self) -> None:
        """Give the connection up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _listen(self) -> bool:
        if self._store.is_sqlite or time.monotonic() < self._not_before:
            return False
        try:
            self._connection = self._store.listen(jobs.CHANNEL)
        except Exception as error:
            log.info("the worker cannot listen and looks once a second: %s", type(error).__name__)
            self._not_before = time.monotonic() + _AGAIN
            return False
        return True
