"""Signing in on the page, and everything that somebody else's site could try with it."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlmodel import select

from app.main import create_app
from app.models import Event, UserSession
from app.routers.dependencies import mask
from app.settings import Settings
from tests.clients import PageClient
from tests.factories import PASSWORD, World, session_token


def sign_in(pages: PageClient, login: str = "handler", password: str = PASSWORD, **options: Any) -> httpx.Response:
    fields = {"login": login, "password": password, "next": options.pop("next", "/")}
    return pages._checked(pages.client.post("/sign-in", data=fields, **options))


class TestSignIn:
    def test_sets_a_cookie_that_scripts_cannot_read(self, pages: PageClient) -> None:
        answer = sign_in(pages)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"].lower()
        assert cookie.startswith("session=")
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert pages.get("/password").status_code == 200

    def test_binds_the_cookie_to_the_host_behind_tls(self, settings: Settings) -> None:
        secure = create_app(settings.model_copy(update={"public_url": "https://duikou.example"}))
        answer = sign_in(PageClient(secure))
        assert answer.headers["set-cookie"].startswith("__Host-session=")
        assert "Secure" in answer.headers["set-cookie"]
        assert answer.headers["strict-transport-security"]
        secure.state.database.dispose()

    def test_refuses_in_one_sentence_whatever_was_wrong(self, pages: PageClient) -> None:
        def without_login(answer: httpx.Response, login: str) -> str:
            return answer.text.replace(login, "LOGIN").split("<main")[1].split("idempotency_key")[0]

        shown = set()
        for login, password in (("handler", "wrong"), ("no-such", PASSWORD), ("handler2", "")):
            answer = sign_in(pages, login, password or "x")
            assert answer.status_code == 422
            shown.add(without_login(answer, login))
        assert len(shown) == 1
        assert "账号或密码不正确" in shown.pop()

    def test_keeps_the_login_and_never_the_password(self, pages: PageClient) -> None:
        answer = sign_in(pages, "handler", "Wrong-Secret-99")
        assert 'value="handler"' in answer.text
        assert "Wrong-Secret-99" not in answer.text

    def test_makes_both_processes_wait(self, app: FastAPI, settings: Settings) -> None:
        other = create_app(settings)
        clients = [PageClient(app), PageClient(other)]
        for number in range(settings.sign_in_tries):
            assert sign_in(clients[number % 2], "handler", "wrong").status_code == 422
        for client in clients:
            answer = sign_in(client)
            assert answer.status_code == 429
            assert "set-cookie" not in answer.headers
        other.state.database.dispose()

    @pytest.mark.parametrize(
        "target",
        [
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\r\nSet-Cookie: x=1",
            "evil",
            "",
        ],
    )
    def test_sends_nobody_to_another_site(self, pages: PageClient, target: str) -> None:
        assert sign_in(pages, next=target).headers["location"] == "/"

    def test_goes_where_the_person_wanted(self, pages: PageClient) -> None:
        away = pages.get("/users?q=1")
        assert away.headers["location"].startswith("/sign-in?next=")
        form = pages.get(away.headers["location"])
        assert 'name="next" value="/users?q=1"' in form.text
        assert sign_in(pages, next="/users?q=1").headers["location"] == "/users?q=1"

    def test_never_adopts_a_cookie_that_it_was_given(self, pages: PageClient, app: FastAPI) -> None:
        pages.client.cookies.set("session", "planted-by-somebody")
        sign_in(pages)
        planted = PageClient(app)
        planted.client.cookies.set("session", "planted-by-somebody")
        assert planted.get("/password").status_code == 303

    def test_opens_a_new_session_each_time(self, pages: PageClient) -> None:
        first = sign_in(pages).cookies["session"]
        pages.client.cookies.clear()
        assert sign_in(pages).cookies["session"] != first

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ],
    )
    def test_refuses_a_form_from_another_site(self, pages: PageClient, headers: dict[str, str]) -> None:
        answer = sign_in(pages, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers

    def test_leads_to_the_password_page_after_somebody_else_set_it(
        self, pages: PageClient, app: FastAPI, world: World
    ) -> None:
        from app.models import User
        from app.services import events
        from tests.factories import SYSTEM

        with app.state.database.transaction() as session:
            session.get_one(User, world.users["handler"]).must_change_password = True
            events.record(session, SYSTEM, "user.update")
        assert sign_in(pages).headers["location"] == "/"
        assert pages.get("/").headers["location"] == "/password"
        assert pages.get("/users").headers["location"] == "/password"
        assert "由他人设置" in pages.get("/password").text

    def test_writes_no_password_anywhere(
        self, pages: PageClient, app: FastAPI, caplog: pytest.LogCaptureFixture
    ) -> None:
        sign_in(pages, "handler", "Wrong-Secret-99")
        sign_in(pages)
        with app.state.database.reading() as session:
            log = json.dumps([event.model_dump(mode="json") for event in session.exec(select(Event))])
        assert "Wrong-Secret-99" not in log + caplog.text
        assert PASSWORD not in log + caplog.text


class TestSignOut:
    def test_ends_the_session_on_the_server(self, pages: PageClient, app: FastAPI) -> None:
        handler = pages.as_("handler")
        assert handler.post("/sign-out").headers["location"] == "/sign-in"
        thief = PageClient(app)
        thief.client.cookies.set("session", session_token("handler"))
        assert thief.get("/password").status_code == 303


class TestForgery:
    """What another site, another person's token or a guess can do with a form: nothing."""

    FORMS = ("/sign-out", "/sessions/revoke-others", "/password", "/tokens")

    @pytest.mark.parametrize("path", FORMS)
    @pytest.mark.parametrize(
        "token", ["", "x", "c0ffee" * 5, mask("f" * 30), mask("")], ids=["none", "junk", "bare", "guessed", "empty"]
    )
    def test_needs_the_token_of_the_session(self, pages: PageClient, path: str, token: str) -> None:
        answer = pages.as_("handler").client.post(path, data={"csrf": token})
        assert answer.status_code == 403

    def test_refuses_another_sessions_token(self, pages: PageClient, app: FastAPI) -> None:
        with app.state.database.transaction() as session:
            row = session.exec(select(UserSession).order_by(UserSession.id)).first()  # type: ignore[arg-type]
            row.csrf = "a" * 30  # type: ignore[union-attr]
        answer = pages.as_("coordinator").client.post("/sign-out", data={"csrf": mask("c0ffee" * 5)})
        assert answer.status_code == 403

    @pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
    def test_refuses_another_origin_even_with_the_token(self, pages: PageClient, headers: dict[str, str]) -> None:
        assert pages.as_("handler").post("/sign-out", headers=headers).status_code == 403

    def test_takes_no_bearer_token_on_a_page(self, pages: PageClient) -> None:
        answer = pages.client.get("/password", headers={"Authorization": "Bearer token-of-handler"})
        assert answer.status_code == 303

    def test_masks_the_token_anew_in_each_page(self, pages: PageClient) -> None:
        handler = pages.as_("handler")
        tokens = {handler.get("/password").text.split('name="csrf" value="')[1].split('"')[0] for _ in range(3)}
        assert len(tokens) == 3


class TestSessions:
    def test_lists_ones_own_and_ends_them(self, pages: PageClient, app: FastAPI) -> None:
        sign_in(pages)
        second = PageClient(app)
        sign_in(second)
        page = second.get("/sessions")
        assert page.text.count("<tr id=") == 3
        token = page.text.split('name="csrf" value="')[1].split('"')[0]
        done = second.client.post("/sessions/revoke-others", data={"csrf": token})
        assert done.headers["location"] == "/sessions"
        assert second.get("/sessions").text.count("<tr id=") == 1
        assert pages.get("/sessions").headers["location"].startswith("/sign-in")

    def test_finds_nobody_elses(self, pages: PageClient, world: World) -> None:
        # Sessions stand in the world in the order of the personas, as accounts do.
        theirs = world.users["leader"]
        assert pages.as_("handler").post(f"/sessions/{theirs}/revoke").status_code == 404
        assert pages.as_("leader").get("/sessions").status_code == 200


class TestPreferences:
    def test_speaks_the_chosen_language(self, pages: PageClient) -> None:
        pages.client.post("/language", data={"language": "en", "next": "/sign-in"})
        assert "Sign in" in pages.get("/sign-in").text
        pages.client.post("/language", data={"language": "tlh", "next": "//evil"})
        assert '<html lang="en"' in pages.get("/sign-in").text

    def test_keeps_the_chosen_theme(self, pages: PageClient) -> None:
        answer = pages.client.post("/theme", data={"theme": "dark", "next": "https://evil.example"})
        assert answer.headers["location"] == "/"
        assert 'data-theme="dark"' in pages.get("/sign-in").text
        assert "set-cookie" not in pages.client.post("/theme", data={"theme": "neon"}).headers
