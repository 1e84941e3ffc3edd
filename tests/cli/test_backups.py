"""duikou backup and duikou restore, as somebody types them."""

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.services.backups import folders
from app.settings import Settings
from tests.cli.conftest import Command, environment, run
from tests.disks import small
from tests.factories import World
from tests.services.backup_world import CONTENTS, attach, contents, filled, flip, folder, place, without_the_restore

__all__ = ["filled", "folder", "place"]
SQLITE = pytest.mark.parametrize("stores", ["sqlite"], indirect=True)


class TestBackup:
    def test_says_where_it_is_and_what_is_in_it(self, filled: Settings, folder: Path, duikou: Command) -> None:
        said = duikou("backup", str(folder))
        [made] = folders.all_in(folder)
        assert said.code == 0
        assert str(made) in said.out
        assert f"{len(CONTENTS)} files" in said.out
        assert "DUIKOU_SECRET_KEY" in said.out
        assert "100 %" in said.err
        assert made.name in duikou("backup", "list", str(folder)).out

    def test_is_told_where_by_the_settings(
        self, filled: Settings, folder: Path, duikou: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert duikou("backup").code == 1
        monkeypatch.setenv("DUIKOU_BACKUP_FOLDER", str(folder))
        for _ in range(3):
            assert duikou("backup", "--keep", "1").code == 0
        assert len(folders.all_in(folder)) == 1
        said = duikou("backup", "drill")
        assert (said.code, f"{len(CONTENTS)} files" in said.out) == (0, True)

    def test_of_a_store_that_lost_files_is_made_and_complained_about(
        self, filled: Settings, folder: Path, duikou: Command
    ) -> None:
        next(path for path in (filled.data / "files").rglob("*") if path.is_file()).unlink()
        said = duikou("backup", str(folder))
        assert said.code == 1
        assert "missing.txt" in said.err
        assert len(folders.all_in(folder)) == 1

    @SQLITE
    def test_help_stands_in_both_languages(self, duikou: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        english = duikou("backup", "make", "--help")
        assert (english.code, "--fresh" in english.out) == (0, True)
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", "restore", "--help"],
            env={"LANG": "zh_CN.UTF-8"},
            capture_output=True,
            check=True,
        )
        assert "只核对备份" in done.stdout.decode()


class TestRestore:
    def test_brings_everything_back(
        self,
        filled: Settings,
        folder: Path,
        duikou: Command,
        place: Settings,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        duikou("backup", str(folder))
        [made] = folders.all_in(folder)
        before = without_the_restore(contents(filled))
        refused = duikou("restore", str(made))
        assert (refused.code, "has tables already" in refused.err) == (1, True)
        assert duikou("restore", "--check", str(made)).code == 0
        for name, value in environment(place).items():
            monkeypatch.setenv(name, value)
        said = run(capfd, "restore", str(made))
        assert said.code == 0, said.err
        assert "sign in anew" in said.out
        after = without_the_restore(contents(place))
        before["events"] = [row for row in before["events"] if "store.backup" not in row]
        assert after == before

    @SQLITE
    def test_names_what_was_changed(self, filled: Settings, folder: Path, duikou: Command) -> None:
        duikou("backup", str(folder))
        [made] = folders.all_in(folder)
        flip(made / "store" / "duikou.sqlite3", 20_000)
        said = duikou("restore", "--check", str(made))
        assert said.code == 1
        assert "store/duikou.sqlite3" in said.err
        assert "Traceback" not in said.err

    @SQLITE
    def test_of_nothing_is_a_sentence(self, duikou: Command, tmp_path: Path) -> None:
        said = duikou("restore", str(tmp_path / "nowhere"))
        assert (said.code, "is not a backup" in said.err) == (1, True)


Limit = Callable[[], None] | None


@pytest.fixture(params=[96 * 1024, 1024 * 1024], ids=["in the store", "in the files"])
def full_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Limit]]:
    """A folder on a very small disk; where none may be mounted, a limit on the size of each file."""
    disk, size = tmp_path / "disk", request.param
    # 32 kB are what SQLite itself needs beside a store that it reads.
    limit = 36 * 1024 if size < 1024 * 1024 else size
    with small(disk, size) as mounted:
        yield disk, None if mounted else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def test_a_full_disk_leaves_nothing_that_looks_whole(
    filled: Settings, world: World, full_disk: tuple[Path, Limit], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    disk, limit = full_disk
    attach(filled, world, (bytes(2 * 1024 * 1024),), tmp_path)
    before = contents(filled)
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "backup", str(disk)],
        env={**environment(filled), "LANG": "C.UTF-8"},
        preexec_fn=limit,
        capture_output=True,
        check=False,
    )
    said = done.stderr.decode()
    assert (done.returncode, "is full" in said, "Traceback" in said) == (1, True, False), said
    if "in the files" in request.node.name:
        assert "Copying the store: 100 %" in said
    assert [path.name for path in disk.iterdir()] == [".lock"]
    assert contents(filled) == before


@pytest.mark.parametrize(("stores", "full_disk"), [("sqlite", 96 * 1024)], indirect=True)
def test_a_restore_onto_a_full_disk_leaves_no_store(
    filled: Settings, folder: Path, full_disk: tuple[Path, Limit], duikou: Command
) -> None:
    """The files have room, the store has not."""
    disk, limit = full_disk
    duikou("backup", str(folder))
    [made] = folders.all_in(folder)
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "restore", str(made)],
        env={**environment(filled), "LANG": "C.UTF-8", "DUIKOU_DATA": str(disk)},
        preexec_fn=limit,
        capture_output=True,
        check=False,
    )
    said = done.stderr.decode()
    assert (done.returncode, "is full" in said, "Traceback" in said) == (1, True, False), said
    assert "Restoring the files: 100 %" in said
    assert [path.name for path in disk.iterdir()] == ["files"]
