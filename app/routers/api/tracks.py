"""Tracks, the ways of assistance of a programme, over the API."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from app.permissions import P
from app.routers.api import answers
from app.routers.dependencies import ApiActor, IfMatch, Now, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID
from app.schemas.programme import TrackPublic, TrackUpdate
from app.services import tracks

TrackId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(prefix="/tracks", tags=["programmes"], route_class=ReplayRoute)


@router.get(
    "/{track_id}",
    name="api.tracks.show",
    dependencies=[needs(P.PROGRAMME_READ)],
    response_model=TrackPublic,
    responses=documented(401, 403, 404, 422),
)
def show_track(track_id: TrackId, actor: ApiActor, store: Store) -> Response:
    """One track with the number of its tasks that you see."""
    with store.reading() as session:
        return answers.thing(tracks.show(session, actor, track_id))


@router.patch(
    "/{track_id}",
    name="api.tracks.update",
    dependencies=[needs(P.TRACK_UPDATE)],
    response_model=TrackPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def update_track(
    track_id: TrackId, version: IfMatch, data: TrackUpdate, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Give a track another name or place; the others move up. 409 for a name that the programme has already."""
    with store.transaction() as session:
        tracks.update(session, actor, track_id, version, data, now=now)
    with store.reading() as session:
        return answers.thing(tracks.show(session, actor, track_id))


@router.delete(
    "/{track_id}",
    name="api.tracks.remove",
    dependencies=[needs(P.TRACK_UPDATE)],
    status_code=204,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def remove_track(track_id: TrackId, version: IfMatch, actor: ApiActor, store: Store, now: Now) -> Response:
    """Remove a track that no task uses; 409 otherwise."""
    with store.transaction() as session:
        tracks.remove(session, actor, track_id, version, now=now)
    return answers.nothing()
