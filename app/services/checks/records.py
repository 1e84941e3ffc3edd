"""What has to be kept: seals over the log, their heads outside of the store, log files."""

import os
from datetime import datetime, timedelta
from pathlib import Path

from app.clock import SHANGHAI, date_of
from app.logs import files
from app.messages import N_
from app.services import seal_heads, seal_lag, seal_views, seals
from app.services.checks.base import Check, Context, Finding, State

_SEALED_WITHIN, _SEALED_LATE = timedelta(minutes=15), timedelta(hours=6)
_HEAD_WITHIN = timedelta(hours=50)
_UNVERIFIED = timedelta(days=100)


def _sealed(context: Context) -> Finding:
    with context.store.reading() as session:
        number, since = seal_lag.unsealed(session)
    waiting = context.now - since if since else timedelta()
    values = {"number": f"{number:,}", "minutes": round(waiting.total_seconds() / 60)}
    said = N_("%(number)s entries wait for their seal, the first for %(minutes)s minutes")
    if waiting > _SEALED_WITHIN:
        state = State.BAD if waiting > _SEALED_LATE else State.WARN
        return Finding(state, said, N_("See the jobs events.seal; a worker has to be running."), values, url="/jobs")
    return Finding(State.OK, said, values=values)


def _head(context: Context) -> Finding:
    heads = seal_heads.read(seal_heads.kept_here(context.settings)).heads
    if not heads:
        return Finding(
            State.WARN,
            N_("no head is kept in %(folder)s"),
            N_("It comes with the next night, where a worker runs. Copy it to a machine that others administer."),
            {"folder": str(context.settings.seal_heads_folder)},
        )
    newest = max(datetime.fromisoformat(head.sealed_at) for head in heads)
    values = {"date": date_of(newest).isoformat(), "folder": str(context.settings.seal_heads_folder)}
    said = N_("kept up to %(date)s in %(folder)s")
    if context.now - newest > _HEAD_WITHIN:
        return Finding(State.WARN, said, N_("See the jobs events.export_head."), values, url="/jobs")
    return Finding(State.OK, said, values=values)


def _verified(context: Context) -> Finding | None:
    with context.store.reading() as session:
        last, sealed = seal_views.last_verification(session), seals.newest(session)
    advice = N_("Ask the audit administrator to verify the whole log, on the page of the seals.")
    if last is None:
        return Finding(State.WARN, N_("the whole log was never verified"), advice) if sealed is not None else None
    values = {"at": f"{last.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}", "events": f"{last.result.get('events', 0):,}"}
    if not last.whole:
        broken = N_("the log was not whole on %(at)s")
        told = N_(
            "Keep the machine as it is and ask the audit administrator, whose page of the seals names what was found."
        )
        return Finding(State.BAD, broken, told, values)
    said = N_("whole on %(at)s, with %(events)s sealed entries")
    if context.now - last.at > _UNVERIFIED:
        return Finding(State.WARN, said, advice, values)
    return Finding(State.OK, said, values=values)


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


CHECKS = (
    Check("unsealed_events", N_("Seals"), _sealed, asks_store=True),
    Check("seal_head", N_("Head of the seals"), _head),
    Check("verification", N_("Last verification"), _verified, asks_store=True),
    Check("log_files", N_("Log files"), _logs),
)
