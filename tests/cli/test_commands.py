"""Every command has help, an exit code, and a sentence instead of a stack trace."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from app import cli
from tests.cli.conftest import Command
from tests.conftest import SECRET


def _commands(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*path, name))


COMMANDS = [(), *(path for name in cli.COMMANDS for path in _commands(cli.loaded(name), (name,)))]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
def test_has_help(path: tuple[str, ...], duikou: Command) -> None:
    said = duikou(*path, "--help")
    assert said.code == 0
    assert len(said.out.splitlines()) > 4


def test_are_those_of_the_product() -> None:
    groups = {path[0] for path in COMMANDS if path}
    assert {"serve", "migrate", "demo", "settings", "user", "token", "plan"} <= groups


@pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
class TestMistakes:
    def test_of_typing_end_with_2(self, duikou: Command) -> None:
        assert duikou("nonsense").code == 2
        assert duikou("plan", "read", "no-such-file.txt").code == 2
        assert duikou("serve", "--port", "many").code == 2

    def test_of_settings_name_the_variable(self, duikou: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DUIKOU_PORT", "70000")
        said = duikou("serve")
        assert said.code == 1
        assert "DUIKOU_PORT" in said.err
        assert "65535" in said.err

    def test_of_an_unsafe_key_stop_the_start(self, duikou: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DUIKOU_MODE", "production")
        monkeypatch.setenv("DUIKOU_SECRET_KEY", "short")
        said = duikou("migrate")
        assert said.code == 1
        assert "DUIKOU_SECRET_KEY" in said.err
        assert "short" not in said.err

    def test_of_a_secret_file_name_the_file(self, duikou: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DUIKOU_SECRET_KEY_FILE", "/nowhere/key")
        said = duikou("migrate")
        assert said.code == 1
        assert "DUIKOU_SECRET_KEY_FILE: the file /nowhere/key" in said.err

    def test_never_show_a_stack(self, duikou: Command) -> None:
        for arguments in (["user", "reset", "nobody"], ["token", "revoke", "99"], ["migrate", "--back", "nowhere"]):
            said = duikou(*arguments)
            assert said.code == 1
            assert "Traceback" not in said.err
            assert said.err.strip().endswith((".", "。", "nowhere"))


@pytest.mark.parametrize("language", ["zh_CN.UTF-8", "en_US.UTF-8"])
def test_speaks_the_language_of_the_terminal(language: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "user", "--help"],
        env={"LANG": language, "PYTHONUTF8": "1", "PATH": "/usr/bin"},
        capture_output=True,
        check=True,
    )
    assert ("账号" in done.stdout.decode()) is language.startswith("zh")


@pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
class TestSettings:
    def test_are_listed_with_their_sources_and_without_secrets(
        self, duikou: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DUIKOU_PORT", "8100")
        monkeypatch.setenv("LANG", "C.UTF-8")
        said = duikou("settings")
        assert said.code == 0
        assert "DUIKOU_PORT=8100\tfrom the environment" in said.out
        assert "DUIKOU_HOST=127.0.0.1\tdefault" in said.out
        assert "DUIKOU_SECRET_KEY=(set)\t" in said.out
        assert SECRET not in said.out
        rows = json.loads(duikou("settings", "--json").out)
        assert {row["variable"]: row["source"] for row in rows}["DUIKOU_PORT"] == "variable"

    def test_that_do_not_exist_stop_every_command(self, duikou: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DUIKOU_ADMIN_ADRESSES", "10.2.0.0/16")
        said = duikou("migrate")
        assert (said.code, said.err) == (
            1,
            "DUIKOU_ADMIN_ADRESSES: there is no such setting. Is DUIKOU_ADMIN_ADDRESSES meant?\n",
        )
