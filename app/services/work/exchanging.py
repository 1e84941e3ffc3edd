"""Exchange packages: making one, checking one, taking one in. Each can be done again after it was broken off."""

from app.services import exchange_runs
from app.services.exchange_exports import Place
from app.services.work.contract import Work


def make_package(work: Work) -> None:
    """Write the package of the payload and put it into storage."""
    exchange_runs.make(_place(work), work.actor, _package(work), progress=work.progress)


def look_at_package(work: Work) -> None:
    """Say what the package of the payload would change."""
    exchange_runs.look(_place(work), work.settings, work.actor, _package(work), progress=work.progress)


def apply_package(work: Work) -> None:
    """Take the package of the payload in, for the person who accepted it.

    No progress is told: it is one transaction, and on SQLite that holds the one write lock.
    """
    exchange_runs.apply(
        _place(work), work.settings, work.actor, _package(work), person_id=work.asked_by_id, now=work.now
    )


def _place(work: Work) -> Place:
    return Place(work.store, work.storage, work.settings.data / "packages")


def _package(work: Work) -> int:
    return int(work.payload["package"])
