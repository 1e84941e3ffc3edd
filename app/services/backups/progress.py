"""How far a long work is: a phase, what is done of it and of how much, told to whoever asked for it."""

from collections.abc import Callable
from enum import StrEnum


class Phase(StrEnum):
    """What is going on, in the order of a backup and then of a restore."""

    STORE = "store"
    FILES = "files"
    VERIFYING = "verifying"
    RESTORING_FILES = "restoring_files"
    RESTORING_STORE = "restoring_store"
    LOG = "log"


# Phase, done, total. It may raise to stop the work, which then leaves nothing behind.
Progress = Callable[[Phase, int, int], None]


def silent(phase: Phase, done: int, total: int) -> None:
    """Tell nobody."""
