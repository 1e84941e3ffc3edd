"""Searching tasks for words: the condition that decides, and what the index proposes to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, and_, bindparam, func, or_
from sqlmodel import Session, col

from app import indexing
from app.models import Task
from app.prepared import dialect_of
from app.rules import paths

_ESCAPE = "/"


@dataclass(frozen=True, slots=True)
class Sought:
    """All of a search that the text of a statement depends on; what is looked for is bound to it.

    ``proposed_on`` names the engine that the statement is for, where the index proposes rows.
    """

    words: int = 0
    proposed_on: str | None = None


NOTHING = Sought()


def matching(text: str) -> ColumnElement[bool]:
    """Every word of ``text`` occurs in heading, text or path, whatever its case; wildcards mean themselves.

    This decides what is found; the index only spares looking at what cannot be (``indexing``).
    """
    return and_(*(_occurs(_escaped(word)) for word in text.split()))


def look_up(session: Session, text: str | None, programmes: Sequence[int]) -> tuple[Sought, dict[str, Any]]:
    """What a search of ``text`` in ``programmes`` looks for, and the values that ``conditions`` are given.

    At most two queries, none without words.
    """
    words = text.split() if text else []
    if not words:
        return NOTHING, {}
    values: dict[str, Any] = {f"word_{place}": _escaped(word) for place, word in enumerate(words)}
    candidates = indexing.candidates(session, indexing.TASKS, " ".join(words), programmes)
    if candidates is None:
        return Sought(len(words)), values
    engine = dialect_of(session).name
    return Sought(len(words), engine), {**values, "keys": indexing.listed(engine, candidates)}


def conditions(sought: Sought) -> list[ColumnElement[bool]]:
    """``matching`` for words that are given at each run, on the rows that are proposed if there are any."""
    found = [_occurs(bindparam(f"word_{place}", None, String)) for place in range(sought.words)]
    if sought.proposed_on is not None:
        found.append(indexing.among(sought.proposed_on, col(Task.id)))
    return found


def _occurs(word: Any) -> ColumnElement[bool]:
    path = func.replace(col(Task.path), paths.SEPARATOR, "")
    places = (col(Task.heading), col(Task.text), path, col(Task.path))
    return or_(*(place.icontains(word, escape=_ESCAPE) for place in places))


def _escaped(word: str) -> str:
    for character in (_ESCAPE, "%", "_"):
        word = word.replace(character, _ESCAPE + character)
    return word
