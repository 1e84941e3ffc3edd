"""What the pages of programmes show: who stands where, the plan's sections, and the tasks of one track."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.models import Party, PlanImport, PlanVersion, Side, Task, Unit
from app.permissions import Actor
from app.rules import paths
from app.services import programmes, visibility

MAX_TASKS = 500


@dataclass(frozen=True, slots=True)
class ProgrammeRow:
    """A programme in the list: its bureaus by side and the number of tasks that the reader sees."""

    programme: Any
    sides: dict[Side, list[Any]]
    tasks: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of programmes."""

    rows: Sequence[ProgrammeRow]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the plan's tree: a section, where ``task`` is None, or a task; how far in it stands."""

    place: str
    heading: str
    depth: int
    task: Any = None


@dataclass(frozen=True, slots=True)
class TrackTasks:
    """The tasks of one track in the plan's order; ``more`` where there are more than a page shows."""

    track_id: int
    lines: Sequence[Line] = field(default_factory=tuple)
    more: bool = False


def listed(session: Session, actor: Actor, *, sort: str, limit: int, cursor: str | None) -> Listed:
    """One page of programmes; three queries however many there are."""
    page = programmes.page(session, actor, sort=sort, limit=limit, cursor=cursor)
    ids = [row.id for row in page.rows]
    columns: list[Any] = [col(Party.programme_id), col(Party.side), col(Party.unit_id), col(Unit.name)]
    parties = select(*columns).join(Unit, col(Unit.id) == col(Party.unit_id)).where(col(Party.programme_id).in_(ids))
    sides: dict[int, dict[Side, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for row in session.connection().execute(parties.order_by(col(Party.id))):
        sides[row.programme_id][row.side].append(row)
    counting = select(col(Task.programme_id), func.count().label("tasks")).where(
        col(Task.programme_id).in_(ids), visibility.tasks_seen(actor)
    )
    rows = session.connection().execute(counting.group_by(col(Task.programme_id)))
    counts = {row.programme_id: row.tasks for row in rows}
    return Listed([ProgrammeRow(row, sides[row.id], counts.get(row.id, 0)) for row in page.rows], page.next_cursor)


def untracked(session: Session, actor: Actor, programme_id: int) -> int:
    """How many tasks that ``actor`` sees belong to no track."""
    statement = select(func.count()).where(
        col(Task.programme_id) == programme_id, col(Task.track_id).is_(None), visibility.tasks_seen(actor)
    )
    return int(session.connection().scalar(statement) or 0)


def track_tasks(session: Session, actor: Actor, programme_id: int, track_id: int) -> TrackTasks:
    """The tasks of one track, nested under the plan's sections; ``track_id`` 0 is no track. Raises NotFound."""
    programmes.require_seen(actor, programme_id)
    names = ("id", "parent_id", "path", "part", "heading", "state", "due_on", "due_text", "open_ended")
    columns: list[Any] = [col(getattr(Task, name)) for name in names]
    belongs = col(Task.track_id) == track_id if track_id else col(Task.track_id).is_(None)
    statement = select(*columns).where(col(Task.programme_id) == programme_id, belongs, visibility.tasks_seen(actor))
    order = (col(Task.sort_key), col(Task.id))
    rows = session.connection().execute(statement.order_by(*order).limit(MAX_TASKS + 1)).all()
    headings = section_headings(session, programme_id)
    return TrackTasks(track_id, lines(rows[:MAX_TASKS], headings), len(rows) > MAX_TASKS)


def section_headings(session: Session, programme_id: int) -> dict[str, str]:
    """Path > heading of the sections of the plan's newest accepted text."""
    statement = (
        select(col(PlanImport.sections))
        .join(PlanVersion, col(PlanVersion.plan_import_id) == col(PlanImport.id))
        .where(col(PlanVersion.programme_id) == programme_id)
        .order_by(col(PlanVersion.number).desc())
        .limit(1)
    )
    sections = session.connection().scalar(statement) or []
    return {paths.SEPARATOR.join(section["path"]): section["heading"] for section in sections}


def lines(tasks: Sequence[Any], headings: dict[str, str]) -> list[Line]:
    """Tasks in the plan's order as lines: each new section first, sub-tasks further in than their task."""
    found: list[Line] = []
    depths: dict[int, int] = {}
    section = ""
    for task in tasks:
        depth = depths.get(task.parent_id, -1) + 1
        depths[task.id] = depth
        above = paths.SEPARATOR.join(task.path.split(paths.SEPARATOR)[:-1])
        if depth == 0 and above != section:
            section = above
            found.append(Line(paths.spoken(above), headings.get(above, ""), 0))
        found.append(Line(paths.spoken(task.path), task.heading, depth + 1, task))
    return found
