"""Packages on their way in and out of the browser: proved before they are stored, recorded before they leave."""

from datetime import datetime

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.permissions import Actor
from app.routers import uploads
from app.routers.dependencies import database, files, settings
from app.services import exchange_intake, exchange_packages
from app.services.exchange_exports import Place

BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "the exchange package, a zip"}
                    },
                }
            }
        },
    }
}


def place(request: Request) -> Place:
    """Where this process makes and reads packages."""
    return Place(database(request), files(request), settings(request).data / "packages")


async def take(request: Request, actor: Actor, now: datetime) -> int:
    """Receive an uploaded package and let it be checked; the id of its row. Raises PackageRefused's kinds."""
    chosen = settings(request)
    async with uploads.receive_file(request, chosen.data / "uploads", chosen.exchange_limit_mb) as received:
        return await run_in_threadpool(_keep, request, actor, received, now)


def _keep(request: Request, actor: Actor, received: uploads.Received, now: datetime) -> int:
    where = place(request)
    arrived = exchange_intake.arrive(where, settings(request), received.name, received.file)
    with where.store.transaction() as session:
        return exchange_packages.receive(session, actor, arrived, now=now).key


def content(request: Request, actor: Actor, package_id: int) -> Response:
    """The bytes of a package, as a download; who takes them is recorded before the first one leaves."""
    where = place(request)
    with where.store.reading() as session:
        row = exchange_packages.show(session, actor, package_id)
    exchange_packages.refuse_unmade(row)
    chunks = where.storage.read(row.sha256)
    with where.store.transaction() as session:
        exchange_packages.note_download(session, actor, row)
    return uploads.download(row.name, "application/zip", row.size, chunks)
