"""Unit: who sees and manages which units, finding them by any of their names, making and changing them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, false, or_, select, true
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.errors import DomainError, Forbidden, Kind, NotFound, StaleVersion
from app.folding import fold
from app.messages import N_
from app.models import Party, Side, Unit, UnitKind, UnitName, UnitNameKind
from app.permissions import Actor, P, can
from app.rules import units as rules
from app.schemas.unit import UnitCreate, UnitFilters
from app.services import events, paging

COLUMNS: tuple[Any, ...] = tuple(col(getattr(Unit, name)) for name in Unit.model_fields)
SORTS = {
    "position": paging.Sort("position", (col(Unit.root_id), col(Unit.position), col(Unit.id))),
    "id": paging.Sort("id", (col(Unit.id),)),
    "-id": paging.Sort("-id", (col(Unit.id),), descending=True),
}
_BY_KIND = {UnitNameKind.FULL: 0, UnitNameKind.SHORT: 1, UnitNameKind.ALIAS: 2}


class UnitUnknown(DomainError):
    """A unit named in a body that does not exist or may not be seen; the two look the same."""

    code = "unit_unknown"
    message = N_("There is no such unit, or you may not see it.")


class UnitNameTaken(DomainError):
    """Two live units of one bureau under one name."""

    kind = Kind.CONFLICT
    code = "unit_name_taken"
    message = N_("Another unit here is already called %(name)s.")


class UnitHasEnded(DomainError):
    """Something new for a unit that has ended or was merged."""

    kind = Kind.CONFLICT
    code = "unit_has_ended"
    message = N_("%(name)s has ended. Choose the unit that took its place.")


class BureauWithoutSide(DomainError):
    """A bureau is seen by those whose programme it takes part in, so it needs one."""

    code = "bureau_without_side"
    message = N_("Say in which programme and on which side the new bureau stands, or choose the unit above it.")


def seen_by(actor: Actor) -> ColumnElement[bool]:
    """The condition on Unit under which ``actor`` sees it: trees of their programmes' parties, and their own."""
    if actor.is_system or (actor.administrator is not None and can(actor, P.UNIT_READ)):
        return true()
    roots = select(col(Party.unit_id)).where(col(Party.programme_id).in_(actor.programmes_with(P.UNIT_READ)))
    conditions: list[ColumnElement[bool]] = [col(Unit.root_id).in_(roots)]
    sees_own = bool(actor.programmes_with(P.UNIT_READ)) or (actor.may_create_programmes and actor.in_scope(P.UNIT_READ))
    if sees_own and actor.root_id is not None:
        conditions.append(col(Unit.root_id) == actor.root_id)
    return or_(*conditions)


def visible_to(actor: Actor) -> Select[Unit]:
    """The units that ``actor`` sees; lists, things, counts and exports all start here."""
    return select(Unit).where(seen_by(actor))


def get(session: Session, actor: Actor, unit_id: int, *, lock: bool = False) -> Unit:
    """A unit that ``actor`` sees; raises NotFound."""
    statement = visible_to(actor).where(col(Unit.id) == unit_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    unit = session.scalars(statement).one_or_none()
    if unit is None:
        raise NotFound
    return unit


def managed_by(actor: Actor) -> ColumnElement[bool]:
    """The condition on Unit under which ``actor`` manages it: any party of a programme they coordinate, or their own.

    Before a bureau's first programme nobody could, and so nobody could sign in there to begin one:
    until then the system administrator lays its tree.
    """
    if actor.is_system:
        return true()
    if actor.administrator is not None:
        return col(Unit.root_id).not_in(select(col(Party.unit_id))) if can(actor, P.UNIT_MANAGE) else false()
    coordinated = select(col(Party.unit_id)).where(
        col(Party.programme_id).in_(actor.programmes_with(P.UNIT_MANAGE_ALL))
    )
    own = actor.root_id if actor.programmes_with(P.UNIT_MANAGE) else None
    return or_(col(Unit.root_id).in_(coordinated), col(Unit.root_id) == own if own is not None else false())


def manages(session: Session, actor: Actor, root_id: int | None) -> bool:
    """Whether ``actor`` manages the units of a bureau; one query."""
    statement = select(col(Unit.id)).where(col(Unit.id) == root_id, managed_by(actor))
    return session.connection().execute(statement).first() is not None


def require_management(session: Session, actor: Actor, unit: Unit) -> None:
    """Raise Forbidden unless ``actor`` manages the unit's bureau."""
    if not manages(session, actor, unit.root_id):
        raise Forbidden


def open_for_change(session: Session, actor: Actor, unit_id: int, version: int, *, tree: bool = False) -> Unit:
    """A unit loaded to be changed; raises NotFound, Forbidden or StaleVersion.

    ``tree`` locks the whole bureau first: two moves at once could otherwise make a circle.
    """
    if tree:
        root_id = get(session, actor, unit_id).root_id
        session.execute(select(col(Unit.id)).where(col(Unit.id) == root_id).with_for_update())
    unit = get(session, actor, unit_id, lock=True)
    require_management(session, actor, unit)
    if unit.version != version:
        raise StaleVersion
    return unit


def page(
    session: Session, actor: Actor, filters: UnitFilters, *, sort: str, limit: int, cursor: str | None
) -> paging.Slice:
    """One page of the units that ``actor`` sees, as rows. ``q`` looks into every name they ever had."""
    statement = visible_to(actor).with_only_columns(*COLUMNS)
    equal = {Unit.root_id: filters.root, Unit.parent_id: filters.parent, Unit.kind: filters.kind}
    for column, value in equal.items():
        if value is not None:
            statement = statement.where(col(column) == value)
    if filters.programme is not None:
        seen = [filters.programme] if can(actor, P.UNIT_READ, filters.programme) else []
        parties = select(col(Party.unit_id)).where(col(Party.programme_id).in_(seen))
        statement = statement.where(col(Unit.root_id).in_(parties))
    if filters.q:
        named = select(col(UnitName.unit_id)).where(col(UnitName.folded).contains(fold(filters.q), autoescape=True))
        statement = statement.where(col(Unit.id).in_(named))
    if filters.live is not None:
        statement = statement.where(col(Unit.ends_on).is_(None) if filters.live else col(Unit.ends_on).is_not(None))
    given = filters.model_dump(include=set(UnitFilters.model_fields), exclude_none=True)
    return paging.fetch(session, statement, SORTS[sort], limit=limit, cursor=cursor, filters=given)


def show(session: Session, actor: Actor, unit_id: int) -> Any:
    """One unit that ``actor`` sees, as a row; raises NotFound."""
    statement = visible_to(actor).with_only_columns(*COLUMNS).where(col(Unit.id) == unit_id)
    row = session.connection().execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return row


@dataclass(frozen=True, slots=True)
class UnitMatch:
    """A unit that a document may mean: by which of its names, when that name held, and whose unit it is."""

    unit_id: int
    name: str
    root_id: int
    root_name: str
    kind: UnitKind
    matched_name: str
    matched_as: UnitNameKind
    starts_on: date | None
    ends_on: date | None
    unit_ends_on: date | None


def match(session: Session, actor: Actor, names: Sequence[str]) -> dict[str, list[UnitMatch]]:
    """For each name the visible units that bear or bore it, likeliest first; one query for all names.

    Live units and names that still hold come first, then full before short before alias, the
    actor's own bureau before others, then the older unit. A merged unit is found as the unit that
    goes on. A name that nothing bears maps to an empty list.
    """
    wanted = {name: fold(name) for name in names}
    root = aliased(Unit)
    columns: list[Any] = [
        col(UnitName.folded),
        col(UnitName.name).label("matched_name"),
        col(UnitName.kind).label("matched_as"),
        col(UnitName.starts_on),
        col(UnitName.ends_on),
        col(Unit.id).label("unit_id"),
        col(Unit.name),
        col(Unit.kind),
        col(Unit.ends_on).label("unit_ends_on"),
        col(root.id).label("root_id"),
        col(root.name).label("root_name"),
    ]
    statement = (
        select(*columns)
        .join(Unit, col(Unit.id) == col(UnitName.unit_id))
        .join(root, col(root.id) == col(Unit.root_id))
        .where(
            col(UnitName.folded).in_(sorted({folded for folded in wanted.values() if folded})),
            col(Unit.merged_into_id).is_(None),
            seen_by(actor),
        )
    )
    found: dict[str, list[Any]] = defaultdict(list)
    for row in session.connection().execute(statement):
        found[row.folded].append(row)
    return {name: _ranked(actor, name, found[folded]) for name, folded in wanted.items()}


def _ranked(actor: Actor, name: str, rows: list[Any]) -> list[UnitMatch]:
    def likelihood(row: Any) -> tuple[object, ...]:
        return (
            row.unit_ends_on is not None,
            row.ends_on is not None,
            _BY_KIND[row.matched_as],
            row.matched_name != name,
            row.root_id != actor.root_id,
            row.unit_id,
            row.matched_name,
        )

    best: dict[int, UnitMatch] = {}
    for row in sorted(rows, key=likelihood):
        values = {key: value for key, value in row._mapping.items() if key != "folded"}
        best.setdefault(row.unit_id, UnitMatch(**values))
    return list(best.values())


def create(session: Session, actor: Actor, data: UnitCreate, now: datetime) -> Unit:
    """A new unit with its names. Raises UnitUnknown, UnitNameTaken, UnitHasEnded, Forbidden.

    Without a parent it is a new bureau: it becomes a party of ``data.programme_id`` at once, because
    nobody would see it otherwise. Raises BureauWithoutSide where programme or side are missing, except
    for the system administrator, who lays bureaus before there is any programme.
    """
    unit = Unit(name=data.name, short_name=data.short_name, starts_on=data.starts_on)
    if data.parent_id is None:
        _as_bureau(actor, unit, data)
    else:
        _under_parent(session, actor, unit, data.parent_id)
    unit.kind = UnitKind(data.kind or (UnitKind.BUREAU if data.parent_id is None else UnitKind.DEPARTMENT))
    refuse_taken_name(session, actor, unit, data.name)
    if data.position is not None:
        unit.position = data.position
    session.add(unit)
    session.flush()
    if data.parent_id is None:
        unit.root_id = unit.key
    if data.parent_id is None and data.programme_id is not None and data.side is not None:
        session.add(Party(programme_id=data.programme_id, unit_id=unit.key, side=Side(data.side)))
    _add_names(session, unit, data.aliases)
    events.record(session, actor, "unit.create", unit, programme_id=data.programme_id, now=now)
    return unit


def create_many(session: Session, actor: Actor, many: Sequence[UnitCreate], now: datetime) -> list[Unit]:
    """Units in the order given, so that a later one may stand under an earlier one's id; all or none."""
    return [create(session, actor, data, now) for data in many]


def _as_bureau(actor: Actor, unit: Unit, data: UnitCreate) -> None:
    unit.position = 0
    if actor.administrator is not None or (actor.is_system and data.programme_id is None):
        if data.programme_id is not None or not can(actor, P.UNIT_MANAGE):
            raise Forbidden
        return
    if data.programme_id is None or data.side is None:
        raise BureauWithoutSide(field="parent_id" if data.programme_id is None else "side")
    if not can(actor, P.PROGRAMME_READ, data.programme_id):
        raise BureauWithoutSide(field="programme_id")
    if not can(actor, P.UNIT_MANAGE_ALL, data.programme_id):
        raise Forbidden


def _under_parent(session: Session, actor: Actor, unit: Unit, parent_id: int) -> None:
    parent = session.scalars(visible_to(actor).where(col(Unit.id) == parent_id)).one_or_none()
    if parent is None:
        raise UnitUnknown(field="parent_id")
    if not manages(session, actor, parent.root_id):
        raise Forbidden
    refuse_ended(parent, "parent_id")
    unit.parent_id, unit.root_id = parent.id, parent.root_id
    statement = select(col(Unit.position)).where(col(Unit.parent_id) == parent_id)
    unit.position = rules.next_position(session.connection().scalars(statement))


def parents_in(session: Session, root_id: int | None) -> dict[int, int | None]:
    """Unit > parent for all units of a bureau; one query."""
    statement = select(col(Unit.id), col(Unit.parent_id)).where(col(Unit.root_id) == root_id)
    return {row.id: row.parent_id for row in session.connection().execute(statement) if row.id is not None}


def refuse_ended(unit: Unit, field: str | None = None) -> None:
    """Raise UnitHasEnded for a unit that takes nothing new."""
    if unit.ends_on is not None or unit.merged_into_id is not None:
        raise UnitHasEnded(field=field, name=unit.name)


def refuse_taken_name(session: Session, actor: Actor, unit: Unit, name: str) -> None:
    """Raise UnitNameTaken where a live unit of the same bureau, or a visible bureau, bears the name."""
    statement = (
        select(col(Unit.id))
        .join(UnitName, col(UnitName.unit_id) == col(Unit.id))
        .where(
            col(UnitName.folded) == fold(name),
            col(UnitName.kind) == UnitNameKind.FULL,
            col(UnitName.ends_on).is_(None),
            col(Unit.ends_on).is_(None),
            col(Unit.id) != (unit.id or 0),
            seen_by(actor),
            col(Unit.parent_id).is_(None) if unit.root_id in (None, unit.id) else col(Unit.root_id) == unit.root_id,
        )
    )
    if session.connection().execute(statement.limit(1)).first() is not None:
        raise UnitNameTaken(field="name", name=name)


def _add_names(session: Session, unit: Unit, aliases: Sequence[str]) -> None:
    taken: set[str] = set()
    spelled = [(unit.name, UnitNameKind.FULL), (unit.short_name, UnitNameKind.SHORT)]
    for name, kind in spelled + [(alias, UnitNameKind.ALIAS) for alias in aliases]:
        folded = fold(name)
        if folded and folded not in taken:
            taken.add(folded)
            session.add(UnitName(unit_id=unit.key, name=name, folded=folded, kind=kind, starts_on=unit.starts_on))
