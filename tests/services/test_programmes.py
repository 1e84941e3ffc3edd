"""A programme belongs to those who hold a seat in it."""

import pytest

from app.database import Database
from app.errors import Forbidden, NotFound
from app.models import Party, Unit
from app.periods import PeriodReversed
from app.schemas.programme import PartyCreate, ProgrammeCreate, ProgrammeUpdate
from app.schemas.unit import UnitCreate
from app.services import programmes, tracks, units
from tests.factories import NOW, World, actor_of
from tests.personas import AIDING, OUTSIDE

NEW = ProgrammeCreate.model_validate({"title": "“十五五”对口援疆工作方案", "document_number": "冀震发〔2026〕3号"})


class TestCreate:
    def test_seats_its_maker_and_makes_five_tracks(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.transaction() as session:
            programme = programmes.create(session, actor, NEW, NOW)
        actor = actor_of(database, world, "coordinator")
        with database.reading() as session:
            assert programmes.get(session, actor, programme.key).title == NEW.title
            assert [row.unit_name for row in programmes.parties(session, actor, programme.key)] == [AIDING]
            codes = [row.code for row in tracks.of_programme(session, actor, programme.key)]
        assert codes == ["funding", "project", "talent", "science", "livelihood"]

    def test_its_maker_goes_on_in_the_same_transaction(self, database: Database, world: World) -> None:
        """What an import does: a programme, its bureaus, their units."""
        actor = actor_of(database, world, "coordinator")
        with database.transaction() as session:
            programme = programmes.create(session, actor, NEW, NOW)
            actor = programmes.as_coordinator(actor, programme)
            bureau = UnitCreate(name="新局", programme_id=programme.id, side="receiving")
            root = units.create(session, actor, bureau, NOW)
            unit = units.create(session, actor, UnitCreate(name="援建科", parent_id=root.id), NOW)
        assert unit.root_id == root.id

    def test_needs_the_grant_of_the_unit(self, database: Database, world: World) -> None:
        with pytest.raises(Forbidden), database.transaction() as session:
            programmes.create(session, actor_of(database, world, "recipient"), NEW, NOW)


class TestUpdate:
    def test_changes_only_what_was_sent(self, database: Database, world: World) -> None:
        actor, home = actor_of(database, world, "coordinator"), world.programmes["home"]
        data = ProgrammeUpdate.model_validate({"purpose": "提升防震减灾能力", "issued_on": None, "issuer": None})
        with database.transaction() as session:
            changed = programmes.update(session, actor, home, 1, data, now=NOW)
        assert (changed.purpose, changed.issued_on, changed.issuer) == ("提升防震减灾能力", None, "")
        assert changed.title == "对口援助工作方案"

    def test_refuses_a_reversed_period(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        data = ProgrammeUpdate.model_validate({"starts_on": "2026-01-01"})
        with pytest.raises(PeriodReversed), database.transaction() as session:
            programmes.update(session, actor, world.programmes["home"], 1, data, now=NOW)


class TestParties:
    def test_a_bureau_that_is_not_seen_cannot_be_added(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        for unit_id in (world.units[OUTSIDE], 999_999):
            data = PartyCreate(unit_id=unit_id, side="partner")
            with pytest.raises(units.UnitUnknown), database.transaction() as session:
                programmes.add_party(session, actor, world.programmes["home"], data, NOW)

    def test_takes_part_once_and_as_a_whole(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        for name, refusal in ((AIDING, programmes.PartyExists), ("信息中心", programmes.PartyNotABureau)):
            data = PartyCreate(unit_id=world.units[name], side="partner")
            with pytest.raises(refusal), database.transaction() as session:
                programmes.add_party(session, actor, world.programmes["home"], data, NOW)

    def test_leaves_only_without_tasks_and_people(self, database: Database, world: World) -> None:
        actor, home = actor_of(database, world, "coordinator"), world.programmes["home"]
        with database.transaction() as session:
            bureau = UnitCreate(name="某基金会", programme_id=home, side="partner")
            root = units.create(session, actor, bureau, NOW)
        with database.reading() as session:
            rows = {row.unit_name: row for row in programmes.parties(session, actor, home)}
        with pytest.raises(programmes.PartyInUse), database.transaction() as session:
            programmes.remove_party(session, actor, home, rows[AIDING].id, 1, now=NOW)
        with database.transaction() as session:
            programmes.remove_party(session, actor, home, rows["某基金会"].id, 1, now=NOW)
        with database.reading() as session:
            assert session.get(Party, rows["某基金会"].id) is None
            assert session.get(Unit, root.id) is not None

    def test_another_programmes_parties_do_not_exist(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "outsider")
        with database.reading() as session, pytest.raises(NotFound):
            programmes.parties(session, actor, world.programmes["home"])
