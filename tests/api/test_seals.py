"""Seals over the API: the same as on the page, for programs."""

import pytest

from app.database import Database
from app.rules.seals import Head
from app.settings import Settings
from tests.clients import ApiClient
from tests.factories import World
from tests.personas import EVERYBODY
from tests.services.test_seals import seal_all, write

READS = dict.fromkeys(("inspector", "leader", "receiving_leader", "auditor", "audit_admin"), 200)
NOT = dict.fromkeys(EVERYBODY, 403) | {"nobody": 401}


@pytest.fixture
def sealed(database: Database, settings: Settings) -> None:
    seal_all(database, settings)


@pytest.mark.usefixtures("sealed")
class TestReading:
    def test_gives_the_signed_head(self, api: ApiClient) -> None:
        found = api.as_("inspector").get("/seals/head").json()
        unsealed = found.pop("unsealed")
        head = Head(**found)
        public = api.as_("inspector").get("/seals/key").json()["public_key"]
        assert head.public_key == public
        assert unsealed >= 0

    def test_lists_seals_page_by_page(self, api: ApiClient, database: Database, settings: Settings) -> None:
        write(database, 3)
        seal_all(database, settings, size=1)
        mine = api.as_("audit_admin")
        first = mine.get("/seals", params={"limit": 2}).json()
        second = mine.get("/seals", params={"limit": 2, "cursor": first["next_cursor"]}).json()
        ordinals = [item["ordinal"] for item in (*first["items"], *second["items"])]
        assert ordinals == sorted(ordinals, reverse=True)
        assert len(ordinals) == 4

    def test_everybody_gets_what_the_table_says(self, api: ApiClient) -> None:
        for path in ("/seals", "/seals/head", "/seals/key", "/seals/verification"):
            assert {login: api.as_(login).get(path).status_code for login in EVERYBODY} == NOT | READS, path
        exports = NOT | READS | {"auditor": 403}
        assert {login: api.as_(login).get("/seals/export").status_code for login in EVERYBODY} == exports

    def test_an_export_of_another_programme_is_refused(self, api: ApiClient, world: World) -> None:
        query = {"programme": world.programmes["outside"]}
        assert api.as_("inspector").get("/seals/export", params=query).status_code == 403


def test_says_what_is_missing_before_the_first_seal(api: ApiClient) -> None:
    answer = api.as_("audit_admin").get("/seals/head")
    assert (answer.status_code, answer.json()["code"]) == (404, "nothing_sealed")
    assert api.as_("audit_admin").get("/seals/verification").json() is None
    assert api.as_("audit_admin").get("/seals/export").status_code == 404


def test_only_the_audit_administrator_asks_for_a_verification(api: ApiClient) -> None:
    answers = {login: api.as_(login).post("/seals/verify").status_code for login in EVERYBODY}
    assert answers == NOT | {"audit_admin": 202}
    assert api.as_("audit_admin").post("/seals/verify").status_code == 409
