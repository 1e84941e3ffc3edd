"""A merger loses nothing: work, people, parts and names go on."""

from collections import Counter
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import Session, col

from app.database import Database
from app.errors import Forbidden, NotFound
from app.models import Assignment, AssignmentRole, AssignmentState, GroupMember, Membership, Task, Unit, User
from app.periods import DayToCome
from app.permissions import Actor
from app.rules.units import CLOSED, STRENGTH
from app.schemas.unit import UnitCreate, UnitMerge
from app.services import events, unit_merges, unit_names, units
from tests.factories import NOW, SYSTEM, World, actor_of
from tests.personas import AIDING

DAY = date(2024, 3, 1)


class Undo(Exception):
    """Leaves a transaction without keeping anything."""


def merge(session: Session, actor: Actor, unit_id: int, into_id: int) -> Unit:
    """A merger on ``DAY``, from the present version."""
    version = session.get_one(Unit, unit_id).version
    return unit_merges.merge(
        session, actor, unit_id, version, UnitMerge(into_id=into_id, starts_on=DAY, reason="机构改革"), now=NOW
    )


def work(session: Session) -> list[tuple[int, int, str, str]]:
    """Task, unit, role and state of each assignment."""
    columns = (col(Assignment.task_id), col(Assignment.unit_id), col(Assignment.role), col(Assignment.state))
    return [tuple(row) for row in session.connection().execute(select(*columns))]


class TestMerge:
    def test_moves_work_people_and_names_and_keeps_the_trace(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        gone, stays = world.units["监测处（应急处）"], world.units["信息中心"]
        with database.transaction() as session:
            merge(session, actor, gone, stays)
        with database.reading() as session:
            unit = session.get_one(Unit, gone)
            assert (unit.merged_into_id, unit.ends_on) == (stays, date(2024, 2, 29))
            assert session.get_one(Assignment, world.assignments["issued"]).unit_id == stays
            assert session.get_one(User, world.users["handler"]).unit_id == stays
            seats = session.scalars(select(Membership).where(col(Membership.unit_id) == gone)).all()
            assert seats == []
            found = units.match(session, actor, ["监测处", "监测处(应急处)"])
            assert [[match.unit_id for match in matches] for matches in found.values()] == [[stays], [stays]]
            assert found["监测处"][0].ends_on == date(2024, 2, 29)

    def test_preview_counts_what_then_moves(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        gone, stays = world.units["监测处（应急处）"], world.units["信息中心"]
        with database.reading() as session:
            seen = unit_merges.preview(session, actor, gone, stays)
        assert (seen.assignments, seen.joined, seen.accounts, seen.memberships) == (1, 0, 3, 3)
        assert (seen.names, seen.parts, seen.elsewhere) == (2, 0, False)

    def test_groups_stand_for_the_unit_that_goes_on(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        gone, stays = world.units["监测处（应急处）"], world.units["信息中心"]
        with database.transaction() as session:
            data = UnitCreate(name="各中心站", kind="group", parent_id=world.units[AIDING])
            group = units.create(session, actor, data, NOW)
            session.add(GroupMember(group_id=group.key, member_id=gone))
            merge(session, actor, gone, stays)
            assert session.get(GroupMember, (group.key, stays)) is not None

    def test_a_unit_that_was_merged_twice_removed_is_still_found(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.transaction() as session:
            merge(session, actor, world.units["监测处（应急处）"], world.units["信息中心"])
            merge(session, actor, world.units["信息中心"], world.units["规划财务处"])
            found = units.match(session, actor, ["监测处", "信息中心"])
        assert [[match.unit_id for match in matches] for matches in found.values()] == [[world.units["规划财务处"]]] * 2

    @pytest.mark.parametrize(
        ("gone", "stays", "refusal"),
        [
            ("信息中心", "信息中心", unit_merges.MergerRefused),
            ("信息中心", "援建科", unit_merges.MergerRefused),
            (AIDING, "信息中心", unit_merges.MergerRefused),
            ("信息中心", "计划处", units.UnitUnknown),
            ("计划处", "信息中心", NotFound),
        ],
    )
    def test_refuses_what_cannot_become_one(
        self, database: Database, world: World, gone: str, stays: str, refusal: type[Exception]
    ) -> None:
        actor = actor_of(database, world, "coordinator")
        with pytest.raises(refusal), database.transaction() as session:
            merge(session, actor, world.units[gone], world.units[stays])

    def test_refuses_a_part_of_itself_a_second_time_and_a_day_to_come(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        gone, stays = world.units["监测处（应急处）"], world.units["信息中心"]
        with database.transaction() as session:
            part = units.create(session, actor, UnitCreate(name="应急科", parent_id=gone), NOW)
        with pytest.raises(unit_merges.MergerIntoPart), database.transaction() as session:
            merge(session, actor, gone, part.key)
        late = UnitMerge(into_id=stays, starts_on=date(2027, 1, 1))
        with pytest.raises(DayToCome), database.transaction() as session:
            unit_merges.merge(session, actor, gone, 1, late, now=NOW)
        with database.transaction() as session:
            merge(session, actor, gone, stays)
        with pytest.raises(unit_merges.UnitMergedAlready), database.transaction() as session:
            merge(session, actor, gone, world.units["规划财务处"])

    def test_a_recipient_cannot_merge_the_other_sides_units(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "recipient")
        with pytest.raises(Forbidden), database.transaction() as session:
            merge(session, actor, world.units["信息中心"], world.units["规划财务处"])


SHARES = st.one_of(st.none(), st.tuples(st.sampled_from(list(AssignmentRole)), st.sampled_from(list(AssignmentState))))


class TestNothingIsLost:
    """Whatever the two units had to do, after a merger each task has it once, in the stronger role."""

    @given(tasks=st.lists(st.tuples(SHARES, SHARES), max_size=6))
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_for_any_distribution_of_work(
        self, database: Database, world: World, tasks: list[tuple[tuple[str, str] | None, tuple[str, str] | None]]
    ) -> None:
        actor = actor_of(database, world, "coordinator")
        gone, stays = world.units["监测处（应急处）"], world.units["信息中心"]
        with suppress(Undo), database.transaction() as session:
            _distribute(session, world, tasks)
            before = work(session)
            names = [row.name for unit in (gone, stays) for row in unit_names.of_unit(session, actor, unit)]
            merge(session, actor, gone, stays)
            _check(before, work(session), gone, stays)
            found = units.match(session, actor, names)
            assert all([match.unit_id for match in found[name]] == [stays] for name in names)
            raise Undo


def _distribute(session: Session, world: World, tasks: list[tuple[tuple[str, str] | None, ...]]) -> None:
    for shares in tasks:
        task = Task(programme_id=world.programmes["home"], heading="任务")
        session.add(task)
        session.flush()
        for name, share in zip(("监测处（应急处）", "信息中心"), shares, strict=True):
            if share is not None:
                session.add(
                    Assignment(
                        programme_id=world.programmes["home"],
                        task_id=task.key,
                        unit_id=world.units[name],
                        role=AssignmentRole(share[0]),
                        state=AssignmentState(share[1]),
                    )
                )
    events.record(session, SYSTEM, "test.distribute")


def _check(
    before: list[tuple[int, int, str, str]], after: list[tuple[int, int, str, str]], gone: int, stays: int
) -> None:
    assert len(after) == len(before), "no assignment is deleted, none is made"
    assert Counter((task, unit) for task, unit, _, _ in after).most_common(1)[0][1] == 1
    for task in {task for task, unit, _, _ in before if unit in (gone, stays)}:
        had = [(role, state) for one, unit, role, state in before if one == task and unit in (gone, stays)]
        has = [(role, state) for one, unit, role, state in after if one == task and unit == stays]
        assert len(has) == 1, "the unit that goes on has the task once"
        assert has[0][0] == min((role for role, _ in had), key=STRENGTH.index), "in the stronger role"
        left = [state for one, unit, _, state in after if one == task and unit == gone]
        assert all(state in CLOSED for state in left), "nothing is open at a unit that has ended"
        if any(state not in CLOSED for _, state in had):
            assert has[0][1] not in CLOSED, "open work stays open"
    rest = [row for row in before if row[1] not in (gone, stays)]
    assert [row for row in after if row[1] not in (gone, stays)] == rest
