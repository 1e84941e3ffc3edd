"""Attachment: files on a task. Bytes are stored before the row is written, and never under a person's name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.errors import Forbidden, NotFound, StaleVersion
from app.models import Attachment, Task, User
from app.permissions import Actor, Permission, can
from app.rules import tasks as rules
from app.schemas.attachment import AttachmentQuery
from app.services import events, paging, tasks, visibility

P = Permission
COLUMNS: tuple[Any, ...] = (
    col(Attachment.id),
    col(Attachment.version),
    col(Attachment.programme_id),
    col(Attachment.subject_type),
    col(Attachment.subject_id),
    col(Attachment.name),
    col(Attachment.media_type),
    col(Attachment.size),
    col(Attachment.sha256),
    col(Attachment.uploaded_by_id),
    col(User.name).label("uploaded_by_name"),
    col(Attachment.removed),
    col(Attachment.created_at),
    col(Attachment.updated_at),
)
NEWEST = paging.Sort("newest", (col(Attachment.id),), descending=True)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file whose bytes lie in storage already: its cleaned name, its kind, its size in bytes, its digest."""

    name: str
    media_type: str
    size: int
    sha256: str


def visible_to(actor: Actor) -> SelectOfScalar[Attachment]:
    """The files of the tasks that ``actor`` sees; those taken off a task only for who keeps watch there."""
    return select(Attachment).where(_seen(actor))


def _seen(actor: Actor) -> ColumnElement[bool]:
    if actor.is_system:
        return true()
    if not can(actor, P.ATTACHMENT_READ):
        return false()
    seen_tasks = select(Task.id).where(visibility.tasks_seen(actor))
    of_task = and_(col(Attachment.subject_type) == "tasks", col(Attachment.subject_id).in_(seen_tasks))
    watched = col(Attachment.programme_id).in_(actor.programmes_with(P.AUDIT_READ))
    return and_(of_task, or_(col(Attachment.removed).is_(False), watched))


def _rows(actor: Actor) -> Any:
    uploader = col(User.id) == col(Attachment.uploaded_by_id)
    return visible_to(actor).outerjoin(User, uploader).with_only_columns(*COLUMNS)


def page(session: Session, actor: Actor, query: AttachmentQuery) -> paging.Slice:
    """One page of a thing's files as rows with ``COLUMNS``; raises NotFound where the thing is not seen."""
    tasks.show(session, actor, query.subject_id)
    statement = _rows(actor).where(
        col(Attachment.subject_type) == query.subject_type,
        col(Attachment.subject_id) == query.subject_id,
        col(Attachment.removed).is_(query.removed),
    )
    given = query.model_dump(exclude={"limit", "cursor"})
    return paging.fetch(session, statement, NEWEST, limit=query.limit, cursor=query.cursor, filters=given)


def show(session: Session, actor: Actor, attachment_id: int) -> Any:
    """One visible file as a row with ``COLUMNS``; raises NotFound."""
    row = session.connection().execute(_rows(actor).where(col(Attachment.id) == attachment_id)).first()
    if row is None:
        raise NotFound
    return row


def may_attach(session: Session, actor: Actor, task_id: int) -> int:
    """The programme of a task to which ``actor`` may attach files: any for both coordinators, else their unit's.

    Raises NotFound, Forbidden, or TaskEnded for a withdrawn task. Completed and closed tasks still
    take files, because the record of past years is entered later.
    """
    row = tasks.show(session, actor, task_id)
    if not can(actor, P.ATTACHMENT_CREATE, row.programme_id):
        raise Forbidden
    if not can(actor, P.TASK_UPDATE, row.programme_id):
        part = visibility.task_of_units(visibility.units_of(actor, row.programme_id))
        statement = select(Task.id).where(col(Task.id) == task_id, part)
        if session.connection().scalar(statement) is None:
            raise Forbidden
    if row.state == "withdrawn":
        raise rules.TaskEnded
    return int(row.programme_id)


def can_attach(session: Session, actor: Actor, task_id: int) -> bool:
    """Whether ``may_attach`` would let ``actor`` attach files to a task that they see."""
    try:
        may_attach(session, actor, task_id)
    except (Forbidden, rules.TaskEnded):
        return False
    return True


def create(session: Session, actor: Actor, task_id: int, file: StoredFile, *, now: datetime) -> Attachment:
    """Attach a file whose bytes are stored. Rights are checked once more: the upload may have taken minutes.

    Raises NotFound, Forbidden, TaskEnded.
    """
    attachment = Attachment(
        programme_id=may_attach(session, actor, task_id),
        subject_type="tasks",
        subject_id=task_id,
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        sha256=file.sha256,
        uploaded_by_id=actor.user_id,
    )
    session.add(attachment)
    session.flush()
    events.record(session, actor, "attachment.create", attachment, now=now)
    return attachment


def may_remove(actor: Actor, row: Any, task_state: str) -> bool:
    """Whether ``actor`` may take a file off its task: who uploaded it, and both coordinators."""
    own = actor.user_id is not None and row.uploaded_by_id == actor.user_id
    holds = can(actor, P.ATTACHMENT_CREATE, row.programme_id)
    return holds and (own or can(actor, P.TASK_UPDATE, row.programme_id)) and task_state not in rules.ENDED


def remove(
    session: Session, actor: Actor, attachment_id: int, version: int, reason: str, *, now: datetime
) -> Attachment:
    """Take a file off its task, with a reason; the record and the bytes stay.

    Raises NotFound, Forbidden, StaleVersion, TaskEnded.
    """
    statement = visible_to(actor).where(col(Attachment.id) == attachment_id, col(Attachment.removed).is_(False))
    attachment = session.exec(statement.with_for_update(of=Attachment)).first()
    if attachment is None:
        raise NotFound
    state = tasks.show(session, actor, attachment.subject_id).state
    if not may_remove(actor, attachment, "draft"):
        raise Forbidden
    rules.refuse_ended(state)
    if attachment.version != version:
        raise StaleVersion
    attachment.removed = True
    events.record(session, actor, "attachment.remove", attachment, reason=reason, now=now)
    return attachment


def note_download(session: Session, actor: Actor, row: Any) -> None:
    """Record who is about to read a file; call it in a transaction of its own, before bytes leave."""
    events.record_access(
        session,
        actor,
        "attachment.download",
        subject_type="attachments",
        subject_id=row.id,
        name=row.name,
        programme_id=row.programme_id,
        details={"sha256": row.sha256},
    )
