"""Work apart from requests: whether somebody does it, how late it is, and what nobody will try again."""

from datetime import timedelta

from app.messages import N_
from app.models import JobState
from app.services import jobs
from app.services.checks.base import Check, Context, Finding, State

# Signs are written every few seconds; jobs of the calendar come every minute.
SILENT = timedelta(minutes=5)
_LATE, _FAR_TOO_LATE = timedelta(minutes=10), timedelta(hours=2)


def _worker(context: Context) -> Finding:
    with context.store.reading() as session:
        seen, lag = jobs.last_sign(session), jobs.lag(session, context.now)
    start = N_("Start one: duikou worker, or serve without --no-worker. Until then nothing is sealed or backed up.")
    if seen is None:
        return Finding(State.BAD, N_("none is at work"), start)
    silent = max(context.now - seen, timedelta())
    values = {"seen": round(silent.total_seconds()), "lag": round(lag.total_seconds())}
    if silent > SILENT:
        return Finding(State.BAD, N_("none has given a sign for %(seen)s s"), start, values)
    said = N_("last sign %(seen)s s ago; the oldest job that is due waits for %(lag)s s")
    if lag > _LATE:
        state = State.BAD if lag > _FAR_TOO_LATE else State.WARN
        return Finding(state, said, N_("See which jobs run, or start another worker."), values, url="/jobs")
    return Finding(State.OK, said, values=values, url="/jobs")


def _dead(context: Context) -> Finding:
    with context.store.reading() as session:
        number = jobs.counts(session)[JobState.DEAD]
    url = f"/jobs?state={JobState.DEAD.value}"
    if number:
        advice = N_("Look at each: mend the cause and try it again, or cancel it.")
        return Finding(State.WARN, N_("%(number)s that nobody will try again"), advice, {"number": number}, url=url)
    return Finding(State.OK, N_("none"), url=url)


CHECKS = (
    Check("worker", N_("Worker"), _worker, asks_store=True),
    Check("dead_jobs", N_("Dead jobs"), _dead, asks_store=True),
)
