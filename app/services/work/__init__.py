"""Work: one module per kind of job, and the two lists of what there is.

To add a kind: a module with its ``run``, an entry in ``KINDS``, its name for people in ``job_names`` and, if
it comes by itself, one in ``SCHEDULES``. Whoever wants it done calls ``jobs.enqueue`` in their transaction.
"""

from datetime import time

from app.rules.schedules import Daily, Every
from app.services.work import log_keeping
from app.services.work.backing_up import back_up, backup_times, drill, drill_times
from app.services.work.closing import close_idle_accounts
from app.services.work.contract import Cancelled, JobKind, Schedule, Work
from app.services.work.exchanging import apply_package, look_at_package, make_package
from app.services.work.log_keeping import keep_logs
from app.services.work.sealing import export_head, seal, verify
from app.services.work.sweeping import sweep

_ALL = (
    JobKind("events.export_head", export_head),
    JobKind("events.seal", seal),
    JobKind("events.verify", verify, max_attempts=2),
    JobKind("exchange.apply", apply_package, lease=900),
    JobKind("exchange.look", look_at_package),
    JobKind("exchange.make", make_package),
    JobKind("logs.keep", keep_logs),
    JobKind("store.backup", back_up, max_attempts=5, lease=300),
    JobKind("store.drill", drill, max_attempts=2, lease=300),
    JobKind("accounts.close_idle", close_idle_accounts),
    JobKind("sweep", sweep),
)

KINDS: dict[str, JobKind] = {kind.name: kind for kind in _ALL}

SCHEDULES: tuple[Schedule, ...] = (
    Schedule("events.export_head", "events.export_head", Daily(time(1, 10))),
    Schedule("events.seal", "events.seal", Every(minutes=1)),
    Schedule("logs.keep", "logs.keep", log_keeping.when),
    Schedule("store.backup", "store.backup", backup_times),
    Schedule("store.drill", "store.drill", drill_times),
    Schedule(
        "accounts.close_idle",
        "accounts.close_idle",
        lambda settings: Daily(time(3, 10)) if settings.account_idle_days else None,
    ),
    Schedule("sweep", "sweep", Every(minutes=60)),
)

__all__ = ["KINDS", "SCHEDULES", "Cancelled", "JobKind", "Schedule", "Work"]
