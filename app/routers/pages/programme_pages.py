"""What the pages of programmes show, read from the store."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlmodel import Session

from app.models import Side
from app.papers import time_strip
from app.permissions import Actor, P, can
from app.schemas.programme import ProgrammePageQuery
from app.services import milestones, programme_views, programmes, tracks, unit_trees

LINES = ("recipients", "copied_to", "basis")


@dataclass(frozen=True, slots=True)
class ProgrammesPage:
    """The programmes that the reader has a part in."""

    rows: Sequence[programme_views.ProgrammeRow]
    next_cursor: str | None
    may_create: bool
    may_import: bool


@dataclass(frozen=True, slots=True)
class Milestones:
    """The dated steps: rows, picture, and the sentence that the picture shows. ``editing`` is a row's id."""

    programme_id: int
    rows: Sequence[Any]
    strip: time_strip.Strip | None
    total: int
    past: int
    next: Any
    may_update: bool
    editing: int | None = None
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    version: int = 0
    theirs: Any = None


@dataclass(frozen=True, slots=True)
class ProgrammePage:
    """One programme; ``open_track`` holds the tasks of the one track that is open, ``open_row`` that track."""

    programme: Any
    parties: Sequence[tuple[Side, Sequence[Any]]]
    tracks: Sequence[Any]
    untracked: int
    open_track: programme_views.TrackTasks | None
    open_row: Any
    milestones: Milestones
    versions: Sequence[Any]
    may_update: bool
    may_import: bool
    may_export: bool
    sees_tasks: bool


@dataclass(frozen=True, slots=True)
class ProgrammeFormPage:
    """The form of a programme; ``theirs`` is what somebody else saved."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    programme_id: int | None = None
    title: str = ""
    version: int | None = None
    theirs: Any = None


@dataclass(frozen=True, slots=True)
class ArrangePage:
    """Parties and tracks as the coordinator arranges them; ``failed`` names the verb that was refused."""

    programme: Any
    parties: Sequence[Any]
    tracks: Sequence[Any]
    bureaus: Sequence[Any]
    may_parties: bool
    may_tracks: bool
    failed: str = ""
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanVersionPage:
    """One accepted text of the plan and what it changed."""

    programme: Any
    version: Any


def read_index(session: Session, actor: Actor, cursor: str | None) -> ProgrammesPage:
    """The list's page."""
    listed = programme_views.listed(session, actor, sort="-id", limit=50, cursor=cursor)
    may_create = can(actor, P.PROGRAMME_CREATE)
    return ProgrammesPage(listed.rows, listed.next_cursor, may_create, can(actor, P.PLAN_IMPORT))


def read_programme(
    session: Session, actor: Actor, programme_id: int, query: ProgrammePageQuery, **refused: Any
) -> ProgrammePage:
    """One programme's page; the number of queries is the same for any number of tasks. Raises NotFound."""
    programme = programmes.show(session, actor, programme_id)
    parties = programmes.parties(session, actor, programme_id)
    rows = tracks.of_programme(session, actor, programme_id)
    opened = None
    if query.track is not None:
        opened = programme_views.track_tasks(session, actor, programme_id, query.track)
    return ProgrammePage(
        programme=programme,
        parties=[(side, [row for row in parties if row.side is side]) for side in Side],
        tracks=rows,
        untracked=programme_views.untracked(session, actor, programme_id),
        open_track=opened,
        open_row=next((row for row in rows if row.id == query.track), None),
        milestones=read_milestones(session, actor, programme, query.milestone, **refused),
        versions=programmes.plan_versions(session, actor, programme_id),
        may_update=can(actor, P.PROGRAMME_UPDATE, programme_id),
        may_import=can(actor, P.PLAN_IMPORT, programme_id),
        may_export=can(actor, P.PROGRAMME_EXPORT, programme_id),
        sees_tasks=can(actor, P.TASK_READ, programme_id),
    )


def read_milestones(session: Session, actor: Actor, programme: Any, editing: int | None, **refused: Any) -> Milestones:
    """The milestones of a programme, with the picture and its sentence."""
    rows = milestones.of_programme(session, actor, programme.id)
    points = [
        time_strip.Point(number, row.kind, row.what, row.starts_on, row.ends_on) for number, row in enumerate(rows, 1)
    ]
    dated = [row for row in rows if _last_day(row) is not None]
    coming = sorted((row for row in dated if _reached(row, actor.today) is False), key=lambda row: str(_last_day(row)))
    row = next((row for row in rows if row.id == editing), None)
    values = refused.pop("values", None) or ({} if row is None else values_of(row))
    return Milestones(
        programme_id=programme.id,
        rows=rows,
        strip=time_strip.lay_out(points, (programme.starts_on, programme.ends_on), actor.today),
        total=len(dated),
        past=len(dated) - len(coming),
        next=coming[0] if coming else None,
        may_update=can(actor, P.MILESTONE_UPDATE, programme.id),
        editing=editing,
        values=values,
        version=refused.pop("version", row.version if row is not None else 0),
        **refused,
    )


def read_arrange(session: Session, actor: Actor, programme_id: int, **refused: Any) -> ArrangePage:
    """Parties and tracks to arrange, with the bureaus that could join; raises NotFound."""
    programme = programmes.show(session, actor, programme_id)
    parties = programmes.parties(session, actor, programme_id)
    present = {row.unit_id for row in parties}
    trees = unit_trees.by_side(session, actor, None, ended=False)
    roots = [one.unit for tree in trees for one in tree.units if one.unit.id == one.unit.root_id]
    return ArrangePage(
        programme=programme,
        parties=parties,
        tracks=tracks.of_programme(session, actor, programme_id),
        bureaus=[unit for unit in roots if unit.id not in present],
        may_parties=can(actor, P.PROGRAMME_UPDATE, programme_id),
        may_tracks=can(actor, P.TRACK_UPDATE, programme_id),
        **refused,
    )


def values_of(row: Any) -> dict[str, str]:
    """A row's fields as its form holds them, lists as lines."""
    values = {}
    for name, value in row._mapping.items():
        if isinstance(value, list):
            values[name] = "\n".join(str(line) for line in value)
        else:
            values[name] = "" if value is None or value is False else "true" if value is True else str(value)
    return values


def _last_day(row: Any) -> date | None:
    day: date | None = row.ends_on or row.starts_on
    return day


def _reached(row: Any, today: date) -> bool:
    day = _last_day(row)
    return day is not None and day < today
