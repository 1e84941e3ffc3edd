"""Second factors over the API: the whole way with a token, and with a browser's session."""

import pyotp
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.routers.dependencies import mask
from tests.clients import ApiClient
from tests.factories import CSRF, PASSWORD, World, session_token
from tests.personas import EVERYBODY

SEATS = ("system_admin", "security_admin", "audit_admin")


def add(api: ApiClient, login: str = "handler") -> tuple[str, list[str]]:
    person = api.as_(login)
    begun = person.post("/me/second-factor/begin", json={"password": PASSWORD})
    assert begun.status_code == 200
    secret = begun.json()["secret"]
    assert begun.json()["address"].startswith("otpauth://totp/")
    body = {"enrolment": begun.json()["enrolment"], "code": pyotp.TOTP(secret).now()}
    done = person.post("/me/second-factor/confirm", json=body)
    assert done.status_code == 200
    return secret, done.json()["codes"]


def test_is_added_renewed_and_removed(api: ApiClient) -> None:
    person = api.as_("handler")
    assert person.get("/me/second-factor").json() == {"since": None, "codes_left": 0, "required": False}
    _, codes = add(api)
    state = person.get("/me/second-factor").json()
    assert (state["codes_left"], state["since"] is None) == (10, False)
    assert person.post("/me/second-factor/begin", json={"password": PASSWORD}).json()["code"] == "second_factor_stands"
    proof = {"password": PASSWORD, "code": codes[0]}
    renewed = person.post("/me/second-factor/renew-codes", json=proof)
    assert renewed.status_code == 200
    assert person.post("/me/second-factor/remove", json=proof).json()["code"] == "code_refused"
    proof["code"] = renewed.json()["codes"][0]
    assert person.post("/me/second-factor/remove", json=proof).status_code == 204
    assert person.post("/me/second-factor/remove", json=proof).json()["code"] == "no_second_factor"


def test_tries_are_counted_with_those_of_signing_in(api: ApiClient, app: FastAPI) -> None:
    add(api)
    person = api.as_("handler")
    tries = app.state.settings.sign_in_tries
    wrong = [
        person.post("/me/second-factor/remove", json={"password": PASSWORD, "code": "000000"}) for _ in range(tries + 1)
    ]
    assert [answer.status_code for answer in wrong] == [422] * tries + [429]
    signing_in = TestClient(app, follow_redirects=False).post(
        "/sign-in", data={"login": "handler", "password": PASSWORD}
    )
    assert signing_in.status_code == 429


def test_a_service_account_has_none(api: ApiClient) -> None:
    answer = api.as_("handler").post("/me/second-factor/begin", json={"password": "wrong"})
    assert (answer.status_code, answer.json()["code"]) == (422, "present_password_wrong")


class TestReset:
    def test_is_the_system_administrators(self, api: ApiClient, world: World) -> None:
        add(api)
        path = f"/users/{world.users['handler']}/reset-second-factor"
        found = {
            login: api.as_(login).post(path, version=1, json={"reason": "遗失"}).status_code
            for login in EVERYBODY
            if login != "system_admin"
        }
        assert found == {login: 401 if login == "nobody" else 403 for login in found}
        answer = api.as_("system_admin").post(path, version=1, json={"reason": "遗失"})
        assert (answer.status_code, answer.json()["second_factor_since"]) == (200, None)

    def test_is_listed_for_the_three(self, api: ApiClient, world: World) -> None:
        add(api)
        user_id = world.users["handler"]
        api.as_("system_admin").post(f"/users/{user_id}/reset-second-factor", version=1, json={"reason": "遗失"})
        found = {login: api.as_(login).get("/second-factors/resets").status_code for login in EVERYBODY}
        assert found == {login: 200 if login in SEATS else 401 if login == "nobody" else 403 for login in EVERYBODY}
        (row,) = api.as_("security_admin").get(f"/second-factors/resets?user={user_id}").json()["items"]
        assert (row["user_name"], row["actor_name"], row["reason"]) == ("承办员", "系统管理员", "遗失")


@pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
def test_a_browsers_session_that_has_to_add_one_can_do_it_here(app: FastAPI) -> None:
    app.state.settings = app.state.settings.model_copy(update={"second_factor": "everybody"})
    client = TestClient(app, follow_redirects=False)
    client.cookies.set("session", session_token("handler"))
    client.headers["X-CSRF-Token"] = mask(CSRF)
    assert client.get("/api/v1/tasks").json()["code"] == "second_factor_required"
    begun = client.post("/api/v1/me/second-factor/begin", json={"password": PASSWORD}).json()
    body = {"enrolment": begun["enrolment"], "code": pyotp.TOTP(begun["secret"]).now()}
    assert client.post("/api/v1/me/second-factor/confirm", json=body).status_code == 200
    assert client.get("/api/v1/tasks").status_code == 200
