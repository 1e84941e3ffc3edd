"""The extracted text: lines, some of them rows of a table. Every format ends in this one shape."""

import unicodedata
from dataclasses import dataclass
from typing import Final

from app.papers.plan_refusals import PlanLineTooLong, PlanTooLong, PlanTooManyLines

MAX_LINES: Final = 20_000
MAX_CHARACTERS: Final = 1_000_000
MAX_LINE: Final = 50_000


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: the text of each grid column (merged ones repeat theirs) and its own cells.

    ``own`` counts the cells that the row really has: a row of one cell across is a section row.
    """

    table: int
    cells: tuple[str, ...]
    own: int


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line of the extracted text."""

    text: str
    row: Row | None = None


def clean(text: str) -> str:
    """``text`` without what cannot be seen: controls, zero-width characters, marks of direction."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c for c in text if c == "\t" or (unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Cn") and c != "\ufffc")
    )


def checked(lines: list[SourceLine]) -> tuple[SourceLine, ...]:
    """The lines, refused where they are more than a plan has."""
    if len(lines) > MAX_LINES:
        raise PlanTooManyLines(limit=f"{MAX_LINES:,}")
    total = 0
    for at, line in enumerate(lines, 1):
        if len(line.text) > MAX_LINE:
            raise PlanLineTooLong(line=at, limit=f"{MAX_LINE:,}")
        total += len(line.text)
    if total > MAX_CHARACTERS:
        raise PlanTooLong(limit=f"{MAX_CHARACTERS:,}")
    return tuple(lines)
