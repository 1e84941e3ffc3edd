"""Units change under rules: trees stay trees, names keep their days, groups stand for single units."""

from datetime import date
from typing import Any

import pytest
from sqlmodel import Session

from app.database import Database
from app.errors import Forbidden, NotFound, StaleVersion
from app.models import Unit
from app.periods import DayToCome, PeriodReversed
from app.permissions import Actor
from app.schemas.unit import UnitCreate, UnitEnd, UnitMemberAdd, UnitNameCreate, UnitRename, UnitUpdate
from app.services import unit_changes, unit_groups, unit_names, units
from tests.factories import NOW, World, actor_of
from tests.personas import AIDING, RECEIVING


def update(session: Session, actor: Actor, unit_id: int, version: int = 0, **values: Any) -> Unit:
    """A change from the present version unless another is given."""
    version = version or session.get_one(Unit, unit_id).version
    data = UnitUpdate.model_validate(values)
    return unit_changes.update(session, actor, unit_id, version, data, now=NOW)


def rename(session: Session, actor: Actor, unit_id: int, **values: Any) -> Unit:
    """A renaming from the present version."""
    data = UnitRename.model_validate(values)
    return unit_names.rename(session, actor, unit_id, session.get_one(Unit, unit_id).version, data, now=NOW)


def end(session: Session, actor: Actor, unit_id: int, day: date) -> Unit:
    """An ending from the present version."""
    version = session.get_one(Unit, unit_id).version
    return unit_changes.end(session, actor, unit_id, version, UnitEnd(ends_on=day), now=NOW)


class TestUpdate:
    def test_mends_a_name_without_leaving_the_wrong_one(self, database: Database, world: World) -> None:
        actor, unit = actor_of(database, world, "coordinator"), world.units["信息中心"]
        with database.transaction() as session:
            update(session, actor, unit, name="信息与数据中心", short_name="数据中心")
            found = units.match(session, actor, ["信息中心", "信息与数据中心", "数据中心"])
        assert [len(matches) for matches in found.values()] == [0, 1, 1]

    def test_moves_behind_the_new_siblings(self, database: Database, world: World) -> None:
        actor, unit = actor_of(database, world, "coordinator"), world.units["信息中心"]
        with database.transaction() as session:
            moved = update(session, actor, unit, parent_id=world.units["纪检室"])
        assert (moved.parent_id, moved.position, moved.root_id) == (world.units["纪检室"], 0, world.units[AIDING])

    def test_refuses_circles_at_any_depth(self, database: Database, world: World) -> None:
        actor, names = actor_of(database, world, "coordinator"), ("规划财务处", "纪检室", "信息中心")
        first, second, third = (world.units[name] for name in names)
        with database.transaction() as session:
            update(session, actor, second, parent_id=first)
            update(session, actor, third, parent_id=second)
        for parent in (first, second, third):
            with pytest.raises(unit_changes.UnitBelowItself), database.transaction() as session:
                update(session, actor, first, parent_id=parent)

    def test_a_unit_stays_in_its_bureau(self, database: Database, world: World) -> None:
        actor, unit = actor_of(database, world, "coordinator"), world.units["信息中心"]
        for one, parent in ((unit, world.units[RECEIVING]), (unit, None), (world.units[AIDING], unit)):
            with pytest.raises(unit_changes.BureauStays), database.transaction() as session:
                update(session, actor, one, parent_id=parent)
        with pytest.raises(units.UnitUnknown), database.transaction() as session:
            update(session, actor, unit, parent_id=world.units["计划处"])

    def test_refuses_a_stale_version_a_stranger_and_the_other_side(self, database: Database, world: World) -> None:
        unit = world.units["信息中心"]
        for login, refusal in (("recipient", Forbidden), ("unit_head", Forbidden), ("outsider", NotFound)):
            actor = actor_of(database, world, login)
            with pytest.raises(refusal), database.transaction() as session:
                update(session, actor, unit, position=3)
        actor = actor_of(database, world, "coordinator")
        with pytest.raises(StaleVersion), database.transaction() as session:
            update(session, actor, unit, version=9, position=3)


class TestRename:
    def test_each_day_has_the_name_of_its_time(self, database: Database, world: World) -> None:
        actor, unit = actor_of(database, world, "coordinator"), world.units["监测处（应急处）"]
        with database.transaction() as session:
            rename(session, actor, unit, name="监测预报处", short_name="监预处", starts_on="2023-05-01")
            rename(session, actor, unit, name="监测与风险防治处", starts_on="2025-01-01", reason="机构改革")
        expected = {
            date(2022, 1, 1): "监测处（应急处）",
            date(2023, 4, 30): "监测处（应急处）",
            date(2023, 5, 1): "监测预报处",
            date(2024, 12, 31): "监测预报处",
            date(2026, 1, 1): "监测与风险防治处",
        }
        with database.reading() as session:
            named = {day: unit_names.name_on(session, actor, unit, day) for day in expected}
            found = units.match(session, actor, ["监测处", "监预处", "监测预报处", "监测处（应急处）"])
        assert named == expected
        assert {match.unit_id for matches in found.values() for match in matches} == {unit}
        assert found["监测处"][0].ends_on == date(2023, 4, 30)

    def test_refuses_days_to_come_earlier_days_and_no_change(self, database: Database, world: World) -> None:
        actor, unit = actor_of(database, world, "coordinator"), world.units["信息中心"]
        with database.transaction() as session:
            rename(session, actor, unit, name="数据中心", starts_on="2023-05-01")
        for name, day, refusal in (
            ("另一个", "2027-01-01", DayToCome),
            ("另一个", "2023-05-01", unit_names.NameDatesOverlap),
            ("数据中心", "2024-01-01", unit_names.NameUnchanged),
            ("规划财务处", "2024-01-01", units.UnitNameTaken),
        ):
            with pytest.raises(refusal), database.transaction() as session:
                rename(session, actor, unit, name=name, starts_on=day)


class TestNames:
    def test_an_earlier_full_name_gives_the_present_one_a_beginning(self, database: Database, world: World) -> None:
        actor, unit = actor_of(database, world, "coordinator"), world.units["信息中心"]
        early = UnitNameCreate(name="计算中心", kind="full", ends_on=date(2018, 6, 30))
        with database.transaction() as session:
            unit_names.add(session, actor, unit, early, NOW)
            rows = unit_names.of_unit(session, actor, unit)
        assert [(row.name, row.starts_on) for row in rows] == [("计算中心", None), ("信息中心", date(2018, 7, 1))]

    def test_refuses_a_known_spelling_and_a_reversed_period(self, database: Database, world: World) -> None:
        actor, unit = actor_of(database, world, "coordinator"), world.units["规划财务处"]
        reversed_ = UnitNameCreate(name="计财处", starts_on=date(2020, 1, 2), ends_on=date(2020, 1, 1))
        for data, refusal in ((UnitNameCreate(name="规 财 处"), unit_names.NameKnown), (reversed_, PeriodReversed)):
            with pytest.raises(refusal), database.transaction() as session:
                unit_names.add(session, actor, unit, data, NOW)

    def test_a_wrong_alias_goes_and_the_present_name_stays(self, database: Database, world: World) -> None:
        actor, unit = actor_of(database, world, "coordinator"), world.units["规划财务处"]
        with database.transaction() as session:
            alias = unit_names.add(session, actor, unit, UnitNameCreate(name="计财处"), NOW)
            session.flush()
            unit_names.remove(session, actor, unit, alias.key, alias.version, now=NOW)
            full = unit_names.of_unit(session, actor, unit)[0]
        with pytest.raises(unit_names.CurrentNameStays), database.transaction() as session:
            unit_names.remove(session, actor, unit, full.id, full.version, now=NOW)
        with pytest.raises(NotFound), database.transaction() as session:
            unit_names.remove(session, actor, world.units["信息中心"], full.id, full.version, now=NOW)


class TestEnd:
    def test_refuses_open_work_parts_and_a_day_to_come(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        for name, day, refusal in (
            ("信息中心", date(2026, 1, 1), unit_changes.UnitHasOpenWork),
            (AIDING, date(2026, 1, 1), unit_changes.UnitHasParts),
            ("纪检室", date(2027, 1, 1), DayToCome),
        ):
            with pytest.raises(refusal), database.transaction() as session:
                end(session, actor, world.units[name], day)

    def test_an_ended_unit_takes_nothing_new_and_is_found_last(self, database: Database, world: World) -> None:
        actor, unit = actor_of(database, world, "coordinator"), world.units["纪检室"]
        with database.transaction() as session:
            end(session, actor, unit, date(2025, 12, 31))
        with pytest.raises(units.UnitHasEnded), database.transaction() as session:
            units.create(session, actor, UnitCreate(name="监督科", parent_id=unit), NOW)
        with database.transaction() as session:
            successor = units.create(session, actor, UnitCreate(name="纪检室", parent_id=world.units[AIDING]), NOW)
            found = units.match(session, actor, ["纪检室"])["纪检室"]
        assert [match.unit_id for match in found] == [successor.id, unit]


class TestGroups:
    def test_stands_for_single_units_of_its_own_bureau(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        member = UnitMemberAdd(unit_id=world.units["信息中心"])
        with database.transaction() as session:
            data = UnitCreate(name="各中心站", kind="group", parent_id=world.units[AIDING])
            group = units.create(session, actor, data, NOW)
            unit_groups.add_member(session, actor, group.key, member, NOW)
            assert [row.name for row in unit_groups.members(session, actor, group.key)] == ["信息中心"]
            assert [row.name for row in unit_groups.groups_of(session, actor, member.unit_id)] == ["各中心站"]
        for group_id, unit_id, refusal in (
            (group.key, world.units["信息中心"], unit_groups.MemberExists),
            (group.key, world.units["援建科"], unit_groups.MemberRefused),
            (group.key, group.key, unit_groups.MemberRefused),
            (group.key, world.units["计划处"], units.UnitUnknown),
            (world.units["纪检室"], world.units["信息中心"], unit_groups.NotAGroup),
        ):
            with pytest.raises(refusal), database.transaction() as session:
                unit_groups.add_member(session, actor, group_id, UnitMemberAdd(unit_id=unit_id), NOW)
        with pytest.raises(unit_changes.GroupHasMembers), database.transaction() as session:
            update(session, actor, group.key, kind="department")
        with database.transaction() as session:
            unit_groups.remove_member(session, actor, group.key, member.unit_id, group.version, now=NOW)
            assert unit_groups.members(session, actor, group.key) == []
