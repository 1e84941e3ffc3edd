"""What Prometheus is told, on a port of its own: requests, processes, jobs, seals, backups, disks.

``docs/operations.md`` says which of it to watch. Every label comes from the code, so the number of
series is bounded by it; nothing here comes from what people typed.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from app.adapters import meters
from app.adapters.meters import Figure

_COUNTERS = {"events_written": "Events written to the log."}
_GAUGES = {
    "in_flight": ("requests_in_flight", "Requests that are being answered, streams included."),
    "pool_used": ("pool_connections_used", "Connections of the pools to the store that are in use."),
    "pool_size": ("pool_connections", "Connections that the pools may open."),
    "live_streams": ("live_streams", "Streams of live updates that are open."),
}


class _Everything(Collector):
    def __init__(self, folder: Path, figures: Callable[[], Iterable[Figure]]) -> None:
        self._folder = folder
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        sums = meters.gathered(self._folder)
        yield _histogram(sums.requests)
        for name, text in _COUNTERS.items():
            yield CounterMetricFamily(f"duikou_{name}", text, sums.counts.get(name, 0.0))
        for name, (shown, text) in _GAUGES.items():
            if name in sums.gauges:
                yield GaugeMetricFamily(f"duikou_{shown}", text, sums.gauges[name])
        yield GaugeMetricFamily("duikou_processes", "Processes that are counting.", sums.processes)
        yield from _families(self._figures())


def registry_of(folder: Path, figures: Callable[[], Iterable[Figure]]) -> CollectorRegistry:
    """All that is told, read anew each time: what the processes left in ``folder``, and the ``figures``."""
    registry = CollectorRegistry()
    registry.register(_Everything(folder, figures))
    return registry


def serve(host: str, port: int, folder: Path, figures: Callable[[], Iterable[Figure]]) -> Callable[[], None]:
    """Answer at host:port until the function that is returned is called; raises OSError where it is taken."""
    server, thread = start_http_server(port, host, registry_of(folder, figures))

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)

    return close


def _histogram(requests: dict[tuple[str, str], list[float]]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(
        "duikou_request_duration_seconds", "Time from a request to the end of its answer.", labels=("route", "status")
    )
    for (route, status), values in sorted(requests.items()):
        running, buckets = 0.0, []
        for edge, number in zip((*meters.EDGES, float("inf")), values, strict=False):
            running += number
            buckets.append((str(edge) if edge != float("inf") else "+Inf", running))
        family.add_metric((route, status), buckets, values[-1])
    return family


def _families(figures: Iterable[Figure]) -> Iterator[Metric]:
    families: dict[str, GaugeMetricFamily] = {}
    for figure in figures:
        names = [name for name, _ in figure.labels]
        family = families.setdefault(figure.name, GaugeMetricFamily(f"duikou_{figure.name}", figure.help, labels=names))
        family.add_metric([value for _, value in figure.labels], figure.value)
    yield from families.values()
