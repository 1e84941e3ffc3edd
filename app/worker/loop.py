"""The loop of one worker process: looking, doing, showing that it lives, and ending in order."""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from app import clock
from app.adapters.storage import Storage
from app.database import Database
from app.errors import DomainError
from app.rules import schedules as calendar
from app.services import jobs
from app.services.work import KINDS, SCHEDULES, JobKind, Schedule
from app.settings import Settings
from app.worker.attempts import attempt
from app.worker.bell import Bell
from app.worker.holding import Held

log = logging.getLogger("duikou")
_LOOK_EVERY = 1.0
_SIGN_EVERY = 5.0
_HEAL_EVERY = 60.0
_JUMP = timedelta(seconds=5)
# Together less than the ten seconds that container engines give before they kill.
_GRACE = 5.0
_INTERRUPTED_GRACE = 2.0
T = TypeVar("T")


class Worker:
    """One process's worker: threads that do jobs, and a main loop that does everything else.

    ``run`` returns after ``stop`` was called, from a signal or another thread.
    """

    def __init__(
        self,
        settings: Settings,
        store: Database,
        storage: Storage,
        *,
        kinds: Mapping[str, JobKind] = KINDS,
        schedules: Sequence[Schedule] = SCHEDULES,
        threads: int | None = None,
    ) -> None:
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._settings = settings
        self._store = store
        self._storage = storage
        self._kinds = kinds
        self._limits = {name: kind.limits for name, kind in kinds.items()}
        self._schedules = schedules
        self._threads = threads or settings.worker_threads
        self._stopping = threading.Event()
        self._interrupted = threading.Event()
        self._due = threading.Event()
        self._bell = Bell(store, self._stopping)
        self._lock = threading.Lock()
        self._holdings: dict[int, Held] = {}
        self._busy = 0
        self._made: dict[str, datetime] = {}
        self._trouble = ""
        self._started = clock.now()
        self._offset = self._wall_offset()
        self._signed = self._healed = -_HEAL_EVERY
        self._no_takeover_until = 0.0
        self.done = 0

    def stop(self) -> None:
        """Take nothing more; ``run`` ends when what is held is finished or given back."""
        self._stopping.set()
        self._due.set()

    def run(self, *, until_idle: bool = False) -> None:
        """Do jobs until stopped; with ``until_idle``, until nothing is due."""
        threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(self._threads)]
        for thread in threads:
            thread.start()
        log.info("worker %s begins", self.name)
        while not self._stopping.is_set():
            idle = self._guarded(self._tick)
            if until_idle and idle and self._busy == 0:
                self.stop()
            self._bell.wait(0.02 if until_idle else _LOOK_EVERY)
        self._end(threads)

    def _tick(self) -> bool:
        """One look; returns whether nothing is due."""
        now = clock.now()
        self._watch_clock()
        self._beat()
        if time.monotonic() - self._healed >= _HEAL_EVERY:
            with self._store.transaction() as session:
                jobs.heal(session, self._limits, now)
            self._healed = time.monotonic()
        if time.monotonic() - self._signed >= _SIGN_EVERY:
            with self._store.transaction() as session:
                jobs.sign(session, self.name, self._started, now)
            self._signed = time.monotonic()
        self._make_occurrences(now)
        with self._store.reading() as session:
            due = jobs.any_due(session, self._limits, now)
        if due:
            self._due.set()
        return not due

    def _watch_clock(self) -> None:
        """After a jump of the wall clock, let those who live renew before anybody is taken for lost."""
        offset = self._wall_offset()
        if abs(offset - self._offset) > _JUMP:
            log.warning("the clock jumped by %s seconds", round((offset - self._offset).total_seconds()))
            longest = max((limits.lease for limits in self._limits.values()), default=0)
            self._no_takeover_until = time.monotonic() + longest / 3 + 2 * _LOOK_EVERY
            self._healed = -_HEAL_EVERY
            for held in self._holdings_now():
                held.renewed = -float(held.kind.lease)
        self._offset = offset

    def _wall_offset(self) -> timedelta:
        return timedelta(seconds=clock.now().timestamp() - time.monotonic())

    def _holdings_now(self) -> list[Held]:
        with self._lock:
            return list(self._holdings.values())

    def _beat(self) -> None:
        for held in self._holdings_now():
            held.beat()

    def _make_occurrences(self, now: datetime) -> None:
        """Make what the calendar says, unless any worker has; of each only the latest, after whatever pause."""
        for schedule in self._schedules:
            rule = schedule.rule(self._settings)
            due = None if rule is None else calendar.latest(rule, now)
            if due is None or self._made.get(schedule.name) == due:
                continue
            with self._store.reading() as session:
                wanted = jobs.occurrence_wanted(session, schedule.name, schedule.kind, due)
            if wanted:
                key = jobs.occurrence_key(schedule.name, due)
                with self._store.transaction() as session:
                    jobs.enqueue(session, schedule.kind, {}, now=now, unique_key=key)
                self._made[schedule.name] = due

    def _serve(self) -> None:
        """What each thread does: claim and attempt, one job after another."""
        while not self._stopping.is_set():
            with self._lock:
                self._busy += 1
            held = self._guarded(self._claim)
            if held is not None:
                attempt(held, self._settings, self._storage)
                with self._lock:
                    self._holdings.pop(held.claimed.id, None)
                    self.done += 1
            with self._lock:
                self._busy -= 1
            if held is None and not self._stopping.is_set():
                self._due.clear()
                self._due.wait()

    def _claim(self) -> Held | None:
        lost = time.monotonic() >= self._no_takeover_until
        with self._store.transaction() as session:
            claimed = jobs.claim(session, self.name, self._limits, clock.now(), lost=lost)
        if claimed is None:
            return None
        held = Held(claimed, self._kinds[claimed.kind], self._store, self._interrupted)
        with self._lock:
            self._holdings[claimed.id] = held
        return held

    def _guarded(self, step: Callable[[], T]) -> T | None:
        """Do a step; trouble of the store is said once and waited out."""
        try:
            result = step()
        except Exception as error:
            trouble = error.code if isinstance(error, DomainError) else type(error).__name__
            if trouble != self._trouble:
                log.warning("the worker waits for the store: %s", trouble)
            self._trouble = trouble
            return None
        if self._trouble:
            log.info("the store is back")
            self._trouble = ""
        return result

    def _end(self, threads: Sequence[threading.Thread]) -> None:
        """Let the work finish; then ask it to stop; then give back what does not listen."""
        self._join(threads, _GRACE)
        self._interrupted.set()
        self._join(threads, _INTERRUPTED_GRACE)
        for held in self._holdings_now():
            self._guarded(partial(self._give_back, held))
        self._guarded(self._sign_off)
        self._bell.close()
        log.info("worker %s has ended", self.name)

    def _join(self, threads: Sequence[threading.Thread], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for thread in threads:
            self._due.set()
            thread.join(max(0.0, deadline - time.monotonic()))

    def _give_back(self, held: Held) -> None:
        with self._store.transaction() as session:
            jobs.give_back(session, held.claimed, clock.now())

    def _sign_off(self) -> None:
        with self._store.transaction() as session:
            jobs.sign_off(session, self.name)
