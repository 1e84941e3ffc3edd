"""Units: which trees are possible, and what becomes of two assignments that meet.

Two units of one task merge (机构改革): the task then has one assignment of the unit that goes on.
It takes the stronger of the two roles, lead > supporting > guiding > undeclared (a declared role
is stronger than none), confirmed as that role was. Work that either of them still has to do stays
open. The other assignment stays as a record: what was done is done, what was open is excused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

STRENGTH = ("lead", "supporting", "guiding", "undeclared")
CLOSED = frozenset({"done", "excused"})


@dataclass(frozen=True, slots=True)
class Share:
    """An assignment as far as a merger needs it; ``role`` and ``state`` are the stored words."""

    role: str
    role_confirmed: bool
    state: str
    due_on: date | None
    handler_id: int | None


def joined(survivor: Share, absorbed: Share) -> Share:
    """What the assignment of the unit that goes on becomes when the other one's joins it.

    Its own date and handler stay unless it has none.
    """
    stronger = min(survivor, absorbed, key=lambda share: STRENGTH.index(share.role))
    reopened = survivor.state in CLOSED and absorbed.state not in CLOSED
    return Share(
        role=stronger.role,
        role_confirmed=stronger.role_confirmed,
        state=absorbed.state if reopened else survivor.state,
        due_on=survivor.due_on or absorbed.due_on,
        handler_id=survivor.handler_id or absorbed.handler_id,
    )


def left_behind(absorbed: Share) -> str:
    """The state in which the joined assignment stays as a record."""
    return absorbed.state if absorbed.state in CLOSED else "excused"


def is_below(parents: Mapping[int, int | None], unit_id: int, above_id: int) -> bool:
    """Whether ``unit_id`` is ``above_id`` or stands anywhere below it; ``parents`` maps unit > parent."""
    seen: set[int] = set()
    current: int | None = unit_id
    while current is not None and current not in seen:
        if current == above_id:
            return True
        seen.add(current)
        current = parents.get(current)
    return False


def next_position(positions: Iterable[int]) -> int:
    """The place behind all siblings."""
    return max(positions, default=-1) + 1
