"""Files, over the API."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.permissions import Permission
from app.routers import uploads
from app.routers.api import answers
from app.routers.dependencies import ApiActor, Configuration, Files, IfMatch, Now, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.attachment import AttachmentPublic, AttachmentQuery, AttachmentTarget
from app.schemas.base import MAX_ID, Page
from app.schemas.task import Reasoned
from app.services import attachments

P = Permission
AttachmentId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(prefix="/attachments", tags=["attachments"], route_class=ReplayRoute)
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
                }
            }
        },
    }
}


@router.get(
    "",
    name="api.attachments.index",
    dependencies=[needs(P.ATTACHMENT_READ)],
    response_model=Page[AttachmentPublic],
    responses=documented(401, 403, 404, 422),
)
def list_attachments(
    request: Request, query: Annotated[AttachmentQuery, Query()], actor: ApiActor, store: Store
) -> Response:
    """The files of one thing, newest first; 404 where you do not see the thing."""

    def read(session: Session) -> tuple[list[object], str | None]:
        page = attachments.page(session, actor, query)
        return list(page.rows), page.next_cursor

    return answers.listing(request, store, actor, read)


@router.get(
    "/{attachment_id}",
    name="api.attachments.show",
    dependencies=[needs(P.ATTACHMENT_READ)],
    response_model=AttachmentPublic,
    responses=documented(401, 403, 404, 422),
)
def show_attachment(attachment_id: AttachmentId, actor: ApiActor, store: Store) -> Response:
    """What is known about one file; its bytes are at ``content``."""
    with store.reading() as session:
        return answers.thing(attachments.show(session, actor, attachment_id))


@router.get(
    "/{attachment_id}/content",
    name="api.attachments.content",
    dependencies=[needs(P.ATTACHMENT_READ)],
    response_class=Response,
    responses={
        200: {"description": "The file's bytes, to be saved.", "content": {"*/*": {}}},
        **documented(401, 403, 404, 422, 503),
    },
)
def download_attachment(attachment_id: AttachmentId, actor: ApiActor, store: Store, files: Files) -> Response:
    """The bytes of a file, always as a download; who reads it is recorded before the first byte leaves."""
    with store.reading() as session:
        row = attachments.show(session, actor, attachment_id)
    chunks = files.read(row.sha256)
    with store.transaction() as session:
        attachments.note_download(session, actor, row)
    return uploads.download(row.name, row.media_type, row.size, chunks)


@router.post(
    "",
    name="api.attachments.create",
    dependencies=[needs(P.ATTACHMENT_CREATE)],
    response_model=AttachmentPublic,
    status_code=201,
    responses=documented(401, 403, 404, 409, 413, 415, 422, 503, 507),
    openapi_extra=_BODY,
)
async def upload_attachment(
    request: Request,
    target: Annotated[AttachmentTarget, Query()],
    actor: ApiActor,
    store: Store,
    files: Files,
    settings: Configuration,
    now: Now,
) -> Response:
    """Attach a file, the part ``file`` of a multipart body. What it is is told from its bytes.

    403 or 404 before the body is read; 413 too large, 415 a kind that is not taken, 507 no room.
    """

    def check() -> None:
        with store.reading() as session:
            attachments.may_attach(session, actor, target.subject_id)

    def keep(received: uploads.Received) -> Response:
        stored = uploads.store(received, files)
        with store.transaction() as session:
            made = attachments.create(session, actor, target.subject_id, stored, now=now).key
        with store.reading() as session:
            location = str(request.app.url_path_for("api.attachments.show", attachment_id=made))
            return answers.thing(attachments.show(session, actor, made), status=201, location=location)

    await run_in_threadpool(check)
    async with uploads.receive_file(request, settings.data / "uploads", settings.upload_limit_mb) as received:
        return await run_in_threadpool(keep, received)


@router.post(
    "/{attachment_id}/remove",
    name="api.attachments.remove",
    dependencies=[needs(P.ATTACHMENT_CREATE)],
    status_code=204,
    response_class=Response,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def remove_attachment(
    attachment_id: AttachmentId, version: IfMatch, data: Reasoned, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Take a file off its task, with a reason: who uploaded it, and both coordinators. The record stays."""
    with store.transaction() as session:
        attachments.remove(session, actor, attachment_id, version, data.reason, now=now)
    return answers.nothing()
