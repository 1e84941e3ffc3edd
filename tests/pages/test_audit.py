"""The audit trail on a page and over the API: who reads it, and what it hides."""

from sqlmodel import col, select

from app.database import Database
from app.models import Event, User
from app.services import events
from tests.clients import ApiClient, PageClient
from tests.factories import SYSTEM, World
from tests.personas import BUSINESS, EVERYBODY


def change_phone(database: Database, world: World) -> None:
    with database.transaction() as session:
        user = session.get_one(User, world.users["handler"])
        user.phone = "13800000000"
        events.record(session, SYSTEM, "user.update", user)


class TestPage:
    def test_is_for_those_who_keep_watch(self, pages: PageClient) -> None:
        expected = dict.fromkeys(EVERYBODY, 403) | {"nobody": 303}
        expected |= dict.fromkeys(("inspector", "leader", "receiving_leader", "audit_admin"), 200)
        assert {login: pages.as_(login).get("/audit").status_code for login in EVERYBODY} == expected

    def test_shows_personal_fields_in_clear_and_records_that(
        self, pages: PageClient, database: Database, world: World
    ) -> None:
        change_phone(database, world)
        html = pages.as_("audit_admin").get("/audit?subject_type=users").text
        assert "13800000000" in html
        with database.reading() as session:
            noted = session.exec(select(Event).where(col(Event.verb) == "user.read_clear")).one()
        assert noted.actor_id == world.users["audit_admin"]
        assert "13800000000" not in pages.as_("inspector").get("/audit").text

    def test_filters_stand_in_the_address_and_as_words(self, pages: PageClient, world: World) -> None:
        mine = pages.as_("coordinator")
        form = {"heading": "改", "text": "", "due_on": "2027-01-01", "version": "1"}
        assert mine.post(f"/tasks/{world.tasks['issued']}", form).status_code == 303
        query = {"person": "coordinator", "verb": "task.update", "kind": "verb", "subject_type": "tasks"}
        html = pages.as_("inspector").get("/audit", params=query).text
        assert html.count('class="chip"') == 4
        assert html.count("<tr id=") == 1
        assert "统筹员" in html
        assert "没有符合条件的记录" in pages.as_("inspector").get("/audit?person=nobody").text
        assert pages.as_("inspector").get("/audit?kind=x").status_code == 422


class TestApi:
    def test_everybody_gets_what_the_table_says(self, api: ApiClient) -> None:
        expected = dict.fromkeys(BUSINESS, 200) | {"outsider": 200, "audit_admin": 200, "nobody": 401}
        expected |= dict.fromkeys(("superior", "system_admin", "security_admin"), 403)
        for path in ("/events", "/events?after=0-0"):
            assert {login: api.as_(login).get(path).status_code for login in EVERYBODY} == expected

    def test_the_feed_goes_on_from_a_position(self, api: ApiClient, world: World) -> None:
        mine = api.as_("coordinator")
        items = mine.get("/events", params={"after": "0-0", "limit": 200}).json()["items"]
        last = items[-1]["position"] if items else "0-0"
        assert mine.patch(f"/tasks/{world.tasks['issued']}", version=1, json={"heading": "改"}).status_code == 200
        following = mine.get("/events", params={"after": last}).json()["items"]
        # On PostgreSQL another test's open transaction may hold the reader back; it never skips.
        assert [item["verb"] for item in following] in (["task.update", "update"], [])
        newest = mine.get("/events", params={"limit": 2}).json()["items"]
        assert {item["verb"] for item in newest} == {"task.update", "update"}
        assert newest[0]["after"] == {"heading": "改"}

    def test_the_ends_of_the_calendar_are_days_too(self, api: ApiClient) -> None:
        for query in ({"since": "0001-01-01"}, {"until": "9999-12-31"}, {"until": "0001-01-01"}):
            assert api.as_("coordinator").get("/events", params=query).status_code == 200

    def test_a_position_or_cursor_that_is_none_is_refused(self, api: ApiClient) -> None:
        mine = api.as_("coordinator")
        for query in ({"after": "x"}, {"after": "0-0", "cursor": "y"}, {"cursor": "y"}, {"since": "soon"}):
            assert mine.get("/events", params=query).status_code == 422
