"""Tracks: adding, naming, ordering and removing them, on the page where a programme is arranged."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from sqlmodel import Session
from starlette.responses import Response

from app.messages import N_
from app.permissions import P
from app.routers import forms
from app.routers.dependencies import Form, Now, PageActor, Store, needs
from app.routers.pages.programmes import ProgrammeId, arranged
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID
from app.schemas.programme import TrackCreate, TrackUpdate
from app.services import tracks

TrackId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(route_class=ReplayRoute)


@router.post("/programmes/{programme_id}/tracks", name="tracks.create", dependencies=[needs(P.TRACK_UPDATE)])
def create_track(
    request: Request, programme_id: ProgrammeId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Add a way of assistance."""

    def do(session: Session) -> None:
        tracks.create(session, actor, programme_id, forms.checked(TrackCreate, form), now)

    return arranged(request, programme_id, form, actor, store, do, "create_track", N_("The track was added."))


@router.post("/tracks/{track_id}", name="tracks.update", dependencies=[needs(P.TRACK_UPDATE)])
def update_track(request: Request, track_id: TrackId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Give a track another name or place."""
    programme_id = _programme_of(store, actor, track_id)

    def do(session: Session) -> None:
        data = forms.checked(TrackUpdate, form)
        tracks.update(session, actor, track_id, forms.version_of(form), data, now=now)

    failed = f"update_track_{track_id}"
    return arranged(request, programme_id, form, actor, store, do, failed, N_("The track was saved."))


@router.post("/tracks/{track_id}/remove", name="tracks.remove", dependencies=[needs(P.TRACK_UPDATE)])
def remove_track(request: Request, track_id: TrackId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Remove a track that no task uses."""
    programme_id = _programme_of(store, actor, track_id)

    def do(session: Session) -> None:
        tracks.remove(session, actor, track_id, forms.version_of(form), now=now)

    return arranged(request, programme_id, form, actor, store, do, "remove_track", N_("The track was removed."))


def _programme_of(store: Store, actor: PageActor, track_id: int) -> int:
    with store.reading() as session:
        return tracks.get(session, actor, track_id).programme_id
