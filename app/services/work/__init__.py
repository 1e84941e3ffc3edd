"""Work: one module per kind of job, and the two lists of what there is.

To add a kind: a module with its ``run``, an entry in ``KINDS`` and, if it comes by itself, one in
``SCHEDULES``. Whoever wants it done calls ``jobs.enqueue`` in their transaction.
"""

from app.messages import N_
from app.rules.schedules import Every
from app.services.work.contract import Cancelled, JobKind, Schedule, Work
from app.services.work.sweeping import sweep

_ALL = (JobKind("sweep", sweep, title=N_("Sweep out expired sessions, throttles and keys")),)

KINDS: dict[str, JobKind] = {kind.name: kind for kind in _ALL}

SCHEDULES: tuple[Schedule, ...] = (Schedule("sweep", "sweep", Every(minutes=60)),)

__all__ = ["KINDS", "SCHEDULES", "Cancelled", "JobKind", "Schedule", "Work"]
