"""Log files: one a day and host, compressed when they are over, kept at least as long as is set.

Every process of a host appends whole lines to the same file, each line by one write, which the
system keeps apart; the day is part of the name, so nobody ever renames a file that another process
writes to. Times and days are those of Asia/Shanghai.
"""

import gzip
import logging
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

from app.clock import SHANGHAI, date_of, now
from app.logs.lines import HOST

_NAME = re.compile(r"^duikou-(\d{4}-\d{2}-\d{2})-[\w.-]+?\.jsonl(?P<over>\.gz)?(?P<claimed>\.closing-\S+)?$")
_ABANDONED = 3600.0


class DailyFile(logging.Handler):
    """Writes each record into the file of its day; a file that somebody moved away is made again."""

    def __init__(self, folder: str, keep_days: int) -> None:
        super().__init__()
        self._folder = Path(folder)
        self._keep_days = keep_days
        self._day: date | None = None
        self._descriptor = -1
        self._second = -1

    def emit(self, record: logging.LogRecord) -> None:
        """Append one line. Trouble with the disk goes to standard error and stops nobody's work."""
        try:
            line = f"{self.format(record)}\n".encode("utf-8", "backslashreplace")
            os.write(self._opened(record.created), line)
        except OSError as error:
            print(f"the log file cannot be written: {error.strerror}", file=sys.stderr)

    def _opened(self, created: float) -> int:
        # Whether it is still the right file is asked once a second: every request waits for its line.
        second = int(created)
        if second == self._second and self._descriptor >= 0:
            return self._descriptor
        day = datetime.fromtimestamp(created, SHANGHAI).date()
        path = self._folder / file_name(day)
        self._second = second
        if day == self._day and self._descriptor >= 0 and _is(path, self._descriptor):
            return self._descriptor
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        if day != self._day:
            self._day = day
            self.begin(day)
        return self._descriptor

    def begin(self, day: date) -> None:
        """A day begins: tidy up, apart, for it takes seconds and a request is waiting for its line."""
        work = (self._folder, self._keep_days, day)
        threading.Thread(target=tidy, args=work, name="duikou-logs", daemon=True).start()

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        super().close()


def _is(path: Path, descriptor: int) -> bool:
    try:
        found, held = path.stat(), os.fstat(descriptor)
    except OSError:
        return False
    return (found.st_ino, found.st_dev) == (held.st_ino, held.st_dev)


def file_name(day: date) -> str:
    """The name of this host's file of a day."""
    return f"duikou-{day.isoformat()}-{re.sub(r'[^A-Za-z0-9.]', '-', HOST)}.jsonl"


def days_of(folder: Path) -> list[date]:
    """The days of which there are files, oldest first; empty where the folder is missing."""
    return sorted({day for _, day, _ in _files(folder)})


def expired(days: Iterable[date], today: date, keep_days: int) -> set[date]:
    """The days whose files may go: older than ``keep_days``, and with as many later days in the folder.

    The second half is for a clock that jumps: on a day in ten years nothing of this year is lost.
    """
    ordered = sorted(set(days), reverse=True)
    return {day for day in ordered[keep_days:] if day < today - timedelta(days=keep_days)}


def tidy(folder: Path, keep_days: int, today: date | None = None) -> int:
    """Compress the files of days that are over and remove those that have expired; returns how many went.

    Safe beside other processes that do the same: a file is claimed by renaming it.
    """
    today = today or date_of(now())
    for path, day, claimed in list(_files(folder)):
        # Yesterday's is left alone: a line that was made before midnight may be written after it.
        if day < today - timedelta(days=1) and path.suffix != ".gz" and (not claimed or _is_abandoned(path)):
            with suppress(OSError):
                _compress(path)
    gone = expired(days_of(folder), today, keep_days)
    removed = 0
    for path, day, _ in list(_files(folder)):
        if day in gone:
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _files(folder: Path) -> Iterator[tuple[Path, date, bool]]:
    for path in sorted(folder.glob("duikou-*")) if folder.is_dir() else ():
        found = _NAME.match(path.name)
        with suppress(ValueError):
            if found:
                yield path, date.fromisoformat(found[1]), bool(found["claimed"])


def _is_abandoned(path: Path) -> bool:
    """Whether the process that claimed a file has died over it."""
    try:
        return time.time() - path.stat().st_ctime > _ABANDONED
    except OSError:
        return False


def _compress(path: Path) -> None:
    name = path.name.partition(".closing-")[0]
    claimed = path.with_name(f"{name}.closing-{os.getpid()}")
    path.rename(claimed)
    partial = claimed.with_name(f"{claimed.name}.gz")
    with claimed.open("rb") as source, partial.open("wb") as raw:
        with gzip.GzipFile(filename=name, fileobj=raw, mode="wb", mtime=0) as target:
            shutil.copyfileobj(source, target)
        raw.flush()
        os.fsync(raw.fileno())
    partial.chmod(0o440)
    partial.replace(_free(path.with_name(name)))
    claimed.unlink()


def _free(path: Path) -> Path:
    """A name that nobody has, held by an empty file: lines that came late get a file of their own."""
    number = 1
    while True:
        stem = path.name.removesuffix(".jsonl")
        target = path.with_name(f"{stem}.jsonl.gz" if number == 1 else f"{stem}-{number}.jsonl.gz")
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL, 0o440))
        except FileExistsError:
            number += 1
        else:
            return target
