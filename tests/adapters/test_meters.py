"""Measurements of several processes: added up, bounded, and without the gauges of those that are gone."""

import time
from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from app.adapters import exposition, meters
from app.adapters.meters import Figure, Meters


def _series(folder: Path) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What Prometheus would store of an answer, read by its own parser."""
    registry = exposition.registry_of(folder, lambda: [Figure("jobs", "Jobs.", 3, (("state", "dead"),))])
    text = generate_latest(registry).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_processes_are_added_up(tmp_path: Path) -> None:
    one, other = Meters(tmp_path), Meters(tmp_path)
    one.request("tasks.show", 200, 0.02)
    one.request("tasks.show", 404, 0.002)
    other.request("tasks.show", 200, 20.0)
    one.count("events_written", 3)
    other.count("events_written")
    one.in_flight = 2
    other.gauge("pool_used", lambda: 5)
    for each in (one, other):
        each.stop()
    found = _series(tmp_path)
    labels = (("route", "tasks.show"), ("status", "2xx"))
    assert found["duikou_request_duration_seconds_count", labels] == 2
    assert found["duikou_request_duration_seconds_sum", labels] == 20.02
    assert found["duikou_request_duration_seconds_bucket", (("le", "0.025"), *labels)] == 1
    assert found["duikou_request_duration_seconds_bucket", (("le", "+Inf"), *labels)] == 2
    assert found["duikou_request_duration_seconds_count", (labels[0], ("status", "4xx"))] == 1
    assert found["duikou_events_written_total", ()] == 4
    assert found["duikou_requests_in_flight", ()] == 2
    assert found["duikou_pool_connections_used", ()] == 5
    assert found["duikou_processes", ()] == 2
    assert found["duikou_jobs", (("state", "dead"),)] == 3


def test_a_process_that_is_gone_keeps_its_counts_and_loses_its_gauges(tmp_path: Path) -> None:
    gone = Meters(tmp_path)
    gone.request("tasks.show", 200, 0.02)
    gone.in_flight = 1
    gone.stop()
    later = meters.gathered(tmp_path, time.time() + 60)
    assert later.requests["tasks.show", "2xx"][-1] == 0.02
    assert later.gauges == {}
    assert later.processes == 0


def test_a_file_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text("{")
    one = Meters(tmp_path)
    one.count("events_written", 1)
    one.stop()
    assert meters.gathered(tmp_path).counts == {"events_written": 1}


def test_a_disk_that_is_full_costs_only_measurements(tmp_path: Path) -> None:
    Meters(tmp_path / "none").stop()
    assert meters.gathered(tmp_path).processes == 0
