"""The machine: room on its disks, what runs on it."""

import platform
import shutil
from collections.abc import Callable
from importlib.metadata import version

from app.messages import N_
from app.services import figures
from app.services.checks.base import Check, Context, Finding, State

_SHARE = 0.1


def _room(place: str) -> Callable[[Context], Finding | None]:
    """The check of one place; places on the same disk say the same."""

    def read(context: Context) -> Finding | None:
        folder = dict(figures.places(context.settings)).get(place)
        if folder is None:
            return None
        try:
            usage = shutil.disk_usage(folder)
        except OSError as error:
            missing = N_("%(folder)s cannot be looked at (%(why)s)")
            return Finding(State.UNKNOWN, missing, values={"folder": str(folder), "why": error.strerror})
        free, share = usage.free // 1024**2, usage.free / max(usage.total, 1)
        values = {"free": f"{free:,}", "share": round(share * 100)}
        said = N_("%(free)s MB free, %(share)s %%")
        if free < context.settings.disk_min_mb:
            return Finding(State.BAD, said, N_("Make room now: writing will be refused."), values)
        if free < context.settings.disk_warn_mb or share < _SHARE:
            return Finding(State.WARN, said, N_("Make room, or give the machine a larger disk."), values)
        return Finding(State.OK, said, values=values)

    return read


def _versions(context: Context) -> Finding:  # noqa: ARG001
    values = {"version": version("duikou"), "python": platform.python_version(), "system": platform.system()}
    return Finding(State.OK, N_("Duikou %(version)s, Python %(python)s, %(system)s"), values=values)


CHECKS = (
    Check("disk_data", N_("Disk of the data"), _room("data")),
    Check("disk_files", N_("Disk of the files"), _room("files")),
    Check("disk_logs", N_("Disk of the logs"), _room("logs")),
    Check("disk_backups", N_("Disk of the backups"), _room("backups")),
    Check("versions", N_("Versions"), _versions),
)
