"""Files on the page of a task: attaching one, reading one, taking one off."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.errors import DomainError, Forbidden, NotFound
from app.messages import N_
from app.permissions import Permission
from app.routers import forms, rendering, uploads
from app.routers.dependencies import Configuration, Files, Form, Now, PageActor, Store, Uploader, needs
from app.routers.errors import STATUS
from app.routers.pages.task_pages import task_page
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID
from app.schemas.task import Reasoned
from app.services import attachments

P = Permission
TaskId = Annotated[int, Path(ge=1, le=MAX_ID)]
AttachmentId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(route_class=ReplayRoute)


@router.post("/tasks/{task_id}/attachments", name="attachments.create", dependencies=[needs(P.ATTACHMENT_CREATE)])
async def upload_attachment(
    request: Request, task_id: TaskId, actor: Uploader, store: Store, files: Files, settings: Configuration, now: Now
) -> Response:
    """Attach the file of the form; the person and their right are known before its bytes are read."""

    def check() -> None:
        with store.reading() as session:
            attachments.may_attach(session, actor, task_id)

    def keep(received: uploads.Received) -> None:
        stored = uploads.store(received, files)
        with store.transaction() as session:
            attachments.create(session, actor, task_id, stored, now=now)

    await run_in_threadpool(check)
    try:
        async with uploads.receive_file(request, settings.data / "uploads", settings.upload_limit_mb) as received:
            await run_in_threadpool(keep, received)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return await run_in_threadpool(_refused, request, store, actor, task_id, refusal)
    message = rendering.done(request, N_("The file has been attached."))
    return rendering.redirect(request, f"/tasks/{task_id}#files", message)


def _refused(request: Request, store: Store, actor: Uploader, task_id: int, refusal: DomainError) -> Response:
    context = task_page(request, store, actor, task_id, errors=rendering.sentences(request, refusal))
    return rendering.refused(request, "tasks/show.html", context, refusal, STATUS[refusal.kind])


@router.get("/attachments/{attachment_id}/content", name="attachments.content", dependencies=[needs(P.ATTACHMENT_READ)])
def download_attachment(attachment_id: AttachmentId, actor: PageActor, store: Store, files: Files) -> Response:
    """The file, to be saved; recorded before the first byte leaves."""
    with store.reading() as session:
        row = attachments.show(session, actor, attachment_id)
    chunks = files.read(row.sha256)
    with store.transaction() as session:
        attachments.note_download(session, actor, row)
    return uploads.download(row.name, row.media_type, row.size, chunks)


@router.post(
    "/attachments/{attachment_id}/remove", name="attachments.remove", dependencies=[needs(P.ATTACHMENT_CREATE)]
)
def remove_attachment(
    request: Request, attachment_id: AttachmentId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Take a file off its task, with a reason."""
    reason = forms.checked(Reasoned, form).reason
    with store.transaction() as session:
        removed = attachments.remove(session, actor, attachment_id, forms.version_of(form), reason, now=now)
    message = rendering.done(request, N_("The file has been taken off. Its record stays."))
    return rendering.redirect(request, f"/tasks/{removed.subject_id}#files", message)
