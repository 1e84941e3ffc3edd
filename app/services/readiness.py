"""Whether a replica may be sent requests: what a supervisor asks several times a minute, so it is short."""

import shutil

from sqlalchemy import text

from app import log_triggers, migrating
from app.database import Database
from app.errors import DomainError
from app.services import figures
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
            runs, missing = migrating.runs_here(connection), log_triggers.missing_triggers(connection)
    except DomainError as trouble:
        return trouble.code
    if not runs:
        return "migration_pending"
    if missing:
        return "log_unprotected"
    return "disk_full" if _is_full(settings) else None


def notes(store: Database) -> list[str]:  # noqa: ARG001
    """What is amiss and yet no reason to send people elsewhere, as words for whoever reads the answer."""
    return []


def _is_full(settings: Settings) -> bool:
    for _, folder in figures.places(settings):
        try:
            if shutil.disk_usage(folder).free < settings.disk_min_mb * 1024**2:
                return True
        except OSError:
            continue
    return False
