"""What a kind of job is, what its work is given, and when work comes by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.adapters.storage import Storage
from app.database import Database
from app.models.base import JsonObject
from app.permissions import Actor
from app.rules.schedules import When
from app.services.jobs import Limits
from app.settings import Settings


class Cancelled(Exception):
    """Raised by ``progress`` in work that should stop: cancelled, taken over, or its worker is ending.

    Work lets it through, after putting away what it has begun.
    """


@dataclass(frozen=True, slots=True)
class Work:
    """One attempt at a job: what it may use, and ``now``, the instant at which it began.

    ``actor`` is the system on the channel "worker"; ``asked_by_id`` is the person who asked, if one did.
    Work writes through ``store.transaction()`` unless its kind is ``once``: then through ``session``.
    """

    job_id: int
    payload: JsonObject
    store: Database
    settings: Settings
    storage: Storage
    now: datetime
    actor: Actor
    report: Callable[[int, int], None]
    asked_by_id: int | None = None
    own_session: Session | None = None

    def progress(self, done: int, total: int) -> None:
        """Say that ``done`` of ``total`` parts are done (0: not known). Raises Cancelled where work should stop.

        Cheap: it is written about once a second, so call it as often as suits the work.
        """
        self.report(done, total)

    @property
    def session(self) -> Session:
        """Where the kind is ``once``: the transaction in which the job is also marked done."""
        if self.own_session is None:
            raise ValueError("only work of a kind that is declared once has a session of its own")
        return self.own_session


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job: ``run`` does one attempt.

    A failed attempt is repeated after growing pauses until ``max_attempts`` have failed. A refusal (a
    DomainError) that waiting does not mend makes the job dead at once. Without a sign for ``lease``
    seconds its worker is taken for lost and another begins anew, so ``run`` must be repeatable, unless
    ``once``: then it works in ``work.session`` alone, is short, because on SQLite that is the one write
    lock, and what it did to the store stands together with the mark that it is done, or not at all.
    """

    name: str
    run: Callable[[Work], None]
    once: bool = False
    max_attempts: int = 8
    lease: int = 60

    @property
    def limits(self) -> Limits:
        """What the queue has to know of it."""
        return Limits(self.lease, self.max_attempts)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Work that comes by itself: each occurrence of ``when`` is one job of ``kind`` with an empty payload.

    ``when`` may be a function of the settings, which gives None where the work is switched off.
    """

    name: str
    kind: str
    when: When | Callable[[Settings], When | None]

    def rule(self, settings: Settings) -> When | None:
        """The rule that these settings make of it."""
        return self.when(settings) if callable(self.when) else self.when
