"""Whether a replica may be sent requests: what a supervisor asks several times a minute, so it is short."""

import shutil
from datetime import datetime

from sqlalchemy import text

from app import log_triggers, revisions
from app.database import Database
from app.errors import DomainError
from app.services import figures, jobs
from app.services.checks import work
from app.settings import Settings


def refusal(store: Database, settings: Settings) -> str | None:
    """The code of the first reason why not, or None.

    The store has to answer, to bear this code and to protect its log. A replica whose own disk is
    nearly full is taken out as well, for it would refuse every upload that another can take.
    """
    try:
        with store.reading() as session:
            connection = session.connection()
            connection.execute(text("SELECT 1"))
            runs, missing = revisions.runs_here(connection), log_triggers.missing_triggers(connection)
    except DomainError as trouble:
        return trouble.code
    if not runs:
        return "migration_pending"
    if missing:
        return "log_unprotected"
    return "disk_full" if _is_full(settings) else None


def notes(store: Database, now: datetime) -> list[str]:
    """What is amiss and yet no reason to send people elsewhere, as words and seconds for whoever reads the answer.

    A worker that stands still is one: people can go on working, and taking every replica out would turn
    late seals into an outage.
    """
    try:
        with store.reading() as session:
            seen, lag = jobs.last_sign(session), jobs.lag(session, now)
    except DomainError:
        return []
    found = [] if seen is not None and now - seen <= work.SILENT else ["worker_silent"]
    return [*found, f"worker_lag {round(lag.total_seconds())}"] if lag > work.SILENT else found


def _is_full(settings: Settings) -> bool:
    for _, folder in figures.places(settings):
        try:
            if shutil.disk_usage(folder).free < settings.disk_min_mb * 1024**2:
                return True
        except OSError:
            continue
    return False
