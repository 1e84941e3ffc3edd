"""The store as a command opens it: migrated, with the time and the actor of the command."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from app import clock, revisions, settings
from app.database import Database
from app.errors import DomainError, Kind
from app.messages import N_
from app.permissions import Actor, system_actor
from app.settings import Settings


class StoreNotMigrated(DomainError):
    """The store was made by another release, or not at all."""

    kind = Kind.UNAVAILABLE
    code = "store_not_migrated"
    message = N_("The store is not ready for this release (it is at %(at)s). Run first: duikou migrate")


@dataclass(frozen=True, slots=True)
class Opened:
    """What a command works with; ``actor`` is the system itself, on the command line's channel."""

    settings: Settings
    store: Database
    now: datetime
    actor: Actor

    @property
    def today(self) -> date:
        """The date in Asia/Shanghai."""
        return self.actor.today


@contextmanager
def opened() -> Iterator[Opened]:
    """Open the store of the settings and close it again. Raises WrongSetting or StoreNotMigrated."""
    chosen = settings.load()
    refuse_unmigrated(chosen)
    now = clock.now()
    store = Database(chosen)
    try:
        yield Opened(chosen, store, now, system_actor(clock.date_of(now)))
    finally:
        store.dispose()


def refuse_unmigrated(chosen: Settings) -> None:
    """Raise StoreNotMigrated unless this code may run on the store; the file is not made here."""
    store = Database(chosen)
    try:
        if store.is_sqlite and not store.exists():
            raise StoreNotMigrated(at="-")
        with store.reading() as session:
            connection = session.connection()
            at, runs = revisions.current(connection), revisions.runs_here(connection)
    finally:
        store.dispose()
    if not runs:
        raise StoreNotMigrated(at=at or "-")
