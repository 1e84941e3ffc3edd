"""An external auditor reads everything of the programme, changes nothing, and each reading is recorded."""

from sqlmodel import select

from app.database import Database
from app.models import Event
from tests.clients import ApiClient, PageClient
from tests.factories import World


def _readings(database: Database, world: World) -> list[str]:
    with database.reading() as session:
        rows = session.exec(
            select(Event)
            .where(Event.verb == "access.read", Event.actor_id == world.users["auditor"])
            .order_by(Event.id)
        )
        return [row.subject_name for row in rows]


class TestReadings:
    def test_are_recorded_over_the_api_and_on_pages(
        self, api: ApiClient, pages: PageClient, database: Database, world: World
    ) -> None:
        task = world.tasks["draft"]
        assert api.as_("auditor").get(f"/tasks/{task}").status_code == 200
        assert pages.as_("auditor").get("/tasks").status_code == 200
        assert _readings(database, world) == [f"GET /api/v1/tasks/{task}", "GET /tasks"]

    def test_of_members_leave_no_trace(self, api: ApiClient, database: Database, world: World) -> None:
        assert api.as_("inspector").get("/tasks").status_code == 200
        assert _readings(database, world) == []

    def test_do_not_become_changes(self, api: ApiClient, world: World) -> None:
        auditor = api.as_("auditor")
        task = world.tasks["draft"]
        assert auditor.patch(f"/tasks/{task}", version=1, json={"target": "x"}).status_code == 403
