"""The rows of the table: what each compares, its floor and its aim, and whether a measured value stands.

A row's value is a ratio of one run. Shares ("%") must not fall below their floor, costs ("x") must not
rise above it, gains ("x", ``more``) must not fall below it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

ENGINES = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class Row:
    """One line. ``floor`` and ``aim`` are for SQLite and PostgreSQL; ``more``: a larger value is better."""

    key: str
    text: str
    floor: tuple[float, float]
    aim: tuple[float, float]
    unit: str = "%"
    more: bool = True

    def bound(self, engine: str, of: tuple[float, float]) -> float:
        """The floor or the aim of one engine."""
        return of[ENGINES.index(engine)]

    def stands(self, engine: str, value: float) -> bool:
        """Whether ``value`` is on the right side of the floor."""
        return self._reaches(value, self.bound(engine, self.floor))

    def reaches_aim(self, engine: str, value: float) -> bool:
        """Whether ``value`` is on the right side of the aim."""
        return self._reaches(value, self.bound(engine, self.aim))

    def _reaches(self, value: float, bound: float) -> bool:
        return value >= bound if self.more else value <= bound

    def shown(self, value: float) -> str:
        """A value as the table shows it."""
        digits = 0 if value >= 100 else 1 if value >= 10 else 2
        return f"{value:.{digits}f} {'%' if self.unit == '%' else '×'}"


def _both(value: float) -> tuple[float, float]:
    return (value, value)


ROWS: tuple[Row, ...] = (
    Row("list", "list of 50, live, over bare", _both(4), _both(6)),
    Row("task", "one task over bare", (8, 5), (17, 9)),
    Row("unchanged", "list unchanged, asked again with If-None-Match, over bare", _both(15), _both(35)),
    Row("plain", "list over the plain SQLModel reference", _both(3), _both(5), "x"),
    Row("page", "page of 50 rows over bare", _both(1.2), _both(2)),
    Row("create", "create with its event and index, durable, 16 clients, over a raw commit loop", _both(10), (30, 25)),
    Row("tail", "p99 of create over its p50, 16 clients", _both(8), _both(6), "x", more=False),
    Row("depth", "list, full page at any depth, ten times the tasks", _both(1.5), _both(1.25), "x", more=False),
    Row("recall", "search of two characters: recall against LIKE", _both(100), _both(100)),
    Row("search", "search of two characters: scan over it", _both(50), _both(300), "x"),
    Row("start", "start to first answer over bare", _both(4), _both(2.5), "x", more=False),
    Row("memory", "private memory after load over bare", _both(3), _both(2), "x", more=False),
)
# What cannot be measured yet, and why: shown, so that nobody takes silence for success.
NOT_YET: Mapping[str, str] = {
    "dashboard over 1,000,000 entries: cost over one task; live query over it": "not yet: there is no ledger",
}
BY_KEY: Mapping[str, Row] = {row.key: row for row in ROWS}


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured for a row on one engine: one ratio for each round, and a remark in figures."""

    key: str
    engine: str
    ratios: Sequence[float]
    remark: str = field(default="")

    @property
    def row(self) -> Row:
        """The line that it belongs to."""
        return BY_KEY[self.key]

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return median(self.ratios)

    @property
    def stands(self) -> bool:
        """Whether the floor is kept."""
        return self.row.stands(self.engine, self.value)


def below_floor(results: Sequence[Result]) -> list[Result]:
    """The results that fail the run."""
    return [result for result in results if not result.stands]
