"""Backups by the calendar, and drills of the newest one every so many days."""

from datetime import time, timedelta

from app import clock
from app.errors import DomainError
from app.rules.schedules import Daily
from app.services.backups import drills, folders, making, records
from app.services.backups.progress import Progress
from app.services.work.contract import Work
from app.settings import Settings

_DRILL_AT = time(5, 0)


def backup_times(settings: Settings) -> Daily | None:
    """When the daily backup is due; None where none is set."""
    if not settings.backup_at:
        return None
    return Daily(time.fromisoformat(settings.backup_at))


def drill_times(settings: Settings) -> Daily | None:
    """When it is asked whether a drill is due; None where none is set."""
    return Daily(_DRILL_AT) if settings.drill_every_days else None


def back_up(work: Work) -> None:
    """Make a backup in the folder of the settings, record it, and keep so many; done twice it makes two."""
    folder = folders.chosen(work.settings, None)
    keep = work.settings.backup_keep
    made = making.create(work.settings, folder, now=work.now, keep=keep, progress=_told(work))
    with work.store.transaction() as session:
        records.note_backup(session, work.actor, made, now=clock.now())


def drill(work: Work) -> None:
    """Drill the newest backup where the last good drill is old enough, and record how it went."""
    with work.store.reading() as session:
        last = records.last_drill(session)
    # Half a day of grace: a drill that took a minute longer must not make the next a day late.
    wait = timedelta(days=work.settings.drill_every_days, hours=-12)
    if last is not None and last.passed and work.now - last.at < wait:
        return
    backup = drills.newest(work.settings, folders.chosen(work.settings, None))
    try:
        done = drills.drill(work.settings, backup, actor=work.actor, now=work.now, progress=_told(work))
    except DomainError as refusal:
        with work.store.transaction() as session:
            records.note_drill(session, work.actor, backup.name, refusal, now=clock.now())
        raise
    with work.store.transaction() as session:
        records.note_drill(session, work.actor, backup.name, done, now=clock.now())


def _told(work: Work) -> Progress:
    """A job shows the parts of whichever phase runs."""
    return lambda _, done, total: work.progress(done, total)
