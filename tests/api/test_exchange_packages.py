"""Exchange packages over the API: from one installation to another and back, and who is refused."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app.database import Database
from app.main import create_app
from app.services import exchange_states
from app.services.work import KINDS
from tests import factories
from tests.clients import ApiClient
from tests.conftest import Stores
from tests.personas import EVERYBODY, NOBODY
from tests.worker.test_loop import do_all


@pytest.fixture
def both(stores: Stores) -> Iterator[tuple[ApiClient, ApiClient]]:
    """The API of two installations that trust each other's keys."""
    copies = [stores.copy(), stores.copy()]
    chosen = [copy.model_copy(update={"secret_key": SecretStr(f"secret {n} " * 8)}) for n, copy in enumerate(copies)]
    keys = []
    for settings in chosen:
        database = Database(settings)
        with database.transaction() as session:
            keys.append(f"{exchange_states.installation(session)}:{database.vault.exchange_key}")
        database.dispose()
    apps: list[FastAPI] = [
        create_app(settings.model_copy(update={"exchange_keys": keys[1 - n]})) for n, settings in enumerate(chosen)
    ]
    yield ApiClient(apps[0]), ApiClient(apps[1])
    for app, copy in zip(apps, copies, strict=True):
        app.state.database.dispose()
        stores.drop(copy)


def work(api: ApiClient) -> None:
    """Let a worker do what waits."""
    exchanging = [kind for name, kind in KINDS.items() if name.startswith("exchange.")]
    do_all(api.app.state.settings, api.app.state.database, *exchanging)


def send(api: ApiClient, programme_id: int) -> bytes:
    """A package of a programme, made and downloaded."""
    made = api.post(f"/programmes/{programme_id}/export")
    assert (made.status_code, made.json()["state"]) == (201, "making")
    assert api.get(f"/exchange-packages/{made.json()['id']}/content").status_code == 409
    work(api)
    content = api.get(f"/exchange-packages/{made.json()['id']}/content")
    assert content.headers["content-type"] == "application/zip"
    return content.content


def bring(api: ApiClient, data: bytes) -> dict[str, Any]:
    """A package at the other's door, checked."""
    answer = api.post("/exchange-packages", files={"file": ("包.duikou.zip", data)})
    assert (answer.status_code, answer.json()["state"]) == (201, "checking")
    return after_work(api, answer.json()["id"])


def after_work(api: ApiClient, package_id: object) -> dict[str, Any]:
    """A package as it is when the worker has nothing left to do."""
    work(api)
    found: dict[str, Any] = api.get(f"/exchange-packages/{package_id}").json()
    return found


def test_a_programme_goes_over_and_its_conflict_comes_back(
    both: tuple[ApiClient, ApiClient], world: factories.World
) -> None:
    here, there = (client.as_("coordinator") for client in both)
    package = bring(there, send(here, world.programmes["home"]))
    assert package["state"] == "checked"
    known = there.post(f"/exchange-packages/{package['id']}/apply", version=package["version"], json={})
    assert (known.status_code, known.json()["code"]) == (409, "document_known")
    applied = there.post(
        f"/exchange-packages/{package['id']}/apply", version=package["version"], json={"duplicate": True}
    )
    assert (applied.status_code, applied.json()["state"]) == (200, "applying")
    done = after_work(there, package["id"])
    assert done["state"] == "applied"
    programme_id = done["programme_id"]
    for client, target, programme in ((here, "甲", world.programmes["home"]), (there, "乙", programme_id)):
        task = client.get("/tasks", params={"programme": programme}).json()["items"][0]
        changed = client.patch(f"/tasks/{task['id']}", version=task["version"], json={"target": target})
        assert changed.status_code == 200
    back = bring(here, send(there, programme_id))
    listed = here.get(f"/exchange-packages/{back['id']}/differences", params={"standing": "conflict"}).json()["items"]
    assert [(row["ours"], row["theirs"]) for row in listed] == [({"target": "甲"}, {"target": "乙"})]
    chosen = here.post(
        f"/exchange-packages/{back['id']}/choose",
        version=back["version"],
        json={"choices": [{"difference_id": listed[0]["id"], "choice": "theirs"}]},
    )
    assert chosen.json()["counts"]["chosen"] == {"theirs": 1}
    taken = here.post(f"/exchange-packages/{back['id']}/apply", version=chosen.json()["version"], json={})
    assert taken.json()["state"] == "applying"
    assert after_work(here, back["id"])["counts"]["rows"]["tasks"] == {"same": 3}
    first = here.get("/tasks", params={"programme": world.programmes["home"]}).json()["items"][0]
    assert first["target"] == "乙"


def test_a_choice_for_something_else_is_refused(both: tuple[ApiClient, ApiClient], world: factories.World) -> None:
    here, there = (client.as_("coordinator") for client in both)
    package = bring(there, send(here, world.programmes["home"]))
    answer = there.post(
        f"/exchange-packages/{package['id']}/choose",
        version=package["version"],
        json={"choices": [{"difference_id": 999, "choice": "ours"}]},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "choice_unknown")


def test_a_dropped_package_can_be_brought_again(both: tuple[ApiClient, ApiClient], world: factories.World) -> None:
    here, there = (client.as_("coordinator") for client in both)
    data = send(here, world.programmes["home"])
    package = bring(there, data)
    dropped = there.post(f"/exchange-packages/{package['id']}/drop", version=package["version"], json={"reason": "误"})
    assert dropped.json()["state"] == "dropped"
    again = bring(there, data)
    assert (again["id"], again["state"]) == (package["id"], "checked")


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + bytes(18), b"x" * 4000], ids=len)
def test_what_is_no_package_is_refused_in_words(api: ApiClient, data: bytes) -> None:
    answer = api.as_("coordinator").post("/exchange-packages", files={"file": ("a.zip", io.BytesIO(data))})
    assert (answer.status_code, answer.json()["code"]) == (422, "package_damaged")


def test_a_package_of_an_unknown_installation_is_refused(
    both: tuple[ApiClient, ApiClient], api: ApiClient, world: factories.World
) -> None:
    data = send(both[0].as_("coordinator"), world.programmes["home"])
    answer = api.as_("coordinator").post("/exchange-packages", files={"file": ("a.zip", data)})
    assert (answer.status_code, answer.json()["code"]) == (403, "package_untrusted")


def test_a_download_is_on_record_before_it_leaves(api: ApiClient, database: Database, world: factories.World) -> None:
    coordinator = api.as_("coordinator")
    send(coordinator, world.programmes["home"])
    found = coordinator.get("/events", params={"limit": 200}).json()["items"]
    assert "programme.export" in {event["verb"] for event in found}
    watched = api.as_("inspector").get("/events", params={"limit": 200}).json()["items"]
    assert "exchange_package.download" in {event["verb"] for event in watched}


@pytest.mark.parametrize("persona", EVERYBODY)
def test_who_may_make_a_package(api: ApiClient, world: factories.World, persona: str) -> None:
    status = api.as_(persona).post(f"/programmes/{world.programmes['home']}/export").status_code
    allowed = {"coordinator": 201, "recipient": 201, "outsider": 404, NOBODY: 401}
    assert status == allowed.get(persona, 403)


@pytest.mark.parametrize("persona", EVERYBODY)
def test_who_sees_packages(api: ApiClient, world: factories.World, persona: str) -> None:
    made = api.as_("coordinator").post(f"/programmes/{world.programmes['home']}/export").json()["id"]
    status = api.as_(persona).get(f"/exchange-packages/{made}").status_code
    allowed = {"coordinator": 200, "recipient": 200, "outsider": 404, NOBODY: 401}
    assert status in (allowed.get(persona, 403), 404)
