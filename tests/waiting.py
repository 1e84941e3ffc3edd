"""Waiting for another process or thread, without a guess at how long it takes."""

import time
from collections.abc import Callable


def until(true: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait for something that must come; it is given long, because machines are slow."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
