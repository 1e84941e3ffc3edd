"""Periods: two dates that both belong to it, either of which may be open."""

from datetime import date, timedelta

from app.errors import DomainError
from app.messages import N_

Period = tuple[date | None, date | None]


class PeriodReversed(DomainError):
    """A period that ends before it starts."""

    code = "period_reversed"
    message = N_("The last day lies before the first.")


class DayToCome(DomainError):
    """A fact that is entered before it has happened."""

    code = "day_to_come"
    message = N_("Enter this on the day itself or later: %(day)s is still to come.")


def check(starts_on: date | None, ends_on: date | None, field: str = "ends_on") -> None:
    """Raise PeriodReversed at ``field`` where the last day lies before the first."""
    if starts_on is not None and ends_on is not None and ends_on < starts_on:
        raise PeriodReversed(field=field)


def refuse_future(day: date, today: date, field: str) -> None:
    """Raise DayToCome at ``field`` for a day after ``today``."""
    if day > today:
        raise DayToCome(field=field, day=day.isoformat())


def overlap(one: Period, other: Period) -> bool:
    """Whether two periods share a day."""
    (start, end), (other_start, other_end) = one, other
    begins_in_time = start is None or other_end is None or start <= other_end
    ends_in_time = end is None or other_start is None or end >= other_start
    return begins_in_time and ends_in_time


def holds_on(period: Period, day: date) -> bool:
    """Whether ``day`` is in the period."""
    return overlap(period, (day, day))


def day_before(day: date) -> date:
    """The last day of what ends when something else begins on ``day``."""
    return day if day == date.min else day - timedelta(days=1)


def day_after(day: date) -> date:
    """The first day of what begins when something else has ended on ``day``."""
    return day if day == date.max else day + timedelta(days=1)
