"""Programme: which are seen, making and changing one, and the bureaus that take part."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select, true
from sqlmodel import Session, col

from app import periods
from app.errors import DomainError, Forbidden, Kind, NotFound, StaleVersion
from app.messages import N_
from app.models import Assignment, Membership, Party, PlanVersion, Programme, Side, Track, Unit
from app.permissions import Actor, P, Role, Seat, can
from app.rules import programmes as rules
from app.schemas.programme import PartyCreate, ProgrammeCreate, ProgrammeUpdate
from app.services import events, paging, units

COLUMNS: tuple[Any, ...] = tuple(col(getattr(Programme, name)) for name in Programme.model_fields)
SORTS = {
    "-id": paging.Sort("-id", (col(Programme.id),), descending=True),
    "id": paging.Sort("id", (col(Programme.id),)),
}


class PartyExists(DomainError):
    """One bureau stands on one side of a programme."""

    kind = Kind.CONFLICT
    code = "party_exists"
    message = N_("%(name)s takes part in this programme already.")


class PartyNotABureau(DomainError):
    """A unit inside a bureau takes part through its bureau."""

    code = "party_not_a_bureau"
    message = N_("%(name)s is part of a bureau. Choose the bureau itself.")


class PartyInUse(DomainError):
    """A party whose units have tasks or people in the programme."""

    kind = Kind.CONFLICT
    code = "party_in_use"
    message = N_("Units of %(name)s have tasks or people in this programme, so it cannot leave.")


def seen_by(actor: Actor) -> ColumnElement[bool]:
    """The condition on Programme under which ``actor`` sees it: they hold a seat in it."""
    if actor.is_system:
        return true()
    return col(Programme.id).in_(actor.programmes_with(P.PROGRAMME_READ))


def visible_to(actor: Actor) -> Select[Programme]:
    """The programmes that ``actor`` sees."""
    return select(Programme).where(seen_by(actor))


def get(session: Session, actor: Actor, programme_id: int, *, lock: bool = False) -> Programme:
    """A programme that ``actor`` sees; raises NotFound."""
    statement = visible_to(actor).where(col(Programme.id) == programme_id)
    programme = session.scalars(statement.with_for_update() if lock else statement).one_or_none()
    if programme is None:
        raise NotFound
    return programme


def show(session: Session, actor: Actor, programme_id: int) -> Any:
    """One programme that ``actor`` sees, as a row; raises NotFound."""
    statement = visible_to(actor).with_only_columns(*COLUMNS).where(col(Programme.id) == programme_id)
    row = session.connection().execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return row


def require_seen(actor: Actor, programme_id: int) -> None:
    """Raise NotFound unless ``actor`` has a seat in the programme; asks no query."""
    if not can(actor, P.PROGRAMME_READ, programme_id):
        raise NotFound


def page(session: Session, actor: Actor, *, sort: str, limit: int, cursor: str | None) -> paging.Slice:
    """One page of the programmes that ``actor`` sees, as rows."""
    statement = visible_to(actor).with_only_columns(*COLUMNS)
    return paging.fetch(session, statement, SORTS[sort], limit=limit, cursor=cursor, filters={})


def create(session: Session, actor: Actor, data: ProgrammeCreate, now: datetime) -> Programme:
    """A programme with the five standard tracks; its maker coordinates it and their bureau takes part.

    Raises Forbidden without the right, PeriodReversed. The maker's actor was read before the seat
    was made: who goes on in the same transaction does so as ``as_coordinator(actor, programme)``.
    """
    if not can(actor, P.PROGRAMME_CREATE):
        raise Forbidden
    periods.check(data.starts_on, data.ends_on)
    programme = Programme(**data.model_dump(exclude={"side"}))
    session.add(programme)
    session.flush()
    for position, (code, name) in enumerate(rules.STANDARD_TRACKS):
        session.add(Track(programme_id=programme.key, code=code, name=name, position=position))
    if actor.root_id is not None:
        session.add(Party(programme_id=programme.key, unit_id=actor.root_id, side=Side(data.side)))
    if actor.user_id is not None and actor.unit_id is not None:
        session.add(
            Membership(
                programme_id=programme.key,
                user_id=actor.user_id,
                unit_id=actor.unit_id,
                role=Role.COORDINATOR,
                starts_on=actor.today,
            )
        )
    events.record(session, actor, "programme.create", programme, now=now)
    return programme


def as_coordinator(actor: Actor, programme: Programme) -> Actor:
    """``actor`` with the coordinator's seat that ``create`` has just given them."""
    if actor.unit_id is None:
        return actor
    return replace(actor, seats=(*actor.seats, Seat(programme.key, actor.unit_id, Role.COORDINATOR)))


def open_for_change(session: Session, actor: Actor, programme_id: int, version: int) -> Programme:
    """A programme loaded to be changed; raises NotFound, Forbidden or StaleVersion."""
    programme = get(session, actor, programme_id, lock=True)
    if not can(actor, P.PROGRAMME_UPDATE, programme_id):
        raise Forbidden
    if programme.version != version:
        raise StaleVersion
    return programme


def update(
    session: Session, actor: Actor, programme_id: int, version: int, data: ProgrammeUpdate, *, now: datetime
) -> Programme:
    """Change the head of a programme; raises PeriodReversed beside what ``open_for_change`` raises."""
    programme = open_for_change(session, actor, programme_id, version)
    for name in data.model_fields_set:
        value = getattr(data, name)
        if value is None and not name.endswith("_on"):
            # Nothing is said about a title that is null; an optional text is emptied.
            value = {"title": programme.title, "recipients": [], "copied_to": [], "basis": []}.get(name, "")
        setattr(programme, name, value)
    periods.check(programme.starts_on, programme.ends_on)
    events.record(session, actor, "programme.update", programme, now=now)
    return programme


def parties(session: Session, actor: Actor, programme_id: int) -> list[Any]:
    """The bureaus of a programme, aiding, receiving, partners, superiors; raises NotFound."""
    require_seen(actor, programme_id)
    columns: list[Any] = [
        *(col(getattr(Party, name)) for name in ("id", "version", "programme_id", "unit_id", "side")),
        col(Unit.name).label("unit_name"),
    ]
    statement = (
        select(*columns).join(Unit, col(Unit.id) == col(Party.unit_id)).where(col(Party.programme_id) == programme_id)
    )
    order = list(Side)
    return sorted(session.connection().execute(statement), key=lambda row: (order.index(row.side), row.id))


def add_party(session: Session, actor: Actor, programme_id: int, data: PartyCreate, now: datetime) -> Party:
    """Let a bureau take part. Raises UnitUnknown, PartyNotABureau, PartyExists, Forbidden, NotFound.

    The bureau has to be one that ``actor`` sees; a new one is made with ``units.create``, which
    lets it take part at once.
    """
    programme = get(session, actor, programme_id, lock=True)
    if not can(actor, P.PROGRAMME_UPDATE, programme_id):
        raise Forbidden
    unit = session.scalars(units.visible_to(actor).where(col(Unit.id) == data.unit_id)).one_or_none()
    if unit is None:
        raise units.UnitUnknown(field="unit_id")
    if unit.root_id != unit.id:
        raise PartyNotABureau(field="unit_id", name=unit.name)
    units.refuse_ended(unit, "unit_id")
    statement = select(col(Party.id)).where(col(Party.programme_id) == programme_id, col(Party.unit_id) == unit.id)
    if session.connection().execute(statement).first() is not None:
        raise PartyExists(field="unit_id", name=unit.name)
    party = Party(programme_id=programme_id, unit_id=unit.key, side=Side(data.side))
    session.add(party)
    events.record(session, actor, "programme.add_party", programme, details={"unit": unit.name}, now=now)
    return party


def remove_party(
    session: Session, actor: Actor, programme_id: int, party_id: int, version: int, *, now: datetime
) -> None:
    """End a bureau's part while it has neither tasks nor people; raises PartyInUse, StaleVersion, NotFound."""
    programme = get(session, actor, programme_id, lock=True)
    if not can(actor, P.PROGRAMME_UPDATE, programme_id):
        raise Forbidden
    party = session.get(Party, party_id, with_for_update=True)
    if party is None or party.programme_id != programme_id:
        raise NotFound
    if party.version != version:
        raise StaleVersion
    name = session.get_one(Unit, party.unit_id).name
    if party_in_use(session, party):
        raise PartyInUse(name=name)
    session.delete(party)
    events.record(session, actor, "programme.remove_party", programme, details={"unit": name}, now=now)


def party_in_use(session: Session, party: Party) -> bool:
    """Whether units of a bureau have tasks or people in the programme."""
    tree = select(col(Unit.id)).where(col(Unit.root_id) == party.unit_id)
    works = select(col(Assignment.id)).where(
        col(Assignment.programme_id) == party.programme_id, col(Assignment.unit_id).in_(tree)
    )
    seats = select(col(Membership.id)).where(
        col(Membership.programme_id) == party.programme_id, col(Membership.unit_id).in_(tree)
    )
    return bool(session.connection().scalar(select(or_(works.exists(), seats.exists()))))


def plan_versions(session: Session, actor: Actor, programme_id: int) -> list[Any]:
    """The accepted texts of a programme's plan, newest first, without their differences; raises NotFound."""
    require_seen(actor, programme_id)
    columns = [col(getattr(PlanVersion, name)) for name in PlanVersion.model_fields if name != "differences"]
    statement = select(*columns).where(col(PlanVersion.programme_id) == programme_id)
    return list(session.connection().execute(statement.order_by(col(PlanVersion.number).desc())))


def plan_version(session: Session, actor: Actor, programme_id: int, number: int) -> Any:
    """One accepted text with its differences from the one before; raises NotFound."""
    require_seen(actor, programme_id)
    columns = [col(getattr(PlanVersion, name)) for name in PlanVersion.model_fields]
    statement = select(*columns).where(col(PlanVersion.programme_id) == programme_id, col(PlanVersion.number) == number)
    row = session.connection().execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return row
