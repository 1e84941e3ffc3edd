"""Which of two states of one row is newer, when two installations change it without seeing each other.

Every exchanged row carries a version vector: for each installation the number of times that it changed
the row between two exchanges. A state whose vector holds the other's in every place was made with
knowledge of it and follows it; two states of which neither holds the other were made apart, and only a
person can say which one stands (D. S. Parker et al., Detection of Mutual Inconsistency in Distributed
Systems, IEEE TSE 9(3), 1983). Order and number of deliveries do not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Vector = Mapping[str, int]


class Standing(StrEnum):
    """What a received row is to the row that is here."""

    NEW = "new"
    SAME = "same"
    THEIRS = "theirs"
    OURS = "ours"
    CONFLICT = "conflict"
    GONE = "gone"
    KEPT = "kept"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class State:
    """One side's state of a row: the digest of its content, empty where the row was deleted, and its vector."""

    digest: str
    vector: Vector

    @property
    def gone(self) -> bool:
        """Whether the row was deleted."""
        return not self.digest


def holds(one: Vector, other: Vector) -> bool:
    """Whether ``one`` was made with knowledge of everything in ``other``."""
    return all(one.get(place, 0) >= count for place, count in other.items())


def merged(one: Vector, other: Vector) -> dict[str, int]:
    """The vector that holds both."""
    return {place: max(one.get(place, 0), other.get(place, 0)) for place in sorted({*one, *other})}


def moved(vector: Vector, installation: str) -> dict[str, int]:
    """The vector after ``installation`` has changed the row."""
    return {**vector, installation: vector.get(installation, 0) + 1}


def stamped(known: State | None, digest: str, installation: str) -> State:
    """The state of a row here: as it was last exchanged, or one change later where its content is another now."""
    if known is None:
        return State(digest, {installation: 1})
    return known if known.digest == digest else State(digest, moved(known.vector, installation))


def compare(ours: State | None, theirs: State) -> Standing:
    """What the received state is to ours; None: the row was never here.

    Equal vectors with unequal content come from an installation that was set back to an earlier day and
    went on from there. That is a conflict like any other: nothing tells which of the two is meant.
    """
    if ours is None:
        return Standing.SAME if theirs.gone else Standing.NEW
    if ours.digest == theirs.digest:
        return Standing.SAME
    ahead, behind = holds(theirs.vector, ours.vector), holds(ours.vector, theirs.vector)
    if ahead == behind:
        return Standing.CONFLICT
    if behind:
        return Standing.OURS
    if theirs.gone:
        return Standing.GONE
    # What was deleted here stands again there, by somebody who knew of the deletion.
    return Standing.NEW if ours.gone else Standing.THEIRS


def decided(ours: State, theirs: State, installation: str) -> dict[str, int]:
    """The vector after a person here has chosen between two states.

    It is moved on also where theirs was taken: the other side may have chosen ours at the same time, and
    the two choices must not pass for one.
    """
    return moved(merged(ours.vector, theirs.vector), installation)
