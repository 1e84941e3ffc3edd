"""Grant to a unit: whether its people may create programmes and import plans."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.errors import DomainError, Forbidden, Kind, NotFound, StaleVersion
from app.messages import N_
from app.models import Unit
from app.permissions import Actor, P, can
from app.services import events, paging, units
from app.services.paging import Slice, Sort


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


def page(session: Session, actor: Actor, q: str, *, limit: int, cursor: str | None) -> Slice:
    """One page of the live units that ``actor`` sees, those whose name contains ``q``, with their grants."""
    statement = select(
        col(Unit.id), col(Unit.version), col(Unit.name), col(Unit.kind), col(Unit.may_create_programmes)
    ).where(units.seen_by(actor), col(Unit.merged_into_id).is_(None))
    if q:
        statement = statement.where(col(Unit.name).icontains(q, autoescape=True))
    return paging.fetch(session, statement, Sort("id", (col(Unit.id),)), limit=limit, cursor=cursor, filters={"q": q})
