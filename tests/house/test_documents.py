"""Documents that cannot lie: what is set, locked, decided and changed is written where people look."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.settings import PREFIX, Settings
from tests.house.tree import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")
README = ROOT / "README.md"
_ADDRESS = re.compile(r"https?://|--(?:extra-)?index-url|--find-links|--trusted-host|file://")
_REGISTRIES = re.compile(r"pypi\.org|pythonhosted\.org|npmjs|jsdelivr|unpkg|cdnjs|crates\.io|/simple\b", re.IGNORECASE)


def settings_table() -> dict[str, str]:
    """The rows of README's table of settings: variable > the whole row."""
    rows = re.findall(rf"^\| `({PREFIX}[A-Z_]+)` \|.*\|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    lines = {
        name: line for line in README.read_text(encoding="utf-8").splitlines() for name in rows if f"`{name}`" in line
    }
    assert len(rows) == len(set(rows)), "a setting stands twice in the table"
    return lines


class TestSettings:
    @pytest.mark.parametrize("name", list(Settings.model_fields))
    def test_stand_in_the_readme_with_default_and_meaning(self, name: str) -> None:
        field = Settings.model_fields[name]
        row = settings_table().get(f"{PREFIX}{name.upper()}", "")
        assert row, f"{PREFIX}{name.upper()} is not in README's table"
        assert field.description, "a setting says what it does"
        assert field.description in row, "the table says what the code says"
        default = getattr(field.default, "get_secret_value", lambda: field.default)()
        if str(default):
            assert f"`{default}`" in row, "the table gives the default"

    def test_that_are_gone_are_gone_from_the_readme(self) -> None:
        assert set(settings_table()) <= {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


class TestLocks:
    @pytest.mark.parametrize("lock", LOCKS)
    def test_hold_no_address(self, lock: str) -> None:
        assert _ADDRESS.findall((ROOT / lock).read_text()) == []

    @pytest.mark.parametrize("lock", LOCKS)
    def test_hold_a_hash_for_every_package(self, lock: str) -> None:
        text = (ROOT / lock).read_text()
        pinned = re.findall(
            r"^[A-Za-z0-9._-]+(?:\[[a-z,]+\])?==[^\s\\]+[^\n]*((?:\\\n\s+--hash=sha256:[0-9a-f]{64}[^\n]*)+)",
            text,
            re.MULTILINE,
        )
        assert len(pinned) == len(re.findall(r"^[A-Za-z0-9._-]+.*==", text, re.MULTILINE)) > 20

    def test_hold_every_dependency(self) -> None:
        declared = re.findall(r'^    "([a-z0-9-]+)', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
        locked = set(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==", (ROOT / LOCKS[1]).read_text(), re.MULTILINE))
        packages = {name for name in declared if (ROOT / LOCKS[1]).exists()}
        assert {"fastapi", "uvicorn", "sqlmodel", "jinja2", "httpx"} <= packages & locked


class TestAddresses:
    def test_no_file_sends_anybody_to_a_registry(self) -> None:
        """Installations stand behind proxies and mirrors of their own; pip and apt know theirs."""
        names = (
            "Makefile",
            ".ci/run",
            "pyproject.toml",
            "Dockerfile",
            "docker-compose.yml",
            "README.md",
            "CONTRIBUTING.md",
        )
        found = [name for name in names if _REGISTRIES.search((ROOT / name).read_text(encoding="utf-8"))]
        assert found == []


class TestDecisions:
    def test_are_numbered_and_whole(self) -> None:
        pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
        assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
        for page in pages:
            text = page.read_text(encoding="utf-8")
            for part in ("## Context", "## Decision", "## Consequences", "## Alternatives"):
                assert part in text, f"{page.name} lacks {part}"
            assert len(text.splitlines()) <= 60, f"{page.name} is longer than a page"


class TestContributing:
    def test_names_only_folders_that_exist(self) -> None:
        text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
        paths = re.findall(r"`((?:app|tests|docs|migrations|bench)/[\w/.-]*)`", text)
        gone = [path for path in paths if "<" not in path and not (ROOT / path).exists()]
        assert gone == []


class TestChangelog:
    def test_names_the_release(self) -> None:
        version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
        assert version is not None
        assert version[1] in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_no_path_of_a_machine_is_written_down() -> None:
    here = str(Path(ROOT).parent) + "/"
    names = (
        "Makefile",
        ".ci/run",
        "pyproject.toml",
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "requirements.lock",
    )
    assert [name for name in names if here in (ROOT / name).read_text(encoding="utf-8")] == []


class TestCompose:
    def test_keeps_its_schema(self) -> None:
        command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
        done = subprocess.run([*command, str(ROOT / "docker-compose.yml")], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
