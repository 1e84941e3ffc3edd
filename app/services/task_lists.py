"""What a page of tasks shows around its rows: the choices of its filters, and the units on each task."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists
from sqlmodel import Session, col, select

from app.models import Assignment, Party, Programme, Task, Track, Unit
from app.permissions import Actor, Permission
from app.services import visibility

P = Permission


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
    """What the reader may narrow a list to; three queries."""
    programme_ids = list(actor.programmes_with(P.TASK_READ))
    narrowed = [programme_id] if programme_id in programme_ids else programme_ids
    connection = session.connection()
    programmes = connection.execute(
        select(Programme.id, Programme.title).where(col(Programme.id).in_(programme_ids)).order_by(col(Programme.id))
    )
    tracks = connection.execute(
        select(Track.id, Track.name)
        .where(col(Track.programme_id).in_(narrowed))
        .order_by(col(Track.programme_id), col(Track.position), col(Track.id))
    )
    # Unit by unit: the first task that it takes part in answers, however many there are.
    takes_part = exists().where(
        col(Assignment.unit_id) == col(Unit.id),
        col(Assignment.task_id) == col(Task.id),
        col(Task.programme_id).in_(narrowed),
        visibility.tasks_seen(actor),
    )
    units = connection.execute(
        select(Unit.id, Unit.name).where(takes_part).order_by(col(Unit.root_id), col(Unit.position), col(Unit.id))
    )
    return Choices(_pairs(programmes), _pairs(tracks), _pairs(units))


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
