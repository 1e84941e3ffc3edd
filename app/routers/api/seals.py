"""Seals of the log over the API: the list, the head, the key, verifying, and the export for auditors."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.permissions import Permission
from app.routers import sealed_exports
from app.routers.api import answers
from app.routers.dependencies import ApiActor, Configuration, Now, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.base import Page
from app.schemas.seal import (
    HeadPublic,
    KeyPublic,
    SealExportQuery,
    SealPublic,
    SealQuery,
    VerificationAsked,
    VerificationPublic,
)
from app.services import seal_views

P = Permission
router = APIRouter(prefix="/seals", tags=["seals"], route_class=ReplayRoute)


@router.get(
    "",
    name="api.seals.index",
    dependencies=[needs(P.SEAL_READ)],
    response_model=Page[SealPublic],
    responses=documented(401, 403, 422),
)
def list_seals(query: Annotated[SealQuery, Query()], actor: ApiActor, store: Store) -> Response:
    """Seals, the newest first."""
    with store.reading() as session:
        page = seal_views.page(session, actor, limit=query.limit, cursor=query.cursor)
    return answers.thing({"items": [asdict(row) for row in page.rows], "next_cursor": page.next_cursor})


@router.get(
    "/head",
    name="api.seals.head",
    dependencies=[needs(P.SEAL_READ)],
    response_model=HeadPublic,
    responses=documented(401, 403, 404),
)
def show_head(actor: ApiActor, store: Store, settings: Configuration) -> Response:
    """The newest head, signed: keep it outside. 404 ``nothing_sealed`` before the first seal."""
    with store.reading() as session:
        return answers.thing(seal_views.head_with_tail(session, actor, settings))


@router.get(
    "/key",
    name="api.seals.key",
    dependencies=[needs(P.SEAL_READ)],
    response_model=KeyPublic,
    responses=documented(401, 403),
)
def show_key(actor: ApiActor, store: Store, settings: Configuration) -> Response:
    """The public key that verifies the seals. Compare it with a copy that came by another way."""
    with store.reading() as session:
        return answers.thing(seal_views.key(session, actor, settings))


@router.get(
    "/verification",
    name="api.seals.verification",
    dependencies=[needs(P.SEAL_READ)],
    response_model=VerificationPublic | None,
    responses=documented(401, 403),
)
def show_verification(actor: ApiActor, store: Store) -> Response:
    """The newest result of a verification, or null."""
    with store.reading() as session:
        found = seal_views.verification(session, actor)
    return answers.thing(asdict(found) if found else None)


@router.post(
    "/verify",
    name="api.seals.verify",
    dependencies=[needs(P.SEAL_VERIFY)],
    response_model=VerificationAsked,
    status_code=202,
    responses=documented(401, 403, 409),
)
def verify_seals(actor: ApiActor, store: Store, now: Now) -> Response:
    """Have the worker verify the whole log; ``/jobs/{job_id}/progress`` says how far it is. 409 while one runs."""
    with store.transaction() as session:
        job_id = seal_views.ask(session, actor, now=now)
    return answers.thing({"job_id": job_id}, status=202)


@router.get(
    "/export",
    name="api.seals.export",
    dependencies=[needs(P.SEAL_EXPORT)],
    response_class=Response,
    responses={
        200: {"description": "A zip with its own verifier.", "content": {"application/zip": {}}},
        **documented(401, 403, 404, 422, 503),
    },
)
def export_seals(
    query: Annotated[SealExportQuery, Query()], actor: ApiActor, store: Store, settings: Configuration, now: Now
) -> Response:
    """The sealed log that you may read in full, with digests of all else; recorded before the first byte leaves."""
    return sealed_exports.answer(store, settings, actor, query, now)
