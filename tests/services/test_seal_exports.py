"""The sealed export: verified by its own program, in another process and without this product."""

import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import orjson
import pytest
from sqlmodel import col, select

from app.database import Database
from app.errors import Forbidden
from app.models import Event
from app.permissions import Actor
from app.services import events, seal_exports, seals
from app.services.seal_exports import Scope
from app.settings import Settings
from app.vault import SEALED
from tests import factories
from tests.factories import World
from tests.services.test_seals import NOW, seal_all
from tests.services.test_seals import write as write_events


@dataclass(frozen=True, slots=True)
class Checked:
    """What the program of an export said of it."""

    code: int
    out: str


def check(file: Path, *arguments: str) -> Checked:
    """Run the export's own program on it, isolated: no path of ours, no installed package."""
    with zipfile.ZipFile(file) as archive:
        archive.extract("verify.py", file.parent)
    command = [sys.executable, "-I", "-S", str(file.parent / "verify.py"), str(file), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONUTF8": "1"}, check=False)
    assert done.stderr == ""
    return Checked(done.returncode, done.stdout)


def lines(file: Path, name: str) -> list[dict[str, object]]:
    with zipfile.ZipFile(file) as archive:
        return [orjson.loads(line) for line in archive.read(name).splitlines()]


def rewrite(file: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Change one file of an export and leave the others."""
    with zipfile.ZipFile(file) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    parts[name] = change(parts[name])
    with zipfile.ZipFile(file, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)


Export = Callable[..., Path]


@pytest.fixture
def export(database: Database, settings: Settings, world: World, tmp_path: Path) -> Export:
    """Write an export for somebody; the log is sealed in small seals first."""
    home, outside = world.programmes["home"], world.programmes["outside"]
    with database.transaction() as session:
        for place in range(12):
            events.record(session, factories.SYSTEM, "demo.say", programme_id=home if place % 3 else outside)
    write_events(database, 3)
    seal_all(database, settings, size=5)

    def make(login: str | None = None, scope: Scope = Scope()) -> Path:  # noqa: B008 - frozen
        actor: Actor = factories.actor_of(database, world, login) if login else factories.SYSTEM
        with database.reading() as session:
            wanted = seal_exports.prepare(session, settings, actor, scope, now=NOW)
        file = tmp_path / "export.zip"
        file.write_bytes(b"".join(seal_exports.write(database, settings, wanted)))
        return file

    return make


@pytest.fixture
def public(database: Database, settings: Settings) -> str:
    return seals.key_of(settings, database.vault).public.hex()


class TestWholeExport:
    def test_holds_every_sealed_event(self, export: Export, database: Database, public: str) -> None:
        file = export()
        said = check(file, "--key", public, "--all")
        assert said.code == 0, said.out
        with database.reading() as session:
            ids = session.exec(select(Event.id).order_by(col(Event.transaction_id), col(Event.id))).all()
        assert [line["id"] for line in lines(file, "events.jsonl")] == ids

    def test_says_that_its_own_key_proves_little(self, export: Export) -> None:
        said = check(export())
        assert said.code == 0
        assert "the key is the export's own" in said.out

    def test_another_key_does_not_fit(self, export: Export) -> None:
        assert check(export(), "--key", "11" * 32).code == 1

    @pytest.mark.parametrize(
        ("name", "change", "words"),
        [
            ("events.jsonl", lambda text: text.replace(b'"id":3,', b'"id":3, '), "event 3 is not what was sealed"),
            ("events.jsonl", lambda text: b"".join(text.splitlines(keepends=True)[1:]), "event 1 is missing"),
            ("events.jsonl", lambda text: text + b'{"id":999}\n', "event 999"),
            ("events.jsonl", lambda text: b"nonsense\n" + text, "was not sealed here"),
            ("seals.jsonl", lambda text: b"".join(text.splitlines(keepends=True)[:-1]), "head"),
            ("seals.jsonl", lambda text: b"".join(text.splitlines(keepends=True)[1:]), "was not sealed here"),
            ("seals.jsonl", lambda text: text.replace(b'"count":5', b'"count":4', 1), "seal 1 has been changed"),
            ("seals.jsonl", lambda text: b"nonsense\n" + text, "cannot be read"),
            ("heads.jsonl", lambda text: text.replace(b'"events": ', b'"events": 1'), "does not hold"),
        ],
    )
    def test_whatever_is_changed_is_named(
        self, export: Export, name: str, change: Callable[[bytes], bytes], words: str
    ) -> None:
        file = export()
        rewrite(file, name, change)
        said = check(file)
        assert said.code == 1
        assert words in said.out

    def test_swapped_lines_are_named(self, export: Export) -> None:
        file = export()

        def swap(text: bytes) -> bytes:
            parts = text.splitlines(keepends=True)
            return b"".join([*parts[:2], parts[3], parts[2], *parts[4:]])

        rewrite(file, "events.jsonl", swap)
        assert check(file).code == 1


class TestPart:
    def test_of_a_programme_proves_itself_with_the_digests_of_others(
        self, export: Export, world: World, public: str
    ) -> None:
        home = world.programmes["home"]
        file = export("inspector", Scope(programme=home))
        assert check(file, "--key", public).code == 0
        assert {line["programme_id"] for line in lines(file, "events.jsonl")} == {home}

    def test_of_days_holds_these_days(self, export: Export, public: str) -> None:
        file = export(None, Scope(until=date(2001, 1, 1)))
        assert lines(file, "events.jsonl") == []
        assert check(file, "--key", public).code == 0

    def test_for_the_audit_administrator_leaves_business_rows_as_digests(
        self, export: Export, world: World, public: str
    ) -> None:
        file = export("audit_admin")
        kinds = {line["subject_type"] for line in lines(file, "events.jsonl")}
        assert "users" in kinds
        assert not kinds & {"tasks", "programmes", "assignments", "milestones", "demo"}
        assert check(file, "--key", public).code == 0

    def test_keeps_personal_fields_encrypted(self, export: Export, database: Database) -> None:
        with database.reading() as session:
            rows = session.exec(select(Event).where(col(Event.subject_type) == "users")).all()
        sealed = [row for row in rows if SEALED in str(row.after)]
        assert sealed
        file = export("audit_admin")
        with zipfile.ZipFile(file) as archive:
            text = archive.read("events.jsonl").decode()
        assert SEALED in text
        assert "承办员" not in text

    @pytest.mark.parametrize("login", ["coordinator", "auditor", "system_admin", "security_admin", "outsider"])
    def test_is_refused_to_who_does_not_read_the_audit_trail(self, export: Export, login: str) -> None:
        with pytest.raises(Forbidden):
            export(login)

    def test_of_another_programme_is_refused(self, export: Export, world: World) -> None:
        with pytest.raises(Forbidden):
            export("inspector", Scope(programme=world.programmes["outside"]))
