"""Jobs over the API: who sees them, and what can be done to them."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from app.database import Database
from app.models import Event, JobState
from app.services import jobs
from tests.clients import ApiClient
from tests.factories import NOW, World
from tests.personas import EVERYBODY
from tests.worker.rows import job

KINDS = {"sweep": jobs.Limits(60, 1)}


@pytest.fixture
def waiting(database: Database, world: World) -> int:
    """A job that the handler asked for."""
    with database.transaction() as session:
        number = jobs.enqueue(session, "sweep", {"secret": "词"}, now=NOW, actor_id=world.users["handler"])
    assert number is not None
    return number


@pytest.fixture
def dead(database: Database) -> int:
    """A job of the calendar that failed for good."""
    with database.transaction() as session:
        jobs.enqueue(session, "sweep", {}, now=NOW, run_at=NOW - timedelta(hours=1))
        claimed = jobs.claim(session, "a", KINDS, NOW)
        assert claimed is not None
        jobs.fail(session, claimed, "store_full", KINDS["sweep"], NOW, jitter=0)
    return claimed.id


class TestReading:
    def test_everybody_gets_what_the_table_says(self, api: ApiClient, waiting: int) -> None:
        listed = dict.fromkeys(EVERYBODY, 403) | {"system_admin": 200, "nobody": 401}
        shown = dict.fromkeys(EVERYBODY, 404) | {"system_admin": 200, "nobody": 401}
        own = shown | {"handler": 200}
        for path, expected in (("/jobs", listed), (f"/jobs/{waiting}", shown), (f"/jobs/{waiting}/progress", own)):
            assert {login: api.as_(login).get(path).status_code for login in EVERYBODY} == expected, path

    def test_nobody_reads_what_a_job_is_about(self, api: ApiClient, waiting: int) -> None:
        mine = api.as_("system_admin")
        for path in ("/jobs", f"/jobs/{waiting}", f"/jobs/{waiting}/progress"):
            assert "词" not in mine.get(path).text

    def test_filters_by_state_and_kind(self, api: ApiClient, waiting: int, dead: int) -> None:
        mine = api.as_("system_admin")
        found = {
            query: [item["id"] for item in mine.get(f"/jobs?{query}").json()["items"]]
            for query in ("state=dead", "state=queued", "kind=sweep", "kind=none")
        }
        assert found == {
            "state=dead": [dead],
            "state=queued": [waiting],
            "kind=sweep": [dead, waiting],
            "kind=none": [],
        }
        assert mine.get("/jobs?state=asleep").status_code == 422

    def test_goes_on_from_page_to_page(self, api: ApiClient, waiting: int, dead: int) -> None:
        mine = api.as_("system_admin")
        first = mine.get("/jobs?limit=1").json()
        second = mine.get("/jobs", params={"limit": 1, "cursor": first["next_cursor"]}).json()
        assert [item["id"] for item in first["items"] + second["items"]] == [dead, waiting]
        assert second["next_cursor"] is None


class TestRetry:
    def test_puts_a_dead_job_into_the_queue_and_says_who_did(
        self, api: ApiClient, database: Database, dead: int, world: World
    ) -> None:
        answer = api.as_("system_admin").post(f"/jobs/{dead}/retry")
        assert (answer.status_code, answer.json()["state"], answer.json()["failures"]) == (200, "queued", 0)
        with database.reading() as session:
            event = session.exec(select(Event).where(col(Event.verb) == "job.retry")).one()
        assert (event.subject_id, event.actor_id) == (dead, world.users["system_admin"])
        assert api.as_("system_admin").post(f"/jobs/{dead}/retry").json()["code"] == "job_not_dead"

    def test_is_for_the_system_administrator(self, api: ApiClient, dead: int) -> None:
        expected = dict.fromkeys(EVERYBODY, 403) | {"system_admin": 200, "nobody": 401}
        assert {login: api.as_(login).post(f"/jobs/{dead}/retry").status_code for login in EVERYBODY} == expected


class TestCancel:
    def test_ends_a_job_that_waits(self, api: ApiClient, database: Database, waiting: int) -> None:
        answer = api.as_("system_admin").post(f"/jobs/{waiting}/cancel", json={"reason": "占用磁盘"})
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        with database.reading() as session:
            event = session.exec(select(Event).where(col(Event.verb) == "job.cancel")).one()
        assert event.reason == "占用磁盘"
        again = api.as_("system_admin").post(f"/jobs/{waiting}/cancel", json={"reason": "再次"})
        assert (again.status_code, again.json()["code"]) == (409, "job_ended")

    def test_takes_a_running_one_from_its_worker(self, api: ApiClient, database: Database, waiting: int) -> None:
        with database.transaction() as session:
            claimed = jobs.claim(session, "a", KINDS, NOW)
        assert claimed is not None
        assert api.as_("handler").post(f"/jobs/{waiting}/cancel", json={}).status_code == 200
        with pytest.raises(jobs.LeaseLost), database.transaction() as session:
            jobs.finish(session, claimed, NOW)
        assert job(database, waiting).state is JobState.CANCELLED

    def test_somebody_elses_wants_a_reason(self, api: ApiClient, waiting: int) -> None:
        answer = api.as_("system_admin").post(f"/jobs/{waiting}/cancel", json={})
        assert (answer.status_code, answer.json()["code"]) == (422, "cancel_reason_missing")

    def test_is_for_whoever_asked_and_the_administrator(self, api: ApiClient, waiting: int) -> None:
        body = {"reason": "试"}
        expected = dict.fromkeys(EVERYBODY, 404) | {"handler": 200, "system_admin": 409, "nobody": 401}
        logins = ["handler", *(login for login in EVERYBODY if login != "handler")]
        assert {
            login: api.as_(login).post(f"/jobs/{waiting}/cancel", json=body).status_code for login in logins
        } == expected
