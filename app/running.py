"""What runs beside the requests of a process, from its first to its last moment."""

import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

from fastapi import FastAPI

from app.adapters.bell import Bell
from app.database import listening


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[None]:
    """Start the meters and the bell, and stop them with the process; close the store at the end."""
    database, hub, meters = app.state.database, app.state.hub, app.state.meters
    connect = listening(app.state.settings)
    bell = Bell(connect, hub.wake) if connect is not None else None
    database.listeners.append(hub.wake)
    if bell is not None:
        database.listeners.append(bell.strike)
        bell.start()
    if meters is not None:
        meters.start()
    _when_told_to_stop(hub.close)
    yield
    hub.close()
    await hub.ended()
    if bell is not None:
        database.listeners.remove(bell.strike)
        bell.stop()
    if meters is not None:
        meters.stop()
    database.dispose()


def _when_told_to_stop(close: Callable[[], None]) -> None:
    """Close the streams with the signal itself: the server waits for open answers before it ends us here.

    Its own handler comes after. Only the main thread may ask for signals; elsewhere, in tests, the
    streams end with the block above.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if callable(before):
            signal.signal(number, _both(close, before))


def _both(close: Callable[[], None], then: Callable[[int, FrameType | None], Any]) -> Callable[..., None]:
    def handle(number: int, frame: FrameType | None) -> None:
        close()
        then(number, frame)

    return handle
