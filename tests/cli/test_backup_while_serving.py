"""A backup that is taken from a busy server restores: every row, every file, every link of the chain."""

import hashlib
import threading
from pathlib import Path

import httpx

from app import clock
from app.database import Database
from app.services import seals, verification
from app.services.backups import checking, folders, making
from app.services.backups.progress import Phase
from app.settings import Settings
from tests.cli.test_serving import serving
from tests.factories import World, bearer_token
from tests.services.backup_world import VAULT, contents, files_of, folder, place, restore
from tests.services.test_seals import seal_all

__all__ = ["folder", "place"]
WRITERS = 8
ENOUGH = 3


class Writer(threading.Thread):
    """Uploads files of its own until told to stop, and remembers what the server acknowledged."""

    def __init__(self, number: int, address: str, task_id: int, stop: threading.Event, wrote: threading.Event) -> None:
        super().__init__()
        self.number = number
        self.url = f"{address}/api/v1/attachments?subject_type=tasks&subject_id={task_id}"
        self.stop = stop
        self.wrote = wrote
        self.acknowledged: list[str] = []
        self.refused: list[int] = []
        self.warm = threading.Event()

    def run(self) -> None:
        """One upload after the other, over one connection."""
        headers = {"Authorization": f"Bearer {bearer_token('coordinator')}"}
        with httpx.Client(headers=headers, timeout=60) as client:
            count = 0
            while not self.stop.is_set():
                content = f"第{self.number}人第{count}份材料\n".encode() * 200
                answer = client.post(self.url, files={"file": ("材料.txt", content, "text/plain")})
                if answer.status_code == 201:
                    self.acknowledged.append(hashlib.sha256(content).hexdigest())
                    self.wrote.set()
                else:
                    self.refused.append(answer.status_code)
                count += 1
                if count >= ENOUGH:
                    self.warm.set()
        self.warm.set()


def test_restores_with_all_that_was_acknowledged(
    settings: Settings, world: World, folder: Path, place: Settings, tmp_path: Path
) -> None:
    stop, wrote = threading.Event(), threading.Event()
    seen: set[Phase] = set()

    def let_somebody_write(phase: Phase, _done: int, _total: int) -> None:
        """Once while the store is copied and once while the files are: the backup stops nobody, nor they it."""
        if phase not in seen:
            seen.add(phase)
            wrote.clear()
            assert wrote.wait(60), f"nobody can write during {phase}"

    with serving(settings, tmp_path / "log", "--no-worker") as (address, _):
        writers = [Writer(number, address, world.tasks["issued"], stop, wrote) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        try:
            for writer in writers:
                writer.warm.wait(120)
            store = Database(settings)
            seals.seal(store, settings, clock.now, size=10)
            store.dispose()
            before = {sha256 for writer in writers for sha256 in writer.acknowledged}
            making.create(settings, folder, progress=let_somebody_write)
        finally:
            stop.set()
            for writer in writers:
                writer.join()
    assert [writer.refused for writer in writers] == [[]] * WRITERS
    assert len(before) >= WRITERS * ENOUGH
    assert seen == {Phase.STORE, Phase.FILES}
    _verify(place, folder, before)


def _verify(place: Settings, folder: Path, before: set[str]) -> None:
    [path] = folders.all_in(folder)
    manifest = checking.check(path, VAULT)
    restored = restore(place, path)
    found = contents(place)
    own = {"user_sessions", "events"}
    rows = {table.name: table.rows for table in manifest.tables if table.name not in own}
    assert rows == {name: len(found[name]) for name in rows}
    files = files_of(place)
    assert before <= set(files)
    assert len(files) == len(found["attachments"]) == manifest.files
    assert all(hashlib.sha256(content).hexdigest() == name for name, content in files.items())
    assert restored.log.whole
    assert restored.log.events >= 10
    store = Database(place)
    seal_all(store, place, at=clock.now())
    assert verification.verify(store, seals.trusted_keys(place, VAULT)).whole
    store.dispose()
