"""Measurements of the processes of one machine: counted in memory, left in a folder, added up there.

A server has several processes and one port for whoever measures it. Each process counts with plain
additions, which cost a request less than a millionth of a second, and every two seconds leaves what it
has counted in a file of its own. Whoever is asked adds the files up. A process that is gone keeps its
counts, for a counter never falls, and loses its gauges.
"""

import logging
import os
import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from app.settings import Settings

log = logging.getLogger("duikou")
# Seconds; the upper edges of the histogram, the last of them open.
EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_EVERY = 2.0
_LIVES = 15.0


class Meters:
    """What one process has counted. ``in_flight`` belongs to the event loop; the rest takes a lock."""

    def __init__(self, folder: Path) -> None:
        self.in_flight = 0
        self._requests: dict[tuple[str, str], list[float]] = {}
        self._counts: dict[str, float] = {}
        self._gauges: dict[str, Callable[[], float]] = {"in_flight": lambda: self.in_flight}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._path = folder / f"{os.getpid()}-{id(self):x}.json"
        self._thread = threading.Thread(target=self._run, name="duikou-meters", daemon=True)

    def start(self) -> None:
        """Begin to leave the counts in the folder."""
        self._thread.start()

    def stop(self) -> None:
        """Leave them once more, for the last time."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self.leave()

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count an answer: the route's name, not the path, and the status' first digit bound the series."""
        key = (route, f"{status // 100}xx")
        counts = self._requests.get(key)
        if counts is None:
            counts = self._requests.setdefault(key, [0.0] * (len(EDGES) + 2))
        counts[bisect_left(EDGES, seconds)] += 1
        counts[-1] += seconds

    def count(self, name: str, number: float = 1) -> None:
        """Add to a counter; ``name`` comes from the code and never from a request."""
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + number

    def gauge(self, name: str, value: Callable[[], float]) -> None:
        """Ask ``value`` each time that the counts are left."""
        self._gauges[name] = value

    def leave(self) -> None:
        """Write the file of this process; trouble with the disk is logged and costs only measurements."""
        with self._lock:
            counts = dict(self._counts)
        left = {
            "at": time.time(),
            "requests": [[*key, list(values)] for key, values in list(self._requests.items())],
            "counts": counts,
            "gauges": {name: value() for name, value in list(self._gauges.items())},
        }
        partial = self._path.with_suffix(".partial")
        try:
            partial.write_bytes(orjson.dumps(left))
            partial.replace(self._path)
        except OSError as error:
            log.warning("measurements could not be left: %s", error.strerror)

    def _run(self) -> None:
        while not self._stop.wait(_EVERY):
            self.leave()


@dataclass(slots=True)
class Sums:
    """What the processes of the machine have counted together."""

    requests: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)
    gauges: dict[str, float] = field(default_factory=dict)
    processes: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """One number about the store: the metric's name, what it means, and labels that the code knows."""

    name: str
    help: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


def from_settings(settings: Settings) -> Meters | None:
    """The meters of this process, or None where nobody measures."""
    return Meters(Path(settings.metrics_folder)) if settings.metrics_folder else None


def gathered(folder: Path, now: float | None = None) -> Sums:
    """Add up what stands in ``folder``; ``now`` is in seconds since 1970."""
    now = time.time() if now is None else now
    sums = Sums()
    for path in sorted(folder.glob("*.json")):
        try:
            left: dict[str, Any] = orjson.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        for route, status, values in left["requests"]:
            total = sums.requests.setdefault((route, status), [0.0] * len(values))
            total[:] = [one + other for one, other in zip(total, values, strict=True)]
        for name, value in left["counts"].items():
            sums.counts[name] = sums.counts.get(name, 0) + value
        if now - left["at"] > _LIVES:
            continue
        sums.processes += 1
        for name, value in left["gauges"].items():
            sums.gauges[name] = sums.gauges.get(name, 0) + value
    return sums
