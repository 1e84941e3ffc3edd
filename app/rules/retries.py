"""How long failed work waits before it is tried again."""

from datetime import timedelta

FIRST = timedelta(seconds=5)
LONGEST = timedelta(hours=1)


def pause(failures: int, jitter: float) -> timedelta:
    """The pause after the n-th failure: doubling from five seconds to an hour, at least half of it.

    ``jitter`` in [0, 1) spreads the rest, so that what failed together is not tried together.
    """
    doublings: int = min(max(failures, 1) - 1, 20)
    whole = min(LONGEST, FIRST * float(2**doublings))
    return whole * (0.5 + 0.5 * jitter)
