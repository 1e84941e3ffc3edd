"""Programmes, tracks and milestones over the API: every persona, every verb, and nothing of another programme."""

from typing import Any

import pytest

from tests.clients import ApiClient
from tests.factories import World
from tests.personas import BUSINESS, EVERYBODY

ADMINS = ("system_admin", "security_admin", "audit_admin")
SEES = {**dict.fromkeys(BUSINESS, 200), **dict.fromkeys(ADMINS, 404), "outsider": 404, "nobody": 401}
LISTS = SEES | dict.fromkeys(ADMINS, 403) | {"outsider": 200}
MAY_NOT = {**dict.fromkeys(EVERYBODY, 403), "outsider": 404, "nobody": 401}
HOME = "/programmes/{home}"
TRACK, MILESTONE = "/tracks/{track}", "/milestones/{milestone}"
BOTH = {"coordinator": 200, "recipient": 200}
VERBS: dict[str, tuple[str, str, Any, dict[str, int]]] = {
    "index": ("GET", "/programmes", None, LISTS),
    "show": ("GET", HOME, None, SEES),
    "parties": ("GET", f"{HOME}/parties", None, SEES),
    "tracks": ("GET", f"{HOME}/tracks", None, SEES),
    "plan_versions": ("GET", f"{HOME}/plan-versions", None, SEES),
    "track": ("GET", TRACK, None, SEES),
    "milestones": ("GET", "/milestones", None, LISTS),
    "milestone": ("GET", MILESTONE, None, SEES),
    "create": (
        "POST",
        "/programmes",
        {"title": "新方案"},
        {**dict.fromkeys(EVERYBODY, 403), "coordinator": 201, "treasurer": 201, "nobody": 401} | {"leader": 201},
    ),
    "update": ("PATCH", HOME, {"purpose": "新目标"}, MAY_NOT | {"coordinator": 200}),
    "add_party": ("POST", f"{HOME}/parties", {"unit_id": 999_999, "side": "partner"}, MAY_NOT | {"coordinator": 422}),
    "remove_party": ("DELETE", f"{HOME}/parties/1", None, MAY_NOT | {"coordinator": 409}),
    "create_track": ("POST", f"{HOME}/tracks", {"name": "科技"}, MAY_NOT | {"coordinator": 201}),
    "update_track": ("PATCH", TRACK, {"name": "经费"}, MAY_NOT | {"coordinator": 200}),
    "remove_track": ("DELETE", TRACK, None, MAY_NOT | {"coordinator": 409}),
    "create_milestone": (
        "POST",
        "/milestones",
        {"programme_id": "home", "what": "终期评估"},
        MAY_NOT | {"coordinator": 201, "recipient": 201},
    ),
    "update_milestone": ("PATCH", MILESTONE, {"kind": "goal"}, MAY_NOT | {"coordinator": 200, "recipient": 412}),
    "remove_milestone": ("DELETE", MILESTONE, None, MAY_NOT | {"coordinator": 204, "recipient": 404}),
}


def ask(api: ApiClient, world: World, verb: str, login: str) -> int:
    method, path, body, _ = VERBS[verb]
    path = path.format(
        home=world.programmes["home"], track=world.tracks["home/funding"], milestone=world.milestones["home"]
    )
    if body is not None and "programme_id" in body:
        body = body | {"programme_id": world.programmes["home"]}
    version = 1 if method in ("PATCH", "DELETE") else None
    options = {} if body is None else {"json": body}
    return api.as_(login).request(method, path, version=version, **options).status_code


class TestEverybody:
    @pytest.mark.parametrize("verb", sorted(VERBS))
    def test_gets_what_the_table_says(self, api: ApiClient, world: World, verb: str) -> None:
        expected = VERBS[verb][3]
        # Who may goes after those who may not; the recipient last, who then meets what was changed.
        order = sorted(EVERYBODY, key=lambda login: (expected[login] < 300, login == "recipient"))
        if expected["recipient"] in (404, 412):
            order = [*(login for login in order if login != "recipient"), "recipient"]
        assert {login: ask(api, world, verb, login) for login in order} == expected


class TestAnotherProgramme:
    @pytest.mark.parametrize("path", ["", "/parties", "/tracks", "/plan-versions", "/plan-versions/1"])
    def test_answers_as_if_there_were_nothing(self, api: ApiClient, world: World, path: str) -> None:
        real = api.as_("coordinator").get(f"/programmes/{world.programmes['outside']}{path}")
        none = api.as_("coordinator").get(f"/programmes/999999{path}")
        assert (real.status_code, real.json()) == (404, none.json())

    def test_its_parts_are_not_there_either(self, api: ApiClient, world: World) -> None:
        mine = api.as_("coordinator")
        for path, key in (("/tracks", world.tracks["outside/funding"]), ("/milestones", world.milestones["outside"])):
            assert mine.get(f"{path}/{key}").status_code == 404
            assert mine.patch(f"{path}/{key}", version=1, json={}).status_code == 404
            assert mine.delete(f"{path}/{key}", version=1).status_code == 404

    def test_is_in_no_list_or_filter(self, api: ApiClient, world: World) -> None:
        mine = api.as_("coordinator")
        items = mine.get("/programmes").json()["items"]
        assert [item["id"] for item in items] == [world.programmes["home"]]
        found = mine.get("/milestones", params={"programme": world.programmes["outside"]}).json()
        assert found == {"items": [], "next_cursor": None}

    def test_cannot_be_joined_from_here(self, api: ApiClient, world: World) -> None:
        mine = api.as_("coordinator")
        body = {"name": "新局", "programme_id": world.programmes["outside"], "side": "aiding"}
        real, none = mine.post("/units", json=body), mine.post("/units", json=body | {"programme_id": 999_999})
        assert (real.status_code, real.json()) == (422, none.json())
        party = next(
            iter(api.as_("outsider").get(f"/programmes/{world.programmes['outside']}/parties").json()["items"])
        )
        path = f"/programmes/{world.programmes['home']}/parties/{party['id']}"
        assert mine.delete(path, version=1).status_code == 404


class TestNewProgramme:
    def test_is_its_makers_to_fill(self, api: ApiClient, world: World) -> None:
        mine = api.as_("coordinator")
        made = mine.post("/programmes", json={"title": "“十五五”对口援疆工作方案", "side": "aiding"})
        assert made.status_code == 201
        path = made.headers["Location"].removeprefix("/api/v1")
        assert [track["name"] for track in mine.get(f"{path}/tracks").json()["items"]] == [
            "资金",
            "项目",
            "智力",
            "科技",
            "民生",
        ]
        receiving = world.units["巴州应急管理局"]
        assert mine.post(f"{path}/parties", json={"unit_id": receiving, "side": "receiving"}).status_code == 201
        assert api.as_("recipient").get(path).status_code == 404, "a party sees nothing without a seat"

    def test_counts_only_tasks_that_the_reader_sees(self, api: ApiClient, world: World) -> None:
        path = f"/programmes/{world.programmes['home']}/tracks"
        counts = {
            login: [track["tasks"] for track in api.as_(login).get(path).json()["items"]]
            for login in ("coordinator", "receiving_handler", "superior")
        }
        assert counts == {"coordinator": [1, 1, 1], "receiving_handler": [0, 1, 1], "superior": [0, 0, 0]}
