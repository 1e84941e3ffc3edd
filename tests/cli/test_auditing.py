"""duikou audit: what an auditor types, its exit code and what it says."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import col, select

from app.database import Database
from app.models import Event
from app.papers import offline_verifier
from app.rules.seals import Head
from app.services import seals
from app.settings import Settings
from tests.cli.conftest import Command
from tests.services.test_seals import seal_all, write
from tests.tampering import tamper


@pytest.fixture
def sealed(database: Database, settings: Settings) -> Callable[[], None]:
    """A log in two seals; called again, it grows by another seal."""

    def grow() -> None:
        write(database, 2)
        seal_all(database, settings)

    grow()
    return grow


@pytest.mark.usefixtures("sealed")
class TestVerify:
    def test_ends_with_0_where_the_log_is_whole(self, duikou: Command) -> None:
        said = duikou("audit", "verify", "--json")
        report = json.loads(said.out)
        assert (said.code, report["whole"], report["findings"]) == (0, True, [])
        assert "/" in said.err

    def test_ends_with_1_and_names_the_row(self, duikou: Command, settings: Settings) -> None:
        tamper(settings, "UPDATE events SET reason = 'x' WHERE id = 1")
        said = duikou("audit", "verify")
        assert said.code == 1
        assert "Event 1 (place 1, seal 1) is not what was sealed." in said.out

    def test_spread_over_processes_says_the_same(
        self, duikou: Command, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.cli.auditing._SMALL", 0)
        tamper(settings, "UPDATE events SET reason = 'x' WHERE id = 1")
        alone = duikou("audit", "verify", "--json", "--processes", "1")
        assert duikou("audit", "verify", "--json", "--processes", "2").out == alone.out

    def test_finds_both_tables_cut_off_by_the_heads_of_this_machine(
        self, duikou: Command, settings: Settings, sealed: Callable[[], None]
    ) -> None:
        sealed()
        assert duikou("audit", "head", "--keep").code == 0
        assert duikou("audit", "verify").code == 0
        tamper(
            settings,
            "DELETE FROM events WHERE id >= (SELECT min(first_id) FROM seals WHERE ordinal > 1)",
            "DELETE FROM seals WHERE ordinal > 1",
        )
        said = duikou("audit", "verify", "--json")
        assert said.code == 1
        assert json.loads(said.out)["counts"] == {"head_missing": 1}

    def test_goes_on_from_a_head_that_was_kept(
        self, duikou: Command, settings: Settings, sealed: Callable[[], None], tmp_path: Path
    ) -> None:
        kept = tmp_path / "head.jsonl"
        kept.write_text(duikou("audit", "head").out, encoding="utf-8")
        sealed()
        tamper(settings, "UPDATE events SET reason = 'x' WHERE id = 1")
        assert duikou("audit", "verify", "--since", str(kept)).code == 0
        assert duikou("audit", "verify", "--since", "1").code == 0
        assert duikou("audit", "verify").code == 1

    @pytest.mark.parametrize("arguments", [("--since", "nowhere"), ("--key", "zz"), ("--heads", "nowhere.jsonl")])
    def test_refuses_what_it_cannot_use(self, duikou: Command, arguments: tuple[str, ...]) -> None:
        said = duikou("audit", "verify", *arguments)
        assert said.code == 1
        assert "Traceback" not in said.err

    def test_trusts_an_older_key_only_where_it_is_given(
        self, duikou: Command, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        public = duikou("audit", "key").out.split()[1]
        seed = duikou("audit", "key", "--new").out.strip()
        monkeypatch.setenv("DUIKOU_SEAL_KEY", seed)
        assert duikou("audit", "verify").code == 1
        assert duikou("audit", "verify", "--key", public).code == 0
        monkeypatch.setenv("DUIKOU_SEAL_OLD_KEYS", public)
        assert duikou("audit", "verify").code == 0


class TestHead:
    def test_is_a_line_that_its_key_signed(
        self, duikou: Command, database: Database, settings: Settings, sealed: Callable[[], None]
    ) -> None:
        head = Head.from_line(duikou("audit", "head").out)
        assert head.is_signed_by(seals.key_of(settings, database.vault).public)

    def test_of_an_unsealed_log_is_refused_in_words(self, duikou: Command) -> None:
        said = duikou("audit", "head")
        assert (said.code, said.out) == (1, "")
        assert "Nothing has been sealed yet" in said.err


def test_seal_seals_what_there_is(duikou: Command, database: Database) -> None:
    assert duikou("audit", "seal").code == 0
    with database.reading() as session:
        assert seals.newest(session) is not None


class TestExport:
    def test_is_recorded_and_verified_by_its_own_program(
        self, duikou: Command, database: Database, sealed: Callable[[], None], tmp_path: Path
    ) -> None:
        file = tmp_path / "out.zip"
        said = duikou("audit", "export", str(file))
        assert said.code == 0, said.err
        assert offline_verifier.main([str(file)]) == 0
        with database.reading() as session:
            last = session.exec(select(Event.verb).order_by(col(Event.id).desc())).first()
        assert last == "seal.export"

    def test_never_replaces_a_file(self, duikou: Command, sealed: Callable[[], None], tmp_path: Path) -> None:
        file = tmp_path / "out.zip"
        file.write_text("kept", encoding="utf-8")
        assert duikou("audit", "export", str(file)).code == 1
        assert file.read_text(encoding="utf-8") == "kept"
