"""A backup is one moment of the store with every file it refers to, signed, without keys, whole or not there."""

import json
import os
import subprocess
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel, col, select

import app.models  # noqa: F401 - fills the metadata
from app import migrating, revisions
from app.database import Database
from app.models import Event, Programme
from app.services import events
from app.services.backups import checking, drills, folders, making, manifests, records, sqlite_copies, stored_files
from app.settings import Settings
from tests.conftest import SECRET
from tests.factories import NOW, SYSTEM, World
from tests.services.backup_world import (
    CONTENTS,
    VAULT,
    ask,
    attach,
    backup,
    contents,
    copy,
    files_of,
    filled,
    flip,
    folder,
)

__all__ = ["filled", "folder"]
SQLITE = pytest.mark.parametrize("stores", ["sqlite"], indirect=True)


class TestCreate:
    def test_holds_every_row_and_every_file(self, filled: Settings, folder: Path) -> None:
        made = making.create(filled, folder)
        rows = {table.name: table.rows for table in made.manifest.tables}
        there = {name: len(found) for name, found in contents(filled).items()}
        own = {"alembic_version", "runnable_revisions"} if filled.database_url else set()
        assert rows == {name: count for name, count in there.items() if name not in own}
        assert {path.name: path.read_bytes() for path in (made.path / "files").rglob("*") if path.is_file()} == (
            files_of(filled)
        )
        assert (made.manifest.files, made.copied, made.missing) == (len(CONTENTS), len(CONTENTS), ())
        assert made.manifest.revision == revisions.head()
        assert made.manifest.engine == ("postgresql" if filled.database_url else "sqlite")

    def test_can_be_verified_without_the_product(self, filled: Settings, folder: Path) -> None:
        path = backup(filled, folder)
        done = subprocess.run(["sha256sum", "-c", "--quiet", "--strict", "SHA256SUMS"], cwd=path, check=False)
        assert done.returncode == 0
        named = {line.split("  ")[1] for line in (path / "SHA256SUMS").read_text().splitlines()}
        there = {str(found.relative_to(path)) for found in path.rglob("*") if found.is_file()}
        assert there - named == {"SHA256SUMS", "manifest.json", "signature.json"}

    def test_holds_no_key(self, filled: Settings, folder: Path) -> None:
        (filled.data / "demo.key").write_text(SECRET)
        for path in backup(filled, folder).rglob("*"):
            assert not path.is_file() or SECRET.encode() not in path.read_bytes()

    def test_is_for_its_owner_only(self, filled: Settings, folder: Path) -> None:
        assert backup(filled, folder).stat().st_mode & 0o077 == 0

    def test_links_what_an_earlier_one_holds(
        self, filled: Settings, folder: Path, world: World, tmp_path: Path
    ) -> None:
        first = backup(filled, folder)
        attach(filled, world, (b"new",), tmp_path)
        second = making.create(filled, folder)
        assert (second.manifest.files, second.copied) == (len(CONTENTS) + 1, 1)
        for path in (first / "files").rglob("*"):
            if path.is_file():
                assert path.samefile(second.path / path.relative_to(first))
        assert making.create(filled, folder, fresh=True).copied == len(CONTENTS) + 1

    def test_copies_where_the_disk_knows_no_links(
        self, filled: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        backup(filled, folder)

        def refuse(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
        assert making.create(filled, folder).copied == len(CONTENTS)

    def test_says_which_files_the_storage_has_lost(self, filled: Settings, folder: Path) -> None:
        lost, spoiled = sorted((filled.data / "files").rglob("*/" + "?" * 64))[:2]
        lost.unlink()
        spoiled.write_bytes(b"other bytes")
        made = making.create(filled, folder)
        assert set(made.missing) == {lost.name, spoiled.name}
        assert (made.manifest.files, made.manifest.missing) == (len(CONTENTS) - 2, 2)
        assert checking.check(made.path, VAULT) == made.manifest
        assert set((made.path / making.MISSING).read_text().split()) == set(made.missing)

    def test_is_one_moment_while_others_write(self, filled: Settings, folder: Path) -> None:
        """Each transaction adds one programme and its two events: a torn copy would have other proportions."""
        database, done, wrote = Database(filled), threading.Event(), threading.Event()

        def write(number: int) -> None:
            count = 0
            while not done.is_set():
                with database.transaction() as session:
                    session.add(row := Programme(title=f"并行{number}-{count}"))
                    session.flush()
                    events.record(session, SYSTEM, "programme.create", row, now=NOW)
                count += 1
                wrote.set()

        writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for writer in writers:
            writer.start()
        wrote.wait(30)
        made = making.create(filled, folder)
        done.set()
        for writer in writers:
            writer.join()
        database.dispose()
        held = _titles(made)
        assert held > 0
        assert _rows(made, "events") == 2 * held + _rows_of_others(filled)

    def test_before_an_upgrade_needs_no_table_of_this_release(self, filled: Settings, folder: Path) -> None:
        migrating.migrate_back(filled, "072a914f5c30")
        made = making.create(filled, folder)
        assert made.manifest.revision == "072a914f5c30"
        assert made.manifest.files == len(CONTENTS)


def _rows(made: making.Made, table: str) -> int:
    return next(found.rows for found in made.manifest.tables if found.name == table)


def _titles(made: making.Made) -> int:
    """How many of the programmes that the writers made are in the backup."""
    path = made.path / making.STORE
    if path.exists():
        return int(ask(path, "SELECT count(*) FROM programmes WHERE title LIKE '并行%'"))
    return (made.path / "store" / "programmes.copy").read_text().count("并行")


def _rows_of_others(settings: Settings) -> int:
    """Events that the writers did not write."""
    engine = create_engine(settings.resolved_database_url)
    with engine.connect() as connection:
        count = connection.scalar(
            text(
                "SELECT count(*) FROM events WHERE verb <> 'programme.create' AND (subject_type <> 'programmes' OR"
                " subject_id NOT IN (SELECT id FROM programmes WHERE title LIKE '并行%'))"
            )
        )
    engine.dispose()
    return int(count or 0)


class TestCheck:
    @pytest.mark.parametrize("part", ["store", "files", "manifest.json", "SHA256SUMS", "signature.json"])
    def test_names_the_file_in_which_a_byte_was_changed(
        self, filled: Settings, folder: Path, part: str, tmp_path: Path
    ) -> None:
        path = copy(backup(filled, folder), tmp_path)
        found = (
            path / part
            if (path / part).is_file()
            else max(
                (inner for inner in (path / part).rglob("*") if inner.is_file()), key=lambda inner: inner.stat().st_size
            )
        )
        flip(found, found.stat().st_size // 2)
        with pytest.raises(manifests.BackupDamaged) as refused:
            checking.check(path, VAULT)
        assert str(found.relative_to(path)) in refused.value.sentence

    def test_names_what_was_cut_short_and_what_is_gone(self, filled: Settings, folder: Path, tmp_path: Path) -> None:
        path = copy(backup(filled, folder), tmp_path)
        cut, gone = sorted(found for found in (path / "files").rglob("*") if found.is_file())[:2]
        cut.write_bytes(cut.read_bytes()[:-1])
        gone.unlink()
        with pytest.raises(manifests.BackupDamaged) as refused:
            checking.check(path, VAULT)
        for found in (cut, gone):
            assert str(found.relative_to(path)) in refused.value.sentence

    def test_does_not_follow_a_list_out_of_the_folder(self, filled: Settings, folder: Path, tmp_path: Path) -> None:
        path = copy(backup(filled, folder), tmp_path)
        with (path / "SHA256SUMS").open("a") as file:
            file.write(f"{'0' * 64}  ../../secrets\n")
        with pytest.raises(manifests.BackupDamaged):
            list(manifests.listed(path))

    def test_refuses_what_somebody_else_has_signed(self, filled: Settings, folder: Path, tmp_path: Path) -> None:
        path = copy(backup(filled, folder), tmp_path)
        content = json.loads((path / "manifest.json").read_bytes()) | {"missing": 7}
        stranger = manifests.Vault("another-secret-another-secret-another")
        forged = manifests.Manifest.loaded(content)
        manifests.sign(path, forged, stranger)
        with pytest.raises(manifests.BackupOfOtherKey):
            checking.check(path, VAULT)
        assert checking.check(path, VAULT, other_key=True).missing == 7

    def test_a_folder_of_something_else_is_no_backup(self, tmp_path: Path) -> None:
        with pytest.raises(manifests.NotABackup):
            checking.check(tmp_path, VAULT)
        with pytest.raises(manifests.NotABackup):
            checking.check(tmp_path / "nowhere", VAULT)


class TestKeeping:
    def test_leaves_the_newest_and_never_counts_one_that_does_not_verify(self, filled: Settings, folder: Path) -> None:
        paths = [backup(filled, folder, now=NOW + timedelta(days=day)) for day in range(4)]
        (paths[3] / "manifest.json").write_text("{}")
        with folders.held(folder):
            assert folders.prune(folder, VAULT, 2) == [paths[0].name]
        assert folders.all_in(folder) == paths[:0:-1]
        for path in paths[1:]:
            (path / "manifest.json").write_text("{}")
        with folders.held(folder):
            assert folders.prune(folder, VAULT, 1) == []

    def test_is_done_by_the_backup_itself(self, filled: Settings, folder: Path) -> None:
        for day in range(3):
            made = backup(filled, folder, now=NOW + timedelta(days=day), keep=2)
        assert len(folders.all_in(folder)) == 2
        assert checking.check(made, VAULT).files == len(CONTENTS)

    def test_two_of_one_second_have_two_names(self, filled: Settings, folder: Path) -> None:
        names = [backup(filled, folder, now=NOW).name for _ in range(2)]
        assert names == ["duikou-20261123-100000", "duikou-20261123-100000-02"]


class TestNewest:
    def test_is_the_newest_that_verifies(self, filled: Settings, folder: Path) -> None:
        named = filled.model_copy(update={"backup_folder": str(folder)})
        assert folders.newest(filled) is folders.newest(named) is None
        first = making.create(named, folder, now=NOW)
        second = backup(named, folder, now=NOW + timedelta(days=1))
        (second / "signature.json").unlink()
        found = folders.newest(named)
        assert found is not None
        assert (found.name, found.at, found.damaged) == (first.path.name, first.manifest.created_at, 1)
        assert (found.rows, found.files, found.size) == (
            first.manifest.rows,
            len(CONTENTS),
            sum(path.stat().st_size for path in first.path.rglob("*") if path.is_file())
            - sum((first.path / name).stat().st_size for name in ("manifest.json", "SHA256SUMS", "signature.json")),
        )


class TestTrouble:
    def test_two_at_once_are_one(self, filled: Settings, folder: Path) -> None:
        with folders.held(folder), pytest.raises(folders.BackupRunning):
            making.create(filled, folder)
        assert folders.all_in(folder) == []

    def test_what_a_killed_one_left_is_swept(self, filled: Settings, folder: Path) -> None:
        (folder / ".duikou-20261123-100000.partial" / "store").mkdir(parents=True)
        (folder / "mine").mkdir()
        path = backup(filled, folder)
        assert sorted(found.name for found in folder.iterdir()) == [".lock", path.name, "mine"]

    def test_a_folder_that_cannot_be_written_is_named(self, filled: Settings, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(folders.BackupFolderUnusable) as refused:
            making.create(filled, tmp_path / "file")
        assert str(tmp_path / "file") in refused.value.sentence

    @SQLITE
    def test_a_damaged_store_does_not_become_a_backup(self, filled: Settings, folder: Path) -> None:
        store = filled.data / "duikou.sqlite3"
        with store.open("r+b") as file:
            file.seek(4096 * 3)
            file.write(b"\xff" * 4096)
        with pytest.raises(sqlite_copies.StoreDamaged):
            making.create(filled, folder)
        assert folders.all_in(folder) == []

    def test_a_store_that_is_not_there_is_said(self, place_without: Settings, folder: Path) -> None:
        with pytest.raises(making.StoreUnavailable):
            making.create(place_without, folder)
        assert folders.all_in(folder) == []


@pytest.fixture
def place_without(stores: object) -> Settings:
    """An empty place: no store was ever made there."""
    return stores.empty()  # type: ignore[attr-defined, no-any-return]


class TestDrill:
    def test_restores_beside_and_leaves_nothing(self, filled: Settings, folder: Path, database: Database) -> None:
        path = backup(filled, folder)
        before = _databases(filled)
        done = drills.drill(filled, path, actor=SYSTEM, now=NOW)
        assert (done.files, done.manifest.rows) == (len(CONTENTS), checking.check(path, VAULT).rows)
        assert [found.name for found in folder.iterdir() if found.name.startswith(".drill")] == []
        assert _databases(filled) == before
        with database.transaction() as session:
            records.note_drill(session, SYSTEM, path.name, done, now=NOW)
        with database.reading() as session:
            last = records.last_drill(session)
            assert last is not None
            assert (last.backup, last.passed, last.rows, last.files) == (
                path.name,
                True,
                done.manifest.rows,
                len(CONTENTS),
            )
            verbs = session.exec(select(Event.verb).where(col(Event.verb).startswith("store."))).all()
        assert verbs == ["store.drill"]

    def test_of_a_changed_backup_fails_and_is_recorded(
        self, filled: Settings, folder: Path, database: Database
    ) -> None:
        path = backup(filled, folder)
        held = next(found for found in (path / "files").rglob("*") if found.is_file())
        flip(held, 0)
        with pytest.raises(manifests.BackupDamaged) as refused:
            drills.drill(filled, path, actor=SYSTEM, now=NOW)
        with database.transaction() as session:
            records.note_drill(session, SYSTEM, path.name, refused.value, now=NOW)
        with database.reading() as session:
            last = records.last_drill(session)
        assert last is not None
        assert (last.passed, last.error) == (False, "backup_damaged")
        assert [found.name for found in folder.iterdir() if found.name.startswith(".drill")] == []

    def test_none_yet_is_none(self, database: Database) -> None:
        with database.reading() as session:
            assert records.last_drill(session) is None


def _databases(settings: Settings) -> list[str]:
    if not settings.database_url:
        return []
    engine = create_engine(settings.database_url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT datname FROM pg_database WHERE datname LIKE '%drill%'")).scalars().all()
    engine.dispose()
    return list(found)


def test_every_column_that_names_a_stored_file_is_known() -> None:
    """A noun that keeps files would otherwise be backed up without them."""
    named = {
        (table.name, column.name)
        for table in SQLModel.metadata.tables.values()
        for column in table.columns
        if column.name == "sha256"
    }
    assert named == set(stored_files.COLUMNS.items())
