"""What a check is given and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.database import Database
from app.settings import Settings


class State(StrEnum):
    """How one thing stands. Unknown is what the product cannot see, not what it did not look at."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Context:
    """What checks look at: the settings, the store, and the time at which they are asked."""

    settings: Settings
    store: Database
    now: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found. ``value`` and ``advice`` are message ids, whose places ``values`` fills."""

    state: State
    value: str
    advice: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    url: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at: a stable name, what it is called, and the function; None where it does not apply."""

    name: str
    label: str
    read: Callable[[Context], Finding | None]
    asks_store: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A check and its finding."""

    group: str
    name: str
    label: str
    finding: Finding

    @property
    def state(self) -> State:
        """How it stands."""
        return self.finding.state
