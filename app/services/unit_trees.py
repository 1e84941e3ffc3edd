"""The organisation as trees: bureaus by their side of a programme, and the places a unit can be put."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.models import Party, Programme, Side, Unit
from app.permissions import Actor
from app.services import programmes, units

MAX_UNITS = 3000


@dataclass(frozen=True, slots=True)
class Placed:
    """A unit in the order of its tree, and how far below its bureau it stands."""

    unit: Any
    depth: int


@dataclass(frozen=True, slots=True)
class SideTrees:
    """The bureaus of one side with their units; ``side`` None where no programme was chosen."""

    side: Side | None
    units: Sequence[Placed]


def ordered(rows: Iterable[Any]) -> list[Placed]:
    """Rows of units as their trees show them; one whose parent is not among them starts a tree."""
    by_id = {row.id: row for row in rows}
    below: dict[int | None, list[Any]] = defaultdict(list)
    for row in by_id.values():
        below[row.parent_id if row.parent_id in by_id else None].append(row)
    placed: list[Placed] = []
    waiting = [Placed(row, 0) for row in _siblings(below[None])]
    while waiting:
        here = waiting.pop()
        placed.append(here)
        waiting.extend(Placed(row, here.depth + 1) for row in _siblings(below[here.unit.id]))
    return placed


def _siblings(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: (row.position, row.id), reverse=True)


def by_side(session: Session, actor: Actor, programme_id: int | None, *, ended: bool) -> list[SideTrees]:
    """The trees that ``actor`` sees, of one programme by side or all together; two queries. Raises NotFound."""
    statement = units.visible_to(actor).with_only_columns(*units.COLUMNS)
    if not ended:
        statement = statement.where(col(Unit.ends_on).is_(None))
    sides: dict[int, Side] = {}
    if programme_id is not None:
        sides = {row.unit_id: row.side for row in programmes.parties(session, actor, programme_id)}
        statement = statement.where(col(Unit.root_id).in_(sorted(sides)))
    order = (col(Unit.root_id), col(Unit.position), col(Unit.id))
    rows = session.connection().execute(statement.order_by(*order).limit(MAX_UNITS)).all()
    if programme_id is None:
        return [SideTrees(None, ordered(rows))]
    return [SideTrees(side, ordered([row for row in rows if sides[row.root_id] is side])) for side in Side]


def manageable(session: Session, actor: Actor) -> list[Placed]:
    """The live units that ``actor`` may put others under, as their trees show them; one query."""
    statement = units.visible_to(actor).with_only_columns(*units.COLUMNS)
    statement = statement.where(units.managed_by(actor), col(Unit.ends_on).is_(None))
    return ordered(session.connection().execute(statement.order_by(col(Unit.root_id)).limit(MAX_UNITS)))


def programmes_of(session: Session, actor: Actor) -> list[Any]:
    """The programmes of ``actor``, newest first, to choose one by."""
    statement = programmes.visible_to(actor).with_only_columns(col(Programme.id), col(Programme.title))
    return list(session.connection().execute(statement.order_by(col(Programme.id).desc()).limit(200)))


def merged_into(session: Session, actor: Actor, unit_id: int) -> list[Any]:
    """The units that were merged into one, oldest first."""
    statement = units.visible_to(actor).with_only_columns(*units.COLUMNS).where(col(Unit.merged_into_id) == unit_id)
    return list(session.connection().execute(statement.order_by(col(Unit.ends_on), col(Unit.id))))


def parts_of(session: Session, actor: Actor, unit_id: int) -> list[Any]:
    """The live units right below one."""
    statement = units.visible_to(actor).with_only_columns(*units.COLUMNS)
    statement = statement.where(col(Unit.parent_id) == unit_id, col(Unit.ends_on).is_(None))
    return list(session.connection().execute(statement.order_by(col(Unit.position), col(Unit.id))))


def above(session: Session, actor: Actor, unit: Any) -> list[Any]:
    """The units above one, from its bureau down; one query."""
    statement = units.visible_to(actor).with_only_columns(col(Unit.id), col(Unit.parent_id), col(Unit.name))
    by_id = {row.id: row for row in session.connection().execute(statement.where(col(Unit.root_id) == unit.root_id))}
    found: list[Any] = []
    parent = by_id.get(unit.parent_id)
    while parent is not None and parent not in found:
        found.append(parent)
        parent = by_id.get(parent.parent_id)
    return found[::-1]


def sides_of(session: Session, actor: Actor, root_id: int) -> list[Any]:
    """The programmes in which a bureau takes part and its side there, as far as ``actor`` sees them."""
    columns: list[Any] = [col(Programme.id), col(Programme.title), col(Party.side)]
    statement = select(*columns).join(Party, col(Party.programme_id) == col(Programme.id))
    statement = statement.where(col(Party.unit_id) == root_id, programmes.seen_by(actor))
    return list(session.connection().execute(statement.order_by(col(Programme.id).desc())))
