"""Numbers about the store for whoever measures it: read when asked, and at most every ten seconds.

Each replica gives the same numbers of the shared store; whoever adds replicas up takes the greatest.
"""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, select
from sqlmodel import Session, col

from app import clock
from app.adapters import meters
from app.adapters.meters import Figure, Meters
from app.database import Database
from app.errors import DomainError
from app.models import Throttle
from app.services import jobs, seal_lag
from app.services.backups import folders, records
from app.settings import Settings

_KEPT = 10.0


class Reader:
    """Reads the figures of one store, for one port."""

    def __init__(self, store: Database, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._lock = threading.Lock()
        self._read_at = 0.0
        self._figures: list[Figure] = []

    def figures(self) -> list[Figure]:
        """The figures, from memory where they were read a moment ago. A store that is away gives ``store_up`` 0."""
        with self._lock:
            if not self._figures or time.monotonic() - self._read_at > _KEPT:
                self._figures = [*self._of_the_store(), *_disks(self._settings)]
                self._read_at = time.monotonic()
            return self._figures

    def _of_the_store(self) -> list[Figure]:
        up = "Whether the store answers."
        try:
            with self._store.reading() as session:
                found = [figure for read in OF_THE_STORE for figure in read(session, self._settings)]
        except DomainError:
            return [Figure("store_up", up, 0)]
        return [Figure("store_up", up, 1), *found]


def metered(store: Database, settings: Settings) -> Meters | None:
    """The meters of this process, which count what its store writes; None where nobody measures."""
    found = meters.from_settings(settings)
    if found is not None:
        store.listeners.append(lambda number: found.count("events_written", number))
        found.gauge("pool_used", lambda: store.pools[0])
        found.gauge("pool_size", lambda: store.pools[1])
    return found


def _throttled(session: Session, _settings: Settings) -> list[Figure]:
    waiting = select(func.count()).select_from(Throttle).where(col(Throttle.blocked_until) > clock.now())
    number = session.connection().scalar(waiting)
    return [Figure("sign_ins_throttled", "Accounts and addresses that wait after failed sign-ins.", number or 0)]


def _disks(settings: Settings) -> list[Figure]:
    found = []
    for name, folder in places(settings):
        try:
            usage = shutil.disk_usage(folder)
        except OSError:
            continue
        labels = (("place", name),)
        found.append(Figure("disk_free_bytes", "Room on the disk of a place.", usage.free, labels))
        found.append(Figure("disk_size_bytes", "Size of the disk of a place.", usage.total, labels))
    return found


def places(settings: Settings) -> list[tuple[str, Path]]:
    """The folders of this machine that fill up: data, and files, logs and backups where they lie here."""
    found = [("data", settings.data)]
    if not settings.storage_url:
        found.append(("files", settings.data / "files"))
    if settings.log_folder:
        found.append(("logs", Path(settings.log_folder)))
    if settings.backup_folder:
        found.append(("backups", Path(settings.backup_folder)))
    return found


def _jobs(session: Session, _settings: Settings) -> list[Figure]:
    now, seen = clock.now(), jobs.last_sign(session)
    found = [
        Figure("jobs", "Jobs by state.", number, (("state", state.value),))
        for state, number in jobs.counts(session).items()
    ]
    lag = jobs.lag(session, now).total_seconds()
    found.append(Figure("worker_lag_seconds", "How long the job that is due the longest has been waiting.", lag))
    if seen is not None:
        age = (now - seen).total_seconds()
        found.append(Figure("worker_sign_age_seconds", "Time since a worker gave its last sign of life.", age))
    return found


def _seals(session: Session, _settings: Settings) -> list[Figure]:
    number, since = seal_lag.unsealed(session)
    age = (clock.now() - since).total_seconds() if since else 0.0
    return [
        Figure("events_unsealed", "Events after the last seal, counted up to ten thousand.", number),
        Figure("events_unsealed_age_seconds", "Time since the first of them was written.", age),
    ]


def _backups(session: Session, settings: Settings) -> list[Figure]:
    found, now = [], clock.now()
    known = (folders.newest(settings), records.last_backup(session))
    made = max((backup.at for backup in known if backup is not None), default=None)
    drilled = records.last_drill(session)
    if made is not None:
        found.append(Figure("backup_age_seconds", "Time since the newest backup.", (now - made).total_seconds()))
    if drilled is not None:
        age = (now - drilled.at).total_seconds()
        found.append(Figure("drill_age_seconds", "Time since the last drill, good or bad.", age))
        found.append(Figure("drill_passed", "Whether the last drill came to a good end.", drilled.passed))
    return found


# Each reads some of the figures; a new one is added here.
OF_THE_STORE: tuple[Callable[[Session, Settings], list[Figure]], ...] = (
    _throttled,
    _jobs,
    _seals,
    _backups,
)
