"""Plans under review, over the API: from the upload to the programme that both sides see."""

from typing import Any

import httpx
import pytest
from sqlalchemy import event

from app.database import Database
from tests.clients import ApiClient
from tests.factories import World
from tests.personas import AIDING, EVERYBODY, NOBODY, RECEIVING
from tests.plan_texts import AMENDED, PLAN, TITLE, long_plan

# Who may import some plan: coordinators, and people of the units that hold the grant.
MAY_IMPORT = {"coordinator", "leader", "treasurer", "outsider"}
# Of those, who sees an import of the aiding bureau.
SEES = {"coordinator", "leader", "treasurer"}


def upload(api: ApiClient, text: str | bytes = PLAN, name: str = "方案.txt") -> httpx.Response:
    data = text.encode() if isinstance(text, str) else text
    return api.post("/plan-imports", files={"file": (name, data)})


def change(api: ApiClient, import_id: int, verb: str, **body: Any) -> Any:
    """A verb on the import as it stands."""
    version = api.get(f"/plan-imports/{import_id}").json()["version"]
    return api.post(f"/plan-imports/{import_id}/{verb}", version=version, json=body or None)


@pytest.fixture
def coordinator(api: ApiClient) -> ApiClient:
    return api.as_("coordinator")


@pytest.fixture
def import_id(coordinator: ApiClient) -> int:
    return int(upload(coordinator).json()["id"])


class TestCreate:
    def test_reads_and_answers_with_what_is_left_to_do(self, coordinator: ApiClient) -> None:
        response = upload(coordinator)
        body = response.json()
        assert response.status_code == 201
        assert response.headers["Location"] == f"/api/v1/plan-imports/{body['id']}"
        assert response.headers["ETag"] == f'"{body["version"]}"'
        assert (body["title"], body["counts"]["task"], body["counts"]["doubtful"]) == (TITLE, 5, 2)
        assert [entry["code"] for entry in body["missing"]] == ["unit_undecided"]

    @pytest.mark.parametrize(
        ("data", "name", "status", "code"),
        [
            (b"", "a.txt", 422, "plan_empty"),
            (bytes(range(256)) * 40, "a.bin", 415, "plan_binary"),
            (b"\x89PNG\r\n\x1a\n" + bytes(200), "a.png", 415, "plan_format_unknown"),
            ("今天天气很好。".encode(), "a.txt", 422, "plan_not_recognised"),
        ],
    )
    def test_refuses_what_is_no_plan(
        self, coordinator: ApiClient, data: bytes, name: str, status: int, code: str
    ) -> None:
        response = upload(coordinator, data, name)
        assert (response.status_code, response.json()["code"]) == (status, code)
        assert response.json()["errors"][0]["field"] == "file"
        assert coordinator.get("/plan-imports").json()["items"] == []

    def test_refuses_a_form_without_a_file(self, coordinator: ApiClient) -> None:
        for options in ({"data": {"file": "text"}}, {"json": {"file": "x"}}, {}):
            response = coordinator.post("/plan-imports", **options)
            assert (response.status_code, response.json()["code"]) == (422, "required")

    def test_refuses_what_is_too_large_before_it_is_read(self, coordinator: ApiClient) -> None:
        response = upload(coordinator, b"x" * (21 * 1024 * 1024))
        assert (response.status_code, response.json()["code"]) == (413, "too_large")

    def test_refuses_the_same_file_while_it_is_under_review(self, coordinator: ApiClient, import_id: int) -> None:
        response = upload(coordinator)
        assert (response.status_code, response.json()["code"]) == (409, "plan_under_review")
        assert str(import_id) in response.json()["detail"]

    def test_keeps_the_original(self, coordinator: ApiClient, import_id: int) -> None:
        response = coordinator.get(f"/plan-imports/{import_id}/file")
        assert response.content == PLAN.encode()
        assert response.headers["Content-Disposition"].startswith("attachment;")

    def test_is_open_to_those_who_may_import(self, api: ApiClient) -> None:
        for number, login in enumerate(EVERYBODY):
            status = upload(api.as_(login), f"{PLAN}{' ' * number}").status_code
            assert status == (401 if login == NOBODY else 201 if login in MAY_IMPORT else 403), login


class TestReview:
    def test_shows_lines_items_and_nothing_of_another_bureaus(
        self, api: ApiClient, coordinator: ApiClient, import_id: int
    ) -> None:
        items = coordinator.get(f"/plan-imports/{import_id}/items?kind=task&limit=2").json()
        lines = coordinator.get(f"/plan-imports/{import_id}/lines?start=5&limit=3").json()
        assert len(items["items"]) == 2
        assert items["next_cursor"]
        assert ([line["line"] for line in lines["items"]], lines["next_cursor"]) == ([5, 6, 7], "8")
        own = upload(api.as_("outsider")).json()["id"]
        stolen = api.as_("outsider").get(f"/plan-imports/{own}/items?cursor={items['next_cursor']}")
        assert (stolen.status_code, stolen.json()["code"]) == (422, "cursor_refused")
        assert [row["id"] for row in api.as_("outsider").get("/plan-imports").json()["items"]] == [own]
        assert api.as_("outsider").get("/plan-imports", params={"q": "对口协作"}).json()["items"][0]["id"] == own

    def test_every_route_and_persona(self, api: ApiClient, coordinator: ApiClient, import_id: int) -> None:
        item = coordinator.get(f"/plan-imports/{import_id}/items").json()["items"][0]["id"]
        base = f"/plan-imports/{import_id}"
        for login in EVERYBODY:
            someone = api.as_(login)
            unseen = 401 if login == NOBODY else 404 if login in MAY_IMPORT else 403
            for path in ("", "/items", f"/items/{item}", "/lines", "/differences", "/file"):
                status = someone.get(base + path).status_code
                assert status == (200 if login in SEES else unseen), (login, path)
            if login in SEES:
                continue
            for path, body in (
                ("/map-unit", {"named_as": "规财处"}),
                ("/create-units", None),
                ("/set-sections", {"sections": []}),
                ("/set-parties", {"parties": []}),
                ("/accept", {}),
                ("/drop", {}),
                (f"/items/{item}/drop", None),
                (f"/items/{item}/restore", None),
                (f"/items/{item}/settle", None),
            ):
                status = someone.post(base + path, version=1, json=body).status_code
                assert status == unseen, (login, path)
            assert someone.post(f"{base}/items", json={"kind": "task", "heading": "某"}).status_code == unseen
            assert someone.patch(base, version=1, json={"title": "改"}).status_code == unseen
            assert someone.patch(f"{base}/items/{item}", version=1, json={"heading": "改"}).status_code == unseen

    def test_wants_the_version(self, coordinator: ApiClient, import_id: int) -> None:
        base = f"/plan-imports/{import_id}"
        assert coordinator.patch(base, json={"title": "改"}).status_code == 428
        assert coordinator.patch(base, version=9, json={"title": "改"}).json()["code"] == "stale_version"
        item = coordinator.get(f"{base}/items").json()["items"][0]
        path = f"{base}/items/{item['id']}"
        changed = coordinator.patch(path, version=item["version"], json={"what": "改后的节点"})
        assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
        assert coordinator.patch(path, version=item["version"], json={"what": "又改"}).status_code == 412

    def test_asks_the_same_number_of_queries_for_any_length(
        self, app: Any, coordinator: ApiClient, import_id: int
    ) -> None:
        long_id = upload(coordinator, long_plan(300)).json()["id"]
        database: Database = app.state.database

        def queries(path: str) -> int:
            seen: list[str] = []

            def note(*arguments: Any) -> None:
                seen.append(arguments[2])

            engines = {database._reader, database._writer} if database.is_sqlite else {database._writer}
            for engine in engines:
                event.listen(engine, "before_cursor_execute", note)
            assert coordinator.get(path).status_code == 200
            for engine in engines:
                event.remove(engine, "before_cursor_execute", note)
            return len(seen)

        for path in ("", "/items", "/lines"):
            assert queries(f"/plan-imports/{import_id}{path}") == queries(f"/plan-imports/{long_id}{path}"), path


class TestAccept:
    def _ready(self, api: ApiClient, import_id: int, world: World) -> None:
        parties = [
            {"name": AIDING, "side": "aiding", "unit_id": world.units[AIDING]},
            {"name": RECEIVING, "side": "receiving", "unit_id": world.units[RECEIVING]},
        ]
        assert change(api, import_id, "set-parties", parties=parties).status_code == 200
        unit = {"named_as": "人才交流办公室", "create": {"name": "人才交流办公室", "place": "under_aiding"}}
        assert change(api, import_id, "map-unit", **unit).status_code == 200
        assert change(api, import_id, "create-units").status_code == 200

    def test_makes_the_programme_once(self, coordinator: ApiClient, import_id: int, world: World) -> None:
        self._ready(coordinator, import_id, world)
        version = coordinator.get(f"/plan-imports/{import_id}").json()["version"]
        path = f"/plan-imports/{import_id}/accept"
        first = coordinator.post(path, version=version, json={})
        again = coordinator.post(path, version=version, json={})
        assert (first.status_code, first.json()["tasks"], first.json()["number"]) == (200, 5, 1)
        assert (again.status_code, again.json()["code"]) == (409, "plan_import_accepted")
        assert str(first.json()["programme_id"]) in again.json()["detail"]
        shown = coordinator.get(f"/plan-imports/{import_id}").json()
        assert (shown["state"], shown["programme_id"]) == ("accepted", first.json()["programme_id"])

    def test_replays_the_answer_to_the_same_key(self, coordinator: ApiClient, import_id: int, world: World) -> None:
        self._ready(coordinator, import_id, world)
        version = coordinator.get(f"/plan-imports/{import_id}").json()["version"]
        answers = [
            coordinator.post(
                f"/plan-imports/{import_id}/accept", version=version, json={}, headers={"Idempotency-Key": "once"}
            )
            for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json() == answers[1].json()

    def test_says_what_is_missing(self, coordinator: ApiClient, import_id: int) -> None:
        refused = change(coordinator, import_id, "accept", duplicate=False)
        assert (refused.status_code, refused.json()["code"]) == (422, "plan_incomplete")
        assert [error["code"] for error in refused.json()["errors"]] == ["unit_undecided"]

    def test_is_seen_by_its_coordinator_and_not_by_another_bureau(
        self, api: ApiClient, coordinator: ApiClient, import_id: int, world: World
    ) -> None:
        self._ready(coordinator, import_id, world)
        programme_id = change(coordinator, import_id, "accept", duplicate=False).json()["programme_id"]
        tasks = coordinator.get("/tasks", params={"programme": programme_id}).json()["items"]
        assert len(tasks) == 5
        assert api.as_("outsider").get("/tasks", params={"programme": programme_id}).json()["items"] == []
        # The receiving side sees it as soon as the coordinator has given them their role.
        seat = {
            "programme_id": programme_id,
            "user_id": world.users["recipient"],
            "unit_id": world.units["援建科"],
            "role": "recipient",
        }
        assert coordinator.post("/memberships", json=seat).status_code == 201
        seen = api.as_("recipient").get("/tasks", params={"programme": programme_id}).json()["items"]
        assert len(seen) == 5

    def test_compares_and_makes_the_next_version(self, coordinator: ApiClient, import_id: int, world: World) -> None:
        self._ready(coordinator, import_id, world)
        programme_id = change(coordinator, import_id, "accept", duplicate=False).json()["programme_id"]
        second = upload(coordinator, AMENDED).json()
        assert second["programme_id"] == programme_id
        assert second["known_as"][0]["may_amend"] is True
        found = coordinator.get(f"/plan-imports/{second['id']}/differences").json()["items"]
        gone = [row["id"] for row in found if (row["kind"], row["noun"]) == ("removed", "task")]
        change(coordinator, second["id"], "create-units")
        result = change(coordinator, second["id"], "accept", withdraw=gone, reason="方案调整")
        assert (result.status_code, result.json()["number"]) == (200, 2)
        states = [t["state"] for t in coordinator.get("/tasks", params={"programme": programme_id}).json()["items"]]
        assert sorted(states) == ["draft"] * 5 + ["withdrawn"]
