"""What a request costs each part of a site, and how long trouble lasts: ``python -m tests.nodes.figures``.

Processor time is taken from the system, per process tree, so that it holds on a busy machine too. Times of
trouble are by the clock and hold for an idle one only. The figures stand in docs/scaling.md.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.nodes.processes import Site, site
from tests.nodes.test_nodes import HEADERS, Load, _nodes, _prepare

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
REQUESTS = 600


def _tree(root: int) -> list[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def seconds_of(root: int) -> float:
    """Processor seconds of a process and all below it, those that ended included."""
    total = 0
    for process in _tree(root):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(field) for field in (fields[11:15] if process == root else fields[11:13]))
    return total / _TICK


def megabytes_of(process: int) -> float:
    """Private memory of one process."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private")) / 1024


def _cost(parts: dict[str, list[int]], opened: Site, path: str) -> None:
    def ask() -> None:
        with opened.client(headers=HEADERS) as client:
            for _ in range(REQUESTS // 4):
                assert client.get(path).status_code == 200

    before = {name: sum(map(seconds_of, roots)) for name, roots in parts.items()}
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = {name: 1000 * (sum(map(seconds_of, roots)) - before[name]) / REQUESTS for name, roots in parts.items()}
    print(f"{path}: " + ", ".join(f"{name} {value:.2f} ms" for name, value in spent.items()), flush=True)


def _took(what: str, load_of: Load, trouble: Callable[[], None]) -> None:
    trouble()
    before, began = len(load_of.acknowledged), time.monotonic()
    while len(load_of.acknowledged) < before + 5:
        time.sleep(0.01)
    print(f"{what}: five writes acknowledged after {time.monotonic() - began:.1f} s", flush=True)


def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as folder, _nodes() as (primary, standby):
        settings = _prepare(primary, Path(folder))
        hosts = f"host=127.0.0.1:{primary.port}&host=127.0.0.1:{standby.port}&target_session_attrs=read-write"
        both = settings.model_copy(update={"database_url": f"postgresql+psycopg://duikou@/duikou?{hosts}"})
        with site(both, Path(folder)) as opened:
            postmaster = int((primary.folder / "data" / "postmaster.pid").read_text().split()[0])
            parts = {"replicas": [replica.process.pid for replica in opened.replicas], "PostgreSQL": [postmaster]}
            parts["proxy"] = [opened.proxy]
            for path in ("/api/v1/tasks?limit=50", "/api/v1/me"):
                _cost(parts, opened, path)
            print(f"private memory of a replica: {megabytes_of(opened.replicas[0].process.pid):.0f} MB", flush=True)
            with Load(opened) as load_of:
                load_of.more()
                _took("a replica killed", load_of, opened.replicas[0].process.kill)
                _took("the primary gone, the standby promoted", load_of, lambda: (primary.halt(), standby.promote()))


if __name__ == "__main__":
    main()
