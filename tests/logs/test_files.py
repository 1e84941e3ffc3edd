"""Log files: appended by many, compressed when over, never removed before their time."""

import gzip
import logging
import multiprocessing
import os
import threading
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.logs import files
from app.logs.files import DailyFile, expired, file_name, tidy

TODAY = date(2026, 11, 27)
KEEP = 365


class WithoutTidying(DailyFile):
    """Here each test tidies itself."""

    def begin(self, day: date) -> None:
        """Leave the other days alone."""


def handler(folder: Path) -> DailyFile:
    made = WithoutTidying(str(folder), KEEP)
    made.setFormatter(logging.Formatter("%(message)s"))
    return made


def line(text: str, day: date = TODAY, second: int = 0) -> logging.LogRecord:
    record = logging.LogRecord("duikou", logging.INFO, "", 0, text, (), None)
    # Noon in Shanghai.
    record.created = (day - date(1970, 1, 1)).days * 86400 + 4 * 3600 + second
    return record


def _write(folder: str, name: str) -> None:
    one = handler(Path(folder))
    for number in range(200):
        one.emit(line(f"{name} {number} {'x' * 300}"))
    one.close()


class TestWriting:
    def test_each_day_has_its_file(self, tmp_path: Path) -> None:
        one = handler(tmp_path)
        one.emit(line("today"))
        one.emit(line("tomorrow", TODAY + timedelta(days=1)))
        one.close()
        assert (tmp_path / file_name(TODAY)).read_text() == "today\n"
        assert (tmp_path / file_name(TODAY + timedelta(days=1))).read_text() == "tomorrow\n"

    def test_processes_do_not_tear_each_others_lines(self, tmp_path: Path) -> None:
        context = multiprocessing.get_context("fork")
        writers = [context.Process(target=_write, args=(str(tmp_path), name)) for name in "ab"]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(60)
        written = (tmp_path / file_name(TODAY)).read_text().splitlines()
        assert len(written) == 400
        assert {text.split()[0] for text in written} == {"a", "b"}
        assert all(len(text.split()) == 3 and text.endswith("x" * 300) for text in written)

    def test_a_day_that_begins_packs_those_that_are_over(self, tmp_path: Path) -> None:
        (tmp_path / file_name(TODAY - timedelta(days=3))).write_text("x")
        one = DailyFile(str(tmp_path), KEEP)
        one.emit(line("x"))
        for thread in [thread for thread in threading.enumerate() if thread.name == "duikou-logs"]:
            thread.join(10)
        one.close()
        assert (tmp_path / f"{file_name(TODAY - timedelta(days=3))}.gz").exists()

    def test_a_file_that_was_moved_away_is_made_again(self, tmp_path: Path) -> None:
        one = handler(tmp_path)
        one.emit(line("before"))
        (tmp_path / file_name(TODAY)).rename(tmp_path / "elsewhere")
        one.emit(line("after", second=1))
        one.close()
        assert (tmp_path / file_name(TODAY)).read_text() == "after\n"

    def test_trouble_with_the_disk_stops_nobody(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "file").write_text("")
        one = handler(tmp_path / "file")
        one.emit(line("lost"))
        assert "cannot be written" in capsys.readouterr().err

    def test_nobody_else_reads_them(self, tmp_path: Path) -> None:
        one = handler(tmp_path / "logs")
        one.emit(line("x"))
        one.close()
        assert (tmp_path / "logs" / file_name(TODAY)).stat().st_mode & 0o007 == 0


class TestTidying:
    def test_compresses_what_is_over_and_leaves_yesterday(self, tmp_path: Path) -> None:
        for back in range(4):
            (tmp_path / file_name(TODAY - timedelta(days=back))).write_text(f"{back}\n")
        tidy(tmp_path, KEEP, TODAY)
        assert sorted(path.suffix for path in tmp_path.iterdir()) == [".gz", ".gz", ".jsonl", ".jsonl"]
        packed = tmp_path / f"{file_name(TODAY - timedelta(days=3))}.gz"
        assert gzip.decompress(packed.read_bytes()) == b"3\n"

    def test_lines_that_came_late_get_a_file_of_their_own(self, tmp_path: Path) -> None:
        old = tmp_path / file_name(TODAY - timedelta(days=5))
        for text in ("first", "late"):
            old.write_text(text)
            tidy(tmp_path, KEEP, TODAY)
        found = sorted(gzip.decompress(path.read_bytes()).decode() for path in tmp_path.glob("*.gz"))
        assert found == ["first", "late"]

    def test_what_another_process_has_claimed_is_left_until_it_must_have_died(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        claimed = tmp_path / f"{file_name(TODAY - timedelta(days=5))}.closing-1"
        claimed.write_text("half")
        tidy(tmp_path, KEEP, TODAY)
        assert claimed.exists()
        monkeypatch.setattr(files, "_ABANDONED", -1.0)
        tidy(tmp_path, KEEP, TODAY)
        assert [path.suffix for path in tmp_path.iterdir()] == [".gz"]

    def test_removes_what_is_older_than_is_kept(self, tmp_path: Path) -> None:
        for back in range(KEEP + 10):
            day = TODAY - timedelta(days=back)
            (tmp_path / f"{file_name(day)}.gz").write_bytes(b"")
        assert tidy(tmp_path, KEEP, TODAY) == 9
        assert len(files.days_of(tmp_path)) == KEEP + 1

    def test_leaves_strangers_alone(self, tmp_path: Path) -> None:
        names = ("notes.txt", "duikou-2001-01-01.txt", "duikou-2001-13-45-host.jsonl")
        for name in names:
            (tmp_path / name).write_text("")
        tidy(tmp_path, KEEP, TODAY)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)

    def test_of_a_folder_that_is_missing_is_nothing(self, tmp_path: Path) -> None:
        assert tidy(tmp_path / "none", KEEP, TODAY) == 0

    def test_by_two_at_once_packs_each_file_once(self, tmp_path: Path) -> None:
        for back in range(2, 12):
            (tmp_path / file_name(TODAY - timedelta(days=back))).write_text(f"{back}\n")
        context = multiprocessing.get_context("fork")
        both = [context.Process(target=tidy, args=(tmp_path, KEEP, TODAY)) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join(60)
        found = sorted(int(gzip.decompress(path.read_bytes())) for path in tmp_path.iterdir())
        assert found == list(range(2, 12))


days = st.dates(date(2020, 1, 1), date(2032, 12, 31))


class TestExpiry:
    @given(st.sets(days, max_size=60), days, st.integers(1, 30))
    def test_never_takes_a_day_too_early(self, there: set[date], today: date, keep: int) -> None:
        gone = expired(there, today, keep)
        assert all(today - day > timedelta(days=keep) for day in gone)
        assert len(there - gone) >= min(len(there), keep)

    @given(st.sets(days, max_size=60), days, st.integers(1, 30))
    def test_takes_the_oldest_first(self, there: set[date], today: date, keep: int) -> None:
        gone = expired(there, today, keep)
        assert not gone or max(gone) < min(there - gone)

    def test_of_a_clock_that_jumped_keeps_the_last_year(self) -> None:
        there = [TODAY - timedelta(days=back) for back in range(500)]
        assert min(set(there) - expired(there, date(2036, 1, 1), KEEP)) == TODAY - timedelta(days=KEEP - 1)


def test_this_host_can_be_read_off_the_name() -> None:
    assert file_name(TODAY).startswith("duikou-2026-11-27-")
    assert os.sep not in file_name(TODAY)
