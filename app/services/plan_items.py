"""PlanItem: the tasks and milestones of a plan under review, one row each, corrected one by one."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlmodel import Session, col

from app import periods
from app.errors import DomainError, NotFound, StaleVersion
from app.messages import N_
from app.models import PlanImport, PlanItem, PlanItemKind
from app.permissions import Actor
from app.rules.paths import SEPARATOR
from app.rules.tasks import check_due
from app.schemas.plan_import import PlanItemCreate, PlanItemUpdate
from app.services import events, plan_imports, plan_mapping
from app.services.paging import Slice, Sort, fetch

ORDER = Sort("position", (col(PlanItem.kind), col(PlanItem.position), col(PlanItem.id)))
COLUMNS = (
    col(PlanItem.id),
    col(PlanItem.version),
    col(PlanItem.kind),
    col(PlanItem.position),
    col(PlanItem.line),
    col(PlanItem.dropped),
    col(PlanItem.added),
    col(PlanItem.settled),
    col(PlanItem.doubts),
    col(PlanItem.data),
)
ROLES = ("lead_units", "supporting_units", "guiding_units")
_PATH = 200
_DATES = ("due_on", "starts_on", "ends_on")
_EMPTY_TASK: dict[str, Any] = {
    "path": [],
    "part": 1,
    "heading": "",
    "text": "",
    "units": [],
    "lead_units": [],
    "supporting_units": [],
    "guiding_units": [],
    "responsible_people": [],
    "due_text": "",
    "due_on": None,
    "open_ended": False,
    "target": "",
    "track": "",
    "marked": True,
}
_EMPTY_MILESTONE: dict[str, Any] = {
    "when": "",
    "what": "",
    "milestone_kind": "step",
    "starts_on": None,
    "ends_on": None,
    "recurring": False,
}
EMPTY = {PlanItemKind.TASK: _EMPTY_TASK, PlanItemKind.MILESTONE: _EMPTY_MILESTONE}


class PlanItemEmpty(DomainError):
    """An item that says nothing."""

    code = "required"
    message = N_("Please fill this in.")


class PlanItemFieldForeign(DomainError):
    """A field of the other kind of item."""

    code = "plan_item_field"
    message = N_("An item of this kind has no such field.")


class PlanItemPathTooLong(DomainError):
    """Markers that together are longer than a path can be."""

    code = "path_too_long"
    message = N_("The number is too long. At most 200 characters.")


class PlanItemRoleForeign(DomainError):
    """A role for a unit that is not among the item's units, or two roles for one unit."""

    code = "plan_item_role"
    message = N_("%(name)s needs one role and a place in the list of units.")


def of_import(import_id: int) -> Select[PlanItem]:
    """The items of an import that has been found visible already."""
    return select(PlanItem).where(col(PlanItem.plan_import_id) == import_id)


def listing(
    session: Session,
    actor: Actor,
    import_id: int,
    *,
    limit: int,
    cursor: str | None,
    kind: str | None = None,
    doubtful: bool | None = None,
    dropped: bool | None = None,
    q: str = "",
) -> Slice:
    """A page of items in the plan's order. ``doubtful``: left to check, or not. Raises NotFound, CursorRefused."""
    plan_imports.get(session, actor, import_id)
    statement: Select[Any] = of_import(import_id).with_only_columns(*COLUMNS)
    filters = {"import": import_id, "kind": kind, "doubtful": doubtful, "dropped": dropped, "q": q}
    if kind:
        statement = statement.where(col(PlanItem.kind) == kind)
    if doubtful is not None:
        statement = statement.where(col(PlanItem.settled).is_(not doubtful))
    if dropped is not None:
        statement = statement.where(col(PlanItem.dropped).is_(dropped))
    if q:
        texts = (col(PlanItem.data)[name].as_string() for name in ("heading", "text", "due_text", "when", "what"))
        statement = statement.where(or_(*(text.icontains(q, autoescape=True) for text in texts)))
    return fetch(session, statement, ORDER, limit=limit, cursor=cursor, filters=filters)


def get(session: Session, actor: Actor, import_id: int, item_id: int) -> PlanItem:
    """An item of an import that ``actor`` sees; raises NotFound."""
    plan_imports.get(session, actor, import_id)
    item = session.scalars(of_import(import_id).where(col(PlanItem.id) == item_id)).one_or_none()
    if item is None:
        raise NotFound
    return item


def update(
    session: Session,
    actor: Actor,
    import_id: int,
    item_id: int,
    data: PlanItemUpdate,
    *,
    version: int,
    now: datetime,
) -> PlanItem:
    """Correct an item; correcting it settles its doubts. Raises the refusals of this module, StaleVersion."""
    plan, item = _open(session, actor, import_id, item_id, version)
    item.data = _merged(item.kind, item.data, data)
    item.settled = True
    plan_mapping.add_missing(session, actor, plan, item.data.get("units", ()))
    _record(session, actor, "plan_item.update", (plan, item), now)
    return item


def create(session: Session, actor: Actor, import_id: int, data: PlanItemCreate, *, now: datetime) -> PlanItem:
    """Add an item that the reader missed, behind those of its kind that begin on its line or before it."""
    plan = plan_imports.open_for_change(session, actor, import_id, None)
    kind = PlanItemKind(data.kind)
    given = PlanItemUpdate.model_validate(data.model_dump(exclude={"kind", "line"}, exclude_unset=True))
    item = PlanItem(
        plan_import_id=plan.key,
        kind=kind,
        position=_position(session, plan.key, kind, data.line),
        line=data.line,
        added=True,
        settled=True,
        data=_merged(kind, EMPTY[kind], given),
    )
    if not (item.data["heading"] if kind == PlanItemKind.TASK else item.data["what"]):
        raise PlanItemEmpty(field="heading" if kind == PlanItemKind.TASK else "what")
    session.add(item)
    session.flush()
    plan_mapping.add_missing(session, actor, plan, item.data.get("units", ()))
    _record(session, actor, "plan_item.create", (plan, item), now)
    return item


def drop(session: Session, actor: Actor, import_id: int, item_id: int, *, version: int, now: datetime) -> PlanItem:
    """Leave an item out of the acceptance."""
    plan, item = _open(session, actor, import_id, item_id, version)
    item.dropped = True
    _record(session, actor, "plan_item.drop", (plan, item), now)
    return item


def restore(session: Session, actor: Actor, import_id: int, item_id: int, *, version: int, now: datetime) -> PlanItem:
    """Take an item in again."""
    plan, item = _open(session, actor, import_id, item_id, version)
    item.dropped = False
    _record(session, actor, "plan_item.restore", (plan, item), now)
    return item


def settle(session: Session, actor: Actor, import_id: int, item_id: int, *, version: int, now: datetime) -> PlanItem:
    """Say that the item is right as it stands."""
    plan, item = _open(session, actor, import_id, item_id, version)
    item.settled = True
    _record(session, actor, "plan_item.settle", (plan, item), now)
    return item


def _open(session: Session, actor: Actor, import_id: int, item_id: int, version: int) -> tuple[PlanImport, PlanItem]:
    plan = plan_imports.open_for_change(session, actor, import_id, None)
    statement = of_import(import_id).where(col(PlanItem.id) == item_id).with_for_update()
    item = session.scalars(statement).one_or_none()
    if item is None:
        raise NotFound
    if item.version != version:
        raise StaleVersion
    return plan, item


def _record(session: Session, actor: Actor, verb: str, both: tuple[PlanImport, PlanItem], now: datetime) -> None:
    plan, item = both
    name = str(item.data.get("heading") or item.data.get("what") or "")[:300]
    events.record(session, actor, verb, item, name=name, programme_id=plan.programme_id, now=now)


def _merged(kind: PlanItemKind, before: dict[str, Any], data: PlanItemUpdate) -> dict[str, Any]:
    """The item's data with what was sent, a null emptying its field."""
    after = dict(before)
    for name in sorted(data.model_fields_set):
        if name not in EMPTY[kind]:
            raise PlanItemFieldForeign(field=name)
        value = getattr(data, name)
        if value is None:
            value = EMPTY[kind][name]
        elif name in _DATES:
            value = value.isoformat()
        elif name == "path":
            value = [step for step in value if step]
        after[name] = value
    needed = "heading" if kind == PlanItemKind.TASK else "what"
    if not after[needed]:
        raise PlanItemEmpty(field=needed)
    _check(kind, after)
    return after


def _check(kind: PlanItemKind, data: dict[str, Any]) -> None:
    if kind == PlanItemKind.MILESTONE:
        periods.check(_date(data["starts_on"]), _date(data["ends_on"]))
        return
    if len(SEPARATOR.join(data["path"])) > _PATH:
        raise PlanItemPathTooLong(field="path")
    check_due(_date(data["due_on"]), open_ended=data["open_ended"])
    placed: set[str] = set()
    for field in ROLES:
        for name in data[field]:
            if name in placed or name not in data["units"]:
                raise PlanItemRoleForeign(field=field, name=name)
            placed.add(name)


def _position(session: Session, import_id: int, kind: PlanItemKind, line: int | None) -> int:
    """The place of the last item before ``line``: the id, which is higher, puts the new one behind it."""
    statement = select(func.max(col(PlanItem.position))).where(
        col(PlanItem.plan_import_id) == import_id, col(PlanItem.kind) == kind
    )
    if line is not None:
        statement = statement.where(col(PlanItem.line) <= line)
    return int(session.connection().scalar(statement) or 0)


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
