"""Exchange packages, over the API: making one, bringing one, what it would change, choosing, taking it in."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.permissions import Permission
from app.routers import package_uploads
from app.routers.api import answers
from app.routers.dependencies import ApiActor, IfMatch, Now, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID, Page
from app.schemas.exchange_package import (
    ExchangeApply,
    ExchangeChoices,
    ExchangeDifferencePublic,
    ExchangeDifferenceQuery,
    ExchangeDrop,
    ExchangePackagePublic,
    ExchangePackageQuery,
)
from app.services import exchange_exports, exchange_packages

P = Permission
PackageId = Annotated[int, Path(ge=1, le=MAX_ID)]
ProgrammeId = Annotated[int, Path(ge=1, le=MAX_ID)]
MAY = [needs(P.PROGRAMME_RECEIVE)]
CHANGES = documented(400, 401, 403, 404, 409, 412, 422, 428, 503)
router = APIRouter(prefix="/exchange-packages", tags=["exchange-packages"], route_class=ReplayRoute)
export_router = APIRouter(prefix="/programmes", tags=["exchange-packages"], route_class=ReplayRoute)


@export_router.post(
    "/{programme_id}/export",
    name="api.programmes.export",
    dependencies=[needs(P.PROGRAMME_EXPORT)],
    response_model=ExchangePackagePublic,
    status_code=201,
    responses=documented(401, 403, 404, 409, 422, 503, 507),
)
def export_programme(request: Request, programme_id: ProgrammeId, actor: ApiActor, store: Store, now: Now) -> Response:
    """Make an exchange package of a programme; ask for it until its ``state`` is made, then take its content.

    409 while another one of this programme is being made.
    """
    with store.transaction() as session:
        package_id = exchange_exports.begin(session, actor, programme_id, now=now).key
    return _shown(request, store, actor, package_id, created=True)


@router.get(
    "",
    name="api.exchange_packages.index",
    dependencies=MAY,
    response_model=Page[ExchangePackagePublic],
    responses=documented(401, 403, 422),
)
def list_exchange_packages(
    request: Request, query: Annotated[ExchangePackageQuery, Query()], actor: ApiActor, store: Store
) -> Response:
    """The packages of your programmes, sent and received, newest first, and those that you brought."""
    return answers.listing(
        request, store, actor, lambda session: answers.pair(exchange_packages.page(session, actor, query))
    )


@router.post(
    "",
    name="api.exchange_packages.create",
    dependencies=MAY,
    response_model=ExchangePackagePublic,
    status_code=201,
    responses=documented(400, 401, 403, 409, 413, 415, 422, 503, 507),
    openapi_extra=package_uploads.BODY,
)
async def receive_exchange_package(request: Request, actor: ApiActor, store: Store, now: Now) -> Response:
    """Bring a package, the part ``file`` of a form; nothing of it is taken in before you accept it.

    A worker checks it; its ``state`` is then checked. 403 for a key that is not trusted here or a wrong
    signature, 413 above the limit, 415 for a later format, 422 for a damaged one. A package that was
    brought before is checked again under its old id.
    """
    package_id = await package_uploads.take(request, actor, now)
    return await run_in_threadpool(_shown, request, store, actor, package_id, created=True)


@router.get(
    "/{package_id}",
    name="api.exchange_packages.show",
    dependencies=MAY,
    response_model=ExchangePackagePublic,
    responses=documented(401, 403, 404, 422),
)
def show_exchange_package(request: Request, package_id: PackageId, actor: ApiActor, store: Store) -> Response:
    """One package: its state, its digest, and rows by noun and by what they are to the rows here."""
    return _shown(request, store, actor, package_id)


@router.get(
    "/{package_id}/differences",
    name="api.exchange_packages.differences",
    dependencies=MAY,
    response_model=Page[ExchangeDifferencePublic],
    responses=documented(401, 403, 404, 422),
)
def list_differences(
    request: Request,
    package_id: PackageId,
    query: Annotated[ExchangeDifferenceQuery, Query()],
    actor: ApiActor,
    store: Store,
) -> Response:
    """What the check found: every conflict and deletion; of other rows the first fifty of each noun, counted whole."""

    def read(session: Session) -> tuple[list[object], str | None]:
        page = exchange_packages.differences(session, actor, package_id, query)
        return list(page.rows), page.next_cursor

    return answers.listing(request, store, actor, read)


@router.get(
    "/{package_id}/content",
    name="api.exchange_packages.content",
    dependencies=MAY,
    response_class=Response,
    responses={
        200: {"description": "The package, a zip.", "content": {"application/zip": {}}},
        **documented(401, 403, 404, 409, 422, 503),
    },
)
def download_exchange_package(request: Request, package_id: PackageId, actor: ApiActor) -> Response:
    """The bytes of a package; who takes them is recorded before the first one leaves."""
    return package_uploads.content(request, actor, package_id)


@router.post(
    "/{package_id}/choose",
    name="api.exchange_packages.choose",
    dependencies=MAY,
    response_model=ExchangePackagePublic,
    responses=CHANGES,
)
def choose_differences(
    request: Request,
    package_id: PackageId,
    version: IfMatch,
    data: ExchangeChoices,
    actor: ApiActor,
    store: Store,
    now: Now,
) -> Response:
    """Say which side's text of each conflict stands; nothing is changed before the package is taken in."""
    with store.transaction() as session:
        exchange_packages.choose(session, actor, package_id, version, data, now=now)
    return _shown(request, store, actor, package_id)


@router.post(
    "/{package_id}/apply",
    name="api.exchange_packages.apply",
    dependencies=MAY,
    response_model=ExchangePackagePublic,
    responses=CHANGES,
)
def apply_exchange_package(
    request: Request,
    package_id: PackageId,
    version: IfMatch,
    data: ExchangeApply,
    actor: ApiActor,
    store: Store,
    now: Now,
) -> Response:
    """Let a worker take the package in, in one transaction; its ``state`` is then applied.

    A conflict without a choice stays as it is here, and stays open.
    """
    with store.transaction() as session:
        exchange_packages.begin_apply(session, actor, package_id, version, duplicate=data.duplicate, now=now)
    return _shown(request, store, actor, package_id)


@router.post(
    "/{package_id}/drop",
    name="api.exchange_packages.drop",
    dependencies=MAY,
    response_model=ExchangePackagePublic,
    responses=CHANGES,
)
def drop_exchange_package(
    request: Request,
    package_id: PackageId,
    version: IfMatch,
    data: ExchangeDrop,
    actor: ApiActor,
    store: Store,
    now: Now,
) -> Response:
    """Give a checked package up; nothing of it was taken in, and its record stays."""
    with store.transaction() as session:
        exchange_packages.drop(session, actor, package_id, version, reason=data.reason, now=now)
    return _shown(request, store, actor, package_id)


def _shown(request: Request, store: Store, actor: ApiActor, package_id: int, *, created: bool = False) -> Response:
    with store.reading() as session:
        row = exchange_packages.show(session, actor, package_id)
    location = str(request.app.url_path_for("api.exchange_packages.show", package_id=package_id))
    return answers.thing(row, status=201 if created else 200, location=location if created else None)
