"""What tests of imports share: a reading of the suite's plan, an import of it, and one ready to accept."""

import hashlib
from typing import Any

from sqlmodel import Session

from app.database import Database
from app.models import PlanImport
from app.papers import plans
from app.permissions import Actor
from app.schemas.plan_import import PartyChoices, PlanAccept, UnitMapping
from app.services import actors, plan_accepting, plan_imports, plan_mapping, plan_reader
from tests.factories import NOW, TODAY, World
from tests.personas import AIDING, RECEIVING
from tests.plan_texts import PLAN


def actor_of(database: Database, world: World, login: str) -> Actor:
    """A persona as an actor in a browser."""
    with database.reading() as session:
        actor = actors.load(session, world.users[login], TODAY)
    assert actor is not None
    return actor


def reading_of(text: str) -> dict[str, Any]:
    """The product's JSON of a plan, as the child process gives it."""
    return plan_reader.as_dict(plans.read(text.encode(), "plan.txt"))


def upload_of(text: str) -> plan_imports.Upload:
    """A stored file of that text."""
    data = text.encode()
    return plan_imports.Upload("方案.txt", hashlib.sha256(data).hexdigest(), len(data), "text/plain")


def imported(database: Database, actor: Actor, text: str = PLAN) -> PlanImport:
    """An import under review."""
    with database.transaction() as session:
        return plan_imports.create(session, actor, upload_of(text), reading_of(text), now=NOW)


def ready(database: Database, world: World, actor: Actor, text: str = PLAN) -> PlanImport:
    """An import that only waits for the acceptance: sides chosen, units found or to be created."""
    row = imported(database, actor, text)
    with database.transaction() as session:
        return settle(session, world, actor, row)


def settle(session: Session, world: World, actor: Actor, row: PlanImport) -> PlanImport:
    """Choose the sides and let the units be created that nothing matches."""
    parties = [
        {"name": AIDING, "side": "aiding", "unit_id": world.units[AIDING]},
        {"name": RECEIVING, "side": "receiving", "unit_id": world.units[RECEIVING]},
    ]
    choices = PartyChoices.model_validate({"parties": parties})
    row = plan_mapping.set_parties(session, actor, row.key, row.version, choices, now=NOW)
    return plan_mapping.create_units(session, actor, row.key, row.version, now=NOW)


def accepted(database: Database, world: World, actor: Actor, text: str = PLAN) -> plan_accepting.Accepted:
    """A plan taken all the way; a second one of the same document on purpose."""
    row = ready(database, world, actor, text)
    with database.transaction() as session:
        return plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(duplicate=True), now=NOW)


def mapping(**values: Any) -> UnitMapping:
    """A mapping from plain values."""
    return UnitMapping.model_validate(values)
