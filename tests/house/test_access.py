"""Every route x every persona. What the right alone decides is exact; the rest may not betray anything."""

import hashlib
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.database import Database
from app.routers.dependencies import mask
from tests import factories
from tests.house.access import FILE, Things, address, furnish, refused_outright
from tests.house.routes import PUBLIC, Route, everything
from tests.personas import BUSINESS, EVERYBODY, NOBODY
from tests.services.test_seals import seal_all

pytestmark = pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
# Reading first, so that nothing that was changed is in its way; what ends sessions last.
ROUTES = sorted(
    (route for route in everything() if route.name not in ("sessions.close", "static", "styleguide")),
    key=lambda route: (route.method != "GET", "revoke" in route.name, "others" in route.name, route.path),
)
LOOKED_AT = {200, 403, 404}
CHANGED = {200, 201, 202, 204, 303, 403, 404, 409, 412, 415, 422, 428}
# The world has no OpenID provider, and then there is no way to one.
WITHOUT_PROVIDER = {"identities.begin", "identities.finish", "identities.leave"}
OF_HOME = ("任务1", "任务2", "任务3")
OF_HOME_BUREAUS = (*OF_HOME, "冀震发〔2022〕1号", "监测处（应急处）", "援建科", "巴州应急管理局")


@pytest.fixture
def things(app: FastAPI, database: Database, world: factories.World, tmp_path: Path) -> Things:
    """The world with a row for every place, and the bytes of its one file."""
    path = tmp_path / "file"
    path.write_bytes(FILE)
    app.state.storage.put(hashlib.sha256(FILE).hexdigest(), path)
    found = furnish(database, world)
    seal_all(database, app.state.settings)
    return found


def ask(app: FastAPI, route: Route, persona: str, things: Things) -> httpx.Response:
    """The request with an empty body, and a version that nothing has."""
    client = TestClient(app, follow_redirects=False)
    headers = {"If-Match": '"999"'} if route.is_api and route.method != "GET" else {}
    if persona != NOBODY and route.is_api:
        headers["Authorization"] = f"Bearer {factories.bearer_token(persona)}"
    elif persona != NOBODY:
        client.cookies.set("session", factories.session_token(persona))
    query = {**things.queries.get(route.name, {})}
    if route.method == "GET":
        return client.get(address(route, things), params=query, headers=headers)
    if route.is_api:
        return client.request(route.method, address(route, things), json={}, params=query, headers=headers)
    token = mask(factories.CSRF)
    return client.post(address(route, things), data={"csrf": token}, params={**query, "csrf": token}, headers=headers)


def betrayed(answer: httpx.Response, route: Route, persona: str) -> list[str]:
    """What an answer says of rows that are not the persona's, in a list, by id or in the sentence of a refusal."""
    if persona in BUSINESS:
        return []
    hidden = OF_HOME_BUREAUS if persona in ("outsider", NOBODY) else OF_HOME
    found = [f"{route.method} {route.path} says {word}" for word in hidden if word in answer.text]
    if persona == "outsider" and "{" in route.path and answer.status_code in (200, 201, 204, 303):
        found.append(f"{route.method} {route.path} > {answer.status_code} on another bureau's row")
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("persona", EVERYBODY)
def test_answers_as_the_table_of_rights_says_and_betrays_nothing(
    app: FastAPI, database: Database, world: factories.World, things: Things, persona: str
) -> None:
    actor = factories.actor_of(database, world, persona) if persona != NOBODY else None
    wrong = []
    for route in ROUTES:
        answer = ask(app, route, persona, things)
        exact = refused_outright(route, persona, actor)
        allowed = {exact} if exact else LOOKED_AT if route.method == "GET" else CHANGED
        if route.name in PUBLIC:
            allowed = {404} if route.name in WITHOUT_PROVIDER else {200, 303, 422, 429}
        elif exact is None and route.method == "GET" and "{" not in route.path and route.name not in things.queries:
            allowed = {200}
        if answer.status_code not in allowed:
            wrong.append(f"{route.method} {route.path} > {answer.status_code}, not {sorted(allowed)}")
        if exact == 303 and answer.headers.get("location", "").partition("?")[0] != "/sign-in":
            wrong.append(f"{route.path} sends nobody elsewhere than to the sign-in page")
        wrong += betrayed(answer, route, persona)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("persona", BUSINESS)
def test_whoever_may_read_reads(
    app: FastAPI, database: Database, world: factories.World, things: Things, persona: str
) -> None:
    """Without this a product that refuses everybody everything would pass."""
    actor = factories.actor_of(database, world, persona)
    for name in (
        "api.programmes.show",
        "programmes.show",
        "api.tasks.show",
        "tasks.show",
        "api.units.show",
        "units.show",
    ):
        route = next(route for route in ROUTES if route.name == name)
        # A partner sees the tasks that it takes part in, and this one is another unit's.
        elsewhere = persona == "partner" and "tasks" in name
        expected = refused_outright(route, persona, actor) or (404 if elsewhere else 200)
        assert ask(app, route, persona, things).status_code == expected, name
