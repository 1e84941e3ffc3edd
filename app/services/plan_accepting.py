"""Accepting a plan: in one transaction the review becomes a programme, or the next version of one."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.errors import DomainError, FieldError, Forbidden, InvalidInput, Kind
from app.messages import N_
from app.models import PlanImport, PlanItemKind, Programme
from app.permissions import Actor, P, can
from app.schemas.plan_import import PlanAccept
from app.schemas.programme import ProgrammeCreate
from app.services import (
    plan_amending,
    plan_differences,
    plan_imports,
    plan_making,
    plan_mapping,
    plan_units,
    programmes,
)


class PlanIncomplete(InvalidInput):
    """Something has to be settled before the plan can be accepted."""

    code = "plan_incomplete"
    message = N_("The plan cannot be accepted yet. Please settle what is listed.")


class PlanKnownAlready(DomainError):
    """The same document is a programme already; a second one is made only on purpose."""

    kind = Kind.CONFLICT
    code = "plan_known_already"
    message = N_(
        "This document is programme %(programme_id)s already: %(title)s. Compare the two, or confirm a second one."
    )


@dataclass(frozen=True, slots=True)
class Accepted:
    """What an acceptance made."""

    programme_id: int
    number: int
    tasks: int


def missing(session: Session, actor: Actor, row: PlanImport) -> tuple[FieldError, ...]:
    """What an import still needs before it can be accepted, as fields with sentences; empty when ready."""
    found = []
    if not row.title:
        found.append(FieldError("title", "required", N_("The plan has no title yet.")))
    if not plan_imports.counts(session, row.key)["task"]:
        found.append(FieldError("items", "no_tasks", N_("There is no task in it.")))
    found += _missing_sides(session, actor, row)
    open_units = plan_mapping.undecided(row, plan_mapping.named_counts(session, row.key))
    if open_units:
        names = "、".join(open_units[:5]) + ("…" if len(open_units) > 5 else "")
        values = (("count", len(open_units)), ("names", names))
        found.append(
            FieldError("units", "unit_undecided", N_("Say what these units are (%(count)s): %(names)s"), values)
        )
    return tuple(found)


def _missing_sides(session: Session, actor: Actor, row: PlanImport) -> list[FieldError]:
    parties = [party for party in row.head["parties"] if party["side"]]
    sides = {party["side"] for party in parties}
    bureaus = {party["unit_id"] for party in parties}
    if row.programme_id is not None:
        standing = programmes.parties(session, actor, row.programme_id)
        sides |= {party.side.value for party in standing}
        bureaus |= {party.unit_id for party in standing}
    found = []
    if "aiding" not in sides:
        found.append(FieldError("parties", "no_aiding_side", N_("Say which bureau aids.")))
    if "receiving" not in sides:
        found.append(FieldError("parties", "no_receiving_side", N_("Say which bureau receives the aid.")))
    if actor.root_id is not None and actor.root_id not in bureaus:
        found.append(FieldError("parties", "own_bureau_missing", N_("Say on which side your own bureau stands.")))
    for unit in row.units:
        place = (unit["create"] or {}).get("place", "")
        if place.startswith("under_") and place.removeprefix("under_") not in sides:
            values = (("name", unit["named_as"]),)
            found.append(
                FieldError(
                    "units", "unit_place_missing", N_("No bureau stands on the side that %(name)s is under."), values
                )
            )
    return found


def accept(
    session: Session, actor: Actor, import_id: int, version: int, data: PlanAccept, *, now: datetime
) -> Accepted:
    """Make the programme, or its next version, of a reviewed plan; all of it or nothing.

    Raises what plan_imports.open_for_change raises, Forbidden, PlanIncomplete, PlanKnownAlready, and the
    refusals of units, programmes and tasks for what they would refuse by hand.
    """
    row = plan_imports.open_for_change(session, actor, import_id, version)
    _refuse_without_right(actor, row)
    errors = missing(session, actor, row)
    if errors:
        raise PlanIncomplete(errors)
    items = plan_differences.kept_items(session, row.key)
    if row.programme_id is None:
        result = _accept_new(session, actor, row, items, data, now=now)
    else:
        result = plan_amending.accept(session, actor, row, items, data, now=now)
    return Accepted(*result)


def _refuse_without_right(actor: Actor, row: PlanImport) -> None:
    allowed = (
        can(actor, P.PROGRAMME_CREATE) if row.programme_id is None else can(actor, P.PLAN_IMPORT, row.programme_id)
    )
    # A programme without a coordinator would be seen by nobody.
    if not allowed or actor.user_id is None or actor.unit_id is None:
        raise Forbidden


def _accept_new(
    session: Session, actor: Actor, row: PlanImport, items: Any, data: PlanAccept, *, now: datetime
) -> tuple[int, int, int]:
    known = plan_imports.known_as(session, actor, row)
    if known and not data.duplicate:
        raise PlanKnownAlready(field="duplicate", programme_id=known[0]["id"], title=known[0]["title"])
    programme, acting = _programme(session, actor, row, items, now)
    unit_ids = plan_units.settle(session, acting, row, programme, items, now=now)
    maker = plan_making.Maker(session, programme, row, unit_ids)
    tasks = maker.create(items)
    session.add_all(plan_making.milestone(programme, item) for item in items if item.kind == PlanItemKind.MILESTONE)
    plan_making.finish(session, actor, maker, [], now=now)
    return programme.key, 1, len(tasks)


def _programme(session: Session, actor: Actor, row: PlanImport, items: Any, now: datetime) -> tuple[Programme, Actor]:
    """The new programme, and the actor as its coordinator.

    What follows is part of this one verb: a token that may import plans needs no further scope for it.
    """
    own = next((p["side"] for p in row.head["parties"] if p["unit_id"] == actor.root_id and p["side"]), "aiding")
    head = ProgrammeCreate(**plan_making.head_of(row, items), side=own)
    programme = programmes.create(session, replace(actor, scopes=None), head, now)
    return programme, replace(programmes.as_coordinator(actor, programme), scopes=None)
