"""The command as somebody types it: its exit code and what it said where."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from app.cli import main
from app.settings import Settings
from tests.conftest import SECRET


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


def environment(settings: Settings) -> dict[str, str]:
    """The variables that lead a process to this store."""
    return {
        "DUIKOU_MODE": settings.mode,
        "DUIKOU_SECRET_KEY": SECRET,
        "DUIKOU_DATA": str(settings.data),
        "DUIKOU_DATABASE_URL": settings.database_url,
        # Each serve would start one; tests of the worker ask for it.
        "DUIKOU_WORKER": "false",
    }


def run(capfd: pytest.CaptureFixture[str], *arguments: str) -> Said:
    """Run a command in this process; nothing but SystemExit may come out of it."""
    capfd.readouterr()
    with pytest.raises(SystemExit) as end:
        main([*arguments])
    said = capfd.readouterr()
    code = end.value.code
    return Said(code if isinstance(code, int) else 0, said.out, said.err)


@pytest.fixture
def duikou(settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """The command on a copy of the world."""
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: run(capfd, *arguments)


@pytest.fixture
def fresh(stores: object, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """The command on a store without any table."""
    settings: Settings = stores.empty()  # type: ignore[attr-defined]
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    yield lambda *arguments: run(capfd, *arguments)
    stores.drop(settings)  # type: ignore[attr-defined]
