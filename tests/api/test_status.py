"""The state of the installation over the API."""

import pytest

from tests.clients import ApiClient
from tests.personas import EVERYBODY

pytestmark = pytest.mark.parametrize("stores", ["sqlite"], indirect=True)


class TestStatus:
    def test_gives_the_lines_of_the_page_in_the_readers_language(self, api: ApiClient) -> None:
        asked = api.as_("system_admin")
        chinese = asked.get("/status").json()
        english = asked.get("/status", headers={"Accept-Language": "en"}).json()
        assert chinese["state"] in ("ok", "warn", "bad")
        line = next(item for item in chinese["items"] if item["name"] == "log_triggers")
        assert line == {
            "name": "log_triggers",
            "group": "数据库",
            "label": "动态的保护",
            "state": "ok",
            "value": "动态不能修改，也不能删除",
            "advice": "",
        }
        names = [item["name"] for item in chinese["items"]]
        assert names == [item["name"] for item in english["items"]]
        assert "entries cannot be changed or deleted" in [item["value"] for item in english["items"]]

    @pytest.mark.parametrize("persona", EVERYBODY)
    def test_is_for_the_system_administrator(self, api: ApiClient, persona: str) -> None:
        expected = {"system_admin": 200, "nobody": 401}.get(persona, 403)
        assert api.as_(persona).get("/status").status_code == expected
