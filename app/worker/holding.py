"""A job in the hands of this process: whether it still is, and how far it has come."""

import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta

from app import clock
from app.database import Database
from app.errors import DomainError
from app.services import jobs
from app.services.jobs import Claimed, LeaseLost
from app.services.work import Cancelled, JobKind

_REPORT_EVERY = 1.0


@dataclass(slots=True)
class Held:
    """One claimed job. Times in here are of the monotonic clock, which no administrator sets."""

    claimed: Claimed
    kind: JobKind
    store: Database
    interrupted: threading.Event
    lost: bool = False
    renewed: float = field(default_factory=time.monotonic)
    reported: float = 0.0

    def beat(self) -> None:
        """Renew the lease when a third of it is over. Raises what the store raises, never LeaseLost."""
        if self.lost or time.monotonic() - self.renewed < self.kind.lease / 3:
            return
        try:
            with self.store.transaction() as session:
                jobs.renew(session, self.claimed, clock.now() + timedelta(seconds=self.kind.lease))
        except LeaseLost:
            self.lost = True
        else:
            self.renewed = time.monotonic()

    def report(self, done: int, total: int) -> None:
        """Write the progress about once a second. Raises Cancelled where the work should stop."""
        if self.lost or self.interrupted.is_set():
            raise Cancelled
        if time.monotonic() - self.reported < _REPORT_EVERY or (self.kind.once and self.store.is_sqlite):
            # On SQLite work that is done once holds the write lock itself: nobody could cancel it either.
            return
        self.reported = time.monotonic()
        try:
            with self.store.transaction() as session:
                jobs.progress(session, self.claimed, done, total)
        except LeaseLost as lost:
            self.lost = True
            raise Cancelled from lost
        except DomainError:
            # A store that is away for a moment is no reason to stop: the end is fenced.
            return
