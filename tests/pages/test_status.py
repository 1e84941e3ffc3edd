"""The status page: all lines with what to do, for the system administrator alone."""

import pytest
from sqlalchemy import text

from app import clock
from app.database import Database
from app.services import jobs
from tests.clients import PageClient
from tests.personas import EVERYBODY

pytestmark = pytest.mark.parametrize("stores", ["sqlite"], indirect=True)


class TestStatus:
    def test_shows_each_line_with_its_state_in_words(self, pages: PageClient) -> None:
        page = pages.as_("system_admin").get("/status").text
        for name in ("store", "migration", "log_triggers", "disk_data", "clock", "working_days", "secret_key"):
            assert f'id="check-{name}"' in page
        assert "正常" in page
        assert 'href="/status"' in page

    def test_says_what_to_do_about_what_is_wrong(self, pages: PageClient, database: Database) -> None:
        with database.transaction() as session:
            jobs.sign(session, "here", clock.now(), clock.now())
        with database.engine.begin() as connection:
            connection.execute(text("DROP TRIGGER events_no_update"))
        page = pages.as_("system_admin").get("/status").text
        assert "有 1 项异常" in page
        assert 'href="/jobs?state=dead"' in page
        assert "有人绕过系统操作过数据库" in page

    @pytest.mark.parametrize("persona", EVERYBODY)
    def test_is_for_the_system_administrator(self, pages: PageClient, persona: str) -> None:
        expected = {"system_admin": 200, "nobody": 303}.get(persona, 403)
        assert pages.as_(persona).get("/status").status_code == expected
