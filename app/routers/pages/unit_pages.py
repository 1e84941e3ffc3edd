"""What the pages of units show, read from the store."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from app.models import UnitKind
from app.permissions import Actor, P, can
from app.schemas.task import TaskFilters
from app.schemas.unit import UnitFilters, UnitMergePreview
from app.services import tasks, unit_groups, unit_merges, unit_names, unit_trees, units


@dataclass(frozen=True, slots=True)
class UnitsPage:
    """The trees of a programme by side, or what was found; ``programme_id`` None shows all that is seen."""

    sides: Sequence[unit_trees.SideTrees]
    programmes: Sequence[Any]
    programme_id: int | None
    found: Sequence[Any] | None
    next_cursor: str | None
    q: str
    ended: bool
    may_manage: bool


@dataclass(frozen=True, slots=True)
class UnitPage:
    """One unit. ``failed`` names the verb that was refused; ``values`` is what was typed for it."""

    unit: Any
    above: Sequence[Any]
    sides: Sequence[Any]
    names: Sequence[Any]
    parts: Sequence[Any]
    merged: Sequence[Any]
    survivor: Any
    members: Sequence[Any]
    groups: Sequence[Any]
    choices: Sequence[unit_trees.Placed]
    tasks: int | None
    may_manage: bool
    failed: str = ""
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnitFormPage:
    """The form of a new unit, or of one that is changed; ``theirs`` is what somebody else saved."""

    values: dict[str, str]
    choices: Sequence[unit_trees.Placed]
    programmes: Sequence[Any]
    errors: dict[str, str] = field(default_factory=dict)
    unit: Any = None
    version: int | None = None
    theirs: Any = None
    kinds: tuple[str, ...] = tuple(kind.value for kind in UnitKind)


@dataclass(frozen=True, slots=True)
class UnitMergePage:
    """Choosing the unit that goes on, then what will move, before it does."""

    unit: Any
    choices: Sequence[unit_trees.Placed]
    preview: UnitMergePreview | None
    into: Any
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def read_index(session: Session, actor: Actor, filters: UnitFilters, *, ended: bool, cursor: str | None) -> UnitsPage:
    """The list's page: trees, or the units found by ``filters.q``."""
    choices = unit_trees.programmes_of(session, actor)
    programme_id = filters.programme or (choices[0].id if choices else None)
    may_manage = can(actor, P.UNIT_MANAGE)
    q = filters.q or ""
    if not q:
        sides = unit_trees.by_side(session, actor, programme_id, ended=ended)
        return UnitsPage(sides, choices, programme_id, None, None, q, ended, may_manage)
    wanted = filters.model_copy(update={"programme": programme_id, "live": None if ended else True})
    found = units.page(session, actor, wanted, sort="position", limit=50, cursor=cursor)
    return UnitsPage((), choices, programme_id, found.rows, found.next_cursor, q, ended, may_manage)


def read_unit(session: Session, actor: Actor, unit_id: int, **refused: Any) -> UnitPage:
    """One unit's page; raises NotFound."""
    unit = units.show(session, actor, unit_id)
    manages = units.manages(session, actor, unit.root_id)
    is_group = unit.kind is UnitKind.GROUP
    placed = unit_trees.manageable(session, actor) if manages and is_group else []
    return UnitPage(
        unit=unit,
        above=unit_trees.above(session, actor, unit),
        sides=unit_trees.sides_of(session, actor, unit.root_id),
        names=unit_names.of_unit(session, actor, unit_id),
        parts=unit_trees.parts_of(session, actor, unit_id),
        merged=unit_trees.merged_into(session, actor, unit_id),
        survivor=units.show(session, actor, unit.merged_into_id) if unit.merged_into_id else None,
        members=unit_groups.members(session, actor, unit_id) if is_group else [],
        groups=unit_groups.groups_of(session, actor, unit_id),
        choices=[one for one in placed if one.unit.root_id == unit.root_id and one.unit.kind is not UnitKind.GROUP],
        tasks=tasks.count(session, actor, TaskFilters(unit=unit_id)) if can(actor, P.TASK_READ) else None,
        may_manage=manages,
        **refused,
    )


def read_form(session: Session, actor: Actor, values: dict[str, str], unit: Any = None, **refused: Any) -> UnitFormPage:
    """The form's page, with the places that the unit can be put."""
    choices = unit_trees.manageable(session, actor)
    if unit is not None:
        choices = [one for one in choices if one.unit.root_id == unit.root_id and one.unit.id != unit.id]
    owned = [row for row in unit_trees.programmes_of(session, actor) if can(actor, P.UNIT_MANAGE_ALL, row.id)]
    return UnitFormPage(values, choices, owned, unit=unit, **refused)


def read_merge(session: Session, actor: Actor, unit_id: int, into_id: int | None, **refused: Any) -> UnitMergePage:
    """The merger's page; raises what ``unit_merges.preview`` refuses once a unit is chosen."""
    unit = units.show(session, actor, unit_id)
    units.require_management(session, actor, unit)
    placed = unit_trees.manageable(session, actor)
    like = unit.kind is UnitKind.GROUP
    choices = [
        one
        for one in placed
        if one.unit.root_id == unit.root_id and one.unit.id != unit_id and (one.unit.kind is UnitKind.GROUP) == like
    ]
    preview = unit_merges.preview(session, actor, unit_id, into_id) if into_id else None
    into = units.show(session, actor, into_id) if into_id and preview else None
    return UnitMergePage(unit, choices, preview, into, **refused)


def values_of(unit: Any) -> dict[str, str]:
    """A unit's fields as its form holds them."""
    names = ("name", "short_name", "kind", "parent_id", "position", "starts_on")
    return {name: "" if getattr(unit, name) is None else str(getattr(unit, name)) for name in names}
