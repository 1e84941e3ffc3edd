"""Working days: which years have their official arrangement of holidays (节假日安排), and what it says.

The State Council publishes each year's in the November before. A year is a file: the product brings
those that were out when it was released, and an installation puts the next one into
``working_days/2027.json`` of its data folder, in the same form.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import orjson

_SHIPPED = Path(__file__).resolve().parent / "data" / "working_days"
FOLDER = "working_days"


class CalendarUnreadable(Exception):
    """A file of working days that cannot be meant; its text names the file and the mistake."""

    holds_no_value = True


@dataclass(frozen=True, slots=True)
class Year:
    """One year: days off that would be worked, weekend days that are worked, and the notice that says so."""

    year: int
    source: str
    days_off: frozenset[date]
    days_worked: frozenset[date]


def of(year: int, data: Path) -> Year | None:
    """The arrangement of a year, the installation's own before the product's; None where there is none yet.

    Raises CalendarUnreadable for a file that is no arrangement of that year.
    """
    for folder in (data / FOLDER, _SHIPPED):
        path = folder / f"{year}.json"
        if path.is_file():
            return _read(path, year)
    return None


def _read(path: Path, year: int) -> Year:
    try:
        given: dict[str, Any] = orjson.loads(path.read_bytes())
        off, worked = (frozenset(map(date.fromisoformat, given[name])) for name in ("days_off", "days_worked"))
        source = str(given["source"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CalendarUnreadable(f"{path.name}: {type(error).__name__}") from error
    if any(day.year != year for day in off | worked):
        raise CalendarUnreadable(f"{path.name}: a day of another year")
    if off & worked:
        raise CalendarUnreadable(f"{path.name}: a day that is off and worked")
    if not off or any(day.weekday() < 5 for day in worked):
        raise CalendarUnreadable(f"{path.name}: no day off, or a working day that is worked")
    return Year(year, source, off, worked)
