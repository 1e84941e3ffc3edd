"""The machine as the operating system tells of it: cores, processor time and memory of a tree of processes."""

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Cores:
    """The core of whatever answers, and the core of the client that asks."""

    server: int
    client: int

    @property
    def apart(self) -> bool:
        """Whether there are two; on one core the client's work is in every figure."""
        return self.server != self.client


def cores() -> Cores:
    """The first and the last core that this process may use."""
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(server=allowed[0], client=allowed[-1])


def tree(pid: int) -> set[int]:
    """``pid`` and every process below it that lives now."""
    parents: dict[int, int] = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            fields = _stat(int(folder.name))
            if fields:
                parents[int(folder.name)] = int(fields[1])
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more


def processor_seconds(pids: Iterable[int]) -> float:
    """Seconds of processor time, in user mode and in the kernel, that these processes have used so far.

    What children that ended have used counts with the parent that waited for them.
    """
    total = 0
    for pid in pids:
        fields = _stat(pid)
        if fields:
            total += sum(int(field) for field in fields[11:15])
    return total / _TICKS


def private_bytes(pids: Iterable[int]) -> int:
    """Memory that is these processes' own: what ending them would give back."""
    total = 0
    for pid in pids:
        try:
            lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    return total * 1024


def described() -> str:
    """The machine in one line: processor, cores, memory, system, Python."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in (_PROC / "cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = int((_PROC / "meminfo").read_text().split()[1]) / 1024 / 1024
    return (
        f"{len(os.sched_getaffinity(0))} cores of {model}, {memory:.0f} GB, "
        f"{platform.system()} {platform.release().partition('-')[0]}, Python {platform.python_version()}"
    )


def _stat(pid: int) -> list[str]:
    # The name of the program stands in brackets and may hold spaces, so the fields are counted from behind it.
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
