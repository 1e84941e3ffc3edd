"""Log files on the worker's machine: compressed when their day is over, removed when they have expired."""

from datetime import time
from pathlib import Path

from app.clock import date_of
from app.logs import files
from app.rules.schedules import Daily
from app.services.work.contract import Work
from app.settings import Settings


def keep_logs(work: Work) -> None:
    """Tidy the folder; each process does so for its own at the first line of a day, and twice is as once."""
    settings = work.settings
    if settings.log_folder:
        files.tidy(Path(settings.log_folder), settings.log_keep_days, date_of(work.now))


def when(settings: Settings) -> Daily | None:
    """Every night, where log files are written at all."""
    return Daily(time(0, 40)) if settings.log_folder else None
