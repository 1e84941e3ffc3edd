"""Sweeping: rows of bookkeeping whose time is over are removed, a few at a time."""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from app.services import idempotency, job_remains, openid_sign_ins, sessions, sign_ins, throttles
from app.services.work.contract import Work

# Few enough that the write lock of SQLite is held for milliseconds.
AT_ONCE = 500
Sweep = Callable[[Session, datetime, int], int]
_SWEEPS: tuple[Sweep, ...] = (
    sessions.sweep,
    sign_ins.sweep,
    openid_sign_ins.sweep,
    throttles.sweep,
    idempotency.sweep,
    job_remains.sweep,
)


def sweep(work: Work) -> None:
    """Remove what is over: sessions, throttles, idempotency keys, ended jobs and signs of lost workers."""
    removed = 0
    for remove in _SWEEPS:
        found = AT_ONCE
        while found >= AT_ONCE:
            with work.store.transaction() as session:
                found = remove(session, work.now, AT_ONCE)
            removed += found
            work.progress(removed, 0)
