"""Backups and restores that are killed at any instant: what is there is whole, and a restore can be begun anew."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.services.backups import checking, folders, places
from app.settings import Settings
from tests.cli.conftest import environment
from tests.conftest import Stores
from tests.services.backup_world import (
    VAULT,
    backup,
    contents,
    files_of,
    filled,
    folder,
    is_empty,
    restore,
    without_the_restore,
)

__all__ = ["filled", "folder"]
pytestmark = pytest.mark.soak
ROUNDS = 60
SEED = 20261127


def _killed(settings: Settings, after: float, *arguments: str) -> int:
    """Run a command and kill it after some seconds; returns its exit code where it was quicker."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", *arguments],
        env={**os.environ, **environment(settings), "LANG": "C.UTF-8"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(after)
    process.kill()
    return process.wait()


def _usual(settings: Settings, *arguments: str) -> float:
    """How long a command takes that nobody kills."""
    started = time.monotonic()
    environ = {**os.environ, **environment(settings)}
    subprocess.run([sys.executable, "-m", "app.cli", *arguments], env=environ, check=True, capture_output=True)
    return time.monotonic() - started


def test_a_backup_that_is_there_is_whole(filled: Settings, folder: Path) -> None:
    chance = random.Random(SEED)
    usual = _usual(filled, "backup", str(folder))
    for _ in range(ROUNDS):
        _killed(filled, chance.uniform(usual / 2, usual), "backup", str(folder))
        for path in folders.all_in(folder):
            checking.check(path, VAULT)
        for path in folders.all_in(folder)[2:]:
            shutil.rmtree(path)
    assert checking.check(backup(filled, folder), VAULT)


def test_a_restore_is_whole_or_nothing(filled: Settings, folder: Path, stores: Stores) -> None:
    chance = random.Random(SEED)
    path = backup(filled, folder)
    expected = without_the_restore(contents(filled))
    first = stores.empty()
    usual = _usual(first, "restore", str(path))
    stores.drop(first)
    for _ in range(ROUNDS):
        place = stores.empty()
        code = _killed(place, chance.uniform(usual / 2, usual), "restore", str(path))
        if is_empty(place):
            assert code != 0
            try:
                restore(place, path)
            except places.RestoreInterrupted:
                restore(place, path, again=True)
            except places.StoreNotEmpty:
                pass  # The server had been told to commit, and did so after it was asked.
        assert without_the_restore(contents(place)) == expected
        assert files_of(place) == files_of(filled)
        stores.drop(place)
