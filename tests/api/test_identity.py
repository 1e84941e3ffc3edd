"""Accounts, roles, sessions and tokens over the API: every persona, every verb."""

from typing import Any

import pytest
from fastapi import FastAPI

from tests.clients import ApiClient
from tests.factories import CSRF, World, session_token
from tests.papers.test_account_workbook import ONE, workbook
from tests.personas import BUSINESS, EVERYBODY
from tests.queries import counting

SYSTEM, SECURITY, AUDIT = "system_admin", "security_admin", "audit_admin"
FILE = {"file": ("a.xlsx", workbook([ONE]))}
NOT_READ = {"superior": 403}
MEMBERS = {**dict.fromkeys(BUSINESS, 200), "outsider": 200, **NOT_READ}
ALL = {**dict.fromkeys((*BUSINESS, SYSTEM, SECURITY, AUDIT, "outsider"), 200)}
# name: method, path, what is sent, and the status of everybody; who is not named gets 403, nobody 401.
VERBS: dict[str, tuple[str, str, dict[str, Any], dict[str, int]]] = {
    "me": ("GET", "/me", {}, ALL),
    "users": ("GET", "/users", {}, ALL | NOT_READ),
    "user": ("GET", "/users/{user}", {}, ALL | {"superior": 404, "outsider": 404}),
    "create": ("POST", "/users", {"json": {"login": "n1", "name": "新", "kind": "service"}}, {SYSTEM: 201}),
    "update": ("PATCH", "/users/{user}", {"json": {"phone": "110"}}, {SYSTEM: 200}),
    "close": ("POST", "/users/{user}/close", {"json": {}}, {SYSTEM: 200}),
    "reopen": ("POST", "/users/{user}/reopen", {"json": {}}, {SYSTEM: 409}),
    "appoint": ("POST", "/users/{user}/appoint", {"json": {"administrator": "audit"}}, {SECURITY: 409}),
    "dismiss": ("POST", "/users/{user}/dismiss", {"json": {}}, {SECURITY: 409}),
    "preview": ("GET", "/users/{user}/hand-over", {}, {SYSTEM: 200}),
    "hand over": ("POST", "/users/{user}/hand-over", {"json": {}}, {SYSTEM: 200}),
    "code": ("POST", "/users/{user}/issue-reset-code", {}, {SYSTEM: 201}),
    "template": ("GET", "/users/workbook/template", {}, {SYSTEM: 200}),
    "check": ("POST", "/users/workbook/check", {"files": FILE}, {SYSTEM: 200}),
    "workbook": ("POST", "/users/workbook", {"files": FILE}, {SYSTEM: 201}),
    "memberships": ("GET", "/memberships", {}, MEMBERS | {SECURITY: 200}),
    "membership": (
        "GET",
        "/memberships/{membership}",
        {},
        MEMBERS | {SECURITY: 200, "superior": 404, "outsider": 404, SYSTEM: 404, AUDIT: 404},
    ),
    "grant": ("POST", "/memberships", {}, {SECURITY: 201, "coordinator": 201, "outsider": 422}),
    "prolong": (
        "PATCH",
        "/memberships/{membership}",
        {"json": {"ends_on": None}},
        {SECURITY: 200, "coordinator": 200, "outsider": 404},
    ),
    "end": (
        "POST",
        "/memberships/{membership}/end",
        {"json": {}},
        {SECURITY: 200, "coordinator": 200, "outsider": 404},
    ),
    "roles": (
        "POST",
        "/memberships/workbook",
        {"files": FILE, "data": {"programme_id": "1"}},
        {SECURITY: 422, "coordinator": 422},
    ),
    "allow": ("POST", "/units/{unit}/grant-programmes", {"json": {}}, {SECURITY: 200}),
    "disallow": ("POST", "/units/{unit}/withdraw-programmes", {"json": {}}, {SECURITY: 409}),
    "sessions": ("GET", "/sessions", {}, ALL),
    "revoke session": ("POST", "/sessions/{session}/revoke", {}, dict.fromkeys(ALL, 404) | {"handler": 204}),
    "revoke others": ("POST", "/sessions/revoke-others", {}, ALL),
    "tokens": ("GET", "/tokens", {}, ALL),
    "token": ("GET", "/tokens/{token}", {}, dict.fromkeys(ALL, 404) | {"handler": 200, SECURITY: 200}),
    "make a token": (
        "POST",
        "/tokens",
        {"json": {"name": "x", "scopes": ["account:manage"], "expires_on": "2026-12-01"}},
        {},
    ),
    "revoke token": (
        "POST",
        "/tokens/{token}/revoke",
        {},
        dict.fromkeys(ALL, 404) | {"handler": 200, SECURITY: 200},
    ),
    "password": (
        "POST",
        "/me/change-password",
        {"json": {"password": "wrong", "new_password": "Another-Word-42"}},
        dict.fromkeys(ALL, 422),
    ),
}
# The handler's own rows stand in the world in the order of the personas.
VERSIONED = ("/users/{user}", "/memberships/{", "/units/{", "/tokens/{")


def ask(api: ApiClient, world: World, verb: str, login: str) -> int:
    method, path, options, _ = VERBS[verb]
    number = world.users["handler"]
    ids = {
        "user": number,
        "membership": number,
        "session": number,
        "token": number,
        "unit": world.units["信息中心"],
    }
    if verb == "grant":
        options = {
            "json": {
                "programme_id": world.programmes["home"],
                "user_id": world.users["leader"],
                "unit_id": world.units["信息中心"],
                "role": "handler",
            }
        }
    version = 1 if method != "GET" and path.startswith(VERSIONED) and "issue-reset" not in path else None
    return api.as_(login).request(method, path.format(**ids), version=version, **options).status_code


class TestEveryPersona:
    @pytest.mark.parametrize("verb", VERBS)
    def test_gets_the_status_of_their_rights(self, app: FastAPI, api: ApiClient, world: World, verb: str) -> None:
        expected = VERBS[verb][3]
        # Refusals change nothing, so that all of them can be asked of one store; who may comes last.
        order = sorted(EVERYBODY, key=lambda login: expected.get(login, 403) < 300)
        found = {}
        for login in order:
            if expected.get(login, 403) < 300 and VERBS[verb][0] != "GET" and any(s < 300 for s in found.values()):
                continue
            found[login] = ask(api, world, verb, login)
        wanted = {login: 401 if login == "nobody" else expected.get(login, 403) for login in found}
        assert found == wanted


class TestUsers:
    def test_counts_the_same_questions_for_one_and_fifty(self, app: FastAPI, api: ApiClient, world: World) -> None:
        def asked(limit: int) -> int:
            with counting(app.state.database) as questions:
                assert api.as_(SYSTEM).get(f"/users?limit={limit}").status_code == 200
            return questions.count

        asked(1)
        assert asked(1) == asked(50)

    def test_pages_without_gaps_and_binds_the_cursor(self, api: ApiClient) -> None:
        client = api.as_(SYSTEM)
        found, cursor = [], ""
        while True:
            page = client.get(f"/users?limit=4&sort=-name&cursor={cursor}").json()
            found += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert len(found) == len(set(found)) == 17
        first = client.get("/users?limit=4&sort=name").json()["next_cursor"]
        refused = client.get(f"/users?limit=4&sort=name&q=x&cursor={first}")
        assert (refused.status_code, refused.json()["code"]) == (422, "cursor_refused")

    def test_another_bureau_sees_nothing_by_a_cursor_of_ours(self, api: ApiClient) -> None:
        cursor = api.as_(SYSTEM).get("/users?limit=1&sort=id").json()["next_cursor"]
        page = api.as_("outsider").get(f"/users?limit=50&sort=id&cursor={cursor}").json()
        assert [item["name"] for item in page["items"]] == ["外单位统筹"]

    def test_gives_what_was_made_with_its_place(self, api: ApiClient, world: World) -> None:
        made = api.as_(SYSTEM).post(
            "/users", json={"login": "Limin", "name": "李敏", "unit_id": world.units["纪检室"], "email": "l@example.cn"}
        )
        assert made.status_code == 201
        assert made.json()["login"] == "limin"
        assert api.as_(SYSTEM).client.get(made.headers["location"]).json() == made.json()
        assert made.headers["etag"] == '"1"'

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("login", "有 空格"),
            ("login", "x"),
            ("name", ""),
            ("name", "a\x00b"),
            ("name", "名" * 101),
            ("email", "no-at"),
            ("phone", "call me"),
            ("expires_on", "soon"),
            ("kind", "robot"),
            ("password", "Secret-99-xx"),
            ("administrator", "system"),
        ],
    )
    def test_names_the_field_at_fault(self, api: ApiClient, field: str, value: str) -> None:
        body = {"login": "n1", "name": "新", "kind": "service", field: value}
        answer = api.as_(SYSTEM).post("/users", json=body)
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]

    def test_asks_for_the_version(self, api: ApiClient, world: World) -> None:
        path = f"/users/{world.users['handler']}"
        assert api.as_(SYSTEM).patch(path, json={"phone": "1"}).status_code == 428
        assert api.as_(SYSTEM).patch(path, json={"phone": "1"}, version=9).status_code == 412


class TestMe:
    def test_says_what_the_token_carries(self, api: ApiClient) -> None:
        me = api.as_("coordinator").get("/me").json()
        assert me["login"] == "coordinator"
        assert [role["role"] for role in me["memberships"]] == ["coordinator"]
        assert "membership:manage" in me["rights"]
        assert "user:manage" not in me["rights"]


class TestSecrets:
    def test_a_token_is_shown_once_and_works(self, app: FastAPI, api: ApiClient) -> None:
        browser = ApiClient(app)
        browser.client.cookies.set("session", session_token("handler"))
        from app.routers.dependencies import mask

        body = {"name": "同步", "scopes": ["task:read"], "expires_on": "2027-01-31"}
        assert browser.post("/tokens", json=body).status_code == 403
        made = browser.post("/tokens", json=body, headers={"X-CSRF-Token": mask(CSRF), "Idempotency-Key": "k1"})
        assert made.status_code == 201
        secret = made.json()["token"]
        assert "token" not in browser.get(f"/tokens/{made.json()['id']}").json()
        assert secret not in browser.get("/tokens").text
        bearer = ApiClient(app)
        bearer.client.headers["Authorization"] = f"Bearer {secret}"
        assert bearer.get("/tasks").status_code == 200
        assert bearer.get("/users").status_code == 403
        assert bearer.get("/tokens").status_code == 403
        assert bearer.get("/me").json()["rights"] == ["task:read"]
        again = browser.post("/tokens", json=body, headers={"X-CSRF-Token": mask(CSRF), "Idempotency-Key": "k1"})
        assert again.json()["token"] != secret

    def test_a_code_sets_a_password_that_signs_in(self, api: ApiClient, world: World) -> None:
        code = api.as_(SYSTEM).post(f"/users/{world.users['handler']}/issue-reset-code").json()["code"]
        nobody = api.as_("nobody")
        body = {"login": "handler", "code": code, "new_password": "Another-Word-42"}
        assert nobody.post("/reset-codes/redeem", json={**body, "new_password": "short"}).status_code == 422
        assert nobody.post("/reset-codes/redeem", json=body).status_code == 204
        refused = [
            nobody.post("/reset-codes/redeem", json=wrong).json()
            for wrong in (body, {**body, "login": "no-such"}, {**body, "code": "2222-2222-2222"})
        ]
        assert refused[0] == refused[1] == refused[2]
        assert refused[0]["code"] == "reset_refused"

    def test_a_code_can_be_tried_a_few_times_only(self, api: ApiClient) -> None:
        body = {"login": "handler", "code": "2222-2222-2222", "new_password": "Another-Word-42"}
        statuses = [api.as_("nobody").post("/reset-codes/redeem", json=body).status_code for _ in range(6)]
        assert statuses == [422] * 5 + [429]

    def test_a_wrong_present_password_can_be_tried_a_few_times_only(self, api: ApiClient) -> None:
        body = {"password": "wrong", "new_password": "Another-Word-42"}
        answers = [api.as_("handler").post("/me/change-password", json=body) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [422] * 5 + [429]
        assert answers[-1].headers["retry-after"]
        assert "Another-Word-42" not in answers[0].text


class TestWorkbook:
    def test_opens_accounts_and_gives_each_a_code(self, api: ApiClient) -> None:
        rows = [["p1", "甲", "规财处"], ["p2", "乙", "纪检室"]]
        files = {"file": ("a.xlsx", workbook(rows, ["登录名", "姓名", "单位"]))}
        made = api.as_(SYSTEM).post("/users/workbook", files=files)
        assert [item["login"] for item in made.json()["items"]] == ["p1", "p2"]
        again = api.as_(SYSTEM).post("/users/workbook", files=files)
        assert again.status_code == 422
        assert [error["field"] for error in again.json()["errors"]] == ["rows.2.login", "rows.3.login"]

    @pytest.mark.parametrize(
        ("content", "status"),
        [(b"", 422), (b"no workbook", 415), (b"PK\x03\x04" + bytes(100), 415), (bytes(5 * 1024 * 1024), 413)],
    )
    def test_refuses_other_files(self, api: ApiClient, content: bytes, status: int) -> None:
        answer = api.as_(SYSTEM).post("/users/workbook/check", files={"file": ("a.xlsx", content)})
        assert answer.status_code == status

    def test_refuses_a_body_that_is_no_form(self, api: ApiClient) -> None:
        assert api.as_(SYSTEM).post("/users/workbook", json={}).status_code == 422
        broken = {"Content-Type": "multipart/form-data"}
        assert api.as_(SYSTEM).post("/users/workbook", content=b"x", headers=broken).status_code == 400
