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
from app.adapters.exposition import Figure
from app.database import Database
from app.errors import DomainError
from app.models import Throttle
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
    """The folders of this machine that fill up: data, files where they lie here, logs where they are kept."""
    found = [("data", settings.data)]
    if not settings.storage_url:
        found.append(("files", settings.data / "files"))
    if settings.log_folder:
        found.append(("logs", Path(settings.log_folder)))
    return found


# Each reads some of the figures; a new one is added here.
OF_THE_STORE: tuple[Callable[[Session, Settings], list[Figure]], ...] = (_throttled,)
