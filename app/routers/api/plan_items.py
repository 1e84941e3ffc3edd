"""Tasks and milestones of a plan under review, over the API."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from sqlmodel import Session
from starlette.responses import Response

from app.permissions import Permission
from app.routers.api import answers
from app.routers.dependencies import ApiActor, IfMatch, Now, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID, Page
from app.schemas.plan_import import PlanItemCreate, PlanItemPublic, PlanItemQuery, PlanItemUpdate
from app.services import plan_items

P = Permission
ImportId = Annotated[int, Path(ge=1, le=MAX_ID)]
ItemId = Annotated[int, Path(ge=1, le=MAX_ID)]
CHANGES = documented(400, 401, 403, 404, 409, 412, 422, 428)
router = APIRouter(prefix="/plan-imports/{import_id}/items", tags=["plan-imports"], route_class=ReplayRoute)


@router.get(
    "",
    name="api.plan_items.index",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=Page[PlanItemPublic],
    responses=documented(401, 403, 404, 422),
)
def list_items(
    request: Request, import_id: ImportId, query: Annotated[PlanItemQuery, Query()], actor: ApiActor, store: Store
) -> Response:
    """The items of an import, milestones and then tasks, each in the plan's order."""

    def read(session: Session) -> tuple[list[object], str | None]:
        page = plan_items.listing(session, actor, import_id, **query.model_dump())
        return list(page.rows), page.next_cursor

    return answers.listing(request, store, actor, read)


@router.post(
    "",
    name="api.plan_items.create",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=PlanItemPublic,
    status_code=201,
    responses=documented(400, 401, 403, 404, 409, 422),
)
def create_item(
    request: Request, import_id: ImportId, data: PlanItemCreate, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Add a task or a milestone that the reader missed; with ``line`` it stands where the original has it."""
    with store.transaction() as session:
        item = plan_items.create(session, actor, import_id, data, now=now)
    path = request.app.url_path_for("api.plan_items.show", import_id=import_id, item_id=item.key)
    return answers.thing(_public(item), status=201, location=str(path))


@router.get(
    "/{item_id}",
    name="api.plan_items.show",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=PlanItemPublic,
    responses=documented(401, 403, 404, 422),
)
def show_item(import_id: ImportId, item_id: ItemId, actor: ApiActor, store: Store) -> Response:
    """One item as it was read and corrected, its version as ETag."""
    with store.reading() as session:
        return answers.thing(_public(plan_items.get(session, actor, import_id, item_id)))


@router.patch(
    "/{item_id}",
    name="api.plan_items.update",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=PlanItemPublic,
    responses=CHANGES,
)
def update_item(
    import_id: ImportId,
    item_id: ItemId,
    version: IfMatch,
    data: PlanItemUpdate,
    actor: ApiActor,
    store: Store,
    now: Now,
) -> Response:
    """Correct the fields that are sent, a null empties one; its doubts count as settled then."""
    with store.transaction() as session:
        item = plan_items.update(session, actor, import_id, item_id, data, version=version, now=now)
    return answers.thing(_public(item))


@router.post(
    "/{item_id}/drop",
    name="api.plan_items.drop",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=PlanItemPublic,
    responses=CHANGES,
)
def drop_item(
    import_id: ImportId, item_id: ItemId, version: IfMatch, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Leave an item out of the acceptance."""
    with store.transaction() as session:
        item = plan_items.drop(session, actor, import_id, item_id, version=version, now=now)
    return answers.thing(_public(item))


@router.post(
    "/{item_id}/restore",
    name="api.plan_items.restore",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=PlanItemPublic,
    responses=CHANGES,
)
def restore_item(
    import_id: ImportId, item_id: ItemId, version: IfMatch, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Take a dropped item in again."""
    with store.transaction() as session:
        item = plan_items.restore(session, actor, import_id, item_id, version=version, now=now)
    return answers.thing(_public(item))


@router.post(
    "/{item_id}/settle",
    name="api.plan_items.settle",
    dependencies=[needs(P.PLAN_IMPORT)],
    response_model=PlanItemPublic,
    responses=CHANGES,
)
def settle_item(
    import_id: ImportId, item_id: ItemId, version: IfMatch, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Say that an item is right as it stands."""
    with store.transaction() as session:
        item = plan_items.settle(session, actor, import_id, item_id, version=version, now=now)
    return answers.thing(_public(item))


def _public(item: object) -> dict[str, object]:
    return {name: getattr(item, name) for name in PlanItemPublic.model_fields}
