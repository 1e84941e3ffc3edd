"""Names of a unit: under which one it was known on a day, renaming it from a day on, further spellings."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app import periods
from app.errors import DomainError, Kind, NotFound, StaleVersion
from app.folding import fold
from app.messages import N_
from app.models import Unit, UnitName, UnitNameKind
from app.permissions import Actor
from app.schemas.unit import UnitNameCreate, UnitRename
from app.services import events, units


class NameDatesOverlap(DomainError):
    """Two full names of one unit on one day."""

    kind = Kind.CONFLICT
    code = "name_dates_overlap"
    message = N_("On these days the unit was called %(name)s. A day has one full name.")


class NameUnchanged(DomainError):
    """A renaming that changes nothing."""

    code = "name_unchanged"
    message = N_("The unit is called %(name)s already.")


class NameKnown(DomainError):
    """A spelling that the unit is found by already."""

    kind = Kind.CONFLICT
    code = "name_known"
    message = N_("The unit is found as %(name)s already.")


class CurrentNameStays(DomainError):
    """Removing the full name that holds today."""

    kind = Kind.CONFLICT
    code = "current_name_stays"
    message = N_("A unit keeps its present name. Rename it instead.")


def of_unit(session: Session, actor: Actor, unit_id: int) -> list[Any]:
    """All names of a unit: full names by their days, then short ones, then aliases; raises NotFound."""
    units.get(session, actor, unit_id)
    names = ("id", "version", "unit_id", "name", "kind", "starts_on", "ends_on")
    columns: list[Any] = [col(getattr(UnitName, name)) for name in names]
    rows = session.connection().execute(select(*columns).where(col(UnitName.unit_id) == unit_id))
    order = list(UnitNameKind)
    return sorted(rows, key=lambda row: (order.index(row.kind), row.starts_on or date.min, row.id))


def name_on(session: Session, actor: Actor, unit_id: int, day: date) -> str:
    """The full name that a unit bore on ``day``; outside all its names the present one. Raises NotFound."""
    unit = units.get(session, actor, unit_id)
    for row in _full_names(session, unit):
        if periods.holds_on((row.starts_on, row.ends_on), day):
            return row.name
    return unit.name


def rename(session: Session, actor: Actor, unit_id: int, version: int, data: UnitRename, *, now: datetime) -> Unit:
    """Give a unit a new name from a day on; the old one keeps its days and is still found.

    Raises NameUnchanged, NameDatesOverlap, DayToCome, UnitNameTaken, UnitHasEnded beside what
    ``units.open_for_change`` raises.
    """
    unit = units.open_for_change(session, actor, unit_id, version)
    units.refuse_ended(unit)
    periods.refuse_future(data.starts_on, actor.today, "starts_on")
    short = unit.short_name if data.short_name is None else data.short_name
    if data.name == unit.name and short == unit.short_name:
        raise NameUnchanged(field="name", name=unit.name)
    if data.name != unit.name:
        units.refuse_taken_name(session, actor, unit, data.name)
        _succeed(session, unit, UnitNameKind.FULL, data.name, data.starts_on)
        unit.name = data.name
    if short != unit.short_name:
        _succeed(session, unit, UnitNameKind.SHORT, short, data.starts_on)
        unit.short_name = short
    events.record(session, actor, "unit.rename", unit, reason=data.reason, now=now)
    return unit


def add(session: Session, actor: Actor, unit_id: int, data: UnitNameCreate, now: datetime) -> UnitName:
    """A further name: an alias, or a full or short name of earlier days.

    A full name of earlier days ends the open beginning of the one that followed it. Raises
    NameDatesOverlap, NameKnown, PeriodReversed, Forbidden, NotFound.
    """
    unit = units.get(session, actor, unit_id, lock=True)
    units.require_management(session, actor, unit)
    periods.check(data.starts_on, data.ends_on)
    kind = UnitNameKind(data.kind)
    period = (data.starts_on, data.ends_on)
    if kind is UnitNameKind.FULL:
        _make_room(session, unit, data)
    folded = fold(data.name)
    same = select(UnitName).where(col(UnitName.unit_id) == unit_id, col(UnitName.folded) == folded)
    if any(periods.overlap((row.starts_on, row.ends_on), period) for row in session.scalars(same)):
        raise NameKnown(field="name", name=data.name)
    name = UnitName(unit_id=unit_id, name=data.name, folded=folded, kind=kind, starts_on=period[0], ends_on=period[1])
    session.add(name)
    events.record(session, actor, "unit.add_name", unit, details={"name": data.name}, now=now)
    return name


def remove(session: Session, actor: Actor, unit_id: int, name_id: int, version: int, *, now: datetime) -> None:
    """Remove a name that was wrong; raises CurrentNameStays, StaleVersion, Forbidden, NotFound."""
    unit = units.get(session, actor, unit_id, lock=True)
    units.require_management(session, actor, unit)
    name = session.get(UnitName, name_id, with_for_update=True)
    if name is None or name.unit_id != unit_id:
        raise NotFound
    if name.version != version:
        raise StaleVersion
    if name.kind is UnitNameKind.FULL and name.ends_on is None:
        raise CurrentNameStays
    if name.kind is UnitNameKind.SHORT and name.name == unit.short_name:
        unit.short_name = ""
    session.delete(name)
    events.record(session, actor, "unit.remove_name", unit, details={"name": name.name}, now=now)


def _full_names(session: Session, unit: Unit) -> list[UnitName]:
    statement = select(UnitName).where(col(UnitName.unit_id) == unit.id, col(UnitName.kind) == UnitNameKind.FULL)
    return sorted(session.scalars(statement), key=lambda row: row.starts_on or date.min)


def _succeed(session: Session, unit: Unit, kind: UnitNameKind, name: str, starts_on: date) -> None:
    current = select(UnitName).where(
        col(UnitName.unit_id) == unit.id, col(UnitName.kind) == kind, col(UnitName.ends_on).is_(None)
    )
    for row in session.scalars(current):
        if row.starts_on is not None and row.starts_on >= starts_on:
            raise NameDatesOverlap(field="starts_on", name=row.name)
        row.ends_on = periods.day_before(starts_on)
    if name:
        session.add(UnitName(unit_id=unit.key, name=name, folded=fold(name), kind=kind, starts_on=starts_on))


def _make_room(session: Session, unit: Unit, data: UnitNameCreate) -> None:
    for row in _full_names(session, unit):
        if data.ends_on is not None and row.starts_on is None and (row.ends_on is None or row.ends_on > data.ends_on):
            row.starts_on = periods.day_after(data.ends_on)
        if periods.overlap((row.starts_on, row.ends_on), (data.starts_on, data.ends_on)):
            raise NameDatesOverlap(field="ends_on" if data.ends_on is None else "starts_on", name=row.name)
