"""Taking in a plan file: rights first, then the body to a temporary file, then the reading, then one commit."""

import hashlib
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse

from app.database import StoreFull
from app.errors import DomainError
from app.messages import N_
from app.papers.plan_refusals import PlanTooLarge
from app.permissions import Actor
from app.routers.dependencies import Store, database, settings
from app.services import events, plan_imports, plan_reading

_CHUNK = 1024 * 1024
_KINDS = (
    (b"%PDF", "application/pdf"),
    (b"PK", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
)
# The body of an upload, for the documentation: it is read by hand, after the rights were checked.
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "the plan as .txt, .docx or .pdf",
                        }
                    },
                }
            }
        },
    }
}


class PlanFileMissing(DomainError):
    """A form without its file."""

    code = "required"
    message = N_("Choose the file of the plan.")


async def take(request: Request, actor: Actor, now: datetime) -> int:
    """Read and store the uploaded plan; the id of its import. Raises the reader's refusals and Forbidden."""
    plan_imports.refuse_without_right(actor)
    async with request.form(max_files=1, max_fields=10) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise PlanFileMissing(field="file")
        return await run_in_threadpool(_store, request, actor, file, now)


def original(request: Request, store: Store, actor: Actor, import_id: int) -> Response:
    """The file as it was uploaded. The download is recorded before a byte leaves. Raises NotFound."""
    with store.transaction() as session:
        row = plan_imports.get(session, actor, import_id)
        events.record_access(
            session,
            actor,
            "plan_import.download",
            subject_type="plan_imports",
            subject_id=import_id,
            name=row.name,
            programme_id=row.programme_id,
        )
    chunks: Iterator[bytes] = request.app.state.storage.read(row.sha256)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.name)}",
        "Content-Length": str(row.head["file"]["size"]),
    }
    # Never as what it says it is: a browser must not open what somebody uploaded.
    return StreamingResponse(chunks, 200, headers, "application/octet-stream")


def _store(request: Request, actor: Actor, file: UploadFile, now: datetime) -> int:
    name = _safe_name(file.filename or "")
    limit = settings(request).plan_limit_mb
    store = database(request)
    with TemporaryDirectory(prefix="duikou-plan-") as folder:
        path = Path(folder) / "plan"
        upload = _copy(file, path, name, limit)
        with store.reading() as session:
            plan_imports.refuse_second_review(session, actor, upload.sha256)
        reading = plan_reading.read(path, name)
        request.app.state.storage.put(upload.sha256, path)
    with store.transaction() as session:
        return plan_imports.create(session, actor, upload, reading, now=now).key


def _copy(file: UploadFile, path: Path, name: str, limit: int) -> plan_imports.Upload:
    digest = hashlib.sha256()
    size = 0
    first = b""
    try:
        with path.open("wb") as copy:
            while chunk := file.file.read(_CHUNK):
                first = first or chunk[:8]
                size += len(chunk)
                if size > limit * _CHUNK:
                    raise PlanTooLarge(field="file", limit=limit)
                digest.update(chunk)
                copy.write(chunk)
    except OSError as error:
        raise StoreFull from error
    media_type = next((kind for mark, kind in _KINDS if first.startswith(mark)), "text/plain")
    return plan_imports.Upload(name, digest.hexdigest(), size, media_type)


def _safe_name(name: str) -> str:
    """The last part of the name, without what cannot be seen; only ever shown, never a path of ours."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Cn")).strip()
    return shown[-200:] or "plan"
