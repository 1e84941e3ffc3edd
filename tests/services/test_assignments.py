"""Assignments: which unit takes part, in which role, and who handles it there."""

from datetime import date

import pytest
from sqlmodel import col, select

from app.database import Database
from app.errors import NotFound
from app.models import Assignment, Event, EventKind, GroupMember, Task, TaskState, Unit, UnitKind
from app.rules.tasks import RoleUndeclared, TaskEnded, TaskIssued
from app.schemas.assignment import AssignmentCreate, AssignmentQuery, AssignmentUpdate
from app.services import assignments, events
from tests.factories import NOW, SYSTEM, World
from tests.services.test_tasks import actor_of


def listed(database: Database, world: World, login: str, **query: int) -> set[int]:
    with database.reading() as session:
        page = assignments.page(session, actor_of(database, world, login), AssignmentQuery.model_validate(query))
    return {row.id for row in page.rows}


class TestVisibleTo:
    def test_follows_the_task(self, database: Database, world: World) -> None:
        home = {world.assignments[key] for key in ("draft", "issued", "running")}
        assert listed(database, world, "inspector") == home
        assert listed(database, world, "handler") == home - {world.assignments["draft"]}
        assert listed(database, world, "outsider") == {world.assignments["outside"]}
        assert listed(database, world, "coordinator", task=world.tasks["outside"]) == set()
        assert listed(database, world, "coordinator", unit=world.units["计划处"]) == set()
        assert listed(database, world, "superior") == set()

    def test_gives_a_group_to_its_members(self, database: Database, world: World) -> None:
        with database.transaction() as session:
            session.add(group := Unit(name="各中心站", kind=UnitKind.GROUP, root_id=world.units["河北省地震局"]))
            session.flush()
            session.add(GroupMember(group_id=group.key, member_id=world.units["监测处（应急处）"]))
            task = session.get_one(Task, world.tasks["draft"])
            session.add(Assignment(programme_id=task.programme_id, task_id=task.key, unit_id=group.key))
            events.record(session, SYSTEM, "test.group")
        assert world.assignments["draft"] in listed(database, world, "handler")


class TestCreate:
    def test_adds_a_unit_of_any_side(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.transaction() as session:
            data = AssignmentCreate(task_id=world.tasks["issued"], unit_id=world.units["减灾科"], role="supporting")
            made = assignments.create(session, actor, data, now=NOW)
        assert (made.position, made.role_confirmed, made.named_as) == (1, True, "减灾科")

    @pytest.mark.parametrize("unit", ["计划处", "江南省地震局", None])
    def test_refuses_a_unit_outside_the_programme(self, database: Database, world: World, unit: str | None) -> None:
        actor = actor_of(database, world, "coordinator")
        data = AssignmentCreate(task_id=world.tasks["issued"], unit_id=world.units[unit] if unit else 2**31 - 1)
        with pytest.raises(assignments.UnitNotInProgramme), database.transaction() as session:
            assignments.create(session, actor, data, now=NOW)

    def test_refuses_a_unit_twice(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        data = AssignmentCreate(task_id=world.tasks["issued"], unit_id=world.units["监测处（应急处）"])
        with pytest.raises(assignments.UnitAlreadyAssigned), database.transaction() as session:
            assignments.create(session, actor, data, now=NOW)

    def test_refuses_a_task_of_another_programme(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        data = AssignmentCreate(task_id=world.tasks["outside"], unit_id=world.units["减灾科"])
        with pytest.raises(NotFound), database.transaction() as session:
            assignments.create(session, actor, data, now=NOW)


class TestHandler:
    @pytest.mark.parametrize("login", ["handler", "unit_head", "deputy"])
    def test_is_a_person_of_the_unit(self, database: Database, world: World, login: str) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.transaction() as session:
            data = AssignmentUpdate(handler_id=world.users[login], due_on=date(2024, 1, 1))
            changed = assignments.update(session, actor, world.assignments["issued"], 1, data, now=NOW)
        assert changed.handler_id == world.users[login]

    @pytest.mark.parametrize("login", ["receiving_handler", "outsider", "system_admin"])
    def test_is_nobody_else(self, database: Database, world: World, login: str) -> None:
        actor = actor_of(database, world, "coordinator")
        data = AssignmentUpdate(handler_id=world.users[login])
        with pytest.raises(assignments.HandlerNotInUnit), database.transaction() as session:
            assignments.update(session, actor, world.assignments["issued"], 1, data, now=NOW)

    def test_is_offered_from_the_unit_alone(self, database: Database, world: World) -> None:
        with database.reading() as session:
            found = assignments.handlers(session, world.programmes["home"], [world.units["监测处（应急处）"]])
        people = {row.id for rows in found.values() for row in rows}
        assert people == {world.users[login] for login in ("unit_head", "handler", "deputy")}


class TestRole:
    def test_that_a_person_declares_is_confirmed(self, database: Database, world: World) -> None:
        actor, key = actor_of(database, world, "coordinator"), world.assignments["issued"]
        with database.transaction() as session:
            assignments.update(session, actor, key, 1, AssignmentUpdate(role="undeclared"), now=NOW)
            assert not session.get_one(Assignment, key).role_confirmed
            changed = assignments.update(session, actor, key, 2, AssignmentUpdate(role="guiding"), now=NOW)
            assert changed.role_confirmed

    def test_is_confirmed_as_the_plan_declares_it(self, database: Database, world: World) -> None:
        actor, key = actor_of(database, world, "coordinator"), world.assignments["issued"]
        with database.transaction() as session:
            assert assignments.confirm_role(session, actor, key, 1, now=NOW).role_confirmed

    def test_cannot_be_confirmed_where_there_is_none(self, database: Database, world: World) -> None:
        actor, key = actor_of(database, world, "coordinator"), world.assignments["issued"]
        with database.transaction() as session:
            assignments.update(session, actor, key, 1, AssignmentUpdate(role="undeclared"), now=NOW)
        with pytest.raises(RoleUndeclared), database.transaction() as session:
            assignments.confirm_role(session, actor, key, 2, now=NOW)


class TestRemove:
    def test_leaves_the_record(self, database: Database, world: World) -> None:
        actor, key = actor_of(database, world, "coordinator"), world.assignments["draft"]
        with database.transaction() as session:
            assert assignments.remove(session, actor, key, 1, now=NOW) == world.tasks["draft"]
        with database.reading() as session:
            assert session.get(Assignment, key) is None
            verb = session.exec(
                select(Event).where(col(Event.verb) == "assignment.remove", col(Event.kind) == EventKind.VERB)
            ).one()
            row = session.exec(select(Event).where(col(Event.cause_id) == verb.id)).one()
        assert (verb.subject_type, verb.subject_id) == ("tasks", world.tasks["draft"])
        assert row.before is not None
        assert row.before["unit_id"] == world.units["规划财务处"]

    def test_refuses_once_the_task_is_issued(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with pytest.raises(TaskIssued), database.transaction() as session:
            assignments.remove(session, actor, world.assignments["issued"], 1, now=NOW)

    def test_and_every_change_is_refused_when_the_task_is_over(self, database: Database, world: World) -> None:
        actor, key = actor_of(database, world, "coordinator"), world.assignments["issued"]
        with database.transaction() as session:
            session.get_one(Task, world.tasks["issued"]).state = TaskState.CLOSED
            events.record(session, SYSTEM, "test.close")
        with pytest.raises(TaskEnded), database.transaction() as session:
            assignments.update(session, actor, key, 1, AssignmentUpdate(role="guiding"), now=NOW)
