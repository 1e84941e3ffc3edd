"""The bell between replicas: PostgreSQL's LISTEN and NOTIFY, on one connection of its own per process.

A NOTIFY inside the writing transaction makes every commit of the database wait for the one before it
to reach the disk (measured in the decision record on live updates). So a commit only strikes the bell;
this thread then notifies in a transaction that waits for no disk, once for all commits since the last
time. A bell that is lost costs a listener the two seconds until it looks by itself.
"""

import logging
import os
import select
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]
log = logging.getLogger("duikou")
_CHANNEL = "duikou_events"
_ALIVE_EVERY = 30.0
_RETRY_FIRST, _RETRY_LAST = 0.5, 30.0


class Bell:
    """Rings ``ring`` when another process has struck, and after each time that it was out of reach."""

    def __init__(self, connect: Callable[[], Connection], ring: Callable[[], None]) -> None:
        self._connect = connect
        self._ring = ring
        self._wakes, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="duikou-bell", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def strike(self, _events: int = 0) -> None:
        """Tell the others, soon; costs a write to a pipe. Full, the pipe says the same already."""
        with suppress(OSError):
            os.write(self._wake, b"!")

    def stop(self) -> None:
        """Stop listening and close the connection."""
        self._stopping.set()
        self.strike()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        for end in (self._wakes, self._wake):
            os.close(end)

    def _run(self) -> None:
        pause = _RETRY_FIRST
        while not self._stopping.is_set():
            try:
                with closing(self._connect()) as connection:
                    connection.execute("SET synchronous_commit = off")
                    connection.execute(f"LISTEN {_CHANNEL}")
                    pause = _RETRY_FIRST
                    self._ring()
                    self._listen(connection)
            except psycopg.Error as error:
                log.warning("the bell is out of reach: %s", error.sqlstate or type(error).__name__)
                self._stopping.wait(pause)
                pause = min(pause * 2, _RETRY_LAST)

    def _listen(self, connection: Connection) -> None:
        own = connection.info.backend_pid
        heard = threading.Event()
        connection.add_notify_handler(lambda notice: None if notice.pid == own else heard.set())
        while not self._stopping.is_set():
            ready, _, _ = select.select([connection.fileno(), self._wakes], [], [], _ALIVE_EVERY)
            if self._wakes in ready:
                with suppress(BlockingIOError):
                    os.read(self._wakes, 65536)
                connection.execute(f"NOTIFY {_CHANNEL}")
            else:
                # Reads what has come, and finds out whether somebody is still at the other end.
                connection.execute("SELECT 1")
            if heard.is_set():
                heard.clear()
                self._ring()
