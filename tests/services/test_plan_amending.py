"""An amended plan becomes the next version of its programme: nothing ends by itself, nothing is lost."""

import pytest
from sqlmodel import select

from app.database import Database
from app.errors import DomainError
from app.models import (
    Assignment,
    AssignmentRole,
    AssignmentState,
    Event,
    PlanImport,
    PlanVersion,
    Programme,
    Task,
    TaskState,
)
from app.schemas.plan_import import PlanAccept
from app.services import plan_accepting, plan_differences, plan_imports, plan_mapping
from tests.factories import NOW, World
from tests.plan_texts import AMENDED
from tests.services.plan_world import accepted, actor_of, imported


def _tasks(database: Database, programme_id: int) -> list[Task]:
    with database.reading() as session:
        statement = select(Task).where(Task.programme_id == programme_id).order_by(Task.sort_key, Task.id)  # type: ignore[arg-type]
        return list(session.exec(statement))


class TestAmend:
    def _second(self, database: Database, world: World) -> tuple[plan_accepting.Accepted, PlanImport]:
        first = accepted(database, world, actor_of(database, world, "coordinator"))
        row = imported(database, actor_of(database, world, "coordinator"), AMENDED)
        assert row.programme_id == first.programme_id
        return first, row

    def test_lists_what_was_added_removed_and_changed(self, database: Database, world: World) -> None:
        _, row = self._second(database, world)
        with database.reading() as session:
            found = plan_differences.of_import(session, actor_of(database, world, "coordinator"), row.key)
        assert found is not None
        rows = {(d["kind"], d["noun"], d["heading"][:6]): d for d in found.as_rows()}
        assert set(rows) == {
            ("changed", "task", "共建地震监测"),
            ("changed", "task", "建设应急演练"),
            ("added", "task", "编制受援地区"),
            ("removed", "task", "组织受援地区"),
            ("removed", "assignment", "信息中心"),
        }
        assert [f["field"] for f in rows["changed", "task", "建设应急演练"]["fields"]] == ["path"]

    def test_keeps_states_and_assignments_that_remain(self, database: Database, world: World) -> None:
        first, row = self._second(database, world)
        actor = actor_of(database, world, "coordinator")
        moved = _tasks(database, first.programme_id)[2]
        with database.transaction() as session:
            task = session.get_one(Task, moved.id)
            task.state = TaskState.IN_PROGRESS
            lead = session.exec(
                select(Assignment).where(Assignment.task_id == moved.id, Assignment.role == AssignmentRole.LEAD)
            ).one()
            lead.state, lead.role_confirmed = AssignmentState.ACKNOWLEDGED, True
            plan_imports.events.record(session, actor, "task.issue", task)
        with database.transaction() as session:
            row = plan_mapping.create_units(session, actor, row.key, row.version, now=NOW)
            result = plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(), now=NOW)
        assert (result.programme_id, result.number, result.tasks) == (first.programme_id, 2, 5)
        with database.reading() as session:
            task = session.get_one(Task, moved.id)
            lead = session.get_one(Assignment, lead.id)
            programme = session.get_one(Programme, result.programme_id)
            version = session.exec(
                select(PlanVersion).where(PlanVersion.programme_id == result.programme_id, PlanVersion.number == 2)
            ).one()
        assert (task.path, task.state, task.plan_number) == ("二/（二）/3", TaskState.IN_PROGRESS, 2)
        assert (lead.state, lead.role_confirmed) == (AssignmentState.ACKNOWLEDGED, True)
        assert (programme.plan_number, len(version.differences)) == (2, 5)

    def test_keeps_the_first_due_date(self, database: Database, world: World) -> None:
        first, row = self._second(database, world)
        actor = actor_of(database, world, "coordinator")
        with database.transaction() as session:
            row = plan_mapping.create_units(session, actor, row.key, row.version, now=NOW)
            plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(), now=NOW)
        changed = _tasks(database, first.programme_id)[1]
        assert (str(changed.due_on), str(changed.first_due_on)) == ("2029-12-31", "2028-12-31")

    def test_withdraws_nothing_that_nobody_chose(self, database: Database, world: World) -> None:
        first, row = self._second(database, world)
        actor = actor_of(database, world, "coordinator")
        with database.transaction() as session:
            row = plan_mapping.create_units(session, actor, row.key, row.version, now=NOW)
            plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(), now=NOW)
        made = _tasks(database, first.programme_id)
        assert len(made) == 6
        assert {task.state for task in made} == {TaskState.DRAFT}

    def test_withdraws_and_excuses_what_was_chosen_with_its_reason(self, database: Database, world: World) -> None:
        first, row = self._second(database, world)
        actor = actor_of(database, world, "coordinator")
        gone = _tasks(database, first.programme_id)[4]
        kept = _tasks(database, first.programme_id)[0]
        with database.transaction() as session:
            row = plan_mapping.create_units(session, actor, row.key, row.version, now=NOW)
        with database.reading() as session:
            left = plan_differences.of_import(session, actor, row.key)
        assert left is not None
        excuse = [assignment.id for assignment in left.assignments]
        for data, code in (
            (PlanAccept(withdraw=[kept.key], reason="多余"), "plan_not_vanished"),
            (PlanAccept(withdraw=[world.tasks["outside"]], reason="越界"), "plan_not_vanished"),
            (PlanAccept(excuse=[world.assignments["outside"]], reason="越界"), "plan_not_vanished"),
            (PlanAccept(withdraw=[gone.key]), "required"),
        ):
            with pytest.raises(DomainError) as refused, database.transaction() as session:
                plan_accepting.accept(session, actor, row.key, row.version, data, now=NOW)
            assert refused.value.code == code
        with database.transaction() as session:
            data = PlanAccept(withdraw=[gone.key], excuse=excuse, reason="方案调整")
            plan_accepting.accept(session, actor, row.key, row.version, data, now=NOW)
        with database.reading() as session:
            assert session.get_one(Task, gone.id).state == TaskState.WITHDRAWN
            assert session.get_one(Assignment, excuse[0]).state == AssignmentState.EXCUSED
            reasons = session.exec(select(Event.reason).where(Event.verb == "task.withdraw")).all()
        assert reasons == ["方案调整"]

    def test_leaves_the_words_of_a_task_that_is_over(self, database: Database, world: World) -> None:
        first, row = self._second(database, world)
        actor = actor_of(database, world, "coordinator")
        over = _tasks(database, first.programme_id)[1]
        with database.transaction() as session:
            task = session.get_one(Task, over.id)
            task.state = TaskState.COMPLETED
            plan_imports.events.record(session, actor, "task.complete", task)
        with database.transaction() as session:
            row = plan_mapping.create_units(session, actor, row.key, row.version, now=NOW)
            plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(), now=NOW)
        with database.reading() as session:
            task = session.get_one(Task, over.id)
        assert (task.heading, task.due_on, task.plan_number) == (over.heading, over.due_on, 2)
