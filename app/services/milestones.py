"""Milestone: the dated steps and goals of a programme."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, true
from sqlmodel import Session, col

from app import periods
from app.errors import Forbidden, NotFound, StaleVersion
from app.models import Milestone, MilestoneKind
from app.permissions import Actor, P, can
from app.schemas.milestone import MilestoneCreate, MilestoneFilters, MilestoneUpdate
from app.services import events, paging, programmes

COLUMNS: tuple[Any, ...] = tuple(col(getattr(Milestone, name)) for name in Milestone.model_fields)
SORTS = {
    "position": paging.Sort("position", (col(Milestone.programme_id), col(Milestone.position), col(Milestone.id))),
    "id": paging.Sort("id", (col(Milestone.id),)),
}
MAX_SHOWN = 500


def seen_by(actor: Actor) -> ColumnElement[bool]:
    """The condition on Milestone under which ``actor`` sees it."""
    if actor.is_system:
        return true()
    return col(Milestone.programme_id).in_(actor.programmes_with(P.MILESTONE_READ))


def visible_to(actor: Actor) -> Select[Milestone]:
    """The milestones that ``actor`` sees."""
    return select(Milestone).where(seen_by(actor))


def get(session: Session, actor: Actor, milestone_id: int, *, lock: bool = False) -> Milestone:
    """A milestone that ``actor`` sees; raises NotFound."""
    statement = visible_to(actor).where(col(Milestone.id) == milestone_id)
    milestone = session.scalars(statement.with_for_update() if lock else statement).one_or_none()
    if milestone is None:
        raise NotFound
    return milestone


def show(session: Session, actor: Actor, milestone_id: int) -> Any:
    """One milestone that ``actor`` sees, as a row; raises NotFound."""
    statement = visible_to(actor).with_only_columns(*COLUMNS).where(col(Milestone.id) == milestone_id)
    row = session.connection().execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return row


def page(
    session: Session,
    actor: Actor,
    filters: MilestoneFilters,
    *,
    sort: str,
    limit: int,
    cursor: str | None,
) -> paging.Slice:
    """One page of milestones, of one programme and kind if asked, as rows."""
    statement = visible_to(actor).with_only_columns(*COLUMNS)
    if filters.programme is not None:
        statement = statement.where(col(Milestone.programme_id) == filters.programme)
    if filters.kind is not None:
        statement = statement.where(col(Milestone.kind) == filters.kind)
    given = filters.model_dump(include=set(MilestoneFilters.model_fields), exclude_none=True)
    return paging.fetch(session, statement, SORTS[sort], limit=limit, cursor=cursor, filters=given)


def of_programme(session: Session, actor: Actor, programme_id: int) -> list[Any]:
    """The milestones of a programme in its order, for its page; none for who may not read them."""
    statement = visible_to(actor).with_only_columns(*COLUMNS).where(col(Milestone.programme_id) == programme_id)
    order = (col(Milestone.position), col(Milestone.id))
    return list(session.connection().execute(statement.order_by(*order).limit(MAX_SHOWN)))


def create(session: Session, actor: Actor, data: MilestoneCreate, now: datetime) -> Milestone:
    """A further step or goal; raises PeriodReversed, Forbidden, NotFound."""
    programme_id = data.programme_id
    programmes.require_seen(actor, programme_id)
    if not can(actor, P.MILESTONE_UPDATE, programme_id):
        raise Forbidden
    periods.check(data.starts_on, data.ends_on)
    milestone = Milestone(**data.model_dump(exclude={"position", "kind"}))
    milestone.kind = MilestoneKind(data.kind)
    last = select(func.max(col(Milestone.position))).where(col(Milestone.programme_id) == programme_id)
    highest = session.connection().scalar(last)
    behind = 0 if highest is None else highest + 1
    milestone.position = behind if data.position is None else data.position
    session.add(milestone)
    events.record(session, actor, "milestone.create", milestone, now=now)
    return milestone


def update(
    session: Session, actor: Actor, milestone_id: int, version: int, data: MilestoneUpdate, *, now: datetime
) -> Milestone:
    """Change a milestone; raises PeriodReversed, StaleVersion, Forbidden, NotFound."""
    milestone = _open(session, actor, milestone_id, version)
    for name in data.model_fields_set:
        value = getattr(data, name)
        if name == "when_text":
            value = value or ""
        if value is not None or name.endswith("_on"):
            setattr(milestone, name, MilestoneKind(value) if name == "kind" else value)
    periods.check(milestone.starts_on, milestone.ends_on)
    events.record(session, actor, "milestone.update", milestone, now=now)
    return milestone


def remove(session: Session, actor: Actor, milestone_id: int, version: int, *, now: datetime) -> None:
    """Remove a milestone; its text stays in the event. Raises StaleVersion, Forbidden, NotFound."""
    milestone = _open(session, actor, milestone_id, version)
    session.delete(milestone)
    events.record(session, actor, "milestone.remove", milestone, now=now)


def _open(session: Session, actor: Actor, milestone_id: int, version: int) -> Milestone:
    milestone = get(session, actor, milestone_id, lock=True)
    if not can(actor, P.MILESTONE_UPDATE, milestone.programme_id):
        raise Forbidden
    if milestone.version != version:
        raise StaleVersion
    return milestone
