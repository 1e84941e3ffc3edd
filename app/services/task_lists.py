"""What a page of tasks shows around its rows: the choices of its filters, and the units on each task."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import literal_column, union_all
from sqlmodel import Session, col, select

from app.models import Assignment, Party, Programme, Task, Track, Unit
from app.permissions import Actor, Permission
from app.prepared import Prepared
from app.services import visibility

P = Permission
_KINDS = ("programmes", "tracks", "units")
_NOTHING: Any = literal_column("0")


@dataclass(frozen=True, slots=True)
class Choices:
    """Programmes, tracks and units that occur in what the reader sees, as (id, name)."""

    programmes: list[tuple[int, str]]
    tracks: list[tuple[int, str]]
    units: list[tuple[int, str]]

    def name(self, kind: str, key: int | None) -> str:
        """The name of one choice, empty where the reader does not see it."""
        pairs: list[tuple[int, str]] = getattr(self, kind)
        return next((name for one, name in pairs if one == key), "")


def choices(session: Session, actor: Actor, programme_id: int | None = None) -> Choices:
    """What the reader may narrow a list to; one query."""
    found: dict[str, list[tuple[int, str]]] = {kind: [] for kind in _KINDS}
    for row in _choosing(actor.rights, programme_id).all(session):
        found[row.kind].append((row.id, row.name))
    return Choices(**found)


@lru_cache(maxsize=256)
def _choosing(rights: Actor, programme_id: int | None) -> Prepared:
    programme_ids = rights.programmes_with(P.TASK_READ)
    narrowed = (programme_id,) if programme_id in programme_ids else programme_ids
    # Unit by unit and task by task, the first that is seen answers, however many there are. Scalars, because
    # PostgreSQL makes a join with all tasks of what only has to exist; and a range in order instead of one value,
    # so that it takes the index that begins with the unit, where a unit without tasks has nothing to be read.
    task = select(Task.id).where(
        col(Task.id) == col(Assignment.task_id), col(Task.programme_id).in_(narrowed), visibility.tasks_seen(rights)
    )
    part = (
        select(Assignment.id)
        .where(
            col(Assignment.unit_id).between(col(Unit.id), col(Unit.id)),
            task.correlate(Assignment).scalar_subquery().is_not(None),
        )
        .order_by(col(Assignment.unit_id))
        .limit(1)
    )
    takes_part = part.correlate(Unit).scalar_subquery().is_not(None)
    # One statement for all three, each kind in its own order; no value but the kinds' own names is written into it.
    together = union_all(
        _pairs_of("programmes", Programme.id, Programme.title).where(col(Programme.id).in_(programme_ids)),
        _pairs_of("tracks", Track.id, Track.name, Track.programme_id, Track.position).where(
            col(Track.programme_id).in_(narrowed)
        ),
        _pairs_of("units", Unit.id, Unit.name, Unit.root_id, Unit.position).where(takes_part),
    )
    return Prepared(together.order_by("first", "second", "id"))


def _pairs_of(kind: str, key: Any, name: Any, first: Any = _NOTHING, second: Any = _NOTHING) -> Any:
    columns = {"kind": literal_column(f"'{kind}'"), "id": key, "name": name, "first": first, "second": second}
    return select(*(column.label(label) for label, column in columns.items()))


def sections(session: Session, actor: Actor, programme_id: int) -> list[str]:
    """The paths above the visible tasks of a programme, in the plan's order: where a new task can go."""
    paths = session.connection().scalars(
        select(Task.path)
        .where(visibility.tasks_seen(actor), col(Task.programme_id) == programme_id)
        .order_by(col(Task.sort_key), col(Task.id))
    )
    above: dict[str, None] = {}
    for path in paths:
        steps = path.split("/")[:-1]
        for depth in range(1, len(steps) + 1):
            above.setdefault("/".join(steps[:depth]))
    return list(above)


def assignable(session: Session, programme_id: int, but: list[int]) -> list[tuple[int, str]]:
    """The units of the programme's sides, without those in ``but``: who can still be let in."""
    parties = select(Party.unit_id).where(col(Party.programme_id) == programme_id)
    rows = session.connection().execute(
        select(Unit.id, Unit.name)
        .where(
            col(Unit.root_id).in_(parties) | col(Unit.id).in_(parties),
            col(Unit.id).not_in(but),
            col(Unit.merged_into_id).is_(None),
        )
        .order_by(col(Unit.root_id), col(Unit.parent_id).is_not(None), col(Unit.position), col(Unit.id))
    )
    return _pairs(rows)


def _pairs(rows: Any) -> list[tuple[int, str]]:
    return [(row[0], row[1]) for row in rows]
