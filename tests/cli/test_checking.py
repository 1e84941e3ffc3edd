"""duikou check: the lines of the status page in a terminal, and an exit code for other programs."""

import json

import pytest
from sqlalchemy import text

from app import clock
from app.database import Database
from app.services import jobs
from app.settings import Settings
from tests.cli.conftest import Command


class TestCheck:
    @pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
    def test_says_that_all_is_well_and_ends_with_0(self, duikou: Command, database: Database) -> None:
        with database.transaction() as session:
            jobs.sign(session, "here", clock.now(), clock.now())
        said = duikou("check")
        assert said.code == 0, said.out
        assert "Protection of the log" in said.out
        assert said.err == ""

    def test_ends_with_1_where_something_is_bad(self, duikou: Command, database: Database, settings: Settings) -> None:
        with database.engine.begin() as connection:
            on = "" if database.is_sqlite else " ON events"
            connection.execute(
                text(f"DROP TRIGGER {'events_no_update' if database.is_sqlite else 'events_no_change'}{on}")
            )
        said = duikou("check", "--json")
        assert said.code == 1
        answer = json.loads(said.out)
        assert answer["state"] == "bad"
        states = {item["name"]: item["state"] for item in answer["items"]}
        assert states["log_triggers"] == "bad"
        assert states["migration"] == "ok"

    def test_looks_at_a_store_without_any_table(self, fresh: Command) -> None:
        said = fresh("check", "--json")
        assert said.code == 1
        states = {item["name"]: item["state"] for item in json.loads(said.out)["items"]}
        # The embedded store is not made by looking at it.
        assert "bad" in (states["store"], states["migration"])

    @pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
    def test_names_a_wrong_setting(self, duikou: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DUIKOU_LOG_KEEP_DAYS", "200")
        said = duikou("check")
        assert said.code == 1
        assert "DUIKOU_LOG_KEEP_DAYS" in said.err
        assert "365" in said.err
