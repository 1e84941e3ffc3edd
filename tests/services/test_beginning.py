"""The first day of an installation: from no account at all to a plan that both bureaus see.

Nobody but the three administrators is given anything by hand; each step is taken by whoever may.
"""

from dataclasses import replace
from datetime import date

import pytest
from sqlmodel import select

from app import migrating
from app.clock import now as clock_now
from app.database import Database
from app.errors import Forbidden
from app.models import Unit
from app.papers import plans
from app.permissions import Actor, Administrator, Role, system_actor
from app.schemas.membership import MembershipCreate
from app.schemas.plan_import import PartyChoice, PartyChoices, PlanAccept
from app.schemas.unit import UnitCreate
from app.schemas.user import UserCreate
from app.services import (
    actors,
    first_run,
    memberships,
    plan_accepting,
    plan_imports,
    plan_mapping,
    plan_reader,
    programmes,
    unit_grants,
    units,
    users,
)
from tests.conftest import Stores
from tests.house.tree import APP

TODAY = date(2026, 11, 23)
NOW = clock_now()
SYSTEM = system_actor(TODAY)
PLAN = APP / "data" / "demo_plan.txt"


@pytest.fixture
def store(stores: Stores) -> Database:
    """A store that was migrated and nothing else."""
    settings = stores.empty()
    migrating.migrate(settings)
    opened = Database(settings)
    yield opened  # type: ignore[misc]
    opened.dispose()
    stores.drop(settings)


def _actor(store: Database, user_id: int) -> Actor:
    with store.reading() as session:
        found = actors.load(session, user_id, TODAY)
    assert found is not None
    return found


def test_leads_from_the_three_administrators_to_a_shared_programme(store: Database) -> None:
    people = [(seat.value, seat.value, "hash", seat) for seat in Administrator]
    with store.transaction() as session:
        made = first_run.create_administrators(session, SYSTEM, people, NOW)
        seats = {user.administrator: user.key for user in made}
    system, security = _actor(store, seats[Administrator.SYSTEM]), _actor(store, seats[Administrator.SECURITY])

    with store.transaction() as session:
        with pytest.raises(Forbidden):
            units.create(session, security, UnitCreate(name="某局"), NOW)
        bureau = units.create(session, system, UnitCreate(name="河北省地震局"), NOW).key
        office = units.create(session, system, UnitCreate(name="规划财务处", parent_id=bureau), NOW)
        unit_grants.set_programmes(session, security, office.key, office.version, granted=True, reason="", now=NOW)
        person = users.create(session, system, UserCreate(login="li", name="李", unit_id=office.key), now=NOW).key

    reading = plan_reader.as_dict(plans.read(PLAN.read_bytes(), PLAN.name))
    coordinator = _actor(store, person)
    with store.transaction() as session:
        upload = plan_imports.Upload(PLAN.name, "0" * 64, 1, "text/plain")
        row = plan_imports.create(session, coordinator, upload, reading, now=NOW)
        sides = PartyChoices(
            parties=[
                PartyChoice(name="河北省地震局", side="aiding", unit_id=bureau),
                PartyChoice(name="巴音郭楞蒙古自治州应急管理局", side="receiving"),
            ]
        )
        plan_mapping.set_parties(session, coordinator, row.key, row.version, sides, now=NOW)
        session.flush()
        plan_mapping.create_units(session, coordinator, row.key, row.version, now=NOW)
        session.flush()
        programme = plan_accepting.accept(
            session, coordinator, row.key, row.version, PlanAccept(), now=NOW
        ).programme_id

    with store.transaction() as session:
        receiving = session.exec(select(Unit.id).where(Unit.name == "巴音郭楞蒙古自治州应急管理局")).one()
        other = users.create(session, system, UserCreate(login="gu", name="古", unit_id=receiving), now=NOW).key
        role = MembershipCreate(programme_id=programme, user_id=other, unit_id=receiving or 0, role=Role.RECIPIENT)
        memberships.grant(session, _actor(store, person), role, now=NOW)
    with store.reading() as session:
        assert programmes.get(session, _actor(store, other), programme).title.startswith("“十四五”")


def test_the_system_administrator_leaves_a_bureau_to_its_people_once_it_takes_part(store: Database) -> None:
    with store.transaction() as session:
        made = first_run.create_administrators(
            session, SYSTEM, [(seat.value, seat.value, "hash", seat) for seat in Administrator], NOW
        )
        system_id = next(user.key for user in made if user.administrator is Administrator.SYSTEM)
    system = _actor(store, system_id)
    with store.transaction() as session:
        bureau = units.create(session, system, UnitCreate(name="河北省地震局"), NOW).key
        founder = replace(SYSTEM, root_id=bureau, unit_id=bureau)
        programmes.create(session, founder, programmes.ProgrammeCreate(title="方案"), NOW)
    with store.transaction() as session, pytest.raises(Forbidden):
        units.create(session, system, UnitCreate(name="新处", parent_id=bureau), NOW)
