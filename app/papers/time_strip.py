"""Laying out dated steps and goals along a line of years, for a picture that the page draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH = 960
_LEFT, _RIGHT, _TOP, _LANE = 8, 8, 26, 26
MAX_LANES = 30
_LABEL = 24


@dataclass(frozen=True, slots=True)
class Point:
    """A step or goal with at least one date; ``number`` is its line in the table beside the picture."""

    number: int
    kind: str
    what: str
    starts_on: date | None
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A point in the picture: its span along the line, its lane, and where its label stands."""

    number: int
    kind: str
    x: float
    width: float
    y: float
    label: str
    label_x: float
    anchor: str
    past: bool


@dataclass(frozen=True, slots=True)
class Year:
    """A year's line and figure."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Strip:
    """The whole picture; ``today_x`` is None where today is outside it."""

    width: int
    height: int
    years: Sequence[Year]
    marks: Sequence[Mark]
    today_x: float | None


def lay_out(points: Sequence[Point], period: tuple[date | None, date | None], today: date) -> Strip | None:
    """The picture of the first thirty dated points; None where there is none.

    It runs over whole years, from the first day that is named to the last, the period's among them.
    """
    dated = [point for point in points if point.starts_on or point.ends_on][:MAX_LANES]
    if not dated:
        return None
    days = [day for point in dated for day in (point.starts_on, point.ends_on) if day]
    days += [day for day in period if day]
    first, last = date(min(days).year, 1, 1), date(max(days).year, 12, 31)
    span = (last - first).days + 1

    def place(day: date) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * (day - first).days / span, 1)

    marks = []
    for lane, point in enumerate(dated):
        end = point.ends_on or point.starts_on or today
        start = point.starts_on or end
        x, right = place(start), place(end)
        beyond = right > WIDTH * 0.6
        marks.append(
            Mark(
                number=point.number,
                kind=point.kind,
                x=x,
                width=round(max(right - x, 0), 1),
                y=_TOP + lane * _LANE + _LANE / 2,
                label=point.what if len(point.what) <= _LABEL else f"{point.what[: _LABEL - 1]}…",
                label_x=x - 12 if beyond else right + 12,
                anchor="end" if beyond else "start",
                past=end < today,
            )
        )
    step = max(1, (last.year - first.year + 1) // 12)
    years = [Year(place(date(year, 1, 1)), str(year)) for year in range(first.year, last.year + 1, step)]
    height = _TOP + len(dated) * _LANE + 6
    return Strip(WIDTH, height, years, marks, place(today) if first <= today <= last else None)
