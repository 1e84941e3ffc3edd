"""Recognition: who was behind a token or a session when that was last looked up, while nothing has happened since.

Everything that an answer to "who asks?" depends on - the account, its seats and unit, the token or the session, a
second factor - changes together with an event and in its transaction. So what was found stands for as long as the
log's horizon does (``services.events``), which is asked for in every request; and for a minute at most, because what
somebody changes behind the product's back leaves no event. Keys are digests, never the secrets themselves.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from app.clock import date_of

F = TypeVar("F")
_LONGEST = timedelta(minutes=1)
_MOST = 1024


@dataclass(frozen=True, slots=True)
class _Known(Generic[F]):
    horizon: str
    today: date
    until: datetime
    found: F


class Recognition(Generic[F]):
    """What one process has found, the least recently asked for forgotten first."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: OrderedDict[str, _Known[F]] = OrderedDict()
        self._lock = Lock()

    def recall(self, digest: str, horizon: str, now: datetime) -> F | None:
        """What was found for ``digest``, if it still stands at ``horizon`` and ``now``."""
        with self._lock:
            known = self._known.get(digest)
            if known is None or known.horizon != horizon or now >= known.until or known.today != date_of(now):
                return None
            self._known.move_to_end(digest)
            return known.found

    def keep(self, digest: str, horizon: str, until: datetime, now: datetime, found: F) -> None:
        """Remember it. ``horizon`` was read before ``found``, and ``until`` is when it ends by itself."""
        with self._lock:
            self._known[digest] = _Known(horizon, date_of(now), min(until, now + _LONGEST), found)
            self._known.move_to_end(digest)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
