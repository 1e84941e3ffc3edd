"""Pages of accounts, roles, passwords and tokens."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI

from tests.clients import PageClient
from tests.factories import PASSWORD, World
from tests.papers.test_account_workbook import workbook
from tests.personas import BUSINESS, EVERYBODY
from tests.queries import counting

SYSTEM, SECURITY, AUDIT = "system_admin", "security_admin", "audit_admin"
SIGNED_IN = dict.fromkeys((*BUSINESS, SYSTEM, SECURITY, AUDIT, "outsider"), 200)
READERS = {**dict.fromkeys(BUSINESS, 200), "outsider": 200, "superior": 403}
# path > status of everybody; who is not named gets 403, nobody is sent to sign in.
PAGES: dict[str, dict[str, int]] = {
    "/users": SIGNED_IN | {"superior": 403},
    "/users/new": {SYSTEM: 200},
    "/users/{user}": SIGNED_IN | {"superior": 404, "outsider": 404},
    "/users/{user}/edit": {SYSTEM: 200},
    "/users/{user}/hand-over": {SYSTEM: 200},
    "/users/workbook": {SYSTEM: 200},
    "/users/workbook/template": {SYSTEM: 200},
    "/memberships": READERS | {SECURITY: 200},
    "/memberships/new": {SECURITY: 200, "coordinator": 200, "outsider": 200},
    "/memberships/new?user={user}": {SECURITY: 200, "coordinator": 200, "outsider": 404},
    "/memberships/workbook": {SECURITY: 200, "coordinator": 200, "outsider": 200},
    "/memberships/{user}": READERS | {SECURITY: 200, "superior": 404, "outsider": 404, SYSTEM: 404, AUDIT: 404},
    "/unit-grants": {SECURITY: 200},
    "/sessions": SIGNED_IN,
    "/tokens": SIGNED_IN,
    "/tokens/new": SIGNED_IN,
    "/password": SIGNED_IN,
    "/reset": SIGNED_IN | {"nobody": 200},
}


class TestEveryPersona:
    @pytest.mark.parametrize("path", PAGES)
    def test_gets_the_status_of_their_rights(self, pages: PageClient, world: World, path: str) -> None:
        address = path.format(user=world.users["handler"])
        found = {login: pages.as_(login).get(address).status_code for login in EVERYBODY}
        assert found == {login: PAGES[path].get(login, 303 if login == "nobody" else 403) for login in EVERYBODY}


class TestUsers:
    def test_opens_changes_closes_and_reopens(self, pages: PageClient, world: World) -> None:
        system = pages.as_(SYSTEM)
        unit = str(world.units["信息中心"])
        made = system.post(
            "/users", {"login": "limin", "name": "李敏", "kind": "person", "unit_id": unit, "phone": "110"}
        )
        place = made.headers["location"]
        page = system.get(place)
        assert "账号 limin 已开通" in page.text
        assert system.post(place, {"version": "1", "name": "李敏", "unit_id": unit, "phone": ""}).status_code == 303
        assert "110" not in system.get(place).text
        assert system.post(f"{place}/close", {"version": "2", "reason": "调离"}).status_code == 303
        assert "已停用" in system.get(place).text
        assert system.post(f"{place}/reopen", {"version": "3", "reason": "返岗"}).status_code == 303

    def test_tells_of_accounts_that_end_soon(self, pages: PageClient, world: World) -> None:
        system, unit = pages.as_(SYSTEM), str(world.units["信息中心"])
        day = (datetime.now(UTC).date() + timedelta(days=3)).isoformat()
        path = f"/users/{world.users['handler']}"
        system.post(path, {"version": "1", "name": "承办员", "unit_id": unit, "expires_on": day})
        assert "有 1 个账号将在两周内到期" in system.get("/users").text
        assert "承办员" in system.get("/users?expiry=soon").text
        assert "您的账号有效期至" in pages.as_("handler").get("/tasks").text
        assert "您的账号有效期至" not in system.get("/").text

    def test_keeps_what_was_typed_and_marks_the_fields(self, pages: PageClient) -> None:
        page = pages.as_(SYSTEM).post("/users", {"login": "有 空格", "name": "李敏", "kind": "person", "email": "x"})
        assert page.status_code == 422
        assert 'value="李敏"' in page.text
        assert page.text.count('aria-invalid="true"') == 2

    def test_shows_both_texts_after_somebody_elses_change(self, pages: PageClient, world: World) -> None:
        path, unit = f"/users/{world.users['handler']}", str(world.units["信息中心"])
        system = pages.as_(SYSTEM)
        system.post(path, {"version": "1", "name": "甲", "unit_id": unit})
        page = system.post(path, {"version": "1", "name": "乙", "unit_id": unit})
        assert page.status_code == 412
        assert "甲" in page.text
        assert "乙" in page.text
        assert 'name="version" value="2"' in page.text

    def test_refuses_a_verb_on_the_account_that_it_was_about(self, pages: PageClient, world: World) -> None:
        page = pages.as_(SYSTEM).post(f"/users/{world.users[AUDIT]}/close", {"version": "1"})
        assert page.status_code == 409
        assert "此项管理员职责没有其他人担任" in page.text

    def test_narrows_the_list_without_scripts(self, pages: PageClient) -> None:
        page = pages.as_(SYSTEM).get("/users?q=承办&active=&kind=&unit=")
        assert page.text.count("<tr id=") == 2
        fragment = pages.as_(SYSTEM).htmx("GET", "/users?q=承办")
        assert fragment.text.count("<tr id=") == 2

    def test_asks_the_store_the_same_for_one_and_fifty(self, app: FastAPI, pages: PageClient) -> None:
        def asked(path: str) -> int:
            with counting(app.state.database) as questions:
                assert pages.as_(SECURITY).get(path).status_code == 200
            return questions.count

        for path in ("/users", "/memberships", "/tokens"):
            asked(path)
            assert asked(f"{path}?limit=1") == asked(f"{path}?limit=50")

    def test_gives_and_takes_a_seat(self, pages: PageClient, world: World) -> None:
        unit = str(world.units["信息中心"])
        place = (
            pages.as_(SYSTEM)
            .post("/users", {"login": "limin", "name": "李敏", "kind": "person", "unit_id": unit})
            .headers["location"]
        )
        security = pages.as_(SECURITY)
        assert security.post(f"{place}/appoint", {"version": "1", "administrator": "audit"}).status_code == 303
        assert security.post(f"{place}/appoint", {"version": "2", "administrator": "audit"}).status_code == 409
        assert security.post(f"{place}/dismiss", {"version": "2", "reason": "轮岗"}).status_code == 303

    def test_hands_over_in_one_step(self, pages: PageClient, world: World) -> None:
        system, path = pages.as_(SYSTEM), f"/users/{world.users['treasurer']}/hand-over"
        assert "终止 1 个角色" in system.get(path).text
        assert system.post(path, {"version": "1", "successor_id": "99999"}).status_code == 422
        assert system.post(path, {"version": "1", "reason": "退休"}).status_code == 303
        assert pages.as_("treasurer").get("/password").status_code == 303


class TestCodes:
    def test_prints_a_code_that_sets_a_password(self, pages: PageClient, world: World) -> None:
        sheet = pages.as_(SYSTEM).post(f"/users/{world.users['handler']}/issue-reset-code")
        found = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", sheet.text)
        assert found is not None
        assert sheet.headers["cache-control"] == "no-store"
        nobody = pages.as_("nobody")
        form = {"login": "handler", "code": found[0], "new_password": "Another-Word-42"}
        wrong = nobody.client.post("/reset", data={**form, "repeat_password": "other"})
        assert wrong.status_code == 422
        assert "Another-Word-42" not in wrong.text
        done = nobody.client.post("/reset", data={**form, "repeat_password": "Another-Word-42"})
        assert done.headers["location"] == "/sign-in"
        assert pages.as_("handler").get("/password").status_code == 303
        signed_in = nobody.client.post("/sign-in", data={"login": "handler", "password": "Another-Word-42"})
        assert signed_in.status_code == 303
        old = nobody.client.post("/sign-in", data={"login": "handler", "password": PASSWORD})
        assert old.status_code == 422


class TestPassword:
    def test_changes_it_and_stays_signed_in_here_only(self, pages: PageClient) -> None:
        handler = pages.as_("handler")
        form = {"password": PASSWORD, "new_password": "Another-Word-42", "repeat_password": "Another-Word-42"}
        assert handler.post("/password", {**form, "password": "wrong"}).status_code == 422
        assert handler.post("/password", {**form, "repeat_password": "x"}).status_code == 422
        assert handler.post("/password", form).headers["location"] == "/"
        assert handler.get("/password").status_code == 200

    def test_marks_what_the_policy_refuses(self, pages: PageClient) -> None:
        short = {"password": PASSWORD, "new_password": "short", "repeat_password": "short"}
        page = pages.as_("handler").post("/password", short)
        assert page.status_code == 422
        assert "密码至少 10 个字符" in page.text


class TestWorkbook:
    def test_reports_each_row_and_opens_all_or_none(self, pages: PageClient) -> None:
        system = pages.as_(SYSTEM)
        good = {"file": ("a.xlsx", workbook([["p1", "甲", "规财处"]], ["登录名", "姓名", "单位"]))}
        bad = {"file": ("a.xlsx", workbook([["p1", "甲", "规财处"], ["p2", "乙", "无"]], ["登录名", "姓名", "单位"]))}
        assert "各行均可导入" in system.upload("/users/workbook/check", good).text
        report = system.upload("/users/workbook", bad)
        assert report.status_code == 422
        assert "没有名为“无”的单位" in report.text
        assert system.get("/users?q=p1").text.count("<tr id=") == 0
        assert len(re.findall(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", system.upload("/users/workbook", good).text)) == 1

    def test_asks_for_a_file_and_refuses_another_kind(self, pages: PageClient) -> None:
        system = pages.as_(SYSTEM)
        assert system.upload("/users/workbook", {"other": ("x", b"")}).status_code == 422
        assert system.upload("/users/workbook", {"file": ("a.xlsx", b"no")}).status_code == 415

    def test_checks_the_token_before_the_body(self, pages: PageClient) -> None:
        answer = pages.as_(SYSTEM).client.post("/users/workbook", files={"file": ("a.xlsx", b"no")})
        assert answer.status_code == 403

    def test_gives_roles(self, pages: PageClient, world: World) -> None:
        security, programme = pages.as_(SECURITY), {"programme_id": str(world.programmes["home"])}
        rows = workbook([["handler", "某", "监测处", "财务"]], ["登录名", "姓名", "单位", "角色"])
        files = {"file": ("a.xlsx", rows)}
        assert security.upload("/memberships/workbook", files).status_code == 422
        assert security.upload("/memberships/workbook", files, programme).status_code == 303
        assert "在此期间已代表该单位" in security.upload("/memberships/workbook", files, programme).text


class TestMemberships:
    def test_finds_the_person_then_gives_changes_and_ends_the_role(self, pages: PageClient, world: World) -> None:
        coordinator = pages.as_("coordinator")
        assert "承办员" in coordinator.get("/memberships/new?q=承办").text
        form = {
            "programme_id": str(world.programmes["home"]),
            "user_id": str(world.users["handler"]),
            "unit_id": str(world.units["信息中心"]),
            "role": "deputy",
        }
        refused = coordinator.post("/memberships", {**form, "role": "recipient"})
        assert refused.status_code == 422
        assert "不在方案的同一方" in refused.text
        assert coordinator.post("/memberships", form).status_code == 303
        newest = coordinator.get("/memberships?user=" + form["user_id"]).text
        place = re.search(r'href="(/memberships/\d+)"', newest)
        assert place is not None
        assert coordinator.post(place[1], {"version": "1", "ends_on": "2099-12-31"}).status_code == 303
        assert coordinator.post(f"{place[1]}/end", {"version": "2", "reason": "调岗"}).status_code == 303
        assert coordinator.post(f"{place[1]}/end", {"version": "3"}).status_code == 409
        assert "已终止" in coordinator.get(place[1]).text

    def test_shows_only_what_the_reader_may_do(self, pages: PageClient, world: World) -> None:
        path = f"/memberships/{world.users['handler']}"
        assert "终止角色" in pages.as_("coordinator").get(path).text
        assert "终止角色" not in pages.as_("leader").get(path).text
        assert "授予角色" not in pages.as_("leader").get("/memberships").text

    def test_allows_a_unit_to_create_programmes(self, pages: PageClient, world: World) -> None:
        security, unit = pages.as_(SECURITY), world.units["信息中心"]
        assert "信息中心" in security.get("/unit-grants?q=信息").text
        assert security.post(f"/units/{unit}/grant-programmes", {"version": "1"}).status_code == 303
        assert security.post(f"/units/{unit}/grant-programmes", {"version": "1"}).status_code == 412
        assert security.post(f"/units/{unit}/withdraw-programmes", {"version": "2"}).status_code == 303


class TestTokens:
    def test_shows_the_secret_once(self, pages: PageClient) -> None:
        handler = pages.as_("handler")
        day = "2027-01-31"
        refused = handler.post("/tokens", {"name": "同步", "expires_on": "2099-01-01", "scopes": ["task:read"]})
        assert refused.status_code == 422
        assert 'value="task:read" checked' in refused.text
        made = handler.post("/tokens", {"name": "同步", "expires_on": day, "scopes": ["task:read", "unit:read"]})
        secret = re.search(r"dk_[\w-]{43}", made.text)
        assert secret is not None
        listed = handler.get("/tokens").text
        assert secret[0] not in listed
        assert secret[0][:8] in listed
        number = max(int(found) for found in re.findall(r'id="token-(\d+)"', listed))
        assert handler.post(f"/tokens/{number}/revoke", {"version": "1"}).status_code == 303
        assert "已作废" in handler.get("/tokens").text

    def test_offers_no_more_than_the_holder_has(self, pages: PageClient, world: World) -> None:
        assert "user:manage" not in pages.as_("handler").get("/tokens/new").text
        assert pages.as_("handler").get(f"/tokens/new?user={world.users['leader']}").status_code == 404
