"""Signing in at a real provider, from the link on the page to the session; and everybody who tries to bend it."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from fastapi import FastAPI
from sqlmodel import select
from starlette.testclient import TestClient

from app import clock
from app.main import attach
from app.models import Event, User, UserSession
from app.services import events, identities, second_factors
from tests import openid_provider, page_checks
from tests.clients import PageClient
from tests.factories import NOW, PASSWORD, SYSTEM, World, actor_of
from tests.openid_provider import Running
from tests.personas import EVERYBODY

pytestmark = pytest.mark.parametrize("stores", ["sqlite"], indirect=True)


@pytest.fixture
def site(app: FastAPI, provider: Running, world: World) -> FastAPI:
    """The product beside its provider; the handler's account is linked."""
    before = app.state.database
    attach(app, app.state.settings.model_copy(update=provider.settings()))
    before.dispose()
    with app.state.database.transaction() as session:
        actor = actor_of(app.state.database, world, "system_admin")
        identities.link(session, app.state.settings, actor, world.users["handler"], 1, "7-handler", now=NOW)
    return app


def browser(site: FastAPI) -> TestClient:
    return TestClient(site, follow_redirects=False)


def leave(client: TestClient, target: str = "/tasks") -> str:
    """From the sign-in page to the provider: its address."""
    page = client.get("/sign-in", params={"next": target})
    page_checks.check_page(page.text)
    link = re.search(r'href="(/sign-in/oidc\?[^"]+)"', page.text)
    assert link is not None
    answer = client.get(link[1].replace("&amp;", "&"))
    assert answer.status_code == 303
    return str(answer.headers["location"])


def back(client: TestClient, query: dict[str, str]) -> httpx.Response:
    answer = client.get("/sign-in/oidc/callback", params=query)
    if answer.headers.get("content-type", "").startswith("text/html") and answer.text:
        page_checks.check_page(answer.text)
    return answer


class TestWholeWay:
    def test_opens_a_session_and_goes_on(self, site: FastAPI, provider: Running) -> None:
        client = browser(site)
        address = leave(client)
        asked = parse_qs(urlsplit(address).query)
        assert asked["redirect_uri"] == ["http://testserver/sign-in/oidc/callback"]
        assert (asked["response_type"], asked["code_challenge_method"]) == (["code"], ["S256"])
        answer = back(client, provider.sign_in(address, "7-handler"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/tasks")
        assert client.get("/tasks").status_code == 200
        with site.state.database.reading() as session:
            event = session.exec(select(Event).where(Event.verb == "session.open")).one()
        assert event.after == {"by": "openid"}

    def test_asks_for_the_second_factor_of_the_account(self, site: FastAPI, provider: Running, world: World) -> None:
        store, settings, then = site.state.database, site.state.settings, datetime.now(UTC) - timedelta(minutes=5)
        actor = actor_of(store, world, "handler")
        with store.transaction() as session:
            begun = second_factors.begin(session, settings, actor, then)
            code = pyotp.TOTP(begun.secret).at(then)
            second_factors.confirm(session, settings, actor, begun.enrolment, code, now=then)
        client = browser(site)
        answer = back(client, provider.sign_in(leave(client), "7-handler"))
        assert answer.headers["location"] == "/sign-in/code?next=%2Ftasks"
        assert client.cookies.get("session") is None
        now = client.post("/sign-in/code", data={"code": pyotp.TOTP(begun.secret).now(), "next": "/tasks"})
        assert now.headers["location"] == "/tasks"

    def test_is_enough_to_add_a_factor_where_there_is_no_password(
        self, site: FastAPI, provider: Running, world: World
    ) -> None:
        """Without this, whoever signs in at a provider alone could never do what the setting asks for."""
        site.state.settings = site.state.settings.model_copy(update={"second_factor": "everybody"})
        with site.state.database.transaction() as session:
            session.get_one(User, world.users["handler"]).password_hash = ""
            events.record(session, SYSTEM, "user.update")
        client = browser(site)
        back(client, provider.sign_in(leave(client), "7-handler"))
        assert client.get("/tasks").headers["location"] == "/second-factor"
        page = client.get("/second-factor")
        page_checks.check_page(page.text)
        assert 'name="password"' not in page.text
        token = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert token is not None
        begun = client.post("/second-factor/begin", data={"csrf": token[1]})
        assert 'name="enrolment"' in begun.text
        with site.state.database.transaction() as session:
            for row in session.exec(select(UserSession)):
                row.created_at -= timedelta(minutes=11)
        late = client.post("/second-factor/begin", data={"csrf": token[1]})
        assert (late.status_code, 'name="enrolment"' in late.text) == (409, False)

    def test_signs_out_here_and_shows_the_way_out_there(self, site: FastAPI, provider: Running) -> None:
        client = browser(site)
        back(client, provider.sign_in(leave(client), "7-handler"))
        token = re.search(r'name="csrf" value="([^"]+)"', client.get("/tasks").text)
        assert token is not None
        out = client.post("/sign-out", data={"csrf": token[1]})
        assert out.headers["location"] == "/sign-in?left=true"
        page = client.get(out.headers["location"])
        assert 'href="/sign-in/oidc/leave"' in page.text
        there = client.get("/sign-in/oidc/leave").headers["location"]
        assert there.startswith(f"{provider.issuer}/session/end?")
        assert client.get("/tasks").headers["location"].startswith("/sign-in")

    def test_links_an_own_account_with_its_password(self, site: FastAPI, provider: Running, world: World) -> None:
        with site.state.database.transaction() as session:
            by = actor_of(site.state.database, world, "system_admin")
            identities.permit(session, site.state.settings, by, world.users["leader"], 1, now=clock.now())
        client = browser(site)
        answer = back(client, provider.sign_in(leave(client), "8-leader"))
        assert answer.headers["location"] == "/sign-in/link?next=%2Ftasks"
        assert client.cookies.get("session") is None
        page = client.get(answer.headers["location"])
        page_checks.check_page(page.text)
        assert "leader" in page.text
        wrong = client.post("/sign-in/link", data={"secret": "wrong", "next": "/tasks"})
        page_checks.check_page(wrong.text)
        assert wrong.status_code == 422
        right = client.post("/sign-in/link", data={"secret": PASSWORD, "next": "/tasks"})
        assert right.headers["location"] == "/tasks"
        assert client.get("/tasks").status_code == 200
        again = browser(site)
        assert back(again, provider.sign_in(leave(again), "8-leader")).headers["location"] == "/tasks"


class TestRefusals:
    def test_of_somebody_without_an_account_here(self, site: FastAPI, provider: Running) -> None:
        """Also of somebody who calls themselves as an account is called."""
        for subject in ("9-handler", "stranger", "coordinator"):
            client = browser(site)
            answer = back(client, provider.sign_in(leave(client), subject))
            assert answer.status_code == 401
            assert client.cookies.get("session") is None
            assert "没有与该身份对应的可用账号" in answer.text

    def test_of_a_return_to_another_browser(self, site: FastAPI, provider: Running) -> None:
        """Login CSRF: a link with the attacker's code does not sign the victim in as the attacker."""
        attacker, victim = browser(site), browser(site)
        query = provider.sign_in(leave(attacker), "7-handler")
        assert back(victim, query).status_code == 401
        leave(victim)
        assert back(victim, query).status_code == 401
        assert victim.cookies.get("session") is None

    def test_of_a_second_return(self, site: FastAPI, provider: Running) -> None:
        client = browser(site)
        query = provider.sign_in(leave(client), "7-handler")
        cookie = client.cookies["openid"]
        assert back(client, query).status_code == 303
        again = browser(site)
        again.cookies.set("openid", cookie)
        assert back(again, query).status_code == 401

    @pytest.mark.parametrize(
        "bent",
        [
            {"state": "made-up"},
            {"state": ""},
            {"code": "made-up"},
            {"code": ""},
            {"iss": "https://evil.example"},
            {"iss": ""},
            {"error": "access_denied"},
        ],
        ids=str,
    )
    def test_of_an_answer_that_was_bent(self, site: FastAPI, provider: Running, bent: dict[str, str]) -> None:
        client = browser(site)
        query = {**provider.sign_in(leave(client), "7-handler"), **bent}
        answer = back(client, query)
        assert answer.status_code == 401
        assert client.cookies.get("session") is None
        with site.state.database.reading() as session:
            assert session.exec(select(Event).where(Event.verb == "session.refuse")).all()

    def test_of_a_code_that_was_given_for_another_sign_in(self, site: FastAPI, provider: Running) -> None:
        """Code injection: the attacker's state and the victim's code do not go together."""
        victim, attacker = browser(site), browser(site)
        stolen = provider.sign_in(leave(victim), "7-handler")["code"]
        own = provider.sign_in(leave(attacker), "9-nobody")
        assert back(attacker, {**own, "code": stolen}).status_code == 401

    def test_of_a_provider_that_is_down_leave_the_password(self, site: FastAPI) -> None:
        gone = f"http://127.0.0.1:{openid_provider.free_port()}"
        attach(site, site.state.settings.model_copy(update={"oidc_issuer": gone}))
        client = browser(site)
        answer = client.get("/sign-in/oidc")
        page_checks.check_page(answer.text)
        assert answer.status_code == 503
        assert "暂时无法连接统一认证" in answer.text
        assert client.post("/sign-in", data={"login": "handler", "password": PASSWORD}).status_code == 303

    def test_of_passwords_where_the_setting_says_so(self, site: FastAPI, provider: Running) -> None:
        site.state.settings = site.state.settings.model_copy(update={"oidc_passwords": False})
        client = browser(site)
        linked = client.post("/sign-in", data={"login": "handler", "password": PASSWORD})
        wrong = client.post("/sign-in", data={"login": "leader", "password": "wrong"})
        assert linked.status_code == wrong.status_code == 422
        assert client.post("/sign-in", data={"login": "leader", "password": PASSWORD}).status_code == 303
        other = browser(site)
        assert back(other, provider.sign_in(leave(other), "7-handler")).status_code == 303

    def test_of_an_administrator_elsewhere(self, site: FastAPI, provider: Running, world: World) -> None:
        store = site.state.database
        with store.transaction() as session:
            by = actor_of(store, world, "system_admin")
            identities.link(session, site.state.settings, by, world.users["audit_admin"], 1, "1-audit", now=NOW)
        site.state.settings = site.state.settings.model_copy(update={"admin_addresses": "10.2.0.0/16"})
        client = browser(site)
        answer = back(client, provider.sign_in(leave(client), "1-audit"))
        assert answer.status_code == 403
        with store.reading() as session:
            of_audit = UserSession.user_id == world.users["audit_admin"]
            assert len(session.exec(select(UserSession).where(of_audit)).all()) == 1

    @pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
    def test_of_a_way_on_to_elsewhere(self, site: FastAPI, provider: Running, target: str) -> None:
        client = browser(site)
        answer = back(client, provider.sign_in(leave(client, target), "7-handler"))
        assert answer.headers["location"] == "/"

    def test_of_everything_where_no_provider_is_set(self, app: FastAPI) -> None:
        client = browser(app)
        assert "/sign-in/oidc" not in client.get("/sign-in").text
        assert client.get("/sign-in/oidc").status_code == 404
        assert client.get("/sign-in/oidc/callback?state=x&code=y").status_code == 404
        assert client.get("/sign-in/oidc/leave").status_code == 404
        assert client.get("/sign-in/link").headers["location"] == "/sign-in"
        assert client.post("/sign-in/link", data={"secret": "x"}).status_code == 401


class TestAccountPage:
    def test_links_and_unlinks(self, site: FastAPI, world: World) -> None:
        system, path = PageClient(site).as_("system_admin"), f"/users/{world.users['leader']}"
        assert "link-identity" in system.get(path).text
        assert system.post(f"{path}/permit-link", {"version": "1"}).status_code == 303
        assert "前可自行绑定" in system.get(path).text
        done = system.post(f"{path}/link-identity", {"version": "2", "subject": "8-leader"})
        assert done.headers["location"] == path
        assert "起绑定" in system.get(path).text
        taken = system.post(f"/users/{world.users['deputy']}/link-identity", {"version": "1", "subject": "8-leader"})
        assert taken.status_code == 409
        assert system.post(f"{path}/unlink-identity", {"version": "3", "reason": "离职"}).status_code == 303
        assert "未绑定" in system.get(path).text

    def test_is_the_system_administrators(self, site: FastAPI, world: World) -> None:
        for verb, fields in (("link-identity", {"subject": "x"}), ("permit-link", {}), ("unlink-identity", {})):
            path = f"/users/{world.users['leader']}/{verb}"
            found = {
                login: PageClient(site).as_(login).post(path, {**fields, "version": "9"}).status_code
                for login in EVERYBODY
            }
            assert found == dict.fromkeys(EVERYBODY, 403) | {"nobody": 303, "system_admin": 412}
