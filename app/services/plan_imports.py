"""PlanImport: who sees a plan under review, taking one in, correcting its head, giving it up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true
from sqlalchemy.orm import defer
from sqlmodel import Session, col

from app import periods
from app.errors import DomainError, Forbidden, Kind, NotFound, StaleVersion
from app.messages import N_
from app.models import Party, PlanImport, PlanImportState, PlanItem, PlanVersion, Programme, Unit
from app.permissions import Actor, P, can
from app.schemas.plan_import import PlanImportUpdate
from app.services import events, plan_intake
from app.services.paging import Slice, Sort, fetch

NEWEST = Sort("newest", (col(PlanImport.id),), descending=True)
HEAD_TEXTS = ("disclosure",)
HEAD_LISTS = ("recipients", "copied_to")
HEAD_DATES = ("issued_on", "starts_on", "ends_on")


class PlanImportSettled(DomainError):
    """It was accepted or given up; the record stays as it is."""

    kind = Kind.CONFLICT
    code = "plan_import_settled"
    message = N_("This plan was given up and can no longer be changed. Upload the file again.")


class PlanImportAccepted(PlanImportSettled):
    """It was accepted; ``programme_id`` leads to what it became."""

    code = "plan_import_accepted"
    message = N_("This plan was accepted already. It is programme %(programme_id)s now: %(title)s")


class PlanProgrammeUnknown(DomainError):
    """The programme that this should become a version of is not one that the person coordinates."""

    code = "programme_unknown"
    message = N_("There is no such programme, or you do not coordinate it.")


class PlanUnderReview(DomainError):
    """The same file twice at once: two people would correct two readings of one plan."""

    kind = Kind.CONFLICT
    code = "plan_under_review"
    message = N_("This file is under review already, as import %(import_id)s.")


@dataclass(frozen=True, slots=True)
class Upload:
    """A stored file: its name, the digest it is stored under, its size in bytes and what it is."""

    name: str
    sha256: str
    size: int
    media_type: str


def visible_to(actor: Actor) -> Select[PlanImport]:
    """The imports that ``actor`` sees: their own, their bureau's, and those of programmes they coordinate."""
    return select(PlanImport).where(seen_by(actor))


def seen_by(actor: Actor) -> ColumnElement[bool]:
    """The condition on PlanImport under which ``actor`` sees it; only who may import sees any."""
    if actor.is_system:
        return true()
    if not can(actor, P.PLAN_IMPORT):
        return false()
    conditions: list[ColumnElement[bool]] = [
        col(PlanImport.programme_id).in_(actor.programmes_with(P.PLAN_IMPORT)),
        col(PlanImport.uploaded_by_id) == actor.user_id,
    ]
    if actor.root_id is not None:
        own = select(col(Unit.id)).where(col(Unit.root_id) == actor.root_id)
        conditions.append(col(PlanImport.unit_id).in_(own))
    return or_(*conditions)


def create(session: Session, actor: Actor, upload: Upload, reading: dict[str, Any], *, now: datetime) -> PlanImport:
    """Store a reading for review. Raises Forbidden or PlanUnderReview.

    ``reading`` is the product's JSON of a plan. Where the same document is already a programme that
    the person coordinates, the import is taken for its next version until they say otherwise.
    """
    refuse_without_right(actor)
    refuse_second_review(session, actor, upload.sha256)
    row = plan_intake.row(session, actor, reading)
    row.name, row.sha256 = upload.name[:255], upload.sha256
    row.head = {**row.head, "file": {"size": upload.size, "media_type": upload.media_type}}
    row.uploaded_by_id, row.unit_id = actor.user_id, actor.unit_id
    same = [known for known in known_as(session, actor, row) if known["may_amend"]]
    row.programme_id = same[0]["id"] if len(same) == 1 else None
    _keep_standing_sides(session, row)
    session.add(row)
    session.flush()
    session.add_all(plan_intake.items(row, reading))
    events.record(session, actor, "plan_import.create", row, programme_id=row.programme_id, now=now)
    return row


def refuse_without_right(actor: Actor) -> None:
    """Raise Forbidden unless ``actor`` may import some plan; asked before a byte of the file is read."""
    if not can(actor, P.PLAN_IMPORT):
        raise Forbidden


def refuse_second_review(session: Session, actor: Actor, sha256: str) -> None:
    """Raise PlanUnderReview where the same file waits in a review that ``actor`` sees."""
    statement = visible_to(actor).with_only_columns(col(PlanImport.id))
    same = (col(PlanImport.sha256) == sha256, col(PlanImport.state) == PlanImportState.REVIEW)
    found = session.connection().scalar(statement.where(*same).order_by(col(PlanImport.id)).limit(1))
    if found is not None:
        raise PlanUnderReview(field="file", import_id=found)


def get(session: Session, actor: Actor, import_id: int, *, lines: bool = False) -> PlanImport:
    """An import that ``actor`` sees, without its lines unless asked for; raises NotFound."""
    statement = visible_to(actor).where(col(PlanImport.id) == import_id)
    if not lines:
        statement = statement.options(defer(PlanImport.lines))  # type: ignore[arg-type]
    row = session.scalars(statement).one_or_none()
    if row is None:
        raise NotFound
    return row


def open_for_change(session: Session, actor: Actor, import_id: int, version: int | None) -> PlanImport:
    """An import under review, locked; ``version`` None where another row's version is the one that counts.

    Raises NotFound, Forbidden, PlanImportAccepted, PlanImportSettled or StaleVersion. The state is
    asked before the version: whoever accepts twice is told what the plan has become.
    """
    statement = visible_to(actor).where(col(PlanImport.id) == import_id)
    statement = statement.options(defer(PlanImport.lines)).with_for_update()  # type: ignore[arg-type]
    row = session.scalars(statement).one_or_none()
    if row is None:
        raise NotFound
    refuse_without_right(actor)
    if row.state == PlanImportState.ACCEPTED:
        raise PlanImportAccepted(programme_id=row.programme_id, title=row.title)
    if row.state != PlanImportState.REVIEW:
        raise PlanImportSettled
    if version is not None and row.version != version:
        raise StaleVersion
    return row


def update(
    session: Session, actor: Actor, import_id: int, version: int, data: PlanImportUpdate, *, now: datetime
) -> PlanImport:
    """Correct the head. Raises what open_for_change raises, PlanProgrammeUnknown, PeriodReversed."""
    row = open_for_change(session, actor, import_id, version)
    given = {name: getattr(data, name) for name in data.model_fields_set}
    head = dict(row.head)
    for name, value in given.items():
        if name in ("title", "document_number", "issuer"):
            setattr(row, name, value or "")
        elif name in HEAD_LISTS:
            head[name] = [entry for entry in value or [] if entry]
        elif name in HEAD_DATES:
            head[name] = value.isoformat() if value else None
        elif name in HEAD_TEXTS:
            head[name] = value or ""
    if "programme_id" in given:
        row.programme_id = _amended(actor, given["programme_id"])
        row.head = head
        _keep_standing_sides(session, row)
        head = dict(row.head)
    row.head = head
    dates = dates_of(row)
    periods.check(dates["starts_on"], dates["ends_on"])
    events.record(session, actor, "plan_import.update", row, now=now)
    return row


def drop(session: Session, actor: Actor, import_id: int, version: int, *, reason: str, now: datetime) -> PlanImport:
    """Give an import up; its record stays readable."""
    row = open_for_change(session, actor, import_id, version)
    row.state = PlanImportState.DROPPED
    events.record(session, actor, "plan_import.drop", row, reason=reason, now=now)
    return row


def _keep_standing_sides(session: Session, row: PlanImport) -> None:
    """Suggest no new bureau for a side on which one of the programme stands: it is likely another spelling of it."""
    if row.programme_id is None:
        return
    sides = select(col(Party.side)).where(col(Party.programme_id) == row.programme_id)
    standing = {side.value for side in session.connection().scalars(sides)}
    row.head = {
        **row.head,
        "parties": [
            {**party, "side": None} if party["unit_id"] is None and party["side"] in standing else party
            for party in row.head["parties"]
        ],
    }


def _amended(actor: Actor, programme_id: int | None) -> int | None:
    if programme_id is not None and not can(actor, P.PLAN_IMPORT, programme_id):
        raise PlanProgrammeUnknown(field="programme_id")
    return programme_id


def listing(
    session: Session, actor: Actor, *, limit: int, cursor: str | None, state: str | None = None, q: str = ""
) -> Slice:
    """A page of the imports that ``actor`` sees, newest first."""
    statement = visible_to(actor).with_only_columns(
        *(col(column) for column in (PlanImport.id, PlanImport.version, PlanImport.state, PlanImport.name)),
        *(col(column) for column in (PlanImport.title, PlanImport.document_number, PlanImport.issuer)),
        *(col(column) for column in (PlanImport.programme_id, PlanImport.created_at, PlanImport.accepted_at)),
    )
    if state:
        statement = statement.where(col(PlanImport.state) == state)
    if q:
        texts = (PlanImport.title, PlanImport.document_number, PlanImport.issuer, PlanImport.name)
        statement = statement.where(or_(*(col(text).icontains(q, autoescape=True) for text in texts)))
    return fetch(session, statement, NEWEST, limit=limit, cursor=cursor, filters={"state": state, "q": q})


def counts(session: Session, import_id: int) -> dict[str, int]:
    """How many items there are of each kind, how many were dropped, and how many are left to check."""
    rows = session.connection().execute(
        select(
            col(PlanItem.kind),
            func.count().label("all"),
            func.count().filter(col(PlanItem.dropped)).label("dropped"),
            func.count().filter(and_(~col(PlanItem.settled), ~col(PlanItem.dropped))).label("doubtful"),
        )
        .where(col(PlanItem.plan_import_id) == import_id)
        .group_by(col(PlanItem.kind))
    )
    found = {"task": 0, "milestone": 0, "dropped": 0, "doubtful": 0}
    for row in rows:
        found[row.kind.value] = row.all - row.dropped
        found["dropped"] += row.dropped
        found["doubtful"] += row.doubtful
    return found


def known_as(session: Session, actor: Actor, row: PlanImport) -> Sequence[dict[str, Any]]:
    """The visible programmes that came from the same file, or bear the same issuer and number.

    ``may_amend`` says whether the person may make this document its next version.
    """
    seen = actor.programmes_with(P.PROGRAMME_READ)
    files = select(col(PlanVersion.programme_id)).where(col(PlanVersion.sha256) == row.sha256)
    same: ColumnElement[bool] = col(Programme.id).in_(files)
    if row.document_number and row.issuer:
        numbered = and_(col(Programme.document_number) == row.document_number, col(Programme.issuer) == row.issuer)
        same = or_(same, numbered)
    statement = (
        select(
            col(Programme.id),
            col(Programme.title),
            col(Programme.document_number),
            col(Programme.plan_number),
            col(Programme.id).in_(files).label("same_file"),
        )
        .where(same)
        .order_by(col(Programme.id))
    )
    if not actor.is_system:
        statement = statement.where(col(Programme.id).in_(seen))
    found = session.connection().execute(statement)
    return [{**entry._mapping, "may_amend": can(actor, P.PLAN_IMPORT, entry.id)} for entry in found]


def dates_of(row: PlanImport) -> dict[str, date | None]:
    """The head's dates as dates."""
    return {name: date.fromisoformat(row.head[name]) if row.head.get(name) else None for name in HEAD_DATES}
