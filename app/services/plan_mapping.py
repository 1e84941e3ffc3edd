"""What a plan's names stand for: its units, its sections' tracks, and the bureaus on its sides."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.errors import DomainError
from app.folding import fold
from app.messages import N_
from app.models import PlanImport, PlanItem, PlanItemKind, Side, Unit
from app.permissions import Actor
from app.schemas.plan_import import PartyChoices, SectionMappings, UnitMapping
from app.services import events, plan_imports, plan_intake, units


class PlanUnitUnnamed(DomainError):
    """A mapping for a name that the plan does not have."""

    code = "plan_unit_unnamed"
    message = N_("The plan names no unit %(name)s.")


class PlanUnitTwice(DomainError):
    """A name mapped to a unit that exists and to a new one."""

    code = "plan_unit_twice"
    message = N_("Choose a unit that exists, or create one; not both.")


class PlanSectionUnknown(DomainError):
    """A line that no section begins on."""

    code = "plan_section_unknown"
    message = N_("No section begins on line %(line)s.")


class PlanPartyTwice(DomainError):
    """One bureau twice among the sides."""

    code = "plan_party_twice"
    message = N_("%(name)s is listed twice. A bureau stands on one side.")


class PlanPartyNotABureau(DomainError):
    """A unit inside a bureau cannot stand for it."""

    code = "plan_party_not_a_bureau"
    message = N_("%(name)s is part of a bureau. Choose the bureau itself.")


def map_unit(
    session: Session, actor: Actor, import_id: int, version: int, data: UnitMapping, *, now: datetime
) -> PlanImport:
    """Say what a name of the plan stands for. Raises PlanUnitUnnamed, PlanUnitTwice or units.UnitUnknown."""
    row = plan_imports.open_for_change(session, actor, import_id, version)
    if data.unit_id is not None and data.create is not None:
        raise PlanUnitTwice(field="unit_id")
    named = next((unit for unit in row.units if data.named_as in names_of(unit)), None)
    if named is None:
        raise PlanUnitUnnamed(field="named_as", name=data.named_as)
    if data.unit_id is not None:
        units.refuse_ended(_seen_unit(session, actor, data.unit_id), "unit_id")
    created = data.create.model_dump() if data.create else None
    row.units = [{**unit, "unit_id": data.unit_id, "create": created} if unit is named else unit for unit in row.units]
    events.record(session, actor, "plan_import.map_unit", row, details={"named_as": data.named_as}, now=now)
    return row


def create_units(session: Session, actor: Actor, import_id: int, version: int, *, now: datetime) -> PlanImport:
    """Take for every name that is still undecided, and that a kept task has, a new unit as suggested."""
    row = plan_imports.open_for_change(session, actor, import_id, version)
    open_names = set(undecided(row, named_counts(session, row.key)))
    row.units = [
        {**unit, "create": plan_intake.new_unit(unit)} if unit["named_as"] in open_names else unit for unit in row.units
    ]
    events.record(session, actor, "plan_import.create_units", row, now=now)
    return row


def set_sections(
    session: Session, actor: Actor, import_id: int, version: int, data: SectionMappings, *, now: datetime
) -> PlanImport:
    """Map sections to tracks; those that are not sent stay. Raises PlanSectionUnknown."""
    row = plan_imports.open_for_change(session, actor, import_id, version)
    chosen = {mapping.line: mapping for mapping in data.sections}
    for line in chosen.keys() - {section["line"] for section in row.sections}:
        raise PlanSectionUnknown(field="sections", line=line)
    sections = []
    for section in row.sections:
        mapping = chosen.get(section["line"])
        if mapping is not None:
            name = mapping.name if mapping.track else ""
            section = {**section, "track": mapping.track, "name": name}  # noqa: PLW2901
        sections.append(section)
    row.sections = sections
    events.record(session, actor, "plan_import.set_sections", row, now=now)
    return row


def set_parties(
    session: Session, actor: Actor, import_id: int, version: int, data: PartyChoices, *, now: datetime
) -> PlanImport:
    """Set the bureaus of all sides. Raises PlanPartyTwice, PlanPartyNotABureau or units.UnitUnknown."""
    row = plan_imports.open_for_change(session, actor, import_id, version)
    seen: set[object] = set()
    parties = []
    for place, choice in enumerate(data.parties):
        field = f"parties.{place}.unit_id"
        if choice.unit_id is not None:
            unit = _seen_unit(session, actor, choice.unit_id, field)
            if unit.root_id != unit.id:
                raise PlanPartyNotABureau(field=field, name=unit.name)
            units.refuse_ended(unit, field)
        keys = {fold(choice.name), choice.unit_id} - {None}
        if keys & seen:
            raise PlanPartyTwice(field=f"parties.{place}.name", name=choice.name)
        seen |= keys
        parties.append(choice.model_dump())
    order = [side.value for side in Side]
    parties.sort(key=lambda party: order.index(party["side"]) if party["side"] else len(order))
    row.head = {**row.head, "parties": parties}
    events.record(session, actor, "plan_import.set_parties", row, now=now)
    return row


def names_of(named: dict[str, Any]) -> tuple[str, ...]:
    """All spellings of one unit in the plan, the fullest first."""
    return (named["named_as"], *named["aliases"])


def add_missing(session: Session, actor: Actor, row: PlanImport, names: Iterable[str]) -> None:
    """List names that a person has just given to an item, matched as the reader's are."""
    known = {name for named in row.units for name in names_of(named)}
    new = [name for name in dict.fromkeys(names) if name not in known]
    if not new:
        return
    matched = plan_intake.match(session, actor, new)
    added = []
    for name in new:
        live = {match.unit_id for match in matched[name] if match.unit_ends_on is None}
        added.append({**plan_intake.unit_entry(name), "unit_id": live.pop() if len(live) == 1 else None})
    row.units = [*row.units, *added]


def named_counts(session: Session, import_id: int) -> Counter[str]:
    """How many kept tasks name each unit, by the spelling they use; one query."""
    rows = session.connection().scalars(
        select(col(PlanItem.data)["units"]).where(
            col(PlanItem.plan_import_id) == import_id,
            col(PlanItem.kind) == PlanItemKind.TASK,
            col(PlanItem.dropped).is_(False),
        )
    )
    return Counter(name for names in rows for name in names or ())


def undecided(row: PlanImport, counts: Counter[str]) -> list[str]:
    """The units that kept tasks name and for which nobody has said what they stand for."""
    return [
        unit["named_as"]
        for unit in row.units
        if unit["unit_id"] is None and unit["create"] is None and any(counts[name] for name in names_of(unit))
    ]


def only_match(session: Session, actor: Actor, name: str) -> dict[str, int]:
    """The one live unit that ``actor`` sees under a typed name, by that name; empty where there is no single one."""
    live = {m.unit_id for m in plan_intake.match(session, actor, [name])[name] if m.unit_ends_on is None}
    return {name: live.pop()} if len(live) == 1 else {}


def unit_names(session: Session, actor: Actor, unit_ids: Sequence[int]) -> dict[int, str]:
    """The names of units that ``actor`` sees; one query."""
    statement = units.visible_to(actor).with_only_columns(col(Unit.id), col(Unit.name))
    rows = session.connection().execute(statement.where(col(Unit.id).in_(unit_ids)))
    return {row.id: row.name for row in rows}


def _seen_unit(session: Session, actor: Actor, unit_id: int, field: str = "unit_id") -> Unit:
    unit = session.scalars(units.visible_to(actor).where(col(Unit.id) == unit_id)).one_or_none()
    if unit is None:
        raise units.UnitUnknown(field=field)
    return unit
