"""The long steps of an exchange as they run: for whom, and what is recorded when one is refused."""

from collections.abc import Callable
from datetime import datetime

from app import clock
from app.errors import DomainError, Forbidden, Kind
from app.models import ExchangePackage, ExchangeState
from app.permissions import Actor
from app.services import actors, exchange_exports, exchange_intake
from app.services.exchange_exports import Place
from app.settings import Settings

Progress = Callable[[int, int], None]
# What waiting may mend is tried again; everything else is an answer.
_PASSING = frozenset({Kind.UNAVAILABLE, Kind.FULL})


def make(place: Place, system: Actor, package_id: int, *, progress: Progress) -> None:
    """Write a package that was asked for. A refusal is kept with the package; raises what waiting may mend."""

    def run() -> None:
        exchange_exports.make(place, system, package_id, now=clock.now, progress=progress)

    _ended(place, system, package_id, ExchangeState.MAKING, run)


def look(place: Place, settings: Settings, system: Actor, package_id: int, *, progress: Progress) -> None:
    """Check a package that was brought, with the eyes of who brought it; a refusal is kept with it."""

    def run() -> None:
        with place.store.reading() as session:
            person_id = session.get_one(ExchangePackage, package_id).person_id
        exchange_intake.look(place, settings, acting(place, system, person_id), package_id, progress=progress)

    _ended(place, system, package_id, ExchangeState.CHECKING, run)


def apply(
    place: Place, settings: Settings, system: Actor, package_id: int, *, person_id: int | None, now: datetime
) -> None:
    """Take a package in for a person who still may; a refusal is kept with it."""

    def run() -> None:
        actor = acting(place, system, person_id)
        exchange_intake.apply(place, settings, actor, package_id, now=now, progress=lambda _done, _total: None)

    _ended(place, system, package_id, ExchangeState.APPLYING, run)


def acting(place: Place, system: Actor, person_id: int | None) -> Actor:
    """The person for whom a step runs, with the rights of today; raises Forbidden where the account is closed."""
    if person_id is None:
        return system
    with place.store.reading() as session:
        found = actors.load(session, person_id, system.today, channel=system.channel)
    if found is None:
        raise Forbidden
    return found


def _ended(place: Place, system: Actor, package_id: int, state: ExchangeState, run: Callable[[], None]) -> None:
    try:
        run()
    except DomainError as refusal:
        if refusal.kind in _PASSING:
            raise
        refused(place, system, package_id, refusal, state)


def refused(
    place: Place, system: Actor, package_id: int, refusal: DomainError, state: ExchangeState | None = None
) -> None:
    """Keep a refusal with its package, unless somebody else has brought that to an end."""
    with place.store.transaction() as session:
        package = session.get_one(ExchangePackage, package_id, with_for_update=True)
        working = (ExchangeState.MAKING, ExchangeState.CHECKING, ExchangeState.APPLYING)
        if package.state in ((state,) if state else working):
            exchange_exports.fail(session, system, package_id, refusal)
