"""Reading the log: the audit trail, the change feed and timelines show nobody more than they may see."""

from dataclasses import replace

import pytest
from sqlmodel import col, select

from app.database import Database
from app.models import Event, EventKind, User
from app.schemas.assignment import AssignmentCreate, AssignmentUpdate
from app.schemas.event import EventFilters
from app.schemas.task import TaskUpdate
from app.services import assignments, attachments, audit, events, tasks, timelines
from tests.factories import NOW, SYSTEM, World
from tests.personas import PERSONAS
from tests.services.test_tasks import actor_of


def read(database: Database, world: World, login: str, **filters: object) -> list[dict[str, object]]:
    with database.reading() as session:
        found = audit.page(
            session,
            actor_of(database, world, login),
            EventFilters.model_validate(filters),
            limit=200,
            cursor=None,
        )
    return list(found.rows)


@pytest.fixture
def changed(database: Database, world: World) -> None:
    """A change of the draft, of an issued task and of another bureau's, and a download."""
    with database.transaction() as session:
        home = actor_of(database, world, "coordinator")
        tasks.update(session, home, world.tasks["draft"], 1, TaskUpdate(heading="机密的草稿"), now=NOW)
        tasks.update(session, home, world.tasks["issued"], 1, TaskUpdate(heading="改后", reason="说明"), now=NOW)
        outside = actor_of(database, world, "outsider")
        tasks.update(session, outside, world.tasks["outside"], 1, TaskUpdate(heading="外单位的事"), now=NOW)
        file = attachments.StoredFile("验收.pdf", "application/pdf", 3, "0" * 64)
        made = attachments.create(session, home, world.tasks["issued"], file, now=NOW)
        attachments.note_download(session, home, attachments.show(session, home, made.key))


@pytest.mark.usefixtures("changed")
class TestSeen:
    def test_a_draft_is_for_those_who_see_it(self, database: Database, world: World) -> None:
        knows = {login for login in PERSONAS if "机密的草稿" in str(read(database, world, login))}
        assert knows == {"coordinator", "recipient", "treasurer", "inspector", "leader", "receiving_leader", "auditor"}

    def test_another_bureau_is_for_nobody_here(self, database: Database, world: World) -> None:
        knows = {login for login in PERSONAS if "外单位的事" in str(read(database, world, login))}
        assert knows == {"outsider"}
        for filters in (
            {"programme": world.programmes["outside"]},
            {"subject_type": "tasks", "subject_id": world.tasks["outside"]},
            {"actor_id": world.users["outsider"]},
            {"person": "outsider"},
        ):
            assert read(database, world, "inspector", **filters) == []

    def test_an_access_is_for_those_who_keep_watch(self, database: Database, world: World) -> None:
        knows = {login for login in PERSONAS if read(database, world, login, verb="attachment.download")}
        assert knows == {"inspector", "leader", "receiving_leader", "audit_admin"}

    def test_the_audit_administrator_reads_no_business(self, database: Database, world: World) -> None:
        found = read(database, world, "audit_admin")
        text = str(found)
        assert "验收" not in text
        assert "改后" not in text
        assert {item["subject_type"] for item in found if item["kind"] != EventKind.ACCESS} <= audit.ACCOUNTS

    @pytest.mark.parametrize("login", ["superior", "system_admin", "security_admin"])
    def test_others_see_none(self, database: Database, world: World, login: str) -> None:
        assert read(database, world, login) == []

    def test_addresses_are_for_those_who_keep_watch(self, database: Database, world: World) -> None:
        with database.transaction() as session:
            task = session.get_one(User, world.users["handler"])
            task.language = "en"
            events.record(session, SYSTEM, "user.update", task)
        assert all(item["address"] == "" for item in read(database, world, "handler"))


@pytest.mark.usefixtures("changed")
class TestFilters:
    def test_narrow(self, database: Database, world: World) -> None:
        reason = read(database, world, "inspector", verb="task.", subject_id=world.tasks["issued"])
        assert [item["reason"] for item in reason] == ["说明"]
        assert {item["actor_name"] for item in read(database, world, "inspector", person="统筹")} == {"统筹员"}
        assert read(database, world, "inspector", person="%") == []
        assert read(database, world, "inspector", until="2026-11-22", verb="task.update") == []
        assert len(read(database, world, "inspector", since="2026-11-23", until="2026-11-23", verb="task.update")) == 2
        assert read(database, world, "inspector", kind="access", verb="attachment")


class TestSealed:
    def test_is_open_to_the_audit_administrator_and_recorded(self, database: Database, world: World) -> None:
        with database.transaction() as session:
            user = session.get_one(User, world.users["handler"])
            user.phone = "13800000000"
            events.record(session, SYSTEM, "user.update", user)
        found = read(database, world, "audit_admin", subject_type="users", kind="row")
        assert "13800000000" in str(found)
        assert world.users["handler"] in audit.in_clear(found)

    def test_is_masked_for_a_token_without_the_right(self, database: Database, world: World) -> None:
        actor = replace(actor_of(database, world, "audit_admin"), scopes=frozenset({"audit:read", "event:read"}))
        with database.reading() as session:
            found = audit.page(session, actor, EventFilters(subject_type="users"), limit=200, cursor=None)
        assert audit.in_clear(found.rows) == []
        assert audit.MASK in str(found.rows)
        assert "sealed:" not in str(found.rows)


class TestFeed:
    def test_goes_through_everything_once_in_order(self, database: Database, world: World, changed: None) -> None:
        actor = actor_of(database, world, "inspector")
        after, got = "0-0", []
        with database.reading() as session:
            while True:
                items, following = audit.feed(session, actor, EventFilters(), after, 3)
                got += [item["id"] for item in items]
                if following is None:
                    break
                after = following
            expected = session.connection().scalars(
                select(Event.id)
                .where(col(Event.programme_id) == world.programmes["home"])
                .order_by(col(Event.transaction_id), col(Event.id))
            )
            # On PostgreSQL another test's open transaction may hold the reader back; it never skips.
            complete = list(expected)
            assert got == (complete if database.is_sqlite else complete[: len(got)])


class TestTimeline:
    def test_tells_what_changed_in_names(self, database: Database, world: World) -> None:
        actor, task_id = actor_of(database, world, "coordinator"), world.tasks["issued"]
        with database.transaction() as session:
            data = TaskUpdate(track_id=world.tracks["home/funding"], heading="改后", reason="说明")
            tasks.update(session, actor, task_id, 1, data, now=NOW)
            part = AssignmentUpdate(handler_id=world.users["handler"])
            assignments.update(session, actor, world.assignments["issued"], 1, part, now=NOW)
        with database.reading() as session:
            found = timelines.of_task(session, actor, task_id).rows
        assert [item.verb for item in found] == ["assignment.update", "task.update", "demo.build"]
        assert found[0].actor_name == "统筹员"
        fields = {change.field: (change.before, change.after) for item in found for change in item.changes}
        assert fields["track_id"] == ("项目援疆", "资金援疆")
        assert fields["handler_id"] == (None, "承办员")
        assert fields["heading"] == ("任务2：建立联络机制", "改后")

    def test_keeps_a_unit_that_was_taken_off(self, database: Database, world: World) -> None:
        actor, task_id = actor_of(database, world, "coordinator"), world.tasks["draft"]
        with database.transaction() as session:
            assignments.remove(session, actor, world.assignments["draft"], 1, now=NOW)
        with database.reading() as session:
            found = timelines.of_task(session, actor, task_id).rows
        assert (found[0].verb, found[0].subject_name) == ("assignment.remove", "规划财务处")

    def test_pages_without_doubling_a_verb(self, database: Database, world: World) -> None:
        actor, task_id = actor_of(database, world, "coordinator"), world.tasks["issued"]
        with database.transaction() as session:
            for version in range(1, 8):
                tasks.update(session, actor, task_id, version, TaskUpdate(heading=f"第{version}稿"), now=NOW)
            data = AssignmentCreate(task_id=task_id, unit_id=world.units["减灾科"])
            assignments.create(session, actor, data, now=NOW)
        got, cursor = [], None
        with database.reading() as session:
            while True:
                page = timelines.of_task(session, actor, task_id, limit=2, cursor=cursor)
                got += [item.id for item in page.rows]
                cursor = page.next_cursor
                if cursor is None:
                    break
        assert len(got) == len(set(got)) == 9
        assert got == sorted(got, reverse=True)
