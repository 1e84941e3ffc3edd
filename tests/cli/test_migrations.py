"""duikou migrate, and what refuses a store that is not at this release."""

from pathlib import Path

import pytest

from app import revisions
from tests.cli.conftest import Command


class TestMigrate:
    def test_brings_an_empty_store_to_this_release(self, fresh: Command) -> None:
        said = fresh("migrate")
        assert said.code == 0
        assert revisions.head() in said.out

    def test_goes_back_and_forth(self, fresh: Command) -> None:
        fresh("migrate")
        assert "base" in fresh("migrate", "--back", "base").out
        assert revisions.head() in fresh("migrate").out

    def test_refuses_a_revision_that_is_none(self, fresh: Command) -> None:
        said = fresh("migrate", "--back", "nowhere")
        assert said.code == 1
        assert "nowhere" in said.err

    def test_says_so_where_the_database_does_not_answer(self, fresh: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DUIKOU_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
        said = fresh("migrate", "--wait", "0")
        assert said.code == 1
        assert "cannot be reached" in said.err


class TestServe:
    def test_refuses_a_store_that_is_not_migrated(self, fresh: Command) -> None:
        said = fresh("serve", "--port", "1")
        assert said.code == 1
        assert "duikou migrate" in said.err

    @pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
    def test_does_not_create_a_store_by_looking(
        self, fresh: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("DUIKOU_DATA", str(tmp_path))
        assert fresh("user", "list").code == 1
        assert list(tmp_path.iterdir()) == []
