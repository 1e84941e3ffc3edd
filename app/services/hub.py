"""The hub of a process: who waits for changes, and one look at the log for all of them together.

It looks every two seconds, and only while somebody waits; a commit of this process or the bell of
another one makes it look at once. Whoever may be concerned is then woken and looks for themselves,
with their own rights. Nothing is kept between processes: a client that comes back to another replica
goes on from the position that it names.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from anyio import to_thread

from app.database import Database
from app.errors import DomainError, Kind
from app.messages import N_
from app.permissions import Actor, Permission
from app.services import live

log = logging.getLogger("duikou")
_LOOKS_EVERY = 2.0
# However much is written, this process reads the log for its listeners no more often.
_AT_MOST_EVERY = 0.5
_LIMIT = 500
_PER_PERSON = 8


class LiveFull(DomainError):
    """As many streams as a process or a person may have; the page then asks now and then instead."""

    kind = Kind.UNAVAILABLE
    code = "live_full"
    message = N_("Too many pages follow changes here at the moment.")


@dataclass(eq=False, slots=True)
class Ticket:
    """One listener: for whom, in which programmes, and the bell that wakes them."""

    user_id: int | None
    programmes: frozenset[int]
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def concerns(self, row: Any) -> bool:
        """Whether a row of ``live.outline`` may be news to them; what they see is asked of the log."""
        return row.programme_id in self.programmes and row.subject_type in live.TABLES and row.actor_id != self.user_id

    async def wait(self, seconds: float) -> bool:
        """True as soon as something may have happened, False after ``seconds`` without."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.woken.wait()
        happened = self.woken.is_set()
        self.woken.clear()
        return happened


class Hub:
    """The listeners of one process. All but ``wake`` and ``close`` belong to its event loop."""

    def __init__(self, store: Database, limit: int) -> None:
        self._store = store
        self._limit = limit
        self._tickets: set[Ticket] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._due = asyncio.Event()
        self._over = asyncio.Event()
        self.closing = False

    def __len__(self) -> int:
        return len(self._tickets)

    def refuse_too_many(self, actor: Actor) -> None:
        """Raise LiveFull where the process or the person has as many streams as they may."""
        of_person = sum(ticket.user_id == actor.user_id for ticket in self._tickets)
        if len(self._tickets) >= self._limit or of_person >= _PER_PERSON or self.closing:
            raise LiveFull

    @contextmanager
    def listening(self, actor: Actor) -> Iterator[Ticket]:
        """A ticket for as long as the block runs; raises LiveFull."""
        self.refuse_too_many(actor)
        ticket = Ticket(actor.user_id, frozenset(actor.programmes_with(Permission.EVENT_READ)))
        self._tickets.add(ticket)
        self._over.clear()
        if self._task is None or self._task.done():
            self._loop = asyncio.get_running_loop()
            self._due, self._over = asyncio.Event(), asyncio.Event()
            self._task = self._loop.create_task(self._watch())
        try:
            yield ticket
        finally:
            self._tickets.discard(ticket)
            if not self._tickets:
                self._end()

    def wake(self, _events: int = 0) -> None:
        """Look at once; from any thread, and free of cost while nobody listens."""
        if self._tickets and self._loop is not None:
            with suppress(RuntimeError):  # the loop has just ended
                self._loop.call_soon_threadsafe(self._due.set)

    def close(self) -> None:
        """End all streams and take no new ones: the process is about to stop."""
        self.closing = True
        if self._tickets and self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._ring_all)

    def _end(self) -> None:
        self._over.set()
        self._due.set()

    def _ring_all(self) -> None:
        self._end()
        for ticket in self._tickets:
            ticket.woken.set()

    async def ended(self) -> None:
        """Wait until the look that is under way is over; then the store may be closed."""
        if self._task is not None:
            await self._task

    async def _watch(self) -> None:
        since: live.Position | None = None
        while self._tickets and not self.closing:
            try:
                since = await to_thread.run_sync(self._look, since)
            except DomainError as trouble:
                log.info("the hub could not look: %s", trouble.code)
            await self._pause()

    async def _pause(self) -> None:
        """Until something was written, and never shorter or longer than the limits above."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_AT_MOST_EVERY):
                await self._over.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOKS_EVERY - _AT_MOST_EVERY):
                await self._due.wait()
        self._due.clear()

    def _look(self, since: live.Position | None) -> live.Position:
        """Wake those whom something new may concern; returns the position for the next look."""
        with self._store.reading() as session:
            if since is None:
                return live.position(session)
            rows = live.outline(session, since, _LIMIT)
        if not rows:
            return since
        concerned = [ticket for ticket in list(self._tickets) if any(ticket.concerns(row) for row in rows)]
        if self._loop is not None:
            for ticket in concerned:
                self._loop.call_soon_threadsafe(ticket.woken.set)
        return (rows[-1].transaction_id, rows[-1].id)
