"""Reading an uploaded plan in a process of its own, so that a hostile file can only end that process.

The child is this module run as ``python -m app.services.plan_reading PATH NAME``. It bounds its own
memory and processor time before it opens the file, gets none of the server's environment, and prints
one JSON object: the reading, or the refusal with its code and values. The parent bounds the wall clock
and how many children run at once.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from app.errors import DomainError, Kind
from app.messages import N_
from app.papers import plans
from app.papers.plans.refusals import PlanRefused

try:
    import resource
except ImportError:  # Windows has no such limits; the wall clock still holds there.
    resource = None  # type: ignore[assignment]

SECONDS: Final = 40
MEMORY: Final = 1024 * 1024 * 1024
_AT_ONCE: Final = max(2, os.cpu_count() or 1)
# Waiting takes a thread that other requests need, so it is short.
_WAIT: Final = 5
_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_places = threading.BoundedSemaphore(_AT_ONCE)


class PlanReadingTooHeavy(DomainError):
    """Reading took more time or memory than any plan needs, or broke down."""

    kind = Kind.INVALID
    code = "plan_too_heavy"
    message = N_("Reading this file takes too much time or memory. Save the plan as .txt and upload that.")


class PlanReadersBusy(DomainError):
    """All places for reading are taken."""

    kind = Kind.UNAVAILABLE
    code = "plan_readers_busy"
    message = N_("Other plans are being read now. Please try again in a moment.")


def read(path: Path, name: str, *, seconds: float = SECONDS, memory: int = MEMORY) -> dict[str, Any]:
    """The reading of the file at ``path``, as the product's JSON, with its doubts' values.

    ``seconds`` bounds wall clock and processor, ``memory`` the address space in bytes. Raises a
    refusal of the reader, PlanReadingTooHeavy or PlanReadersBusy. Call it outside any transaction.
    """
    if not _places.acquire(timeout=_WAIT):
        raise PlanReadersBusy
    try:
        answer = _run(path, name, seconds, memory)
    finally:
        _places.release()
    if "refused" in answer:
        raise _refusal(answer["refused"])
    reading: dict[str, Any] = answer["reading"]
    return reading


def _run(path: Path, name: str, seconds: float, memory: int) -> dict[str, Any]:
    command = [sys.executable, "-m", __name__, str(path.resolve()), name, str(int(seconds) + 1), str(memory)]
    # Nothing of the server's environment: its keys and passwords stand there.
    environment = {"LANG": "C.UTF-8", "PYTHONUTF8": "1", "PATH": os.defpath}
    if "SYSTEMROOT" in os.environ:
        environment["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module, the name is one argument
            command,
            cwd=_ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError, MemoryError) as error:
        raise PlanReadingTooHeavy(field="file") from error
    return answer if isinstance(answer, dict) else {}


def _refusal(refused: dict[str, Any]) -> DomainError:
    for kind in _kinds(PlanRefused):
        if kind.code == refused["code"]:
            return kind(field="file", **refused["values"])
    return PlanReadingTooHeavy(field="file")


def _kinds(parent: type[PlanRefused]) -> Iterator[type[PlanRefused]]:
    yield parent
    for child in parent.__subclasses__():
        yield from _kinds(child)


def as_dict(reading: plans.PlanReading) -> dict[str, Any]:
    """The product's JSON of a reading, and beside each task the values that its doubts' sentences need."""
    answer: dict[str, Any] = reading.as_dict()
    for task, read_task in zip(answer["tasks"], reading.tasks, strict=True):
        task["doubt_values"] = dict(read_task.doubt_values)
    return answer


def _child(path: str, name: str, seconds: int, memory: int) -> dict[str, Any]:
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        return {"reading": as_dict(plans.read(Path(path).read_bytes(), name))}
    except PlanRefused as error:
        return {"refused": {"code": error.code, "values": error.values}}
    except MemoryError:
        return {"refused": {"code": PlanReadingTooHeavy.code, "values": {}}}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_child(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
