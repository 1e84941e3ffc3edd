"""Backups and drills by the worker: made by the calendar, recorded, kept, and named when they fail."""

from datetime import time, timedelta
from pathlib import Path

import pytest

from app.clock import now
from app.database import Database
from app.models import JobState
from app.rules.schedules import Daily
from app.services import checks, jobs
from app.services.backups import folders, records
from app.services.checks import State
from app.services.work import KINDS, backing_up
from app.settings import Settings, WrongSetting, load
from tests.conftest import SECRET
from tests.services.backup_world import CONTENTS, filled, flip, folder
from tests.worker.rows import job
from tests.worker.test_loop import do_all

__all__ = ["filled", "folder"]


@pytest.fixture
def scheduled(filled: Settings, folder: Path) -> Settings:
    """The world, with a daily backup and a weekly drill."""
    return filled.model_copy(
        update={"backup_folder": str(folder), "backup_at": "02:30", "backup_keep": 2, "drill_every_days": 7}
    )


def do(settings: Settings, database: Database, kind: str) -> JobState:
    """Let a worker do one job of a kind; returns what became of it."""
    with database.transaction() as session:
        number = jobs.enqueue(session, kind, {}, now=now())
    do_all(settings, database, KINDS[kind])
    state: JobState = job(database, number).state
    return state


def lines(settings: Settings, database: Database, later: timedelta = timedelta()) -> dict[str, State]:
    found = checks.run(checks.Context(settings, database, now() + later))
    return {line.name: line.state for line in found if line.name in ("backup", "drill")}


class TestTimes:
    def test_follow_the_settings(self, scheduled: Settings, settings: Settings) -> None:
        assert backing_up.backup_times(scheduled) == Daily(time(2, 30))
        assert backing_up.drill_times(scheduled) == Daily(time(5, 0))
        assert backing_up.backup_times(settings) is backing_up.drill_times(settings) is None

    @pytest.mark.parametrize("wrong", ["2:30", "24:00", "02:60", "night", "02:30:00"])
    def test_that_no_clock_shows_stop_the_start(self, wrong: str) -> None:
        with pytest.raises(WrongSetting, match="DUIKOU_BACKUP_AT"):
            load(mode="test", secret_key=SECRET, backup_at=wrong, backup_folder="x")

    @pytest.mark.parametrize("given", [{"backup_at": "02:30"}, {"drill_every_days": 7}])
    def test_without_a_folder_stop_the_start(self, given: dict[str, object]) -> None:
        with pytest.raises(WrongSetting, match="DUIKOU_BACKUP_FOLDER"):
            load(mode="test", secret_key=SECRET, **given)


class TestBackup:
    def test_is_made_recorded_and_kept(self, scheduled: Settings, database: Database, folder: Path) -> None:
        for _ in range(3):
            assert do(scheduled, database, "store.backup") is JobState.DONE
        assert len(folders.all_in(folder)) == 2
        with database.reading() as session:
            last = records.last_backup(session)
        assert last is not None
        assert (last.name, last.files, last.missing) == (folders.all_in(folder)[0].name, len(CONTENTS), 0)

    def test_that_is_refused_is_tried_again(self, scheduled: Settings, database: Database, folder: Path) -> None:
        folder.write_text("in the way")
        assert do(scheduled, database, "store.backup") is JobState.QUEUED


class TestDrill:
    def test_is_done_when_it_is_due(self, scheduled: Settings, database: Database, folder: Path) -> None:
        assert do(scheduled, database, "store.drill") is JobState.DEAD
        do(scheduled, database, "store.backup")
        for _ in range(2):
            assert do(scheduled, database, "store.drill") is JobState.DONE
        with database.reading() as session:
            last = records.last_drill(session)
        assert last is not None
        assert (last.passed, last.files) == (True, len(CONTENTS))
        assert len(folders.all_in(folder)) == 1

    def test_of_a_changed_backup_is_recorded_as_failed(
        self, scheduled: Settings, database: Database, folder: Path
    ) -> None:
        do(scheduled, database, "store.backup")
        flip(next(path for path in (folders.all_in(folder)[0] / "files").rglob("*") if path.is_file()), 0)
        assert do(scheduled, database, "store.drill") is JobState.QUEUED
        with database.reading() as session:
            last = records.last_drill(session)
        assert last is not None
        assert (last.passed, last.error) == (False, "backup_damaged")
        assert lines(scheduled, database)["drill"] is State.BAD


class TestStanding:
    def test_says_how_old_the_newest_is(self, scheduled: Settings, database: Database, folder: Path) -> None:
        assert lines(scheduled, database) == {"backup": State.WARN}
        do(scheduled, database, "store.backup")
        assert lines(scheduled, database) == {"backup": State.OK, "drill": State.WARN}
        do(scheduled, database, "store.drill")
        assert lines(scheduled, database) == {"backup": State.OK, "drill": State.OK}
        assert lines(scheduled, database, timedelta(hours=40)) == {"backup": State.WARN, "drill": State.OK}
        assert lines(scheduled, database, timedelta(days=10)) == {"backup": State.BAD, "drill": State.WARN}

    def test_names_newer_ones_that_do_not_verify(self, scheduled: Settings, database: Database, folder: Path) -> None:
        for _ in range(2):
            do(scheduled, database, "store.backup")
        (folders.all_in(folder)[0] / "manifest.json").write_text("{}")
        assert lines(scheduled, database)["backup"] is State.BAD

    def test_is_known_where_the_folder_is_not_mounted(self, scheduled: Settings, database: Database) -> None:
        do(scheduled, database, "store.backup")
        elsewhere = scheduled.model_copy(update={"backup_folder": "/nowhere/backups"})
        assert lines(elsewhere, database)["backup"] is State.OK
