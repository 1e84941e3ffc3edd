"""What an amended plan changes: tasks matched by their key, then by their words, then compared.

A plan that gains an item renumbers those behind it, so an equal number alone is not enough: the words
have to be alike as well. What is left over is matched by its words only, and at last by its number with
a weaker likeness. Everything else was added or has vanished; a person decides what becomes of it.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_ALIKE: Final = 0.5
_BY_WORDS: Final = 0.6
_BY_NUMBER: Final = 0.3


@dataclass(frozen=True, slots=True)
class Entry:
    """A task or a milestone of either text: ``id`` of its row, its key, and the fields to compare."""

    id: int
    key: tuple[str, int]
    heading: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One field before and after."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Match:
    """An entry of the plan in force, the entry of the new text that it became, and what changed."""

    old: Entry
    new: Entry
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """All entries of both texts, each exactly once, in the order of their texts."""

    matched: tuple[Match, ...]
    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]

    @property
    def changed(self) -> tuple[Match, ...]:
        """The matched ones whose words differ."""
        return tuple(match for match in self.matched if match.changes)


def compare(old: Sequence[Entry], new: Sequence[Entry]) -> Differences:
    """Match ``new`` against ``old`` and say what was added, removed and changed."""
    by_new: dict[int, Entry] = {}
    left = {entry.id: entry for entry in old}
    _match_keys(left, new, by_new, _ALIKE)
    _match_words(left, [entry for entry in new if entry.id not in by_new], by_new)
    _match_keys(left, [entry for entry in new if entry.id not in by_new], by_new, _BY_NUMBER)
    matched = tuple(Match(by_new[n.id], n, _changes(by_new[n.id], n)) for n in new if n.id in by_new)
    return Differences(matched, tuple(n for n in new if n.id not in by_new), tuple(left.values()))


def likeness(one: str, other: str) -> float:
    """How alike two headings are, from 0 to 1: the share of neighbouring characters they have in common."""
    if one == other:
        return 1.0
    first, second = _pairs(one), _pairs(other)
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 0.0


def _match_keys(left: dict[int, Entry], new: Sequence[Entry], by_new: dict[int, Entry], least: float) -> None:
    keyed = {entry.key: entry for entry in left.values() if entry.key[0]}
    for entry in new:
        old = keyed.get(entry.key)
        if old is not None and old.id in left and likeness(old.heading, entry.heading) >= least:
            by_new[entry.id] = left.pop(old.id)


def _match_words(left: dict[int, Entry], new: Sequence[Entry], by_new: dict[int, Entry]) -> None:
    """The likeliest pairs first. An index of pairs of characters keeps two long plans from costing n x m."""
    index: defaultdict[str, set[int]] = defaultdict(set)
    sizes = {}
    for old in left.values():
        pairs = set(_pairs(old.heading))
        sizes[old.id] = len(pairs)
        for pair in pairs:
            index[pair].add(old.id)
    likely: list[tuple[float, int, int]] = []
    for position, entry in enumerate(new):
        pairs = set(_pairs(entry.heading))
        shared = Counter(old_id for pair in pairs for old_id in index.get(pair, ()))
        for old_id, count in shared.items():
            score = 2 * count / (len(pairs) + sizes[old_id])
            if score >= _BY_WORDS:
                likely.append((-score, position, old_id))
    for _, position, old_id in sorted(likely):
        if old_id in left and new[position].id not in by_new:
            by_new[new[position].id] = left.pop(old_id)


def _pairs(heading: str) -> Counter[str]:
    text = "".join(heading.split())
    return Counter(text[i : i + 2] for i in range(len(text) - 1)) or Counter([text] if text else [])


def _changes(old: Entry, new: Entry) -> tuple[Change, ...]:
    found = []
    if old.key != new.key:
        found.append(Change("path", _key_text(old.key), _key_text(new.key)))
    if old.heading != new.heading:
        found.append(Change("heading", old.heading, new.heading))
    for name, after in new.fields.items():
        before = old.fields.get(name, "")
        if before != after:
            found.append(Change(name, before, after))
    return tuple(found)


def _key_text(key: tuple[str, int]) -> str:
    path, part = key
    return f"{path} · {part}" if part > 1 else path


__all__ = ["Change", "Differences", "Entry", "Match", "compare", "likeness"]
