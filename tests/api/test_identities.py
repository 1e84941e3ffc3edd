"""Links over the API: the system administrator's, and hidden where no provider is set."""

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from tests.clients import ApiClient
from tests.factories import World
from tests.personas import EVERYBODY

PROVIDER = {
    "oidc_issuer": "https://id.example",
    "oidc_client_id": "duikou",
    "oidc_client_secret": SecretStr("secret"),
    "public_url": "http://testserver",
}


@pytest.fixture(autouse=True)
def _provider(app: FastAPI) -> None:
    app.state.settings = app.state.settings.model_copy(update=PROVIDER)


def test_is_linked_opened_for_linking_and_unlinked(api: ApiClient, world: World) -> None:
    system, path = api.as_("system_admin"), f"/users/{world.users['handler']}"
    opened = system.post(f"{path}/permit-link", version=1).json()
    assert opened["link_until"] is not None
    linked = system.post(f"{path}/link-identity", version=2, json={"subject": "7-handler"}).json()
    assert (linked["linked_since"] is None, linked["link_until"]) == (False, None)
    again = system.post(f"{path}/link-identity", version=3, json={"subject": "8-handler"})
    assert (again.status_code, again.json()["code"]) == (409, "identity_stands")
    other = system.post(f"/users/{world.users['leader']}/link-identity", version=1, json={"subject": "7-handler"})
    assert (other.status_code, other.json()["code"]) == (409, "identity_taken")
    ended = system.post(f"{path}/unlink-identity", version=3, json={"reason": "离职"}).json()
    assert ended["linked_since"] is None


@pytest.mark.parametrize("verb", ["link-identity", "permit-link", "unlink-identity"])
def test_is_the_system_administrators(api: ApiClient, world: World, verb: str) -> None:
    path = f"/users/{world.users['handler']}/{verb}"
    body = {"subject": "7-handler"} if verb == "link-identity" else {}
    found = {login: api.as_(login).post(path, version=9, json=body).status_code for login in EVERYBODY}
    expected = dict.fromkeys(EVERYBODY, 403) | {"nobody": 401, "system_admin": 412}
    assert found == expected


def test_nothing_can_be_linked_without_a_provider(api: ApiClient, app: FastAPI, world: World) -> None:
    app.state.settings = app.state.settings.model_copy(update={"oidc_issuer": ""})
    answer = api.as_("system_admin").post(
        f"/users/{world.users['handler']}/link-identity", version=1, json={"subject": "7-handler"}
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "no_provider")
