"""One attempt at a job, from its claim to its mark."""

import logging
import random
import time
from collections.abc import Callable

from sqlmodel import Session

from app import clock
from app.adapters.storage import Storage
from app.errors import DomainError, Kind
from app.logs import working_for
from app.permissions import system_actor
from app.services import jobs
from app.services.jobs import LeaseLost
from app.services.work import Cancelled, Work
from app.settings import Settings
from app.worker.holding import Held

log = logging.getLogger("duikou")
# Refusals that waiting may mend; any other is the same tomorrow.
_PASSING = frozenset({Kind.UNAVAILABLE, Kind.FULL, Kind.THROTTLED, Kind.CONFLICT, Kind.STALE})
_AGAIN = 1.0


def attempt(held: Held, settings: Settings, storage: Storage) -> None:
    """Do the work and mark what became of it; raises nothing."""
    claimed = held.claimed
    working_for.set(f"job-{claimed.id}")
    log.info("job %s (%s) begins, attempt %s", claimed.id, claimed.kind, claimed.attempt)
    try:
        if held.kind.once:
            with held.store.transaction() as session:
                held.kind.run(_work(held, settings, storage, session))
                jobs.finish(session, claimed, clock.now())
        else:
            held.kind.run(_work(held, settings, storage, None))
            _mark(held, lambda session: jobs.finish(session, claimed, clock.now()))
    except Cancelled:
        if not held.lost:
            _mark(held, lambda session: jobs.give_back(session, claimed, clock.now()))
        log.info("job %s (%s) was stopped", claimed.id, claimed.kind)
    except LeaseLost:
        log.info("job %s (%s) was cancelled or taken over", claimed.id, claimed.kind)
    except DomainError as refusal:
        _failed(held, refusal.code, final=refusal.kind not in _PASSING)
    except Exception as error:
        log.exception("job %s (%s) broke", claimed.id, claimed.kind)
        _failed(held, type(error).__name__, final=False)
    else:
        log.info("job %s (%s) is done", claimed.id, claimed.kind)


def _work(held: Held, settings: Settings, storage: Storage, session: Session | None) -> Work:
    now = clock.now()
    return Work(
        job_id=held.claimed.id,
        payload=held.claimed.payload,
        store=held.store,
        settings=settings,
        storage=storage,
        now=now,
        actor=system_actor(clock.date_of(now), channel="worker"),
        report=held.report,
        asked_by_id=held.claimed.actor_id,
        own_session=session,
    )


def _failed(held: Held, error: str, *, final: bool) -> None:
    log.warning("job %s (%s) failed: %s", held.claimed.id, held.claimed.kind, error)
    limits = held.kind.limits
    jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
    _mark(
        held,
        lambda session: jobs.fail(session, held.claimed, error, limits, clock.now(), jitter=jitter, final=final),
    )


def _mark(held: Held, write: Callable[[Session], None]) -> None:
    """Write the end of an attempt, however long the store is away; given up when the worker has to end."""
    while True:
        try:
            with held.store.transaction() as session:
                write(session)
        except LeaseLost:
            log.info("job %s (%s) was cancelled or taken over", held.claimed.id, held.claimed.kind)
        except DomainError as trouble:
            log.warning("job %s cannot be marked yet: %s", held.claimed.id, trouble.code)
            if not held.interrupted.is_set():
                time.sleep(_AGAIN)
                continue
        return
