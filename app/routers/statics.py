"""Static files: read once, compressed once, named by their content so that browsers keep them.

The parts in ``static/css`` and ``static/js`` are joined into the one style sheet and the one script
that a page asks for.
"""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.errors import NotFound
from app.routers.late import LateRoute

_FOLDER = Path(__file__).resolve().parent.parent / "static"
_COMPRESSIBLE = (".css", ".js", ".svg", ".txt", ".json")
_FOREVER = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False, route_class=LateRoute)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file in memory: its bytes, the same compressed, its digest and its type."""

    content: bytes
    compressed: bytes | None
    digest: str
    media_type: str


@cache
def files() -> dict[str, StaticFile]:
    """All static files by the name that pages use."""
    found = {}
    for path in sorted(_FOLDER.rglob("*")):
        name = path.relative_to(_FOLDER).as_posix()
        if path.is_file() and not name.startswith(("css/", "js/")):
            found[name] = _file(name, path.read_bytes())
    for name, folder in (("app.css", "css"), ("app.js", "js")):
        parts = sorted((_FOLDER / folder).glob(f"*.{folder}"))
        if parts:
            found[name] = _file(name, b"\n".join(part.read_bytes() for part in parts))
    return found


def _file(name: str, content: bytes) -> StaticFile:
    digest = hashlib.sha256(content).hexdigest()[:12]
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    text = name.endswith(_COMPRESSIBLE)
    return StaticFile(
        content,
        gzip.compress(content, 9, mtime=0) if text else None,
        digest,
        f"{kind}; charset=utf-8" if text else kind,
    )


def url(name: str) -> str:
    """The address of a static file; it changes with the content."""
    return f"/static/{files()[name].digest}/{name}"


@router.get("/static/{digest}/{name:path}", name="static")
async def send_static(request: Request, digest: str, name: str) -> Response:
    """A static file. An address of an older release still answers, but is not kept."""
    file = files().get(name)
    if file is None:
        raise NotFound
    headers = {"Cache-Control": _FOREVER if digest == file.digest else "no-cache", "Vary": "Accept-Encoding"}
    if file.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.compressed, headers=headers | {"Content-Encoding": "gzip"}, media_type=file.media_type)
    return Response(file.content, headers=headers, media_type=file.media_type)
