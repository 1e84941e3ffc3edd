"""Jobs on pages: the administrator's list, and one's own progress with a way to stop."""

import pytest

from app.database import Database
from app.models import JobState
from app.services import jobs
from tests.clients import PageClient
from tests.factories import NOW, World
from tests.personas import EVERYBODY
from tests.queries import counting
from tests.worker.rows import job

KINDS = {"sweep": jobs.Limits(60, 1)}


def put(database: Database, actor_id: int | None = None) -> int:
    with database.transaction() as session:
        number = jobs.enqueue(session, "sweep", {}, now=NOW, actor_id=actor_id)
    assert number is not None
    return number


def start(database: Database, done: int, total: int) -> jobs.Claimed:
    with database.transaction() as session:
        claimed = jobs.claim(session, "a", KINDS, NOW)
        assert claimed is not None
        jobs.progress(session, claimed, done, total)
    return claimed


class TestList:
    def test_is_for_the_system_administrator(self, pages: PageClient) -> None:
        expected = dict.fromkeys(EVERYBODY, 403) | {"system_admin": 200, "nobody": 303}
        assert {login: pages.as_(login).get("/jobs").status_code for login in EVERYBODY} == expected

    def test_says_what_runs_and_how_far_it_is(self, pages: PageClient, database: Database) -> None:
        put(database)
        start(database, 1, 4)
        html = pages.as_("system_admin").get("/jobs?state=running").text
        assert "清理过期的会话" in html
        assert "25%" in html
        assert html.count('class="chip"') == 1

    def test_an_empty_one_says_why(self, pages: PageClient) -> None:
        assert "还没有作业" in pages.as_("system_admin").get("/jobs").text
        assert "没有符合条件的作业" in pages.as_("system_admin").get("/jobs?state=dead").text

    def test_asks_the_store_as_often_for_fifty_as_for_one(self, pages: PageClient, database: Database) -> None:
        mine = pages.as_("system_admin")
        put(database)
        # The first visit of an old session may write when it was last seen.
        mine.get("/jobs")
        with counting(mine.app.state.database) as one:
            mine.get("/jobs")
        for _ in range(49):
            put(database)
        with counting(mine.app.state.database) as fifty:
            mine.get("/jobs")
        assert one.count == fifty.count

    def test_a_dead_one_is_tried_again(self, pages: PageClient, database: Database) -> None:
        number = put(database)
        with database.transaction() as session:
            claimed = jobs.claim(session, "a", KINDS, NOW)
            assert claimed is not None
            jobs.fail(session, claimed, "store_full", KINDS["sweep"], NOW, jitter=0)
        assert "store_full" in pages.as_("system_admin").get("/jobs").text
        assert pages.as_("system_admin").post(f"/jobs/{number}/retry", {}).status_code == 303
        assert job(database, number).state is JobState.QUEUED

    def test_cancelling_asks_for_a_reason(self, pages: PageClient, database: Database) -> None:
        number, mine = put(database), pages.as_("system_admin")
        refused = mine.post(f"/jobs/{number}/cancel", {"reason": ""})
        assert refused.status_code == 422
        assert "请填写停止该作业的原因" in refused.text
        assert mine.post(f"/jobs/{number}/cancel", {"reason": "磁盘将满"}).headers["location"] == "/jobs"
        assert job(database, number).state is JobState.CANCELLED


class TestProgress:
    @pytest.fixture
    def own(self, database: Database, world: World) -> int:
        """A job that the handler asked for."""
        return put(database, world.users["handler"])

    def test_is_for_whoever_asked(self, pages: PageClient, own: int) -> None:
        expected = dict.fromkeys(EVERYBODY, 404) | {"handler": 200, "system_admin": 200, "nobody": 303}
        path = f"/jobs/{own}/progress"
        assert {login: pages.as_(login).get(path).status_code for login in EVERYBODY} == expected

    def test_asks_for_itself_until_the_job_has_ended(self, pages: PageClient, database: Database, own: int) -> None:
        path = f"/jobs/{own}/progress"
        mine = pages.as_("handler")
        assert "hx-get" in mine.get(path).text
        claimed = start(database, 208, 312)
        running = mine.get(path).text
        assert 'value="208"' in running
        assert f'hx-get="{path}"' in running
        with database.transaction() as session:
            jobs.finish(session, claimed, NOW)
        ended = mine.get(path).text
        assert "已完成" in ended
        assert "hx-get" not in ended

    def test_stops_it_and_comes_back(self, pages: PageClient, database: Database, own: int) -> None:
        answer = pages.as_("handler").post(f"/jobs/{own}/cancel", {})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/jobs/{own}/progress")
        assert "已停止" in pages.as_("handler").get(f"/jobs/{own}/progress").text
        assert pages.as_("handler").post(f"/jobs/{own}/cancel", {}).status_code == 409
