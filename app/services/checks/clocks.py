"""Time: whether the clocks agree, whether one of them jumped, and whether next year's working days are known."""

import time
from datetime import datetime

from sqlalchemy import func, select, text
from sqlmodel import col

from app import clock, workdays
from app.messages import N_
from app.models import Event
from app.services.checks.base import Check, Context, Finding, State
from app.workdays import CalendarUnreadable

_TOLERATED = 2.0
_WRONG = 60.0
# The notice for the next year comes in the first half of November.
_EXPECTED_FROM = 11
_SET_IT = N_("Let the machine follow a time server (chrony, or that of the bureau).")


def _steady() -> float:
    """Seconds that no one can set; counts on while the machine sleeps, where the system can tell."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


_STARTED = (time.time(), _steady())


def jumped() -> float:
    """Seconds that the machine's clock was moved by since this process began; forward is positive."""
    return (time.time() - _STARTED[0]) - (_steady() - _STARTED[1])


def _clock(context: Context) -> Finding:
    apart, newest = _apart(context)
    # Adding nothing turns a rounded -0.0 into 0.0.
    values = {"apart": f"{round(apart, 1) + 0.0:+.1f}", "jumped": f"{round(jumped(), 1) + 0.0:+.1f}"}
    if newest is not None and (newest - clock.now()).total_seconds() > _TOLERATED:
        future = N_("the newest entry of the log is from %(newest)s, which is still to come")
        advice = N_("The clock was set back. Set it right before anybody goes on working.")
        return Finding(State.BAD, future, advice, {"newest": newest.isoformat(timespec="seconds")})
    if max(abs(apart), abs(jumped())) > _WRONG:
        return Finding(State.BAD, _SAID, _SET_IT, values)
    if max(abs(apart), abs(jumped())) > _TOLERATED:
        return Finding(State.WARN, _SAID, _SET_IT, values)
    return Finding(State.OK, _SAID, values=values)


_SAID = N_("%(apart)s s from the database's; moved by %(jumped)s s since the start")


def _apart(context: Context) -> tuple[float, datetime | None]:
    """How far the database's clock is ahead of ours, in seconds, and the time of the newest entry."""
    with context.store.reading() as session:
        connection = session.connection()
        last = select(func.max(col(Event.id))).scalar_subquery()
        newest = connection.scalar(select(col(Event.at)).where(col(Event.id) == last))
        if context.store.is_sqlite:
            return 0.0, newest
        before = time.time()
        theirs = float(connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())")))
        return theirs - (before + time.time()) / 2, newest


def _calendar(context: Context) -> Finding:
    today = clock.date_of(context.now)
    try:
        known = {year: workdays.of(year, context.settings.data) for year in (today.year, today.year + 1)}
    except CalendarUnreadable as mistake:
        wrong = N_("a file of working days cannot be read (%(mistake)s)")
        return Finding(State.BAD, wrong, N_("Mend the file."), {"mistake": str(mistake)})
    missing = [year for year, found in known.items() if found is None]
    values = {"year": missing[0] if missing else today.year + 1, "folder": workdays.FOLDER}
    advice = N_("Put %(folder)s/%(year)s.json into the data folder, or install a newer release.")
    if today.year in missing:
        return Finding(State.BAD, N_("%(year)s is missing, and it is this year"), advice, values)
    if missing and today.month >= _EXPECTED_FROM:
        return Finding(State.WARN, N_("%(year)s is missing; its notice is expected in November"), advice, values)
    if missing:
        return Finding(State.OK, N_("this year is there; %(year)s is published in November"), values=values)
    return Finding(State.OK, N_("there up to the end of %(year)s"), values=values)


CHECKS = (
    Check("clock", N_("Clock"), _clock, asks_store=True),
    Check("working_days", N_("Working days"), _calendar),
)
