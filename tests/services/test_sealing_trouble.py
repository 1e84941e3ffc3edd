"""Trouble while sealing: killed, no room, two at once. The chain goes on and stays whole."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool
from sqlmodel import func, select

from app.database import Database, StoreFull
from app.models import Event, Seal
from app.rules import event_lines
from app.services import event_rows, events, seals, verification
from app.settings import Settings
from tests import factories
from tests.cli.conftest import environment
from tests.disks import small
from tests.house.tree import ROOT
from tests.services.test_seals import clock, seal_all, write
from tests.waiting import until

_DISK = 256 * 1024
_SEALER = """
from app import clock, settings
from app.database import Database
from app.services import seals
chosen = settings.load()
store = Database(chosen)
while True:
    seals.seal(store, chosen, clock.now, batches=1, size=1)
"""


def count(database: Database) -> int:
    with database.reading() as session:
        return session.exec(select(func.count()).select_from(Seal)).one()


def is_whole(database: Database, settings: Settings) -> bool:
    report = verification.verify(database, seals.trusted_keys(settings, database.vault))
    return report.whole and report.unsealed == 0


def test_a_killed_sealer_leaves_a_chain_that_goes_on(database: Database, settings: Settings) -> None:
    for _ in range(2):
        before = count(database)
        sealer = subprocess.Popen([sys.executable, "-c", _SEALER], cwd=ROOT, env=os.environ | environment(settings))
        deadline = time.monotonic() + 60
        while count(database) < before + 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        sealer.send_signal(signal.SIGKILL)
        sealer.wait()
        assert count(database) >= before + 3
        write(database, 5)
    seal_all(database, settings)
    assert is_whole(database, settings)


@pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
def test_a_full_disk_leaves_a_chain_that_goes_on(database: Database, settings: Settings) -> None:
    write(database, 60)
    with database.engine.connect() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
        connection.execute(text(f"PRAGMA max_page_count = {pages + 3}"))
    with pytest.raises(StoreFull):
        seals.seal(database, settings, clock, size=1)
    database.dispose()
    assert 0 < count(database) < 60
    seal_all(database, settings)
    assert is_whole(database, settings)


# What a server without room says, for those who may not mount a small disk.
_REFUSAL = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF (SELECT count(*) FROM seals) > 20 THEN
    RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER no_room BEFORE INSERT ON seals FOR EACH ROW EXECUTE FUNCTION no_room()
"""


@contextmanager
def little_room(settings: Settings) -> Iterator[Callable[[], object]]:
    """The table of seals on a real disk that is full; what is given makes room again."""
    engine = create_engine(settings.database_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:

        def run(*statements: str) -> None:
            for statement in statements:
                connection.execute(text(statement))

        home = Path(connection.scalar(text("SHOW data_directory")) or "")
        owner = home.stat().st_uid if home.is_dir() else 0
        # Not below pytest's own folders, which the account of the server may not enter.
        with tempfile.TemporaryDirectory(prefix="duikou-disk-") as folder, small(Path(folder), _DISK, owner) as mounted:
            if not (mounted and owner):
                run(_REFUSAL)
                yield lambda: run("DROP TRIGGER no_room ON seals", "DROP FUNCTION no_room")
                return
            name = Path(folder).name.replace("-", "_").lower()
            run(f"CREATE TABLESPACE {name} LOCATION '{folder}'")
            try:
                run(f"ALTER TABLE seals SET TABLESPACE {name}")
                run(f"CREATE TABLE filling (x text) WITH (autovacuum_enabled = off) TABLESPACE {name}")
                # The pages that a statement has taken before it fails stay taken.
                with pytest.raises(OperationalError, match="No space left on device"):
                    run("INSERT INTO filling SELECT repeat('x', 1000) FROM generate_series(1, 1000)")
                # A larger disk, as an administrator would give it: what is left of this one may be a page too little.
                yield lambda: run("DROP TABLE filling", "ALTER TABLE seals SET TABLESPACE pg_default")
            finally:
                run("DROP TABLE IF EXISTS filling", "ALTER TABLE seals SET TABLESPACE pg_default")
                run(f"DROP TABLESPACE {name}")


@pytest.mark.parametrize("stores", ["postgresql"], indirect=True)
def test_a_full_disk_of_postgresql_leaves_a_chain_that_goes_on(database: Database, settings: Settings) -> None:
    write(database, 120)

    def is_full() -> bool:
        """What is not settled yet because of another test's transaction is not sealed yet either."""
        try:
            seals.seal(database, settings, clock, size=1)
        except StoreFull:
            return True
        return False

    # The first seals make a page, in which there is room for more of them when the disk is full.
    until(
        lambda: seals.seal(database, settings, clock, batches=3, size=1) and count(database) > 2, "nothing was sealed"
    )
    before = count(database)
    with little_room(settings) as make_room:
        until(is_full, "the disk never filled")
        sealed = count(database)
        with database.reading() as session:
            assert before < sealed < session.exec(select(func.count()).select_from(Event)).one()
        assert is_full()
        assert count(database) == sealed
        make_room()
        seal_all(database, settings)
        assert is_whole(database, settings)


def test_two_sealers_at_once_make_one_chain(database: Database, settings: Settings) -> None:
    write(database, 20)
    sealers = [
        threading.Thread(target=lambda: [seals.seal(database, settings, clock, size=2) for _ in range(6)])
        for _ in range(2)
    ]
    for sealer in sealers:
        sealer.start()
    for sealer in sealers:
        sealer.join()
    seal_all(database, settings)
    assert is_whole(database, settings)
    with database.reading() as session:
        sealed = session.exec(select(func.sum(Seal.count))).one()
        assert sealed == session.exec(select(func.count()).select_from(Event)).one()


def test_every_entry_reads_back_as_it_was_coded(database: Database) -> None:
    odd = {"f": 1e16, "g": 1e-7, "h": 0.1, "i": 2**70, "t": "见:1.5 \u2028\U0001f600", "n": [None, {"b": -0.0}]}
    with database.transaction() as session:
        events.record(session, factories.SYSTEM, "demo.say", name="第\n条", reason='"\\', details=odd)
    with database.reading() as session:
        rows = event_rows.following(session, event_rows.BEGINNING, 10_000, settled=False)
    key = database.vault.event_key
    foreign = [
        row[event_lines.ID]
        for row in rows
        if not event_lines.is_ours(key, event_lines.leaf(event_lines.line(row)), row[event_rows.MAC])
    ]
    assert foreign == []
