"""Reading an uploaded plan in a process of its own, so that a hostile file can only end that process.

The child is the module ``plan_reader``: the libraries that read PDF and Word files are loaded there alone.
It gets none of the server's environment. The parent bounds the wall clock and how many children run at
once; the child bounds the rest.
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
from app.papers.plan_refusals import PlanRefused

SECONDS: Final = 40
MEMORY: Final = 1024 * 1024 * 1024
_CHILD: Final = "app.services.plan_reader"
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
    command = [sys.executable, "-m", _CHILD, str(path.resolve()), name, str(int(seconds) + 1), str(memory)]
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
