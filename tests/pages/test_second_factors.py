"""Pages of the second factor: both steps of signing in, adding, codes, resetting; and the force of the setting."""

import re
from urllib.parse import quote

import pyotp
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.routers.dependencies import mask
from app.services import second_factors
from tests import page_checks
from tests.clients import PageClient
from tests.factories import CSRF, PASSWORD, World, actor_of, session_token
from tests.house.routes import PUBLIC, everything
from tests.personas import EVERYBODY

pytestmark = pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
SEATS = ("system_admin", "security_admin", "audit_admin")


def shown(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', text)
    assert found is not None
    return found[1]


def add(pages: PageClient, login: str = "handler") -> tuple[str, list[str]]:
    """Add a factor by the pages; gives its secret and the recovery codes."""
    person = pages.as_(login)
    begun = person.post("/second-factor/begin", {"password": PASSWORD})
    assert begun.status_code == 200
    secret = re.sub(r"\s", "", re.search(r'class="secret"><code>([^<]+)<', begun.text)[1])  # type: ignore[index]
    done = person.post(
        "/second-factor/confirm",
        {"enrolment": shown(begun.text, "enrolment"), "code": pyotp.TOTP(secret).now()},
    )
    assert done.status_code == 200
    return secret, re.findall(r"<li><code>([^<]+)</code></li>", done.text)


def browser(app: FastAPI) -> TestClient:
    return TestClient(app, follow_redirects=False)


class TestAdding:
    def test_leads_from_password_to_picture_to_codes(self, pages: PageClient) -> None:
        _, codes = add(pages)
        assert len(codes) == 10
        page = pages.as_("handler").get("/second-factor")
        assert "10 / 10" in page.text
        assert not any(code in page.text for code in codes)

    def test_shows_the_same_secret_again_after_a_wrong_code(self, pages: PageClient) -> None:
        person = pages.as_("handler")
        begun = person.post("/second-factor/begin", {"password": PASSWORD})
        again = person.post("/second-factor/confirm", {"enrolment": shown(begun.text, "enrolment"), "code": "000000"})
        assert again.status_code == 422
        secret = r'class="secret"><code>([^<]+)<'
        assert re.findall(secret, again.text) == re.findall(secret, begun.text) != []

    def test_wants_the_password(self, pages: PageClient) -> None:
        answer = pages.as_("handler").post("/second-factor/begin", {"password": "wrong"})
        assert answer.status_code == 422
        assert "secret" not in answer.text

    def test_does_not_take_what_another_began(self, pages: PageClient) -> None:
        """Otherwise a page of the attacker's could give the victim a generator that the attacker holds."""
        begun = pages.as_("leader").post("/second-factor/begin", {"password": PASSWORD})
        secret = re.sub(r"\s", "", re.search(r'class="secret"><code>([^<]+)<', begun.text)[1])  # type: ignore[index]
        fields = {"enrolment": shown(begun.text, "enrolment"), "code": pyotp.TOTP(secret).now()}
        assert pages.as_("handler").post("/second-factor/confirm", fields).status_code == 422

    @pytest.mark.parametrize("verb", ["begin", "confirm", "renew-codes", "remove"])
    def test_wants_the_form_of_the_session(self, app: FastAPI, verb: str) -> None:
        client = browser(app)
        client.cookies.set("session", session_token("handler"))
        assert client.post(f"/second-factor/{verb}", data={"password": PASSWORD}).status_code == 403
        other = {"csrf": mask("0" * 30), "password": PASSWORD}
        assert client.post(f"/second-factor/{verb}", data=other).status_code == 403


class TestSigningIn:
    def steps(self, app: FastAPI, code: str, next: str = "/tasks") -> tuple[TestClient, int, str]:
        client = browser(app)
        answer = client.post("/sign-in", data={"login": "handler", "password": PASSWORD, "next": next})
        assert answer.headers["location"] == f"/sign-in/code?next={quote(next, safe='')}"
        assert client.cookies.get("session") is None
        page = client.get(answer.headers["location"])
        page_checks.check_page(page.text)
        done = client.post("/sign-in/code", data={"code": code, "next": shown(page.text, "next")})
        page_checks.check_page(done.text) if done.text else None
        return client, done.status_code, done.headers.get("location", "")

    def test_takes_two_steps(self, app: FastAPI, pages: PageClient) -> None:
        _, codes = add(pages)
        client, status, place = self.steps(app, codes[0])
        assert (status, place) == (303, "/tasks")
        assert client.get("/tasks").status_code == 200
        assert client.cookies.get("pending") is None

    def test_opens_nothing_before_the_second(self, app: FastAPI, pages: PageClient) -> None:
        add(pages)
        client, status, _ = self.steps(app, "000000")
        assert status == 422
        assert client.get("/tasks").headers["location"].startswith("/sign-in")
        pending = client.cookies["pending"]
        client.cookies.set("session", pending)
        assert client.get("/tasks").status_code == 303, "a pending sign-in is no session"

    def test_gives_a_new_cookie_for_each_step(self, app: FastAPI, pages: PageClient) -> None:
        """A cookie that somebody has planted beforehand opens nothing afterwards."""
        _, codes = add(pages)
        client = browser(app)
        client.cookies.set("session", "planted")
        client.cookies.set("pending", "planted")
        client.post("/sign-in", data={"login": "handler", "password": PASSWORD})
        # The answer's cookies stand beside the planted ones, whose domain differs; only theirs are sent on.
        cookies = {cookie.name: cookie.value for cookie in client.cookies.jar if cookie.value != "planted"}
        fresh = browser(app)
        fresh.cookies.set("pending", cookies["pending"])
        done = fresh.post("/sign-in/code", data={"code": codes[0]})
        assert done.status_code == 303
        assert done.cookies["session"] not in ("planted", cookies["pending"])

    @pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
    def test_sends_nobody_elsewhere(self, app: FastAPI, pages: PageClient, target: str) -> None:
        _, codes = add(pages)
        client = browser(app)
        client.post("/sign-in", data={"login": "handler", "password": PASSWORD})
        done = client.post("/sign-in/code", data={"code": codes[0], "next": target})
        assert done.headers["location"] == "/"

    def test_leads_back_without_a_first_step(self, app: FastAPI) -> None:
        assert browser(app).get("/sign-in/code").headers["location"] == "/sign-in"
        answer = browser(app).post("/sign-in/code", data={"code": "123456"})
        assert answer.status_code == 401
        assert "登录超时" in answer.text

    def test_refuses_a_second_step_from_another_site(self, app: FastAPI, pages: PageClient) -> None:
        _, codes = add(pages)
        client = browser(app)
        client.post("/sign-in", data={"login": "handler", "password": PASSWORD})
        headers = {"Origin": "https://evil.example"}
        assert client.post("/sign-in/code", data={"code": codes[0]}, headers=headers).status_code == 403

    def test_asks_nothing_of_a_token(self, app: FastAPI, pages: PageClient) -> None:
        add(pages)
        answer = browser(app).get("/api/v1/me", headers={"Authorization": "Bearer token-of-handler"})
        assert answer.status_code == 200


class TestOwn:
    def test_renews_and_removes_for_password_and_code(self, pages: PageClient) -> None:
        _, codes = add(pages)
        person = pages.as_("handler")
        wrong = person.post("/second-factor/renew-codes", {"password": PASSWORD, "code": "000000"})
        assert wrong.status_code == 422
        assert person.post("/second-factor/remove", {"password": "x", "code": codes[0]}).status_code == 422
        renewed = person.post("/second-factor/renew-codes", {"password": PASSWORD, "code": codes[0]})
        assert renewed.status_code == 200
        new = re.findall(r"<li><code>([^<]+)</code></li>", renewed.text)
        assert person.post("/second-factor/remove", {"password": PASSWORD, "code": codes[1]}).status_code == 422
        done = person.post("/second-factor/remove", {"password": PASSWORD, "code": new[0]})
        assert done.headers["location"] == "/second-factor"


class TestReset:
    def test_is_a_verb_of_the_account_page(self, pages: PageClient, world: World) -> None:
        add(pages)
        path = f"/users/{world.users['handler']}"
        system = pages.as_("system_admin")
        assert "reset-second-factor" in system.get(path).text
        done = system.post(f"{path}/reset-second-factor", {"version": "1", "reason": "手机遗失"})
        assert done.headers["location"] == path
        page = system.get(path)
        assert "手机遗失" in page.text
        assert "reset-second-factor" not in page.text
        again = system.post(f"{path}/reset-second-factor", {"version": "1", "reason": "手机遗失"})
        assert again.status_code == 409

    def test_is_listed_for_the_three_alone(self, pages: PageClient, world: World) -> None:
        add(pages)
        path = f"/users/{world.users['handler']}/reset-second-factor"
        pages.as_("system_admin").post(path, {"version": "1", "reason": "手机遗失"})
        found = {login: pages.as_(login).get("/second-factors/resets") for login in EVERYBODY}
        statuses = {login: answer.status_code for login, answer in found.items()}
        # The handler's sessions have ended with the reset.
        assert statuses == {login: 200 if login in SEATS else 403 for login in EVERYBODY} | {
            "nobody": 303,
            "handler": 303,
        }
        assert all("手机遗失" in found[login].text for login in SEATS)

    def test_is_told_to_the_three_when_they_come(self, pages: PageClient, world: World) -> None:
        assert "双因素认证重置。" not in pages.as_("security_admin").get("/").text
        add(pages)
        path = f"/users/{world.users['handler']}/reset-second-factor"
        pages.as_("system_admin").post(path, {"version": "1", "reason": "手机遗失"})
        told = {login for login in EVERYBODY if "次双因素认证重置" in pages.as_(login).get("/").text}
        assert told == set(SEATS)

    def test_state_is_shown_to_the_three_and_the_person(self, pages: PageClient, world: World) -> None:
        add(pages)
        path = f"/users/{world.users['handler']}"
        told = {login for login in EVERYBODY if "双因素认证" in self._facts(pages.as_(login).get(path).text)}
        assert told == {*SEATS, "handler"}

    def _facts(self, text: str) -> str:
        return text.partition('<dl class="facts')[2].partition("</dl>")[0]


class TestForce:
    """A setting that asks for the factor holds on every route, pages and API, and for sessions that stand."""

    def test_holds_on_every_route(self, app: FastAPI) -> None:
        app.state.settings = app.state.settings.model_copy(update={"second_factor": "administrators"})
        client = browser(app)
        client.cookies.set("session", session_token("system_admin"))
        open_still, csrf = {}, mask(CSRF)
        for route in everything():
            if route.name in PUBLIC or route.name == "sessions.close":
                continue
            path = re.sub(r"\{[^}]+\}", "1", route.path)
            headers = {"If-Match": '"1"', "X-CSRF-Token": csrf}
            answer = client.request(route.method, path, headers=headers, params={"csrf": csrf})
            held = (
                answer.json()["code"] == "second_factor_required"
                if route.is_api and answer.status_code == 403
                else answer.status_code == 303 and answer.headers["location"] == "/second-factor"
            )
            if not held:
                open_still[route.name] = answer.status_code
        parts = ("show", "begin", "confirm")
        assert set(open_still) == {f"{kind}second_factors.{part}" for kind in ("", "api.") for part in parts}

    def test_ends_with_the_factor(self, app: FastAPI, pages: PageClient) -> None:
        app.state.settings = app.state.settings.model_copy(update={"second_factor": "everybody"})
        person = pages.as_("handler")
        assert person.get("/tasks").headers["location"] == "/second-factor"
        assert "必须启用" in person.get("/second-factor").text
        add(pages)
        assert person.get("/tasks").status_code == 200

    def test_asks_nothing_of_others(self, app: FastAPI, pages: PageClient) -> None:
        app.state.settings = app.state.settings.model_copy(update={"second_factor": "administrators"})
        assert pages.as_("handler").get("/tasks").status_code == 200


def test_the_log_knows_no_secret(app: FastAPI, pages: PageClient, world: World) -> None:
    secret, codes = add(pages)
    pages.as_("handler").post("/second-factor/remove", {"password": PASSWORD, "code": codes[0]})
    trail = pages.as_("audit_admin").get("/audit")
    assert "启用双因素认证" in trail.text
    assert not any(hidden in trail.text for hidden in (secret, *codes))
    with app.state.database.reading() as session:
        state = second_factors.state(session, app.state.settings, actor_of(app.state.database, world, "handler"))
    assert state.since is None
