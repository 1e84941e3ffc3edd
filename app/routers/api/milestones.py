"""Milestones, the dated steps and goals of a programme, over the API."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from app.permissions import P
from app.routers.api import answers
from app.routers.dependencies import ApiActor, IfMatch, Now, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID, Page
from app.schemas.milestone import MilestoneCreate, MilestonePublic, MilestoneQuery, MilestoneUpdate
from app.services import milestones

MilestoneId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(prefix="/milestones", tags=["milestones"], route_class=ReplayRoute)


@router.get(
    "",
    name="api.milestones.index",
    dependencies=[needs(P.MILESTONE_READ)],
    response_model=Page[MilestonePublic],
    responses=documented(401, 403, 422),
)
def list_milestones(
    request: Request, query: Annotated[MilestoneQuery, Query()], actor: ApiActor, store: Store
) -> Response:
    """The milestones of your programmes, as the plans count them."""
    return answers.listing(
        request,
        store,
        actor,
        lambda session: answers.pair(
            milestones.page(session, actor, query, sort=query.sort, limit=query.limit, cursor=query.cursor)
        ),
    )


@router.post(
    "",
    name="api.milestones.create",
    dependencies=[needs(P.MILESTONE_UPDATE)],
    response_model=MilestonePublic,
    status_code=201,
    responses=documented(401, 403, 404, 422),
)
def create_milestone(request: Request, data: MilestoneCreate, actor: ApiActor, store: Store, now: Now) -> Response:
    """Add a step or a goal to a programme; 422 for a period that ends before it starts."""
    with store.transaction() as session:
        milestone = milestones.create(session, actor, data, now)
    location = str(request.app.url_path_for("api.milestones.show", milestone_id=milestone.key))
    return answers.thing(milestone, status=201, location=location)


@router.get(
    "/{milestone_id}",
    name="api.milestones.show",
    dependencies=[needs(P.MILESTONE_READ)],
    response_model=MilestonePublic,
    responses=documented(401, 403, 404, 422),
)
def show_milestone(milestone_id: MilestoneId, actor: ApiActor, store: Store) -> Response:
    """One milestone, its version as ETag."""
    with store.reading() as session:
        return answers.thing(milestones.show(session, actor, milestone_id))


@router.patch(
    "/{milestone_id}",
    name="api.milestones.update",
    dependencies=[needs(P.MILESTONE_UPDATE)],
    response_model=MilestonePublic,
    responses=documented(401, 403, 404, 412, 422, 428),
)
def update_milestone(
    milestone_id: MilestoneId, version: IfMatch, data: MilestoneUpdate, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Change the fields that are sent; both sides may."""
    with store.transaction() as session:
        milestone = milestones.update(session, actor, milestone_id, version, data, now=now)
    return answers.thing(milestone)


@router.delete(
    "/{milestone_id}",
    name="api.milestones.remove",
    dependencies=[needs(P.MILESTONE_UPDATE)],
    status_code=204,
    responses=documented(401, 403, 404, 412, 422, 428),
)
def remove_milestone(milestone_id: MilestoneId, version: IfMatch, actor: ApiActor, store: Store, now: Now) -> Response:
    """Remove a milestone; its text stays in the log."""
    with store.transaction() as session:
        milestones.remove(session, actor, milestone_id, version, now=now)
    return answers.nothing()
