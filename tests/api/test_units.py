"""Units over the API: every persona, every verb, and nothing of another bureau's."""

from typing import Any

import pytest
from fastapi import FastAPI

from tests.clients import ApiClient
from tests.factories import World
from tests.personas import AIDING, BUSINESS, EVERYBODY, OUTSIDE, RECEIVING
from tests.queries import counting

SEES = {**dict.fromkeys(BUSINESS, 200), "system_admin": 200, "security_admin": 200, "nobody": 401}
MAY_NOT = {**dict.fromkeys(EVERYBODY, 403), "outsider": 404, "nobody": 401}
UNIT = "/units/{信息中心}"
VERBS: dict[str, tuple[str, str, Any, dict[str, int]]] = {
    "index": ("GET", "/units", None, SEES | {"audit_admin": 403, "outsider": 200}),
    "show": ("GET", UNIT, None, SEES | {"audit_admin": 404, "outsider": 404}),
    "names": ("GET", f"{UNIT}/names", None, SEES | {"audit_admin": 404, "outsider": 404}),
    "members": ("GET", f"{UNIT}/members", None, SEES | {"audit_admin": 404, "outsider": 404}),
    "preview_merge": ("GET", UNIT + "/merge?into={纪检室}", None, MAY_NOT | {"coordinator": 200}),
    "create": ("POST", "/units", {"parent_id": "信息中心"}, MAY_NOT | {"coordinator": 201, "outsider": 422}),
    "update": ("PATCH", UNIT, {"position": 7}, MAY_NOT | {"coordinator": 200}),
    "rename": ("POST", f"{UNIT}/rename", {"starts_on": "2024-01-01"}, MAY_NOT | {"coordinator": 200}),
    "end": ("POST", "/units/{纪检室}/end", {"ends_on": "2024-01-01"}, MAY_NOT | {"coordinator": 200}),
    "merge": (
        "POST",
        f"{UNIT}/merge",
        {"into_id": "纪检室", "starts_on": "2024-01-01"},
        MAY_NOT | {"coordinator": 200},
    ),
    "add_name": ("POST", f"{UNIT}/names", {}, MAY_NOT | {"coordinator": 201}),
    "add_member": ("POST", f"{UNIT}/members", {"unit_id": "纪检室"}, MAY_NOT | {"coordinator": 409}),
    "remove_name": ("DELETE", f"{UNIT}/names/999999", None, MAY_NOT | {"coordinator": 404}),
    "remove_member": ("DELETE", f"{UNIT}/members/999999", None, MAY_NOT | {"coordinator": 404}),
}


def ask(api: ApiClient, world: World, verb: str, login: str) -> int:
    method, path, body, _ = VERBS[verb]
    if body is not None:
        body = {key: world.units.get(value, value) if isinstance(value, str) else value for key, value in body.items()}
        if verb in ("create", "rename", "add_name"):
            body |= {"name": f"{verb}科"}
    version = 1 if "{" in path and method != "GET" else None
    options = {} if body is None else {"json": body}
    return api.as_(login).request(method, path.format(**world.units), version=version, **options).status_code


class TestEverybody:
    @pytest.mark.parametrize("verb", sorted(VERBS))
    def test_gets_what_the_table_says(self, api: ApiClient, world: World, verb: str) -> None:
        expected = VERBS[verb][3]
        # Refusals first, so that a verb that is done does not change what the others meet.
        order = sorted(EVERYBODY, key=lambda login: expected[login] < 300)
        assert {login: ask(api, world, verb, login) for login in order} == expected


class TestAnotherBureau:
    @pytest.mark.parametrize("path", ["/units/{id}", "/units/{id}/names", "/units/{id}/members"])
    def test_answers_as_if_there_were_nothing(self, api: ApiClient, world: World, path: str) -> None:
        real = api.as_("coordinator").get(path.format(id=world.units[OUTSIDE]))
        none = api.as_("coordinator").get(path.format(id=999_999))
        assert (real.status_code, real.json()) == (404, none.json())

    def test_is_in_no_list_filter_sort_or_search(self, api: ApiClient, world: World) -> None:
        mine, outside = api.as_("coordinator"), world.units[OUTSIDE]
        for query in (
            {"root": outside},
            {"parent": outside},
            {"programme": world.programmes["outside"]},
            {"q": "江南"},
        ):
            assert mine.get("/units", params=query).json() == {"items": [], "next_cursor": None}
        for sort in ("position", "id", "-id"):
            items = mine.get("/units", params={"sort": sort, "limit": 200}).json()["items"]
            assert outside not in {item["root_id"] for item in items}
            assert len(items) == 11

    def test_is_named_by_no_refusal(self, api: ApiClient, world: World) -> None:
        mine, own = api.as_("coordinator"), world.units["信息中心"]
        for field, place in (("parent_id", ""), ("into_id", f"/{own}/merge"), ("unit_id", f"/{own}/members")):
            answers: list[Any] = []
            body: dict[str, Any]
            for other in (world.units["计划处"], 999_999):
                body, path = {field: other}, place
                if field == "parent_id":
                    body["name"] = "新"
                if field == "into_id":
                    body["starts_on"] = "2024-01-01"
                if field == "unit_id":
                    group = {"name": f"组{other}", "kind": "group", "parent_id": own}
                    path = f"/{mine.post('/units', json=group).json()['id']}/members"
                answer = mine.post(f"/units{path}", json=body, version=1)
                answers.append((answer.status_code, answer.json()))
            assert answers[0] == answers[1]
            assert (answers[0][0], answers[0][1]["code"]) == (422, "unit_unknown")

    def test_lends_no_cursor(self, api: ApiClient, world: World) -> None:
        cursor = api.as_("coordinator").get("/units", params={"limit": 1}).json()["next_cursor"]
        stolen = api.as_("outsider").get("/units", params={"limit": 200, "cursor": cursor}).json()["items"]
        assert {item["root_id"] for item in stolen} <= {world.units[OUTSIDE]}


class TestOtherSide:
    def test_a_recipient_manages_the_own_bureau_alone(self, api: ApiClient, world: World) -> None:
        mine = api.as_("recipient")
        for root, status in ((AIDING, 403), (RECEIVING, 201)):
            answer = mine.post("/units", json={"name": "新科", "parent_id": world.units[root]})
            assert answer.status_code == status
        bureau = {"name": "新局", "programme_id": world.programmes["home"], "side": "receiving"}
        assert mine.post("/units", json=bureau).status_code == 403


class TestVersions:
    def test_a_change_needs_one(self, api: ApiClient, world: World) -> None:
        mine, path = api.as_("coordinator"), f"/units/{world.units['信息中心']}"
        for verb in ("/merge", "/rename", "/end"):
            body = {"into_id": world.units["纪检室"], "starts_on": "2024-01-01"}
            if verb == "/rename":
                body = {"name": "新", "starts_on": "2024-01-01"}
            if verb == "/end":
                body = {"ends_on": "2024-01-01"}
            assert mine.post(f"{path}{verb}", json=body).status_code == 428
            assert mine.post(f"{path}{verb}", json=body, version=9).status_code == 412
        changed = mine.patch(path, version=1, json={"short_name": "中心"})
        assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')


class TestQueries:
    def test_do_not_grow_with_the_rows(self, api: ApiClient, app: FastAPI, world: World) -> None:
        mine = api.as_("coordinator")
        mine.get("/units")
        with counting(app.state.database) as few:
            mine.get("/units", params={"limit": 1})
        for number in range(45):
            body = {"name": f"第{number}科", "parent_id": world.units["信息中心"]}
            assert mine.post("/units", json=body).status_code == 201
        with counting(app.state.database) as many:
            assert len(mine.get("/units", params={"limit": 50}).json()["items"]) == 50
        assert few.count == many.count
