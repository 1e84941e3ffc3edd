"""The units of an acceptance: bureaus take their sides, names become units that exist or are made."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.folding import fold
from app.models import Party, PlanImport, Programme, Unit, UnitName, UnitNameKind
from app.permissions import Actor
from app.schemas.programme import PartyCreate
from app.schemas.unit import UnitCreate
from app.services import programmes, units
from app.services.plan_differences import names_in
from app.services.plan_mapping import names_of


def settle(
    session: Session, actor: Actor, row: PlanImport, programme: Programme, items: Iterable[Any], *, now: datetime
) -> dict[str, int]:
    """Let the bureaus take part and find or make every unit that the items name; spelling > unit.

    ``actor`` coordinates the programme. A bureau of a matched unit that stands on no side yet becomes a
    partner, because only units of the programme's bureaus take part in its tasks. Raises the refusals
    of units and programmes.
    """
    settling = _Settling(session, actor, row, programme, now)
    settling.take_sides()
    used = {name for item in items if "units" in item.data for name in names_in(item.data)}
    named = [unit for unit in row.units if used.intersection(names_of(unit))]
    settling.find([unit for unit in named if unit["unit_id"] is not None])
    for unit in named:
        if unit["unit_id"] is None:
            settling.make(unit)
    return settling.unit_ids


class _Settling:
    def __init__(self, session: Session, actor: Actor, row: PlanImport, programme: Programme, now: datetime) -> None:
        self.session = session
        self.actor = actor
        self.row = row
        self.programme = programme
        self.now = now
        self.unit_ids: dict[str, int] = {}
        parties = session.connection().execute(
            select(col(Party.unit_id), col(Party.side), col(Unit.name))
            .join(Unit, col(Unit.id) == col(Party.unit_id))
            .where(col(Party.programme_id) == programme.key)
            .order_by(col(Party.id))
        )
        self.bureaus: dict[int, str] = {}
        self.by_name: dict[str, int] = {}
        for party in parties:
            self._take(party.unit_id, party.side.value, party.name)

    def take_sides(self) -> None:
        """The bureaus of the review, in its order; one that takes part already keeps its side."""
        for party in self.row.head["parties"]:
            if party["side"] is None or party["unit_id"] in self.bureaus:
                continue
            if party["unit_id"] is not None:
                data = PartyCreate(unit_id=party["unit_id"], side=party["side"])
                programmes.add_party(self.session, self.actor, self.programme.key, data, now=self.now)
                self._take(party["unit_id"], party["side"], party["name"])
            elif fold(party["name"]) not in self.by_name:
                self._bureau(UnitCreate(name=party["name"]), party["side"])

    def find(self, named: list[dict[str, Any]]) -> None:
        """The units that exist; each spelling that they do not know yet becomes one of their aliases."""
        wanted = {unit["unit_id"] for unit in named}
        seen = {
            unit.key: unit
            for unit in self.session.scalars(units.visible_to(self.actor).where(col(Unit.id).in_(wanted)))
        }
        known = {
            (unit_id, folded)
            for unit_id, folded in self.session.connection().execute(
                select(col(UnitName.unit_id), col(UnitName.folded)).where(col(UnitName.unit_id).in_(wanted))
            )
        }
        for entry in named:
            unit = seen.get(entry["unit_id"])
            if unit is None:
                raise units.UnitUnknown(field="units")
            units.refuse_ended(unit, "units")
            if unit.root_id is not None and unit.root_id not in self.bureaus:
                data = PartyCreate(unit_id=unit.root_id, side="partner")
                programmes.add_party(self.session, self.actor, self.programme.key, data, now=self.now)
                self._take(unit.root_id, "partner", unit.name if unit.root_id == unit.id else "")
            for name in names_of(entry):
                self.unit_ids[name] = unit.key
                folded = fold(name)
                if folded and (unit.key, folded) not in known:
                    known.add((unit.key, folded))
                    self.session.add(UnitName(unit_id=unit.key, name=name, folded=folded, kind=UnitNameKind.ALIAS))

    def make(self, entry: dict[str, Any]) -> None:
        """A unit that the review creates; one of the same name made a moment ago is the same unit."""
        new = entry["create"]
        names = names_of(entry)
        unit_id = self.by_name.get(fold(new["name"]))
        if unit_id is None:
            aliases = [name for name in names if name not in (new["name"], new["short_name"])]
            data = UnitCreate(name=new["name"], short_name=new["short_name"], kind=new["kind"], aliases=aliases[:20])
            place, _, side = new["place"].partition("_")
            if place == "bureau":
                unit_id = self._bureau(data, side)
            else:
                parent = next(bureau for bureau, stands in self.bureaus.items() if stands == side)
                unit_id = units.create(
                    self.session, self.actor, data.model_copy(update={"parent_id": parent}), self.now
                ).key
                self.by_name[fold(new["name"])] = unit_id
        for name in names:
            self.unit_ids[name] = unit_id

    def _bureau(self, data: UnitCreate, side: str) -> int:
        placed = data.model_copy(update={"programme_id": self.programme.key, "side": side, "parent_id": None})
        unit = units.create(self.session, self.actor, placed, self.now)
        self._take(unit.key, side, unit.name)
        return unit.key

    def _take(self, unit_id: int, side: str, name: str) -> None:
        self.bureaus[unit_id] = side
        if name:
            self.by_name[fold(name)] = unit_id
