"""Health: whether the process lives and whether it may be sent requests."""

from fastapi import APIRouter
from sqlalchemy import text
from starlette.responses import Response

from app import log_triggers, migrating
from app.errors import DomainError
from app.routers.dependencies import Store

router = APIRouter(include_in_schema=False)


@router.get("/healthz", name="health.live")
async def live() -> Response:
    """200 while the process answers."""
    return Response("ok\n", media_type="text/plain")


@router.get("/readyz", name="health.ready")
def ready(store: Store) -> Response:
    """200 when the store answers, bears this code and its log is protected; else 503."""
    try:
        with store.reading() as session:
            connection = session.connection()
            connection.execute(text("SELECT 1"))
            runs, missing = migrating.runs_here(connection), log_triggers.missing_triggers(connection)
    except DomainError as refusal:
        return Response(f"{refusal.code}\n", 503, media_type="text/plain")
    if not runs:
        return Response("migration_pending\n", 503, media_type="text/plain")
    if missing:
        return Response("log_unprotected\n", 503, media_type="text/plain")
    return Response("ready\n", media_type="text/plain")
