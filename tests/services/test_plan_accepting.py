"""Accepting a plan: everything in one transaction, and nothing of it when something is in the way."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func
from sqlmodel import select

from app.database import Database
from app.errors import DomainError, Forbidden, NotFound
from app.models import (
    Assignment,
    Event,
    EventKind,
    Membership,
    Milestone,
    Party,
    PlanImportState,
    PlanVersion,
    Programme,
    Task,
    TaskState,
    Track,
    Unit,
    UnitKind,
    UnitName,
)
from app.permissions import Role
from app.schemas.plan_import import PartyChoices, PlanAccept, PlanImportUpdate, PlanItemUpdate
from app.services import plan_accepting, plan_imports, plan_items, plan_mapping
from app.settings import Settings
from tests.conftest import SECRET
from tests.factories import NOW, World
from tests.personas import AIDING, RECEIVING
from tests.plan_texts import NUMBER, PLAN, TITLE, long_plan
from tests.services.plan_world import accepted, actor_of, imported, mapping, ready

COUNTED = (Programme, Party, Track, Unit, UnitName, Task, Assignment, Milestone, PlanVersion, Membership, Event)


def _counts(database: Database) -> list[int]:
    with database.reading() as session:
        return [session.exec(select(func.count()).select_from(model)).one() for model in COUNTED]


def _tasks(database: Database, programme_id: int) -> list[Task]:
    with database.reading() as session:
        statement = select(Task).where(Task.programme_id == programme_id).order_by(Task.sort_key, Task.id)  # type: ignore[arg-type]
        return list(session.exec(statement))


def _assigned(database: Database, task_id: int | None) -> list[tuple[str, str]]:
    with database.reading() as session:
        statement = select(Assignment).where(Assignment.task_id == task_id).order_by(Assignment.position)  # type: ignore[arg-type]
        return [(a.named_as, a.role.value) for a in session.exec(statement)]


class TestAccept:
    def test_makes_programme_sides_tracks_units_tasks_and_milestones(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        result = accepted(database, world, actor)
        with database.reading() as session:
            programme = session.get_one(Programme, result.programme_id)
            parties = session.exec(select(Party).where(Party.programme_id == programme.id)).all()
            tracks = session.exec(select(Track).where(Track.programme_id == programme.id)).all()
            milestones = session.exec(select(Milestone).where(Milestone.programme_id == programme.id)).all()
            version = session.exec(select(PlanVersion).where(PlanVersion.programme_id == programme.id)).one()
            seat = session.exec(select(Membership).where(Membership.programme_id == programme.id)).one()
        assert (programme.title, programme.document_number, programme.plan_number) == (TITLE, NUMBER, 1)
        assert "监测能力明显提升" in programme.purpose
        assert {(p.unit_id, p.side.value) for p in parties} == {
            (world.units[AIDING], "aiding"),
            (world.units[RECEIVING], "receiving"),
        }
        assert {track.code: track.name for track in tracks}["project"] == "项目援疆"
        assert len(milestones) == 3
        assert (version.number, version.accepted_by_id) == (1, world.users["coordinator"])
        assert (seat.user_id, seat.role) == (world.users["coordinator"], Role.COORDINATOR)

    def test_keeps_tasks_in_the_plans_order_with_their_track(self, database: Database, world: World) -> None:
        result = accepted(database, world, actor_of(database, world, "coordinator"))
        made = _tasks(database, result.programme_id)
        assert [task.path for task in made] == ["二/（一）", "二/（二）/1", "二/（二）/2", "二/（三）/1", "二/（三）/2"]
        assert {task.state for task in made} == {TaskState.DRAFT}
        with database.reading() as session:
            codes = {track.id: track.code for track in session.exec(select(Track))}
        assert [codes[task.track_id] for task in made] == ["funding", "project", "project", "talent", "talent"]
        assert (str(made[1].due_on), str(made[1].first_due_on), made[1].due_text) == (
            "2028-12-31",
            "2028-12-31",
            "2028年底前",
        )

    def test_declares_no_role_that_the_plan_does_not(self, database: Database, world: World) -> None:
        result = accepted(database, world, actor_of(database, world, "coordinator"))
        made = _tasks(database, result.programme_id)
        assert _assigned(database, made[1].id) == [("监测处（应急处）", "undeclared"), ("信息中心", "undeclared")]
        assert _assigned(database, made[2].id) == [
            ("监测处", "lead"),
            ("信息中心", "supporting"),
            ("各中心站", "supporting"),
        ]
        with database.reading() as session:
            assert not session.exec(
                select(Assignment).where(Assignment.role_confirmed, Assignment.task_id == made[2].id)
            ).all()

    def test_finds_units_under_their_other_names_and_makes_the_rest(self, database: Database, world: World) -> None:
        result = accepted(database, world, actor_of(database, world, "coordinator"))
        with database.reading() as session:
            named = {
                a.named_as: session.get_one(Unit, a.unit_id)
                for a in session.exec(select(Assignment).where(Assignment.programme_id == result.programme_id))
            }
        assert named["规财处"].id == named["规划财务处"].id == world.units["规划财务处"]
        assert named["监测处"].id == world.units["监测处（应急处）"]
        assert named["各中心站"].kind == UnitKind.GROUP
        assert named["各中心站"].parent_id == named["人才交流办公室"].parent_id == world.units[AIDING]

    def test_records_a_new_spelling_as_an_alias(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = ready(database, world, actor)
        with database.transaction() as session:
            data = mapping(named_as="人才交流办公室", unit_id=world.units["纪检室"])
            row = plan_mapping.map_unit(session, actor, row.key, row.version, data, now=NOW)
            plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(), now=NOW)
        with database.reading() as session:
            names = session.exec(select(UnitName.name).where(UnitName.unit_id == world.units["纪检室"])).all()
        assert "人才交流办公室" in names

    def test_nests_a_task_below_the_one_whose_number_it_begins_with(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = ready(database, world, actor)
        with database.transaction() as session:
            items = plan_items.listing(session, actor, row.key, limit=50, cursor=None, kind="task").rows
            path = [*items[0].data["path"], "1"]
            plan_items.update(session, actor, row.key, items[1].id, PlanItemUpdate(path=path), version=1, now=NOW)
        with database.transaction() as session:
            result = plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(), now=NOW)
        made = _tasks(database, result.programme_id)
        assert (made[1].parent_id, made[2].parent_id) == (made[0].id, None)

    def test_leaves_out_what_was_dropped(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = ready(database, world, actor)
        with database.transaction() as session:
            for item in plan_items.listing(session, actor, row.key, limit=50, cursor=None).rows[:4]:
                plan_items.drop(session, actor, row.key, item.id, version=item.version, now=NOW)
        with database.transaction() as session:
            result = plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(), now=NOW)
        assert (result.tasks, len(_tasks(database, result.programme_id))) == (4, 4)

    def test_names_each_row_in_the_log(self, database: Database, world: World) -> None:
        result = accepted(database, world, actor_of(database, world, "coordinator"))
        with database.reading() as session:
            rows = session.exec(
                select(Event.subject_type).where(
                    Event.programme_id == result.programme_id, Event.kind == EventKind.ROW, Event.verb == "insert"
                )
            ).all()
        assert rows.count("tasks") == 5
        assert {"programmes", "parties", "tracks", "assignments", "milestones", "plan_versions"} <= set(rows)

    def test_takes_five_hundred_tasks(self, database: Database, world: World) -> None:
        result = accepted(database, world, actor_of(database, world, "coordinator"), long_plan(500))
        assert result.tasks == len(_tasks(database, result.programme_id)) == 500

    def test_takes_a_token_that_may_only_import(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = ready(database, world, actor)
        scoped = actor.__class__(
            **{
                **{name: getattr(actor, name) for name in actor.__slots__},
                "scopes": frozenset({"plan:import", "programme:create", "unit:read"}),
            }
        )
        with database.transaction() as session:
            assert plan_accepting.accept(session, scoped, row.key, row.version, PlanAccept(), now=NOW).tasks == 5


class TestRefuse:
    def test_lists_everything_that_is_missing_at_once(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        with database.transaction() as session:
            row = plan_imports.update(session, actor, row.key, 1, PlanImportUpdate(title=""), now=NOW)
            none = PartyChoices.model_validate({"parties": [{"name": "某局"}]})
            row = plan_mapping.set_parties(session, actor, row.key, row.version, none, now=NOW)
        before = _counts(database)
        with pytest.raises(plan_accepting.PlanIncomplete) as refused, database.transaction() as session:
            plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(), now=NOW)
        assert [error.code for error in refused.value.errors] == [
            "required",
            "no_aiding_side",
            "no_receiving_side",
            "own_bureau_missing",
            "unit_undecided",
        ]
        assert _counts(database) == before

    def test_refuses_an_empty_plan(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = ready(database, world, actor)
        with database.transaction() as session:
            for item in plan_items.listing(session, actor, row.key, limit=50, cursor=None, kind="task").rows:
                plan_items.drop(session, actor, row.key, item.id, version=item.version, now=NOW)
        with pytest.raises(plan_accepting.PlanIncomplete) as refused, database.transaction() as session:
            plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(), now=NOW)
        assert [error.code for error in refused.value.errors] == ["no_tasks"]

    def test_is_done_once(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = ready(database, world, actor)
        with database.transaction() as session:
            result = plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(), now=NOW)
        before = _counts(database)
        with pytest.raises(plan_imports.PlanImportAccepted) as refused, database.transaction() as session:
            plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(), now=NOW)
        assert refused.value.values["programme_id"] == result.programme_id
        assert _counts(database) == before

    def test_is_done_by_one_of_two_who_press_at_once(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = ready(database, world, actor)

        def press() -> str:
            try:
                with database.transaction() as session:
                    plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(), now=NOW)
            except DomainError as refusal:
                return refusal.code
            return "accepted"

        with ThreadPoolExecutor(2) as pool:
            answers = [future.result() for future in [pool.submit(press), pool.submit(press)]]
        assert sorted(answers) == ["accepted", "plan_import_accepted"]
        with database.reading() as session:
            assert len(session.exec(select(PlanVersion)).all()) == 1

    def test_takes_no_correction_afterwards(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = ready(database, world, actor)
        with database.transaction() as session:
            item = plan_items.listing(session, actor, row.key, limit=1, cursor=None, kind="task").rows[0]
            plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(), now=NOW)
        with pytest.raises(plan_imports.PlanImportAccepted), database.transaction() as session:
            plan_items.update(session, actor, row.key, item.id, PlanItemUpdate(heading="迟"), version=1, now=NOW)

    def test_makes_a_second_programme_of_one_document_only_on_purpose(self, database: Database, world: World) -> None:
        first = accepted(database, world, actor_of(database, world, "coordinator"))
        actor = actor_of(database, world, "coordinator")
        row = ready(database, world, actor, PLAN + "\n")
        assert row.programme_id == first.programme_id, "the same number is offered as the next version"
        with database.transaction() as session:
            row = plan_imports.update(
                session, actor, row.key, row.version, PlanImportUpdate(programme_id=None), now=NOW
            )
        with pytest.raises(plan_accepting.PlanKnownAlready), database.transaction() as session:
            plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(), now=NOW)

    def test_needs_the_right_to_make_programmes(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = ready(database, world, actor)
        for login in ("outsider", "recipient", "handler"):
            stranger = actor_of(database, world, login)
            with pytest.raises((NotFound, Forbidden)), database.transaction() as session:
                plan_accepting.accept(session, stranger, row.key, row.version, PlanAccept(), now=NOW)

    def test_stores_nothing_when_a_unit_ended_in_between(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = ready(database, world, actor)
        with database.transaction() as session:
            unit = session.get_one(Unit, world.units["信息中心"])
            unit.ends_on = NOW.date()
            plan_imports.events.record(session, actor, "unit.end", unit)
        before = _counts(database)
        with pytest.raises(DomainError) as refused, database.transaction() as session:
            plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(), now=NOW)
        assert refused.value.code == "unit_has_ended"
        assert _counts(database) == before

    @pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
    def test_leaves_the_store_unchanged_when_it_is_killed_half_way(
        self, database: Database, world: World, settings: Settings, tmp_path: Path
    ) -> None:
        actor = actor_of(database, world, "coordinator")
        row = ready(database, world, actor, long_plan(60))
        before = _counts(database)
        script = tmp_path / "accept.py"
        script.write_text(
            f"""
import os, signal
from app.database import Database
from app.schemas.plan_import import PlanAccept
from app.services import plan_accepting, plan_making
from app.settings import load
from tests.factories import NOW, TODAY
from app.services import actors

database = Database(load(mode="test", secret_key={SECRET!r}, data={str(settings.data)!r}))
plan_making.finish = lambda session, *_a, **_k: (session.flush(), os.kill(os.getpid(), signal.SIGKILL))
with database.reading() as session:
    actor = actors.load(session, {world.users["coordinator"]}, TODAY)
with database.transaction() as session:
    plan_accepting.accept(session, actor, {row.key}, {row.version}, PlanAccept(), now=NOW)
""",
            encoding="utf-8",
        )
        killed = subprocess.run(
            [sys.executable, str(script)], cwd=Path.cwd(), env={"PYTHONPATH": str(Path.cwd())}, check=False
        )
        assert killed.returncode == -9
        assert _counts(database) == before
        with database.transaction() as session:
            assert plan_accepting.accept(session, actor, row.key, row.version, PlanAccept(), now=NOW).tasks == 60


class TestHidden:
    def test_the_other_programme_is_never_offered(self, database: Database, world: World) -> None:
        accepted(database, world, actor_of(database, world, "coordinator"))
        stranger = actor_of(database, world, "outsider")
        row = imported(database, stranger)
        with database.reading() as session:
            assert plan_imports.known_as(session, stranger, row) == []
        assert row.programme_id is None
        assert all(unit["unit_id"] is None for unit in row.units)
        assert row.state == PlanImportState.REVIEW
