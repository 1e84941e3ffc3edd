"""Searching tasks for words: the condition that decides, and what the index proposes to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, and_, bindparam, func, or_
from sqlmodel import Session, col

from app import indexing
from app.models import Task
from app.prepared import among, dialect_of
from app.rules import paths, terms

_ESCAPE = "/"
_POSITION: dict[str, Any] = {"sqlite": func.instr, "postgresql": func.strpos}


@dataclass(frozen=True, slots=True)
class Sought:
    """All of a search that the text of a statement depends on; what is looked for is bound to it.

    ``cased`` tells of each word whether it has case, ``proposed`` whether the index proposes rows.
    """

    engine: str = ""
    cased: tuple[bool, ...] = ()
    proposed: bool = False


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
    engine = dialect_of(session).name
    cased = tuple(terms.has_case(word) for word in words)
    values: dict[str, Any] = {
        f"word_{place}": _escaped(word) if folds else word
        for place, (word, folds) in enumerate(zip(words, cased, strict=True))
    }
    candidates = indexing.candidates(session, indexing.TASKS, " ".join(words), programmes)
    if candidates is None:
        return Sought(engine, cased), values
    return Sought(engine, cased, proposed=True), {**values, "keys": candidates}


def conditions(sought: Sought) -> list[ColumnElement[bool]]:
    """``matching`` for words that are given at each run, on the rows that are proposed if there are any."""
    found = []
    for place, folds in enumerate(sought.cased):
        word = bindparam(f"word_{place}", None, String)
        # A word without case is where LIKE finds it, and found in a third of the time.
        found.append(_occurs(word) if folds else or_(*(_POSITION[sought.engine](text, word) > 0 for text in _places())))
    if sought.proposed:
        found.append(among(col(Task.id), "keys"))
    return found


def _places() -> tuple[Any, ...]:
    path = func.replace(col(Task.path), paths.SEPARATOR, "")
    return col(Task.heading), col(Task.text), path, col(Task.path)


def _occurs(word: Any) -> ColumnElement[bool]:
    return or_(*(place.icontains(word, escape=_ESCAPE) for place in _places()))


def _escaped(word: str) -> str:
    for character in (_ESCAPE, "%", "_"):
        word = word.replace(character, _ESCAPE + character)
    return word
