"""Balanced groups of brackets in one pass; a bracket that never closes costs nothing."""

from typing import Final, NamedTuple

_PAIRS: Final = {"）": "（", "〕": "〔", "】": "【"}
_OPENINGS: Final = frozenset(_PAIRS.values())


class Group(NamedTuple):
    """An outermost group: the places of its opening sign and just behind its closing sign."""

    start: int
    end: int
    closed: bool = True

    @property
    def inner(self) -> tuple[int, int]:
        """The places of what stands inside."""
        return self.start + 1, self.end - 1 if self.closed else self.end


def groups(folded: str) -> tuple[list[Group], list[int]]:
    """The outermost balanced groups of ``folded`` in order, and the openings that never close.

    A closing sign closes the nearest opening of its own shape and gives up the openings of another
    shape inside, so (国办发〔2018104号) is one group.
    """
    stack: list[tuple[str, int]] = []
    waiting = dict.fromkeys(_OPENINGS, 0)
    found: list[Group] = []
    lost: list[int] = []
    for place, sign in enumerate(folded):
        if sign in _OPENINGS:
            stack.append((sign, place))
            waiting[sign] += 1
        elif sign in _PAIRS and waiting[_PAIRS[sign]]:
            while True:
                opening, start = stack.pop()
                waiting[opening] -= 1
                if opening == _PAIRS[sign]:
                    break
                lost.append(start)
            while found and found[-1].start > start:
                found.pop()
            found.append(Group(start, place + 1))
    lost.extend(place for _, place in stack)
    return found, sorted(lost)
