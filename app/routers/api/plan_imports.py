"""Plans under review, over the API: upload, head, units, sections, sides, acceptance."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.permissions import Actor, Permission
from app.routers import plan_uploads
from app.routers.api import answers
from app.routers.dependencies import ApiActor, IfMatch, Now, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID, Page
from app.schemas.plan_import import (
    PartyChoices,
    PlanAccept,
    PlanAccepted,
    PlanDifferencePublic,
    PlanImportDrop,
    PlanImportPublic,
    PlanImportQuery,
    PlanImportRow,
    PlanImportUpdate,
    PlanLinePublic,
    PlanLineQuery,
    SectionMappings,
    UnitMapping,
)
from app.services import plan_accepting, plan_differences, plan_imports, plan_mapping, plan_views

P = Permission
ImportId = Annotated[int, Path(ge=1, le=MAX_ID)]
CHANGES = documented(400, 401, 403, 404, 409, 412, 422, 428)
router = APIRouter(prefix="/plan-imports", tags=["plan-imports"], route_class=ReplayRoute)


@router.get(
    "",
    name="api.plan_imports.index",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=Page[PlanImportRow],
    responses=documented(401, 403, 422),
)
def list_plan_imports(
    request: Request, query: Annotated[PlanImportQuery, Query()], actor: ApiActor, store: Store
) -> Response:
    """The imports of your bureau and of programmes that you coordinate, newest first."""

    def read(session: Session) -> tuple[list[object], str | None]:
        page = plan_imports.listing(
            session, actor, limit=query.limit, cursor=query.cursor, state=query.state, q=query.q
        )
        return list(page.rows), page.next_cursor

    return answers.listing(request, store, actor, read)


@router.post(
    "",
    name="api.plan_imports.create",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=PlanImportPublic,
    status_code=201,
    responses=documented(400, 401, 403, 409, 413, 415, 422, 503, 507),
    openapi_extra=plan_uploads.BODY,
)
async def create_plan_import(request: Request, actor: ApiActor, store: Store, now: Now) -> Response:
    """Upload a plan (.txt, .docx or .pdf with text) as the part ``file`` of a form; it is read and waits for review.

    413 when it is larger than a plan can be, 415 for other formats, 422 when there is no plan in it, 409
    when the same file is under review already. Each refusal has a code of its own, such as plan_scan.
    """
    import_id = await plan_uploads.take(request, actor, now)
    return await run_in_threadpool(_shown, request, store, actor, import_id, created=True)


@router.get(
    "/{import_id}",
    name="api.plan_imports.show",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=PlanImportPublic,
    responses=documented(401, 403, 404, 422),
)
def show_plan_import(request: Request, import_id: ImportId, actor: ApiActor, store: Store) -> Response:
    """One import: head, units, sections, sides, how much is left to check, and what acceptance still needs."""
    return _shown(request, store, actor, import_id)


@router.patch(
    "/{import_id}",
    name="api.plan_imports.update",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=PlanImportPublic,
    responses=CHANGES,
)
def update_plan_import(
    request: Request,
    import_id: ImportId,
    version: IfMatch,
    data: PlanImportUpdate,
    actor: ApiActor,
    store: Store,
    now: Now,
) -> Response:
    """Correct the head, or say of which programme this is the next version; 409 once it is accepted or dropped."""
    with store.transaction() as session:
        plan_imports.update(session, actor, import_id, version, data, now=now)
    return _shown(request, store, actor, import_id)


@router.get(
    "/{import_id}/lines",
    name="api.plan_imports.lines",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=Page[PlanLinePublic],
    responses=documented(401, 403, 404, 422),
)
def list_lines(
    request: Request, import_id: ImportId, query: Annotated[PlanLineQuery, Query()], actor: ApiActor, store: Store
) -> Response:
    """Lines of the original from ``start`` on; ``next_cursor`` is the ``start`` of the next page."""

    def read(session: Session) -> tuple[list[object], str | None]:
        lines, following = plan_views.line_page(
            session, actor, import_id, start=query.start, limit=query.limit, only=query.only
        )
        return list(lines), str(following) if following else None

    return answers.listing(request, store, actor, read)


@router.get(
    "/{import_id}/differences",
    name="api.plan_imports.differences",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=Page[PlanDifferencePublic],
    responses=documented(401, 403, 404, 422),
)
def list_differences(request: Request, import_id: ImportId, actor: ApiActor, store: Store) -> Response:
    """What the plan changes in the programme it is to be the next version of; empty for a programme of its own.

    Rows of kind ``removed`` and noun ``task`` or ``assignment`` are those that the acceptance may end.
    """

    def read(session: Session) -> tuple[list[object], str | None]:
        found = plan_differences.of_import(session, actor, import_id)
        return list(found.as_rows()) if found else [], None

    return answers.listing(request, store, actor, read)


@router.get(
    "/{import_id}/file",
    name="api.plan_imports.file",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
        **documented(401, 403, 404, 422, 503),
    },
)
def download_plan_import(request: Request, import_id: ImportId, actor: ApiActor, store: Store) -> Response:
    """The file as it was uploaded; every download is recorded."""
    return plan_uploads.original(request, store, actor, import_id)


@router.post(
    "/{import_id}/map-unit",
    name="api.plan_imports.map_unit",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=PlanImportPublic,
    responses=CHANGES,
)
def map_unit(
    request: Request,
    import_id: ImportId,
    version: IfMatch,
    data: UnitMapping,
    actor: ApiActor,
    store: Store,
    now: Now,
) -> Response:
    """Say what a name of the plan stands for: a unit that you see, or one that the acceptance creates."""
    with store.transaction() as session:
        plan_mapping.map_unit(session, actor, import_id, version, data, now=now)
    return _shown(request, store, actor, import_id)


@router.post(
    "/{import_id}/create-units",
    name="api.plan_imports.create_units",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=PlanImportPublic,
    responses=CHANGES,
)
def create_units(
    request: Request, import_id: ImportId, version: IfMatch, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Let the acceptance create every unit that is still undecided, as it is suggested."""
    with store.transaction() as session:
        plan_mapping.create_units(session, actor, import_id, version, now=now)
    return _shown(request, store, actor, import_id)


@router.post(
    "/{import_id}/set-sections",
    name="api.plan_imports.set_sections",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=PlanImportPublic,
    responses=CHANGES,
)
def set_sections(
    request: Request,
    import_id: ImportId,
    version: IfMatch,
    data: SectionMappings,
    actor: ApiActor,
    store: Store,
    now: Now,
) -> Response:
    """Map sections, each by the line it begins on, to tracks; their tasks follow unless they say otherwise."""
    with store.transaction() as session:
        plan_mapping.set_sections(session, actor, import_id, version, data, now=now)
    return _shown(request, store, actor, import_id)


@router.post(
    "/{import_id}/set-parties",
    name="api.plan_imports.set_parties",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=PlanImportPublic,
    responses=CHANGES,
)
def set_parties(
    request: Request,
    import_id: ImportId,
    version: IfMatch,
    data: PartyChoices,
    actor: ApiActor,
    store: Store,
    now: Now,
) -> Response:
    """Set all bureaus and their sides; one without ``unit_id`` is created by the acceptance."""
    with store.transaction() as session:
        plan_mapping.set_parties(session, actor, import_id, version, data, now=now)
    return _shown(request, store, actor, import_id)


@router.post(
    "/{import_id}/accept",
    name="api.plan_imports.accept",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=PlanAccepted,
    responses=CHANGES,
)
def accept_plan_import(
    import_id: ImportId, version: IfMatch, data: PlanAccept, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Make the programme, or the next version of one, in one transaction; you coordinate a new one.

    422 ``plan_incomplete`` lists in ``errors`` what is missing; 409 ``plan_import_accepted`` names the
    programme when it was accepted before, ``plan_known_already`` when the document is one already.
    """
    with store.transaction() as session:
        accepted = plan_accepting.accept(session, actor, import_id, version, data, now=now)
    return answers.thing({"programme_id": accepted.programme_id, "number": accepted.number, "tasks": accepted.tasks})


@router.post(
    "/{import_id}/drop",
    name="api.plan_imports.drop",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=PlanImportPublic,
    responses=CHANGES,
)
def drop_plan_import(
    request: Request,
    import_id: ImportId,
    version: IfMatch,
    data: PlanImportDrop,
    actor: ApiActor,
    store: Store,
    now: Now,
) -> Response:
    """Give an import up; its record stays."""
    with store.transaction() as session:
        plan_imports.drop(session, actor, import_id, version, reason=data.reason, now=now)
    return _shown(request, store, actor, import_id)


def _shown(request: Request, store: Store, actor: Actor, import_id: int, *, created: bool = False) -> Response:
    with store.reading() as session:
        body = plan_views.overview(session, actor, import_id).as_dict()
    if not created:
        return answers.thing(body)
    location = str(request.app.url_path_for("api.plan_imports.show", import_id=import_id))
    return answers.thing(body, status=201, location=location)
