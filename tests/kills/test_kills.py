"""kill -9 at any moment under eight writers, on both engines; ``KILL_ROUNDS`` says how often in ``make soak``."""

import os
import random
import time
from pathlib import Path

import pytest

from app.adapters import storage
from app.clock import now
from app.database import Database
from app.services import jobs
from app.settings import Settings
from tests.factories import World
from tests.kills import checks
from tests.kills.processes import Installation
from tests.kills.writers import WRITERS, Ledger, Writer

ROUNDS = int(os.environ.get("KILL_ROUNDS", "1000"))
VERIFY_EVERY = 50


def rounds(settings: Settings, database: Database, world: World, folder: Path, number: int) -> Ledger:
    """So many rounds of start, write, kill, check."""
    place, ledger, files = Installation(settings, folder / "log"), Ledger(), storage.from_settings(settings)
    open_keys: list[tuple[str, str] | None] = [None] * WRITERS
    with database.reading() as session:
        newest_task = checks.newest_task(session)
    newest_file = 0
    # Each run kills at other moments; the seed only says which.
    chance = random.Random()
    try:
        for turn in range(number):
            tasks, attached = len(ledger.tasks), set(ledger.files)
            place.start()
            ledger.aim(chance.randint(1, 40))
            with database.transaction() as session:
                jobs.enqueue(session, "events.seal", {}, now=now())
            writers = [
                Writer(f"{turn}-{place_of}", place.address, world, ledger, open_keys[place_of])
                for place_of in range(WRITERS)
            ]
            for writer in writers:
                writer.start()
            assert ledger.enough.wait(120), f"{ledger.refused[-5:]} {place.log.read_text()[-3000:]}"
            time.sleep(chance.uniform(0, 0.02))
            place.kill()
            for writer in writers:
                writer.join()
            open_keys = [writer.open_key for writer in writers]
            with database.reading() as session:
                checks.promises_kept(session, ledger, ledger.tasks[tasks:], sorted(set(ledger.files) - attached))
                newest_task = checks.nothing_half_done(session, newest_task)
                newest_file = checks.bytes_kept(session, files, newest_file)
            if turn % VERIFY_EVERY == VERIFY_EVERY - 1:
                checks.log_is_whole(database, settings)
    finally:
        place.kill()
    return ledger


def check_all(settings: Settings, database: Database, ledger: Ledger) -> None:
    """At the end everything once more, from the first round on."""
    with database.reading() as session:
        checks.promises_kept(session, ledger, ledger.tasks, sorted(ledger.files))
        if database.is_sqlite:
            checks.events_follow_each_other(session)
    checks.log_is_whole(database, settings)
    assert ledger.broken == []
    # Sent again under its key too early after the kill, or a place that another took first.
    assert {status for status, _ in ledger.refused} <= {409, 503}, ledger.refused


def test_what_was_acknowledged_outlives_a_kill(
    settings: Settings, database: Database, world: World, tmp_path: Path
) -> None:
    check_all(settings, database, rounds(settings, database, world, tmp_path, 3))


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_thousand_times(settings: Settings, database: Database, world: World, tmp_path: Path) -> None:
    began = time.monotonic()
    ledger = rounds(settings, database, world, tmp_path, ROUNDS)
    check_all(settings, database, ledger)
    print(
        f"{database.engine.dialect.name}: {ROUNDS} kills, {ledger.acknowledged} acknowledged writes, "
        f"{len(ledger.refused)} refused, {ledger.replayed} answered again, {time.monotonic() - began:.0f} s"
    )
