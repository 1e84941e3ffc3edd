"""ExchangePackage: who sees one, taking one in for a check, choosing, and taking in what was chosen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true, update
from sqlmodel import Session, col

from app.errors import DomainError, Forbidden, Kind, NotFound, StaleVersion
from app.messages import N_
from app.models import Direction, ExchangeDifference, ExchangePackage, ExchangeState
from app.papers.packages import Package
from app.permissions import Actor, P, can
from app.rules.exchange import Standing
from app.schemas.exchange_package import ExchangeChoices, ExchangeDifferenceQuery, ExchangePackageQuery
from app.services import events, exchange_applying, exchange_checks, exchange_queue, paging
from app.services import exchange_states as states

COLUMNS: tuple[Any, ...] = tuple(
    col(getattr(ExchangePackage, name)) for name in ExchangePackage.model_fields if name != "person_id"
)
NEWEST = paging.Sort("newest", (col(ExchangePackage.id),), descending=True)
BY_STANDING = paging.Sort("id", (col(ExchangeDifference.id),))
_OPEN = frozenset({ExchangeState.CHECKED, ExchangeState.APPLIED})


class PackageNotReady(DomainError):
    """Still being checked or taken in, given up, or one of our own."""

    kind = Kind.CONFLICT
    code = "package_not_ready"
    message = N_("The package is not waiting for a decision. Look at its state.")


class ProgrammeOfOthers(DomainError):
    """A package of a programme that is here, in which the person has no part."""

    kind = Kind.FORBIDDEN
    code = "programme_of_others"
    message = N_("Only a coordinator or the recipient of the programme takes in its packages.")


class DocumentKnown(DomainError):
    """The same document is a programme here already; a second one is made only on purpose."""

    kind = Kind.CONFLICT
    code = "document_known"
    message = N_("This document is programme %(programme_id)s here already: %(title)s. Confirm a second one.")


class ChoiceUnknown(DomainError):
    """A choice for a row that is no conflict of this package, or that cannot be taken."""

    code = "choice_unknown"
    message = N_("There is no such conflict in this package, or the other side's row cannot be taken.")


@dataclass(frozen=True, slots=True)
class Arrived:
    """An uploaded package whose signature was proved and whose bytes are stored."""

    name: str
    sha256: str
    size: int
    package: Package


def seen_by(actor: Actor) -> ColumnElement[bool]:
    """The condition on ExchangePackage under which ``actor`` sees it: their programmes', and what they brought."""
    if actor.is_system:
        return true()
    if not can(actor, P.PROGRAMME_RECEIVE):
        return false()
    mine = and_(col(ExchangePackage.person_id) == actor.user_id, col(ExchangePackage.programme_id).is_(None))
    return or_(col(ExchangePackage.programme_id).in_(actor.programmes_with(P.PROGRAMME_EXPORT)), mine)


def visible_to(actor: Actor) -> Select[ExchangePackage]:
    """The packages that ``actor`` sees."""
    return select(ExchangePackage).where(seen_by(actor))


def page(session: Session, actor: Actor, query: ExchangePackageQuery) -> paging.Slice:
    """One page of the packages that ``actor`` sees, newest first, as rows."""
    statement = visible_to(actor).with_only_columns(*COLUMNS)
    if query.programme is not None:
        statement = statement.where(col(ExchangePackage.programme_id) == query.programme)
    given = query.model_dump(include={"programme"})
    return paging.fetch(session, statement, NEWEST, limit=query.limit, cursor=query.cursor, filters=given)


def show(session: Session, actor: Actor, package_id: int) -> Any:
    """One package that ``actor`` sees, as a row; raises NotFound."""
    statement = visible_to(actor).with_only_columns(*COLUMNS).where(col(ExchangePackage.id) == package_id)
    row = session.connection().execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return row


def refuse_unmade(row: Any) -> None:
    """Raise PackageNotReady for a package that has no bytes yet."""
    if not row.sha256:
        raise PackageNotReady


def differences(session: Session, actor: Actor, package_id: int, query: ExchangeDifferenceQuery) -> paging.Slice:
    """One page of what the check found, as rows; raises NotFound."""
    show(session, actor, package_id)
    statement = select(ExchangeDifference).where(col(ExchangeDifference.package_id) == package_id)
    if query.standing is not None:
        statement = statement.where(col(ExchangeDifference.standing) == query.standing)
    given = {"package": package_id, **query.model_dump(include={"standing"})}
    return paging.fetch(session, statement, BY_STANDING, limit=query.limit, cursor=query.cursor, filters=given)


def undecided(session: Session, package_id: int) -> int:
    """How many conflicts of a package nobody has decided."""
    statement = select(func.count()).where(
        col(ExchangeDifference.package_id) == package_id,
        col(ExchangeDifference.standing) == Standing.CONFLICT,
        col(ExchangeDifference.choice) == "",
    )
    return session.connection().scalar(statement) or 0


def refuse_without_right(session: Session, actor: Actor, package: Package) -> int | None:
    """The programme here that a package is about; raises ProgrammeOfOthers, or Forbidden for a first import."""
    programme_id = exchange_checks.programme_here(session, package, states.known_installation(session) or "")
    if programme_id is None and not can(actor, P.PROGRAMME_CREATE):
        raise Forbidden
    if programme_id is not None and not can(actor, P.PROGRAMME_RECEIVE, programme_id):
        raise ProgrammeOfOthers
    return programme_id


def receive(session: Session, actor: Actor, arrived: Arrived, *, now: datetime, queued: bool = True) -> ExchangePackage:
    """The row of a package that is to be checked; one that was brought before is checked again.

    Raises Forbidden, ProgrammeOfOthers, PackageNotReady while it is being checked or taken in.
    """
    states.installation(session)
    programme_id = refuse_without_right(session, actor, arrived.package)
    manifest = arrived.package.manifest
    same = visible_to(actor).where(
        col(ExchangePackage.sha256) == arrived.sha256, col(ExchangePackage.direction) == Direction.RECEIVED
    )
    package = session.scalars(same.order_by(col(ExchangePackage.id).desc()).limit(1).with_for_update()).first()
    if package is None:
        package = ExchangePackage(
            direction=Direction.RECEIVED,
            state=ExchangeState.CHECKING,
            installation=manifest.installation,
            number=manifest.number,
            made_at=manifest.made_at,
            name=arrived.name[:255],
            sha256=arrived.sha256,
            size=arrived.size,
            title=manifest.programme.title,
            document_number=manifest.programme.document_number[:100],
            programme_id=programme_id,
            person_id=actor.user_id,
            unit_id=actor.unit_id,
        )
        session.add(package)
    elif exchange_queue.goes_on(session, package, now=now):
        raise PackageNotReady
    else:
        package.state, package.error, package.error_values = ExchangeState.CHECKING, "", {}
        package.programme_id = programme_id
    session.flush()
    if queued:
        exchange_queue.put(session, actor, package, exchange_queue.LOOK, now=now)
    details = {"sha256": arrived.sha256, "installation": manifest.installation, "number": manifest.number}
    events.record(session, actor, "exchange_package.receive", package, details=details, now=now)
    return package


def open_for_change(session: Session, actor: Actor, package_id: int, version: int) -> ExchangePackage:
    """A checked package, locked; raises NotFound, Forbidden, PackageNotReady or StaleVersion."""
    package = session.scalars(
        visible_to(actor).where(col(ExchangePackage.id) == package_id).with_for_update()
    ).one_or_none()
    if package is None:
        raise NotFound
    allowed = (
        can(actor, P.PROGRAMME_CREATE)
        if package.programme_id is None
        else can(actor, P.PROGRAMME_RECEIVE, package.programme_id)
    )
    if not allowed:
        raise Forbidden
    if package.direction is not Direction.RECEIVED or package.state not in _OPEN:
        raise PackageNotReady
    if package.version != version:
        raise StaleVersion
    return package


def choose(
    session: Session, actor: Actor, package_id: int, version: int, data: ExchangeChoices, *, now: datetime
) -> ExchangePackage:
    """Keep which side's text stands, row by row or for all that are undecided; nothing is changed yet.

    Raises ChoiceUnknown beside what ``open_for_change`` raises.
    """
    package = open_for_change(session, actor, package_id, version)
    mine = (
        col(ExchangeDifference.package_id) == package_id,
        col(ExchangeDifference.standing) == Standing.CONFLICT,
    )
    connection = session.connection()
    if data.rest is not None:
        statement = update(ExchangeDifference).where(*mine, col(ExchangeDifference.choice) == "")
        if data.rest == exchange_applying.THEIRS:
            statement = statement.where(col(ExchangeDifference.blocked) == "")
        connection.execute(statement.values(choice=data.rest))
    for choice in data.choices:
        statement = update(ExchangeDifference).where(*mine, col(ExchangeDifference.id) == choice.difference_id)
        if choice.choice == exchange_applying.THEIRS:
            statement = statement.where(col(ExchangeDifference.blocked) == "")
        if connection.execute(statement.values(choice=choice.choice)).rowcount != 1:
            raise ChoiceUnknown(field="choices")
    package.counts = {**package.counts, "chosen": _chosen(session, package_id)}
    events.record(session, actor, "exchange_package.choose", package, now=now)
    return package


def _chosen(session: Session, package_id: int) -> dict[str, int]:
    statement = (
        select(col(ExchangeDifference.choice), func.count())
        .where(col(ExchangeDifference.package_id) == package_id, col(ExchangeDifference.choice) != "")
        .group_by(col(ExchangeDifference.choice))
    )
    return {row[0]: row[1] for row in session.connection().execute(statement)}


def begin_apply(
    session: Session,
    actor: Actor,
    package_id: int,
    version: int,
    *,
    duplicate: bool,
    now: datetime,
    queued: bool = True,
) -> ExchangePackage:
    """Say that a package is to be taken in, by a worker if it is ``queued``.

    Raises DocumentKnown beside what ``open_for_change`` raises.
    """
    package = open_for_change(session, actor, package_id, version)
    if "document_known" in package.counts.get("notes", ()) and not duplicate:
        raise DocumentKnown(field="duplicate", **package.counts["known"])
    package.state = ExchangeState.APPLYING
    if queued:
        exchange_queue.put(session, actor, package, exchange_queue.APPLY, now=now)
    events.record(session, actor, "exchange_package.accept", package, now=now)
    return package


def drop(
    session: Session, actor: Actor, package_id: int, version: int, *, reason: str, now: datetime
) -> ExchangePackage:
    """Give a checked package up; its record and its bytes stay."""
    package = open_for_change(session, actor, package_id, version)
    if package.state is not ExchangeState.CHECKED:
        raise PackageNotReady
    package.state = ExchangeState.DROPPED
    events.record(session, actor, "exchange_package.drop", package, reason=reason, now=now)
    return package


def note_download(session: Session, actor: Actor, row: Any) -> None:
    """Record who is about to read a package; call it in a transaction of its own, before bytes leave."""
    events.record_access(
        session,
        actor,
        "exchange_package.download",
        subject_type="exchange_packages",
        subject_id=row.id,
        name=row.name,
        programme_id=row.programme_id,
        details={"sha256": row.sha256},
    )
