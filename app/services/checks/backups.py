"""Backups: how old the newest is, whether it verifies, and when one was last restored on trial."""

from datetime import timedelta
from typing import Any

from app.clock import SHANGHAI
from app.messages import N_
from app.services.backups import folders, records
from app.services.checks.base import Check, Context, Finding, State

_LATE, _TOO_LATE, _BY_HAND = timedelta(hours=30), timedelta(hours=54), timedelta(days=8)
_UNDRILLED = timedelta(days=100)


def _newest(context: Context) -> Finding:
    settings = context.settings
    with context.store.reading() as session:
        last = records.last_backup(session)
    found = folders.newest(settings)
    made = max((known.at for known in (last, found) if known is not None), default=None)
    if made is None:
        advice = N_("Set DUIKOU_BACKUP_FOLDER and DUIKOU_BACKUP_AT, or run: duikou backup FOLDER")
        return Finding(State.WARN, N_("no backup was ever made"), advice)
    age = context.now - made
    values: dict[str, Any] = {"at": f"{made.astimezone(SHANGHAI):%Y-%m-%d %H:%M}", "hours": age // timedelta(hours=1)}
    said = N_("the newest is of %(at)s, %(hours)s hours old")
    if found is not None and found.damaged:
        values["damaged"] = found.damaged
        spoiled = N_("the newest whole one is of %(at)s; %(damaged)s newer do not verify")
        return Finding(State.BAD, spoiled, N_("Ask who was at the folder, and make another backup."), values)
    lost = found.missing if found is not None else last.missing if last is not None else 0
    if lost:
        gone = N_("the newest is of %(at)s; %(lost)s files were lost before it")
        advice = N_("Look for them in older backups: their digests are in its store/missing.txt.")
        return Finding(State.BAD, gone, advice, {**values, "lost": lost})
    late = N_("See in the list of jobs and in the log of the worker why none was made since.")
    if settings.backup_at and age > _LATE:
        return Finding(State.BAD if age > _TOO_LATE else State.WARN, said, late, values)
    if age > _BY_HAND:
        return Finding(State.WARN, said, N_("Run duikou backup, or let the worker do it: DUIKOU_BACKUP_AT"), values)
    return Finding(State.OK, said, values=values)


def _drilled(context: Context) -> Finding | None:
    with context.store.reading() as session:
        last, backup = records.last_drill(session), records.last_backup(session)
    if last is None:
        if backup is None:
            return None
        advice = N_("Run duikou backup drill, or set DUIKOU_DRILL_EVERY_DAYS.")
        return Finding(State.WARN, N_("no backup was ever restored on trial"), advice)
    values = {
        "at": f"{last.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}",
        "backup": last.backup,
        "seconds": last.seconds,
        "error": last.error,
    }
    if not last.passed:
        failed = N_("the drill of %(at)s with %(backup)s failed: %(error)s")
        return Finding(State.BAD, failed, N_("Make a new backup and drill that one: duikou backup drill"), values)
    said = N_("%(backup)s was restored on %(at)s in %(seconds)s seconds")
    days = context.settings.drill_every_days
    if context.now - last.at > (timedelta(days=days + 2) if days else _UNDRILLED):
        return Finding(State.WARN, said, N_("Run duikou backup drill, or set DUIKOU_DRILL_EVERY_DAYS."), values)
    return Finding(State.OK, said, values=values)


CHECKS = (
    Check("backup", N_("Newest backup"), _newest, asks_store=True),
    Check("drill", N_("Last drill"), _drilled, asks_store=True),
)
