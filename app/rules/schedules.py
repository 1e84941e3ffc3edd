"""When scheduled work is due: plain values, counted on the calendar of Asia/Shanghai.

An occurrence is an instant that follows from the rule alone, not from when the last one ran. So it
has the same name for every worker, and a clock that was wrong for a while moves nothing.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from app.clock import SHANGHAI

_DAY = timedelta(days=1)
_MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Every:
    """Each so many minutes from midnight on; a divisor of the day, so that every day is alike."""

    minutes: int

    def __post_init__(self) -> None:
        if self.minutes < 1 or _MINUTES_A_DAY % self.minutes:
            raise ValueError(f"{self.minutes} minutes do not divide a day")


@dataclass(frozen=True, slots=True)
class Daily:
    """Once a day at a time of the wall clock."""

    at: time


@dataclass(frozen=True, slots=True)
class Weekly:
    """Once a week; ``weekday`` as in Python, Monday is 0."""

    weekday: int
    at: time

    def __post_init__(self) -> None:
        if not 0 <= self.weekday <= 6:
            raise ValueError(f"there is no weekday {self.weekday}")


@dataclass(frozen=True, slots=True)
class Monthly:
    """Once a month; ``day`` at most 28, which every month has."""

    day: int
    at: time

    def __post_init__(self) -> None:
        if not 1 <= self.day <= 28:
            raise ValueError(f"not every month has a day {self.day}")


When = Every | Daily | Weekly | Monthly


def latest(when: When, now: datetime) -> datetime:
    """The last occurrence at or before an aware instant."""
    local = now.astimezone(SHANGHAI)
    found = _of_day(when, local)
    while found > local:
        found = _before(when, found)
    return found.astimezone(now.tzinfo)


def following(when: When, now: datetime) -> datetime:
    """The first occurrence after an aware instant."""
    return _after(when, latest(when, now).astimezone(SHANGHAI)).astimezone(now.tzinfo)


def _of_day(when: When, local: datetime) -> datetime:
    """An occurrence near ``local``: in its day, its week or its month."""
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    match when:
        case Every(minutes):
            past = (local.hour * 60 + local.minute) // minutes * minutes
            return midnight + timedelta(minutes=past)
        case Daily(at):
            return _at(midnight, at)
        case Weekly(weekday, at):
            return _at(midnight + (weekday - local.weekday()) * _DAY, at)
        case Monthly(day, at):
            return _at(midnight.replace(day=day), at)


def _before(when: When, found: datetime) -> datetime:
    match when:
        case Every(minutes):
            return found - timedelta(minutes=minutes)
        case Daily():
            return found - _DAY
        case Weekly():
            return found - 7 * _DAY
        case Monthly(day):
            return (found.replace(day=1) - _DAY).replace(day=day)


def _after(when: When, found: datetime) -> datetime:
    match when:
        case Every(minutes):
            return found + timedelta(minutes=minutes)
        case Daily():
            return found + _DAY
        case Weekly():
            return found + 7 * _DAY
        case Monthly(day):
            return (found.replace(day=1) + 32 * _DAY).replace(day=day)


def _at(midnight: datetime, at: time) -> datetime:
    return midnight.replace(hour=at.hour, minute=at.minute, second=at.second)
