"""Programmes, the bureaus that take part, their tracks and the versions of their plan, over the API."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from app.permissions import P
from app.routers.api import answers
from app.routers.dependencies import ApiActor, IfMatch, Now, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID, Page
from app.schemas.programme import (
    PartyCreate,
    PartyPublic,
    PlanVersionDifferences,
    PlanVersionPublic,
    ProgrammeCreate,
    ProgrammePublic,
    ProgrammeQuery,
    ProgrammeUpdate,
    TrackCreate,
    TrackPublic,
)
from app.services import programmes, tracks

ProgrammeId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(prefix="/programmes", tags=["programmes"], route_class=ReplayRoute)


@router.get(
    "",
    name="api.programmes.index",
    dependencies=[needs(P.PROGRAMME_READ)],
    response_model=Page[ProgrammePublic],
    responses=documented(401, 403, 422),
)
def list_programmes(
    request: Request, query: Annotated[ProgrammeQuery, Query()], actor: ApiActor, store: Store
) -> Response:
    """The programmes in which you hold a role, newest first."""
    return answers.listing(
        request,
        store,
        actor,
        lambda session: answers.pair(
            programmes.page(session, actor, sort=query.sort, limit=query.limit, cursor=query.cursor)
        ),
    )


@router.post(
    "",
    name="api.programmes.create",
    dependencies=[needs(P.PROGRAMME_CREATE)],
    response_model=ProgrammePublic,
    status_code=201,
    responses=documented(401, 403, 409, 422),
)
def create_programme(request: Request, data: ProgrammeCreate, actor: ApiActor, store: Store, now: Now) -> Response:
    """Make an empty programme with the five standard tracks; you become its coordinator, your bureau a party."""
    with store.transaction() as session:
        programme = programmes.create(session, actor, data, now)
    location = str(request.app.url_path_for("api.programmes.show", programme_id=programme.key))
    return answers.thing(programme, status=201, location=location)


@router.get(
    "/{programme_id}",
    name="api.programmes.show",
    dependencies=[needs(P.PROGRAMME_READ)],
    response_model=ProgrammePublic,
    responses=documented(401, 403, 404, 422),
)
def show_programme(programme_id: ProgrammeId, actor: ApiActor, store: Store) -> Response:
    """One programme, its version as ETag; 404 where there is none or you hold no role in it."""
    with store.reading() as session:
        return answers.thing(programmes.show(session, actor, programme_id))


@router.patch(
    "/{programme_id}",
    name="api.programmes.update",
    dependencies=[needs(P.PROGRAMME_UPDATE)],
    response_model=ProgrammePublic,
    responses=documented(401, 403, 404, 412, 422, 428),
)
def update_programme(
    programme_id: ProgrammeId, version: IfMatch, data: ProgrammeUpdate, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Change the head of a programme; 422 for a period that ends before it starts."""
    with store.transaction() as session:
        programme = programmes.update(session, actor, programme_id, version, data, now=now)
    return answers.thing(programme)


@router.get(
    "/{programme_id}/parties",
    name="api.programmes.parties",
    dependencies=[needs(P.PROGRAMME_READ)],
    response_model=Page[PartyPublic],
    responses=documented(401, 403, 404, 422),
)
def list_parties(request: Request, programme_id: ProgrammeId, actor: ApiActor, store: Store) -> Response:
    """The bureaus that take part: aiding, receiving, partners, superiors."""
    return answers.listing(
        request, store, actor, lambda session: (programmes.parties(session, actor, programme_id), None)
    )


@router.post(
    "/{programme_id}/parties",
    name="api.programmes.add_party",
    dependencies=[needs(P.PROGRAMME_UPDATE)],
    response_model=PartyPublic,
    status_code=201,
    responses=documented(401, 403, 404, 409, 422),
)
def add_party(
    request: Request, programme_id: ProgrammeId, data: PartyCreate, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Let a bureau that you see take part; a new one is made with POST /units. 409 where it takes part already."""
    with store.transaction() as session:
        party_id = programmes.add_party(session, actor, programme_id, data, now).key
        party = next(row for row in programmes.parties(session, actor, programme_id) if row.id == party_id)
    location = str(request.app.url_path_for("api.programmes.parties", programme_id=programme_id))
    return answers.thing(party, status=201, location=location)


@router.delete(
    "/{programme_id}/parties/{party_id}",
    name="api.programmes.remove_party",
    dependencies=[needs(P.PROGRAMME_UPDATE)],
    status_code=204,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def remove_party(
    programme_id: ProgrammeId,
    party_id: Annotated[int, Path(ge=1, le=MAX_ID)],
    version: IfMatch,
    actor: ApiActor,
    store: Store,
    now: Now,
) -> Response:
    """End a bureau's part, by the party's version; 409 while its units have tasks or people here."""
    with store.transaction() as session:
        programmes.remove_party(session, actor, programme_id, party_id, version, now=now)
    return answers.nothing()


@router.get(
    "/{programme_id}/tracks",
    name="api.programmes.tracks",
    dependencies=[needs(P.PROGRAMME_READ)],
    response_model=Page[TrackPublic],
    responses=documented(401, 403, 404, 422),
)
def list_tracks(request: Request, programme_id: ProgrammeId, actor: ApiActor, store: Store) -> Response:
    """The ways of assistance in their order, each with the number of tasks that you see."""
    return answers.listing(
        request, store, actor, lambda session: (tracks.of_programme(session, actor, programme_id), None)
    )


@router.post(
    "/{programme_id}/tracks",
    name="api.tracks.create",
    dependencies=[needs(P.TRACK_UPDATE)],
    response_model=TrackPublic,
    status_code=201,
    responses=documented(401, 403, 404, 409, 422),
)
def create_track(
    request: Request, programme_id: ProgrammeId, data: TrackCreate, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Add a way of assistance behind the others; 409 for a name or code that the programme has already."""
    with store.transaction() as session:
        track_id = tracks.create(session, actor, programme_id, data, now).key
    with store.reading() as session:
        location = str(request.app.url_path_for("api.tracks.show", track_id=track_id))
        return answers.thing(tracks.show(session, actor, track_id), status=201, location=location)


@router.get(
    "/{programme_id}/plan-versions",
    name="api.programmes.plan_versions",
    dependencies=[needs(P.PROGRAMME_READ)],
    response_model=Page[PlanVersionPublic],
    responses=documented(401, 403, 404, 422),
)
def list_plan_versions(request: Request, programme_id: ProgrammeId, actor: ApiActor, store: Store) -> Response:
    """The accepted texts of the plan, newest first."""
    return answers.listing(
        request, store, actor, lambda session: (programmes.plan_versions(session, actor, programme_id), None)
    )


@router.get(
    "/{programme_id}/plan-versions/{number}",
    name="api.programmes.plan_version",
    dependencies=[needs(P.PROGRAMME_READ)],
    response_model=PlanVersionDifferences,
    responses=documented(401, 403, 404, 422),
)
def show_plan_version(
    programme_id: ProgrammeId, number: Annotated[int, Path(ge=1, le=MAX_ID)], actor: ApiActor, store: Store
) -> Response:
    """One accepted text with what it changed against the one before."""
    with store.reading() as session:
        return answers.thing(programmes.plan_version(session, actor, programme_id, number))
