"""``duikou worker`` with kinds of its own, as a process that can be killed: ``python -m tests.worker.slow``.

``slow`` writes the number of its attempt into the folder that the payload names and waits there for a
file called "go"; ``held`` does the same inside the transaction of work that is done once.
"""

import time
from pathlib import Path

from app.cli import main
from app.models import Throttle
from app.services.work import KINDS, JobKind, Work

LEASE = 2


def wait(work: Work) -> Path:
    """Say that the work has begun, and go on when the test says so."""
    folder = Path(work.payload["folder"])
    (folder / f"began-{len(list(folder.glob('began-*')))}").touch()
    while not (folder / "go").exists():
        work.progress(1, 2)
        time.sleep(0.02)
    return folder


def slow(work: Work) -> None:
    """Repeatable work."""
    folder = wait(work)
    (folder / "done").touch()


def held(work: Work) -> None:
    """Work that is done once: its effect is counted."""
    wait(work)
    row = work.session.get(Throttle, "effect") or Throttle(key="effect")
    row.failures += 1
    work.session.add(row)


OWN = {kind.name: kind for kind in (JobKind("slow", slow, lease=LEASE), JobKind("held", held, once=True, lease=LEASE))}

if __name__ == "__main__":
    KINDS.update(OWN)
    main(["worker", "--threads", "1"])
