"""Tasks: who sees them, what narrows them, what may be changed."""

from datetime import date

import pytest
from sqlmodel import col, select

from app.database import Database
from app.errors import Forbidden, NotFound, StaleVersion
from app.models import Assignment, Event, EventKind, Task, TaskState
from app.permissions import Actor
from app.recording import plain
from app.rules.tasks import DueAndOpenEnded, TaskEnded, TaskHasOpenChildren
from app.schemas.task import TaskCreate, TaskFilters, TaskUpdate
from app.services import actors, events, paging, tasks
from tests.factories import NOW, SYSTEM, TODAY, World
from tests.personas import BUSINESS, PERSONAS

HOME = {"draft", "issued", "running"}
# Drafts: those who may read them, and the people of the unit on them (规划财务处: the treasurer).
READS_DRAFTS = {"coordinator", "recipient", "inspector", "leader", "receiving_leader", "auditor", "treasurer"}
SEES_NOTHING = {"partner", "superior", "system_admin", "security_admin", "audit_admin"}


def actor_of(database: Database, world: World, login: str) -> Actor:
    with database.reading() as session:
        found = actors.load(session, world.users[login], TODAY)
    assert found is not None
    return found


def seen(database: Database, world: World, login: str, **filters: object) -> set[str]:
    actor = actor_of(database, world, login)
    names = {key: name for name, key in world.tasks.items()}
    with database.reading() as session:
        page = tasks.page(session, actor, TaskFilters.model_validate(filters), limit=200, cursor=None)
    return {names[row.id] for row in page.rows if row.id in names}


class TestVisibleTo:
    def test_shows_each_person_their_own(self, database: Database, world: World) -> None:
        expected = {
            login: HOME if login in READS_DRAFTS else set() if login in SEES_NOTHING else HOME - {"draft"}
            for login in PERSONAS
        } | {"outsider": {"outside"}}
        assert {login: seen(database, world, login) for login in PERSONAS} == expected

    def test_shows_a_partner_what_their_bureau_takes_part_in(self, database: Database, world: World) -> None:
        with database.transaction() as session:
            task = session.get_one(Task, world.tasks["running"])
            session.add(
                Assignment(
                    programme_id=task.programme_id, task_id=task.key, unit_id=world.units["新疆维吾尔自治区地震局"]
                )
            )
            events.record(session, SYSTEM, "test.assign")
        assert seen(database, world, "partner") == {"running"}

    def test_hides_a_withdrawn_draft_from_those_who_never_saw_it(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.transaction() as session:
            tasks.withdraw(session, actor, world.tasks["draft"], 1, "重复", now=NOW)
        assert "draft" not in seen(database, world, "handler")
        assert "draft" in seen(database, world, "inspector")

    @pytest.mark.parametrize("login", [name for name in PERSONAS if name != "outsider"])
    def test_never_shows_another_programme(self, database: Database, world: World, login: str) -> None:
        outside = {
            "programme": world.programmes["outside"],
            "unit": world.units["计划处"],
            "track": world.tracks["outside/funding"],
            "q": "任务4",
        }
        for name, value in outside.items():
            assert "outside" not in seen(database, world, login, **{name: value})


class TestMatching:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("会商", HOME),
            ("任务2", {"issued"}),
            ("三（一）3", {"running"}),
            ("定期 任务3", {"running"}),
            ("%", set()),
            ("_", set()),
            ("/", HOME),
            ("\\", set()),
            ("'; drop", set()),
            ("没有", set()),
        ],
    )
    def test_finds_words_and_no_wildcards(self, database: Database, world: World, text: str, found: set[str]) -> None:
        assert seen(database, world, "coordinator", q=text) == found

    def test_ignores_case(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.transaction() as session:
            tasks.update(session, actor, world.tasks["issued"], 1, TaskUpdate(heading="建设 GNSS 站"), now=NOW)
        assert seen(database, world, "coordinator", q="gnss") == {"issued"}


class TestFilters:
    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            ({"state": "issued"}, {"issued"}),
            ({"role": "lead"}, HOME),
            ({"role": "guiding"}, set()),
            ({"due_from": "2023-12-31", "due_to": "2023-12-31"}, HOME),
            ({"due_from": "2024-01-01"}, set()),
            ({"open_ended": True}, set()),
            ({"dated": False}, set()),
            ({"dated": True}, HOME),
            ({"marked": False}, set()),
            ({"mine": True}, {"draft"}),
            ({"open": True}, HOME),
            ({"parent": 1}, set()),
        ],
    )
    def test_narrow(self, database: Database, world: World, filters: dict[str, object], found: set[str]) -> None:
        assert seen(database, world, "coordinator", **filters) == found

    def test_of_unit_and_track(self, database: Database, world: World) -> None:
        assert seen(database, world, "coordinator", unit=world.units["信息中心"]) == {"running"}
        assert seen(database, world, "coordinator", track=world.tracks["home/project"]) == {"issued"}

    def test_takes_a_units_own_date_before_the_tasks(self, database: Database, world: World) -> None:
        with database.transaction() as session:
            session.get_one(Assignment, world.assignments["running"]).due_on = date(2024, 6, 1)
            events.record(session, SYSTEM, "test.due")
        unit = world.units["信息中心"]
        assert seen(database, world, "coordinator", unit=unit, due_from="2024-01-01") == {"running"}
        assert seen(database, world, "coordinator", due_from="2024-01-01") == set()

    def test_counts_what_it_lists(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.reading() as session:
            assert tasks.count(session, actor, TaskFilters(q="会商")) == 3


class TestPages:
    @pytest.mark.parametrize("sort", sorted(tasks.SORTS))
    def test_go_through_every_row_once(self, database: Database, world: World, sort: str) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.transaction() as session:
            for number in range(7):
                data = TaskCreate(
                    programme_id=world.programmes["home"],
                    section="四",
                    heading=f"新任务{number}",
                    due_on=date(2027, 1, number + 1) if number % 2 else None,
                )
                tasks.create(session, actor, data, now=NOW)
        found: list[int] = []
        cursor = None
        with database.reading() as session:
            while True:
                page = tasks.page(session, actor, TaskFilters(), sort=sort, limit=3, cursor=cursor)
                found.extend(row.id for row in page.rows)
                cursor = page.next_cursor
                if cursor is None:
                    break
        assert len(found) == len(set(found)) == 10

    def test_refuse_a_cursor_of_another_list(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.reading() as session:
            page = tasks.page(session, actor, TaskFilters(), limit=1, cursor=None)
            with pytest.raises(paging.CursorRefused):
                tasks.page(session, actor, TaskFilters(q="会商"), limit=1, cursor=page.next_cursor)

    def test_a_stolen_cursor_shows_nothing_more(self, database: Database, world: World) -> None:
        with database.reading() as session:
            page = tasks.page(session, actor_of(database, world, "coordinator"), TaskFilters(), limit=1, cursor=None)
            outsider = actor_of(database, world, "outsider")
            stolen = tasks.page(session, outsider, TaskFilters(), limit=50, cursor=page.next_cursor)
        assert {row.programme_id for row in stolen.rows} <= {world.programmes["outside"]}


class TestCreate:
    def test_takes_the_next_marker_below_its_parent(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.transaction() as session:
            data = TaskCreate(programme_id=world.programmes["home"], parent_id=world.tasks["issued"], heading="子任务")
            first = tasks.create(session, actor, data, now=NOW)
            second = tasks.create(session, actor, data, now=NOW)
            other = tasks.create(
                session,
                actor,
                TaskCreate(programme_id=world.programmes["home"], section="三/（一）", heading="同级"),
                now=NOW,
            )
        assert (first.path, second.path, other.path) == ("三/（一）/2/（1）", "三/（一）/2/（2）", "三/（一）/4")
        assert first.track_id == world.tracks["home/project"]
        assert first.state == TaskState.DRAFT

    def test_gives_what_can_then_be_read(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.transaction() as session:
            data = TaskCreate(
                programme_id=world.programmes["home"],
                section="四",
                heading="新",
                due_on=date(2027, 1, 31),
                responsible_people=["张三", "李四"],
            )
            made = tasks.create(session, actor, data, now=NOW)
        with database.reading() as session:
            row = tasks.show(session, actor, made.id)
            noted = session.exec(
                select(Event)
                .where(col(Event.subject_type) == "tasks", col(Event.subject_id) == made.id)
                .where(col(Event.kind) == EventKind.ROW)
            ).one()
            stored = session.get_one(Task, made.id)
        assert (tuple(made), made._fields) == (tuple(row), row._fields)
        assert [type(value) for value in made] == [type(value) for value in row]
        assert noted.after == {name: plain(getattr(stored, name)) for name in Task.model_fields}

    def test_keeps_the_first_due_date(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.transaction() as session:
            data = TaskCreate(programme_id=world.programmes["home"], section="四", heading="新")
            made = tasks.create(session, actor, data, now=NOW)
            tasks.update(session, actor, made.id, 1, TaskUpdate(due_on=date(2027, 1, 1)), now=NOW)
            task = tasks.update(session, actor, made.id, 2, TaskUpdate(due_on=date(2028, 1, 1)), now=NOW)
        assert (task.first_due_on, task.due_on) == (date(2027, 1, 1), date(2028, 1, 1))

    @pytest.mark.parametrize("place", [{}, {"section": "四", "parent_id": 1}, {"parent_id": 2**31 - 1}])
    def test_refuses_no_place(self, database: Database, world: World, place: dict[str, object]) -> None:
        actor = actor_of(database, world, "coordinator")
        data = TaskCreate(programme_id=world.programmes["home"], heading="新", **place)  # type: ignore[arg-type]
        with pytest.raises(tasks.PlaceUnknown), database.transaction() as session:
            tasks.create(session, actor, data, now=NOW)

    def test_refuses_a_parent_or_track_of_another_programme(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        home = world.programmes["home"]
        foreign_track = world.tracks["outside/funding"]
        for refusal, data in (
            (tasks.PlaceUnknown, TaskCreate(programme_id=home, parent_id=world.tasks["outside"], heading="新")),
            (tasks.TrackUnknown, TaskCreate(programme_id=home, section="四", track_id=foreign_track, heading="新")),
            (NotFound, TaskCreate(programme_id=world.programmes["outside"], section="四", heading="新")),
        ):
            with pytest.raises(refusal), database.transaction() as session:
                tasks.create(session, actor, data, now=NOW)


class TestUpdate:
    @pytest.mark.parametrize("login", ["coordinator", "recipient"])
    def test_is_for_both_sides_and_keeps_the_plans_wording(self, database: Database, world: World, login: str) -> None:
        actor, task_id = actor_of(database, world, login), world.tasks["issued"]
        with database.transaction() as session:
            before = session.get_one(Task, task_id).text
            tasks.update(session, actor, task_id, 1, TaskUpdate(text="改后的话", reason="说明"), now=NOW)
        with database.reading() as session:
            row = session.exec(
                select(Event)
                .where(col(Event.subject_type) == "tasks", col(Event.subject_id) == task_id)
                .where(col(Event.kind) == EventKind.ROW)
                .order_by(col(Event.id).desc())
            ).first()
            assert row is not None
            assert row.before == {"text": before}
            assert tasks.plan_wording(session, task_id) == before

    def test_leaves_the_version_of_an_unchanged_task(self, database: Database, world: World) -> None:
        actor, task_id = actor_of(database, world, "coordinator"), world.tasks["issued"]
        with database.transaction() as session:
            heading = session.get_one(Task, task_id).heading
            assert tasks.update(session, actor, task_id, 1, TaskUpdate(heading=heading), now=NOW).version == 1

    def test_refuses_an_older_version(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with database.transaction() as session:
            tasks.update(session, actor, world.tasks["issued"], 1, TaskUpdate(heading="一"), now=NOW)
        with pytest.raises(StaleVersion), database.transaction() as session:
            tasks.update(session, actor, world.tasks["issued"], 1, TaskUpdate(heading="二"), now=NOW)

    def test_refuses_a_date_on_an_open_ended_task(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        with pytest.raises(DueAndOpenEnded), database.transaction() as session:
            tasks.update(session, actor, world.tasks["issued"], 1, TaskUpdate(open_ended=True), now=NOW)
        with database.transaction() as session:
            data = TaskUpdate(open_ended=True, due_on=None)
            task = tasks.update(session, actor, world.tasks["issued"], 1, data, now=NOW)
        assert (task.due_on, task.first_due_on) == (None, date(2023, 12, 31))

    @pytest.mark.parametrize("login", [name for name in BUSINESS if name not in ("coordinator", "recipient")])
    def test_is_for_nobody_else(self, database: Database, world: World, login: str) -> None:
        actor = actor_of(database, world, login)
        refusal = NotFound if login in SEES_NOTHING else Forbidden
        with pytest.raises(refusal), database.transaction() as session:
            tasks.update(session, actor, world.tasks["issued"], 1, TaskUpdate(heading="改"), now=NOW)


class TestWithdraw:
    def test_keeps_the_record_and_refuses_what_is_over(self, database: Database, world: World) -> None:
        actor, task_id = actor_of(database, world, "coordinator"), world.tasks["issued"]
        with database.transaction() as session:
            tasks.withdraw(session, actor, task_id, 1, "与方案第二版合并", now=NOW)
        for change in (
            lambda session: tasks.withdraw(session, actor, task_id, 2, "再次", now=NOW),
            lambda session: tasks.update(session, actor, task_id, 2, TaskUpdate(heading="改"), now=NOW),
        ):
            with pytest.raises(TaskEnded), database.transaction() as session:
                change(session)
        with database.reading() as session:
            assert tasks.show(session, actor, task_id).state == TaskState.WITHDRAWN

    def test_refuses_above_open_children(self, database: Database, world: World) -> None:
        actor, task_id = actor_of(database, world, "coordinator"), world.tasks["issued"]
        with database.transaction() as session:
            data = TaskCreate(programme_id=world.programmes["home"], parent_id=task_id, heading="子任务")
            tasks.create(session, actor, data, now=NOW)
        with pytest.raises(TaskHasOpenChildren), database.transaction() as session:
            tasks.withdraw(session, actor, task_id, 1, "撤销", now=NOW)
