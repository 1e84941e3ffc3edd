"""Administration from listed addresses only: pages, API, tokens, sessions, signing in."""

import pytest
from fastapi import FastAPI
from sqlmodel import select
from starlette.testclient import TestClient

from app.models import Event, UserSession
from app.services import passwords
from app.settings import Settings
from tests.factories import NOW, PASSWORD, World, actor_of, bearer_token, session_token
from tests.personas import PERSONAS

pytestmark = pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
INSIDE, OUTSIDE = "10.2.0.15", "10.9.0.15"
SEATS = ("system_admin", "security_admin", "audit_admin")
# path > who may open it from everywhere (the others of the list only from inside).
ROUTES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "/": (("handler", "coordinator", "inspector"), SEATS),
    "/sessions": (("handler",), SEATS),
    "/users": (("handler", "coordinator"), SEATS),
    "/users/new": ((), ("system_admin",)),
    "/memberships/new": ((), ("security_admin", "coordinator")),
    "/unit-grants": ((), ("security_admin",)),
    "/audit": ((), ("audit_admin", "inspector", "leader")),
    "/tasks": (("handler", "coordinator", "inspector"), ()),
    "/api/v1/me": (("handler", "coordinator", "inspector"), SEATS),
    "/api/v1/users": (("handler", "coordinator"), SEATS),
    "/api/v1/tokens": (("handler",), SEATS),
    "/api/v1/tasks": (("handler", "coordinator", "inspector"), ()),
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The list names one network."""
    return settings.model_copy(update={"admin_addresses": "10.2.0.0/16, 2001:db8::/32"})


def client(app: FastAPI, address: str, login: str = "", *, token: bool = False) -> TestClient:
    made = TestClient(app, follow_redirects=False, client=(address, 40000))
    if token:
        made.headers["Authorization"] = f"Bearer {bearer_token(login)}"
    elif login:
        made.cookies.set("session", session_token(login))
    return made


@pytest.mark.parametrize("path", ROUTES)
def test_each_route_opens_where_the_table_says(app: FastAPI, path: str) -> None:
    everywhere, inside_only = ROUTES[path]
    wrong = []
    for login in (*everywhere, *inside_only):
        # A session of a browser, and a token where there is an API.
        for token in (True, False) if path.startswith("/api/") else (False,):
            for address in (INSIDE, f"::ffff:{INSIDE}", "2001:db8::7", OUTSIDE, f"::ffff:{OUTSIDE}", "2001:db9::7"):
                answer = client(app, address, login, token=token).get(path)
                outside = address in (OUTSIDE, f"::ffff:{OUTSIDE}", "2001:db9::7")
                if answer.status_code != (403 if outside and login in inside_only else 200):
                    wrong.append(f"{login} from {address}, token {token}: {answer.status_code}")
                if answer.status_code == 403 and path.startswith("/api/"):
                    assert answer.json()["code"] == "address_not_allowed"
    assert wrong == []


def test_a_refusal_is_recorded_with_the_address(app: FastAPI) -> None:
    client(app, OUTSIDE, "system_admin").get("/users")
    with app.state.database.reading() as session:
        event = session.exec(select(Event).where(Event.verb == "access.refuse")).one()
    assert (event.address, event.subject_name) == (OUTSIDE, "GET /users")
    assert event.after == {"code": "address_not_allowed"}


def test_whoever_holds_no_right_learns_nothing_of_the_list(app: FastAPI) -> None:
    answer = client(app, OUTSIDE, "handler", token=True).post("/api/v1/users", json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


class TestSigningIn:
    def post(self, app: FastAPI, address: str, login: str, password: str = PASSWORD) -> tuple[int, str | None, str]:
        answer = client(app, address).post("/sign-in", data={"login": login, "password": password})
        return answer.status_code, answer.cookies.get("session"), answer.text

    def test_opens_no_session_for_a_seat_elsewhere(self, app: FastAPI) -> None:
        status, cookie, text = self.post(app, OUTSIDE, "system_admin")
        assert (status, cookie) == (403, None)
        assert "管理网段" in text
        assert self.post(app, INSIDE, "system_admin")[0] == 303
        assert self.post(app, OUTSIDE, "handler")[0] == 303

    def test_tells_a_wrong_password_nothing(self, app: FastAPI) -> None:
        status, _, text = self.post(app, OUTSIDE, "system_admin", "wrong")
        assert status == 422
        assert "管理网段" not in text

    def test_records_why(self, app: FastAPI) -> None:
        self.post(app, OUTSIDE, "audit_admin")
        with app.state.database.reading() as session:
            event = session.exec(select(Event).where(Event.verb == "session.refuse")).one()
        assert (event.subject_name, event.address, event.after) == (
            "audit_admin",
            OUTSIDE,
            {"code": "address_not_allowed"},
        )

    def test_lets_a_session_that_was_taken_along_only_end(self, app: FastAPI, world: World) -> None:
        inside = client(app, INSIDE, "audit_admin")
        page = inside.get("/audit")
        token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
        elsewhere = client(app, OUTSIDE, "audit_admin")
        assert elsewhere.get("/audit").status_code == 403
        assert elsewhere.post("/sign-out", data={"csrf": token}).status_code == 303
        with app.state.database.reading() as session:
            of_audit = UserSession.user_id == world.users["audit_admin"]
            assert session.exec(select(UserSession).where(of_audit)).one().revoked_at is not None

    def test_does_not_take_a_printed_code_elsewhere(self, app: FastAPI, world: World) -> None:
        database = app.state.database
        with database.transaction() as session:
            by = actor_of(database, world, "system_admin")
            # Codes hold for a day from now, so the clock of the world would not do.
            issued = passwords.issue_code(session, by, world.users["security_admin"], now=NOW.replace(year=2099))
        fields = {"login": "security_admin", "code": issued.code, "new_password": "Another-one-7"}
        body = fields | {"repeat_password": "Another-one-7"}
        assert client(app, OUTSIDE).post("/reset", data=body).status_code == 403
        assert client(app, OUTSIDE).post("/api/v1/reset-codes/redeem", json=fields).status_code == 403
        assert client(app, INSIDE).post("/reset", data=body).status_code == 303


def test_without_a_list_everywhere_is_inside(app: FastAPI, settings: Settings) -> None:
    app.state.settings = settings.model_copy(update={"admin_addresses": ""})
    for login in PERSONAS:
        assert client(app, "203.0.113.9", login).get("/sessions").status_code == 200
