"""Units are found by every name they ever had, and only by those who see them."""

import pytest
from sqlmodel import Session

from app.database import Database
from app.errors import Forbidden, NotFound
from app.models import Unit
from app.permissions import Actor
from app.schemas.unit import UnitCreate
from app.services import units
from tests.factories import NOW, World, actor_of
from tests.personas import AIDING, OUTSIDE, RECEIVING


def create(session: Session, actor: Actor, **values: object) -> Unit:
    """A unit by the service."""
    return units.create(session, actor, UnitCreate.model_validate(values), NOW)


class TestVisibleTo:
    @pytest.mark.parametrize(
        ("login", "sees", "not_"),
        [
            ("coordinator", (AIDING, RECEIVING), (OUTSIDE, "计划处")),
            ("receiving_handler", (AIDING, "援建科"), (OUTSIDE, "计划处")),
            ("superior", (AIDING, "援建科"), (OUTSIDE,)),
            ("outsider", (OUTSIDE, "计划处"), (AIDING, "援建科")),
            ("security_admin", (OUTSIDE, AIDING), ()),
            ("audit_admin", (), (AIDING, OUTSIDE)),
        ],
    )
    def test_shows_the_trees_of_own_programmes(
        self, database: Database, world: World, login: str, sees: tuple[str, ...], not_: tuple[str, ...]
    ) -> None:
        actor = actor_of(database, world, login)
        with database.reading() as session:
            for name in sees:
                assert units.get(session, actor, world.units[name]).name == name
            for name in not_:
                with pytest.raises(NotFound):
                    units.get(session, actor, world.units[name])


class TestMatch:
    def test_finds_full_and_short_names_in_any_spelling(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        spellings = ["规财处", "规划财务处", "监测处(应急处)", "监测处 （应急处）", "监测处", "没有这个处"]
        with database.reading() as session:
            found = units.match(session, actor, spellings)
        ids = {name: [match.unit_id for match in matches] for name, matches in found.items()}
        finance, monitoring = world.units["规划财务处"], world.units["监测处（应急处）"]
        assert ids == dict(zip(spellings, [[finance]] * 2 + [[monitoring]] * 3 + [[]], strict=True))
        assert found["规财处"][0].root_name == AIDING

    def test_never_finds_another_bureaus_unit(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "outsider")
        with database.reading() as session:
            found = units.match(session, actor, ["规财处", AIDING, "计划处"])
        assert [len(found[name]) for name in ("规财处", AIDING, "计划处")] == [0, 0, 1]


class TestCreate:
    def test_stands_behind_its_siblings_and_is_found_by_alias(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.transaction() as session:
            unit = create(session, actor, name="河北地震台", parent_id=world.units[AIDING], aliases=["省台", "省 台"])
        assert (unit.position, unit.root_id) == (4, world.units[AIDING])
        with database.reading() as session:
            assert [match.unit_id for match in units.match(session, actor, ["省台"])["省台"]] == [unit.id]

    def test_a_new_bureau_is_a_party_at_once(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.transaction() as session:
            unit = create(session, actor, name="某基金会", programme_id=world.programmes["home"], side="partner")
        with database.reading() as session:
            assert units.get(session, actor, unit.key).root_id == unit.id

    def test_refuses_a_bureau_without_a_programme_and_a_foreign_one(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        for values in ({}, {"programme_id": world.programmes["outside"], "side": "aiding"}):
            with pytest.raises(units.BureauWithoutSide), database.transaction() as session:
                create(session, actor, name="某基金会", **values)

    def test_refuses_a_name_that_a_live_unit_bears(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with pytest.raises(units.UnitNameTaken), database.transaction() as session:
            create(session, actor, name="监测处 (应急处)", parent_id=world.units[AIDING])

    def test_another_bureaus_parent_does_not_exist(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "outsider")
        for parent in (world.units[AIDING], 999_999):
            with pytest.raises(units.UnitUnknown), database.transaction() as session:
                create(session, actor, name="新处", parent_id=parent)

    def test_a_recipient_manages_only_the_own_bureau(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "recipient")
        with database.transaction() as session:
            create(session, actor, name="博湖县第一小学", parent_id=world.units[RECEIVING], kind="beneficiary")
        with pytest.raises(Forbidden), database.transaction() as session:
            create(session, actor, name="新处", parent_id=world.units[AIDING])
