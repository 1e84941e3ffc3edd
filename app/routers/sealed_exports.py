"""Giving out a sealed export, the same for a program and for a person."""

from datetime import datetime

from starlette.responses import Response, StreamingResponse

from app.clock import date_of
from app.database import Database
from app.papers import sealed_package
from app.permissions import Actor
from app.schemas.seal import SealExportQuery
from app.services import seal_exports
from app.services.seal_exports import Scope
from app.settings import Settings


def answer(store: Database, settings: Settings, actor: Actor, query: SealExportQuery, now: datetime) -> Response:
    """The zip as a stream. Raises Forbidden or NothingSealed before anything is recorded."""
    scope = Scope(query.programme, query.since, query.until)
    with store.reading() as session:
        wanted = seal_exports.prepare(session, settings, actor, scope, now=now)
    with store.transaction() as session:
        seal_exports.note(session, actor, wanted)
    name = f"duikou-log-{date_of(now):%Y%m%d}-{wanted.newest}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    pieces = seal_exports.write(store, settings, wanted)
    return StreamingResponse(pieces, media_type=sealed_package.MEDIA_TYPE, headers=headers)
