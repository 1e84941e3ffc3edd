"""Grant to a unit: whether its people may create programmes and import plans."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.errors import DomainError, Forbidden, Kind, NotFound, StaleVersion
from app.messages import N_
from app.models import Unit
from app.permissions import Actor, P, can
from app.services import events, units


class GrantUnchanged(DomainError):
    """Giving what is given, or taking what is not."""

    kind = Kind.CONFLICT
    code = "grant_unchanged"
    message = N_("Nothing changed: the unit has this right already, or does not have it.")


def set_programmes(
    session: Session, actor: Actor, unit_id: int, version: int, *, granted: bool, reason: str, now: datetime
) -> Unit:
    """Give a unit the right to create programmes, or take it back; programmes that exist stay.

    Raises NotFound, Forbidden, StaleVersion, UnitHasEnded or GrantUnchanged.
    """
    unit = units.get(session, actor, unit_id, lock=True)
    if not can(actor, P.UNIT_GRANT):
        raise Forbidden
    if unit.version != version:
        raise StaleVersion
    if granted and unit.merged_into_id is not None:
        raise units.UnitHasEnded(name=unit.name)
    if unit.may_create_programmes == granted:
        raise GrantUnchanged
    unit.may_create_programmes = granted
    verb = "unit.grant_programmes" if granted else "unit.withdraw_programmes"
    events.record(session, actor, verb, unit, reason=reason, now=now)
    return unit


def one(session: Session, actor: Actor, unit_id: int) -> Any:
    """A unit's grant; raises NotFound."""
    statement = select(col(Unit.id), col(Unit.version), col(Unit.name), col(Unit.may_create_programmes)).where(
        units.seen_by(actor), col(Unit.id) == unit_id
    )
    row = session.connection().execute(statement).first()
    if row is None:
        raise NotFound
    return row


def granted(session: Session, actor: Actor) -> list[Any]:
    """The units that may create programmes, as far as ``actor`` sees them; at most 500."""
    statement = (
        select(col(Unit.id), col(Unit.version), col(Unit.name), col(Unit.may_create_programmes))
        .where(units.seen_by(actor), col(Unit.may_create_programmes).is_(True))
        .order_by(col(Unit.id))
    )
    return list(session.connection().execute(statement.limit(500)).all())
