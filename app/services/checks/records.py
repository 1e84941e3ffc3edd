"""What has to be kept: log files for a year."""

import os
from datetime import timedelta
from pathlib import Path

from app.clock import date_of
from app.logs import files
from app.messages import N_
from app.services.checks.base import Check, Context, Finding, State


def _logs(context: Context) -> Finding:
    settings = context.settings
    if not settings.log_folder:
        return Finding(
            State.UNKNOWN,
            N_("written to standard error alone"),
            N_("Whoever collects standard error has to keep it for a year; or set DUIKOU_LOG_FOLDER."),
        )
    folder = Path(settings.log_folder)
    days = files.days_of(folder)
    if not os.access(folder, os.W_OK) or not days:
        advice = N_("See that the folder is there and that the product may write to it.")
        return Finding(State.BAD, N_("nothing is written to %(folder)s"), advice, {"folder": str(folder)})
    values = {"first": days[0], "last": days[-1], "number": len(days), "keep": settings.log_keep_days}
    kept = N_("%(number)s days, from %(first)s to %(last)s; kept for %(keep)s")
    if days[-1] < date_of(context.now) - timedelta(days=1):
        return Finding(State.WARN, kept, N_("Nothing was written since. See who may write to the folder."), values)
    return Finding(State.OK, kept, values=values)


CHECKS = (Check("log_files", N_("Log files"), _logs),)
