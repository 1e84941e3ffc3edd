"""Tasks and assignments over the API: every persona, every verb, and nothing of another bureau's."""

from typing import Any

import pytest
from fastapi import FastAPI

from tests.clients import ApiClient
from tests.factories import World
from tests.personas import BUSINESS, EVERYBODY
from tests.queries import counting

READS = dict.fromkeys(BUSINESS, 200) | {"superior": 404, "partner": 404}
ADMINS = ("system_admin", "security_admin", "audit_admin")
NOTHING = {**dict.fromkeys(ADMINS, 404), "outsider": 404, "nobody": 401}
REFUSED = {**dict.fromkeys(ADMINS, 403), "superior": 403, "nobody": 401}
# A read right is held by these, but not the verb's; the route's own check refuses before anything is looked up.
MAY_NOT = dict.fromkeys(BUSINESS, 403)
VERBS: dict[str, tuple[str, str, dict[str, Any], dict[str, int]]] = {
    "index": ("GET", "/tasks", {}, {**dict.fromkeys(BUSINESS, 200), "superior": 403, **dict.fromkeys(ADMINS, 403)}),
    "show": ("GET", "/tasks/{issued}", {}, READS | NOTHING),
    "children": ("GET", "/tasks/{issued}/children", {}, READS | NOTHING),
    "create": ("POST", "/tasks", {"programme_id": 1, "section": "四", "heading": "新"}, MAY_NOT | {"coordinator": 201}),
    "update": (
        "PATCH",
        "/tasks/{issued}",
        {"heading": "改"},
        MAY_NOT | {"coordinator": 200, "recipient": 200, "outsider": 404},
    ),
    "withdraw": (
        "POST",
        "/tasks/{issued}/withdraw",
        {"reason": "合并"},
        MAY_NOT | {"coordinator": 200, "outsider": 404},
    ),
    "assignments": ("GET", "/assignments", {}, {**dict.fromkeys(BUSINESS, 200), "superior": 403}),
    "assignment": ("GET", "/assignments/{issued}", {}, READS | NOTHING),
    "assign": ("POST", "/assignments", {"task_id": 0, "unit_id": 0}, MAY_NOT | {"coordinator": 201, "outsider": 404}),
    "reassign": (
        "PATCH",
        "/assignments/{issued}",
        {"role": "guiding"},
        MAY_NOT | {"coordinator": 200, "outsider": 404},
    ),
    "confirm": ("POST", "/assignments/{issued}/confirm-role", {}, MAY_NOT | {"coordinator": 200, "outsider": 404}),
    "remove": ("POST", "/assignments/{draft}/remove", {}, MAY_NOT | {"coordinator": 204, "outsider": 404}),
}


def ask(api: ApiClient, world: World, verb: str, login: str) -> int:
    method, path, body, _ = VERBS[verb]
    ids = world.assignments if path.startswith("/assignments") else world.tasks
    if "programme_id" in body:
        body = body | {"programme_id": world.programmes["home"]}
    if "unit_id" in body:
        body = {"task_id": world.tasks["issued"], "unit_id": world.units["减灾科"]}
    version = 1 if "{" in path and method != "GET" else None
    options = {"json": body} if body else {}
    return api.as_(login).request(method, path.format(**ids), version=version, **options).status_code


class TestEverybody:
    @pytest.mark.parametrize("verb", sorted(VERBS))
    def test_gets_what_the_table_says(self, api: ApiClient, world: World, verb: str) -> None:
        stated = VERBS[verb][3]
        default = {**REFUSED, "outsider": 404 if verb == "create" else 200}
        expected = {login: stated.get(login, default.get(login)) for login in EVERYBODY}
        # Those who may come last, so that the thing is still there for those who may not.
        order = sorted(EVERYBODY, key=lambda login: (expected[login] or 0) < 400)
        got: dict[str, int] = {}
        for login in order:
            got[login] = ask(api, world, verb, login)
            if verb in ("update", "withdraw", "reassign") and login == "coordinator":
                expected["recipient"] = 412 if verb == "update" else expected["recipient"]
        assert got == expected


class TestAnotherBureau:
    """What a coordinator of "home" can learn about "outside": nothing, by any way in."""

    @pytest.mark.parametrize("path", ["/tasks/{id}", "/tasks/{id}/children", "/assignments/{assignment}"])
    def test_answers_as_if_there_were_nothing(self, api: ApiClient, world: World, path: str) -> None:
        ids = {"id": world.tasks["outside"], "assignment": world.assignments["outside"]}
        real = api.as_("coordinator").get(path.format(**ids))
        none = api.as_("coordinator").get(path.format(id=999999, assignment=999999))
        assert (real.status_code, real.json()) == (404, none.json())

    def test_is_not_changed(self, api: ApiClient, world: World) -> None:
        mine, key = api.as_("coordinator"), world.tasks["outside"]
        assert mine.patch(f"/tasks/{key}", version=1, json={"heading": "改"}).status_code == 404
        assert mine.post(f"/tasks/{key}/withdraw", version=1, json={"reason": "撤"}).status_code == 404
        body = {"task_id": key, "unit_id": world.units["减灾科"]}
        assert mine.post("/assignments", json=body).status_code == 404
        assert mine.post(f"/assignments/{world.assignments['outside']}/remove", version=1).status_code == 404

    def test_is_in_no_list_filter_sort_or_search(self, api: ApiClient, world: World) -> None:
        mine = api.as_("coordinator")
        for query in (
            {"programme": world.programmes["outside"]},
            {"track": world.tracks["outside/funding"]},
            {"unit": world.units["计划处"]},
            {"q": "任务4"},
        ):
            assert mine.get("/tasks", params=query).json() == {"items": [], "next_cursor": None}
        for sort in ("plan", "due", "updated"):
            found = mine.get("/tasks", params={"sort": sort}).json()["items"]
            assert {item["programme_id"] for item in found} == {world.programmes["home"]}

    def test_lends_no_cursor(self, api: ApiClient, world: World) -> None:
        cursor = api.as_("coordinator").get("/tasks", params={"limit": 1}).json()["next_cursor"]
        stolen = api.as_("outsider").get("/tasks", params={"limit": 1, "cursor": cursor}).json()["items"]
        assert {item["programme_id"] for item in stolen} <= {world.programmes["outside"]}
        bent = cursor[:-2] + ("AA" if not cursor.endswith("AA") else "BB")
        refused = api.as_("coordinator").get("/tasks", params={"limit": 1, "cursor": bent})
        assert (refused.status_code, refused.json()["code"]) == (422, "cursor_refused")

    def test_gives_no_unit_or_track_to_name(self, api: ApiClient, world: World) -> None:
        mine = api.as_("coordinator")
        for unit in (world.units["计划处"], 999999):
            answer = mine.post("/assignments", json={"task_id": world.tasks["issued"], "unit_id": unit})
            assert (answer.status_code, answer.json()["code"]) == (422, "unit_not_in_programme")
        for track in (world.tracks["outside/funding"], 999999):
            answer = mine.patch(f"/tasks/{world.tasks['issued']}", version=1, json={"track_id": track})
            assert (answer.status_code, answer.json()["code"]) == (422, "track_unknown")


class TestVersions:
    def test_a_change_needs_one(self, api: ApiClient, world: World) -> None:
        path = f"/tasks/{world.tasks['issued']}"
        mine = api.as_("recipient")
        assert mine.patch(path, json={"heading": "改"}).status_code == 428
        shown = mine.get(path)
        assert shown.headers["ETag"] == '"1"'
        changed = mine.patch(path, version=1, json={"heading": "改"})
        assert (changed.status_code, changed.headers["ETag"], changed.json()["heading"]) == (200, '"2"', "改")
        stale = mine.patch(path, version=1, json={"heading": "又改"})
        assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")

    def test_an_unchanged_list_is_not_sent_again(self, api: ApiClient, world: World) -> None:
        mine = api.as_("coordinator")
        first = mine.get("/tasks")
        tag = first.headers["ETag"]
        assert mine.get("/tasks", headers={"If-None-Match": tag}).status_code == 304
        mine.patch(f"/tasks/{world.tasks['issued']}", version=1, json={"heading": "改"})
        assert mine.get("/tasks", headers={"If-None-Match": tag}).status_code == 200


class TestScope:
    def test_an_unknown_field_or_filter_is_refused(self, api: ApiClient, world: World) -> None:
        mine = api.as_("coordinator")
        assert mine.get("/tasks", params={"prgramme": 1}).status_code == 422
        assert mine.patch(f"/tasks/{world.tasks['issued']}", version=1, json={"state": "closed"}).status_code == 422
        assert mine.get("/tasks", params={"q": "\x00"}).status_code == 422


class TestQueries:
    def test_do_not_grow_with_the_rows(self, api: ApiClient, app: FastAPI, world: World) -> None:
        mine = api.as_("coordinator")
        mine.get("/tasks")
        with counting(app.state.database) as few:
            mine.get("/tasks", params={"limit": 1})
        for number in range(50):
            body = {"programme_id": world.programmes["home"], "section": "四", "heading": f"任务{number}"}
            assert mine.post("/tasks", json=body).status_code == 201
        with counting(app.state.database) as many:
            assert len(mine.get("/tasks", params={"limit": 50}).json()["items"]) == 50
        assert few.count == many.count
