"""A restore gives back what was backed up, into an empty place, whole or not at all."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, create_engine, text
from sqlalchemy.pool import NullPool
from sqlmodel import col, select

from app import migrating, revisions
from app.adapters import storage
from app.database import Database
from app.log_triggers import missing_triggers
from app.models import Event, Programme
from app.schemas.event import EventFilters
from app.services import audit, events, seals, verification
from app.services.backups import drills, manifests, places, restoring
from app.settings import Settings
from tests.buckets import bucket
from tests.cli.conftest import environment
from tests.conftest import Stores
from tests.factories import NOW, SYSTEM
from tests.services.backup_world import (
    CONTENTS,
    VAULT,
    backup,
    contents,
    copy,
    files_of,
    filled,
    flip,
    folder,
    is_empty,
    place,
    restore,
    without_the_restore,
)
from tests.services.test_seals import seal_all
from tests.tampering import tamper

__all__ = ["bucket", "filled", "folder", "place"]
FIRST = "072a914f5c30"
POSTGRESQL = pytest.mark.parametrize("stores", ["postgresql"], indirect=True)


class TestRestore:
    def test_gives_back_every_row_and_every_file(self, filled: Settings, folder: Path, place: Settings) -> None:
        path = backup(filled, folder)
        done = restore(place, path)
        assert without_the_restore(contents(place)) == without_the_restore(contents(filled))
        assert files_of(place) == files_of(filled)
        assert (done.files, done.revision) == (len(CONTENTS), revisions.head())

    def test_ends_all_sessions_and_says_so_in_the_log(self, filled: Settings, folder: Path, place: Settings) -> None:
        path = backup(filled, folder)
        restore(place, path)
        assert contents(place)["user_sessions"] == []
        store = Database(place)
        with store.reading() as session:
            event = session.exec(select(Event).where(col(Event.verb) == "store.restore")).one()
            assert missing_triggers(session.connection()) == []
        store.dispose()
        assert (event.subject_name, event.after) == (
            path.name,
            event.after and {**event.after, "sums": hashlib.sha256((path / "SHA256SUMS").read_bytes()).hexdigest()},
        )

    def test_goes_on_after_the_ids_that_were_given(self, filled: Settings, folder: Path, place: Settings) -> None:
        restore(place, backup(filled, folder))
        before = {row.split(",")[0] for row in contents(filled)["programmes"]}
        store = Database(place)
        with store.transaction() as session:
            session.add(row := Programme(title="恢复之后"))
            session.flush()
            events.record(session, SYSTEM, "programme.create", row, now=NOW)
        assert len(before | {f"[{row.key}"}) == len(before) + 1
        store.dispose()

    def test_of_a_restored_store_is_the_same_again(
        self, filled: Settings, folder: Path, place: Settings, stores: Stores
    ) -> None:
        restore(place, backup(filled, folder))
        third = stores.empty()
        restore(third, backup(place, folder))
        assert without_the_restore(contents(third)) == without_the_restore(contents(filled))
        assert _restored(third) == [row.id for row in _order(place)]
        stores.drop(third)

    def test_of_an_older_release_is_brought_to_this_one(self, filled: Settings, folder: Path, place: Settings) -> None:
        before = {name: rows for name, rows in contents(filled).items() if name in ("users", "tasks", "attachments")}
        migrating.migrate_back(filled, FIRST)
        path = backup(filled, folder)
        assert manifests.read(path, VAULT).revision == FIRST
        restore(place, path)
        after = contents(place)
        assert {name: after[name] for name in before} == before
        migrating.drift(place)

    def test_into_a_bucket_and_out_of_it(
        self, filled: Settings, folder: Path, place: Settings, bucket: str, tmp_path: Path
    ) -> None:
        def in_bucket(settings: Settings, prefix: str) -> Settings:
            return settings.model_copy(
                update={
                    "storage_url": f"s3://duikou/{tmp_path.name}-{prefix}",
                    "storage_endpoint": bucket,
                    "storage_key_id": "key",
                }
            )

        source, target = in_bucket(filled, "a"), in_bucket(place, "b")
        for found in (filled.data / "files").rglob("*"):
            if found.is_file():
                storage.from_settings(source).put(found.name, found)
        path = backup(source, folder)
        assert restore(target, path).files == len(CONTENTS)
        held = storage.from_settings(target)
        assert {name: b"".join(held.read(name)) for name, _ in held.held()} == files_of(filled)
        with pytest.raises(places.StoreNotEmpty):
            restore(target, path)


def _order(settings: Settings) -> list[Row[Any]]:
    """Place, id and verb of all events in commit order."""
    store = Database(settings)
    columns = (col(Event.transaction_id), col(Event.id), col(Event.verb))
    with store.reading() as session:
        found = list(session.connection().execute(select(*columns).order_by(*columns[:2])))
    store.dispose()
    return found


def _restored(settings: Settings) -> list[int]:
    """The ids of the events that came out of a backup, in commit order; the restore's own must stand last."""
    *found, own = _order(settings)
    assert own.verb == "store.restore"
    return [row.id for row in found]


@POSTGRESQL
class TestOrder:
    def test_of_events_is_kept_and_new_ones_come_last(self, filled: Settings, folder: Path, place: Settings) -> None:
        """The numbers of a young cluster are lower than those of the old one, so those of a backup are below 0."""
        engine = create_engine(filled.database_url, poolclass=NullPool)
        with engine.connect() as slow, slow.begin():
            # A transaction that began early and wrote late: by id alone the order would be another.
            slow.execute(text("SELECT pg_current_xact_id()"))
            for number in range(3):
                with engine.begin() as quick:
                    quick.execute(_EVENT, {"name": f"quick{number}"})
            slow.execute(_EVENT, {"name": "slow"})
        with engine.begin() as far:
            far.execute(text("ALTER TABLE events DISABLE TRIGGER events_no_change"))
            far.execute(text("UPDATE events SET transaction_id = transaction_id + 4000000000"))
            far.execute(text("ALTER TABLE events ENABLE ALWAYS TRIGGER events_no_change"))
        restore(place, backup(filled, folder))
        expected = [row.id for row in _order(filled)]
        engine.dispose()
        assert expected != sorted(expected)
        assert _restored(place) == expected
        numbers = [row.transaction_id for row in _order(place)]
        assert max(numbers[:-1]) < 0 < numbers[-1]

    def test_a_reader_of_the_change_feed_goes_on_where_it_was(
        self, filled: Settings, folder: Path, place: Settings
    ) -> None:
        def feed(after: str) -> list[int]:
            """Without the restore's own event, which waits while any transaction of the cluster is open."""
            with store.reading() as session:
                items, _ = audit.feed(session, SYSTEM, EventFilters(), after, 1000)
            return [item["id"] for item in items if item["verb"] != "store.restore"]

        old = _order(filled)
        ids = [row.id for row in old]
        restore(place, backup(filled, folder))
        store = Database(place)
        assert feed("0-0") == ids
        assert len(ids) > 2
        for number in (old[1].transaction_id, _order(place)[1].transaction_id):
            assert feed(f"{number}-{ids[1]}") == ids[2:]
        store.dispose()


class TestLog:
    def test_stays_whole_and_is_sealed_on(
        self, filled: Settings, folder: Path, place: Settings, database: Database, stores: Stores
    ) -> None:
        """Sealed, an unsealed tail, restored, written to, sealed on; then all of it once more."""
        seal_all(database, filled, size=7)
        with database.transaction() as session:
            events.record(session, SYSTEM, "unit.sort")
        sealed = restore(place, backup(filled, folder)).log
        assert (sealed.whole, sealed.unsealed) == (True, 2)
        assert sealed.events > 7
        store = Database(place)
        seal_all(store, place, size=7)
        keys = seals.trusted_keys(place, VAULT)
        after = verification.verify(store, keys)
        store.dispose()
        assert (after.whole, after.events) == (True, sealed.events + 2)
        third = stores.empty()
        again = restore(third, backup(place, folder)).log
        stores.drop(third)
        assert (again.whole, again.events, again.unsealed) == (True, after.events, 1)

    def test_that_was_changed_before_the_backup_is_named(
        self, filled: Settings, folder: Path, place: Settings, database: Database
    ) -> None:
        seal_all(database, filled)
        database.dispose()
        tamper(filled, "UPDATE events SET reason = 'another' WHERE id = 3")
        path = backup(filled, folder)
        head = manifests.read(path, VAULT).seal_head
        assert head is not None
        with pytest.raises(restoring.RestoredLogNotWhole):
            drills.drill(filled, path, actor=SYSTEM, now=NOW)
        done = restore(place, path)
        assert [finding.event_id for finding in done.log.findings.named] == [3]
        assert done.log.head is not None
        assert (head["ordinal"], head["hash"]) == (done.log.head.ordinal, done.log.head.hash.hex())


_EVENT = text(
    "INSERT INTO events (at, kind, verb, subject_type, subject_name, channel, address, request_id, reason)"
    " VALUES (now(), 'verb', 'order.test', 'order', :name, 'cli', '', '', '')"
)


class TestRefuses:
    def test_a_store_that_has_tables(self, filled: Settings, folder: Path) -> None:
        before = contents(filled)
        path = backup(filled, folder)
        for again in (False, True):
            with pytest.raises(places.StoreNotEmpty):
                restore(filled, path, again=again)
        assert contents(filled) == before

    def test_tables_without_rows_too_until_they_are_taken_back(
        self, filled: Settings, folder: Path, place: Settings
    ) -> None:
        path = backup(filled, folder)
        migrating.migrate(place)
        with pytest.raises(places.StoreNotEmpty):
            restore(place, path)
        migrating.migrate_back(place, "base")
        assert restore(place, path).files == len(CONTENTS)

    def test_files_of_something_else(self, filled: Settings, folder: Path, place: Settings) -> None:
        (place.data / "files" / "ab" / "cd").mkdir(parents=True)
        (place.data / "files" / "ab" / "cd" / ("abcd" * 16)).write_text("somebody's")
        for again in (False, True):
            with pytest.raises(places.FilesNotEmpty):
                restore(place, backup(filled, folder), again=again)
        assert is_empty(place)

    @pytest.mark.parametrize("part", ["store", "files"])
    def test_a_changed_backup_before_it_writes_anything(
        self, filled: Settings, folder: Path, place: Settings, part: str, tmp_path: Path
    ) -> None:
        path = copy(backup(filled, folder), tmp_path)
        flip(max((path / part).rglob("*"), key=lambda found: found.stat().st_size * found.is_file()), 5)
        with pytest.raises(manifests.BackupDamaged):
            restore(place, path)
        assert is_empty(place)
        assert files_of(place) == {}

    def test_another_engine(self, filled: Settings, folder: Path, place: Settings, tmp_path: Path) -> None:
        path = backup(filled, folder)
        other = "" if filled.database_url else "postgresql+psycopg://nobody@127.0.0.1:1/none"
        with pytest.raises(restoring.BackupOfOtherEngine):
            restore(place.model_copy(update={"database_url": other, "data": tmp_path / "other"}), path)

    def test_a_newer_release(
        self, filled: Settings, folder: Path, place: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = backup(filled, folder)
        monkeypatch.setattr(revisions, "known", lambda: (FIRST,))
        with pytest.raises(restoring.BackupOfNewerRelease):
            restore(place, path)
        assert is_empty(place)

    def test_another_key_unless_told(self, filled: Settings, folder: Path, place: Settings) -> None:
        path = backup(filled, folder)
        elsewhere = place.model_copy(update={"secret_key": type(place.secret_key)("y" * 40)})
        with pytest.raises(manifests.BackupOfOtherKey):
            restore(elsewhere, path)
        assert restore(elsewhere, path, other_key=True).files == len(CONTENTS)


# Ends the process where a function of the product would have been called.
_KILLED = """
import os, signal, sys
from app.adapters.storage import ObjectStorage
from app.cli import main
from app.services.backups import manifests, restoring
owner, name = sys.argv[1].split(".")
calls = int(sys.argv[2])
original = getattr(globals()[owner], name)
def counted(*arguments, **options):
    global calls
    calls -= 1
    if calls < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **options)
setattr(globals()[owner], name, counted)
main(sys.argv[3:])
"""


def killed(settings: Settings, where: str, after: int, *arguments: str) -> None:
    """Run a command that is killed at its ``after``-th call of a function."""
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, where, str(after), *arguments],
        env={**os.environ, **environment(settings), "LANG": "C.UTF-8"},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


class TestKilled:
    def test_a_backup_is_not_there(self, filled: Settings, folder: Path) -> None:
        earlier = backup(filled, folder)
        killed(filled, "manifests.sign", 0, "backup", str(folder))
        assert [path.name for path in folder.iterdir() if path.name.startswith("duikou")] == [earlier.name]
        assert any(path.name.endswith(".partial") for path in folder.iterdir())
        backup(filled, folder)
        assert not any(path.name.endswith(".partial") for path in folder.iterdir())

    @pytest.mark.parametrize("where", ["ObjectStorage.put", "restoring._conclude"])
    def test_a_restore_leaves_no_store_and_can_be_begun_anew(
        self, filled: Settings, folder: Path, place: Settings, where: str
    ) -> None:
        path = backup(filled, folder)
        in_files = where == "ObjectStorage.put"
        killed(place, where, 2 if in_files else 0, "restore", str(path))
        assert is_empty(place)
        assert len(files_of(place)) == (2 if in_files else len(CONTENTS))
        with pytest.raises(places.RestoreInterrupted):
            restore(place, path)
        restore(place, path, again=True)
        assert without_the_restore(contents(place)) == without_the_restore(contents(filled))
        assert files_of(place) == files_of(filled)
