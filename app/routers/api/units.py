"""Units, their names, their groups and their mergers, over the API."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from app.permissions import P
from app.routers.api import answers
from app.routers.dependencies import ApiActor, IfMatch, Now, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID, Id, Page
from app.schemas.unit import (
    UnitCreate,
    UnitEnd,
    UnitMemberAdd,
    UnitMerge,
    UnitMergePreview,
    UnitNameCreate,
    UnitNamePublic,
    UnitPublic,
    UnitQuery,
    UnitRename,
    UnitUpdate,
)
from app.services import unit_changes, unit_groups, unit_merges, unit_names, units

UnitId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(prefix="/units", tags=["units"], route_class=ReplayRoute)


@router.get(
    "",
    name="api.units.index",
    dependencies=[needs(P.UNIT_READ)],
    response_model=Page[UnitPublic],
    responses=documented(401, 403, 422),
)
def list_units(request: Request, query: Annotated[UnitQuery, Query()], actor: ApiActor, store: Store) -> Response:
    """The units of your programmes' bureaus and of your own; ``q`` finds former names and other spellings too."""
    return answers.listing(
        request,
        store,
        actor,
        lambda session: answers.pair(
            units.page(session, actor, query, sort=query.sort, limit=query.limit, cursor=query.cursor)
        ),
    )


@router.post(
    "",
    name="api.units.create",
    dependencies=[needs(P.UNIT_MANAGE)],
    response_model=UnitPublic,
    status_code=201,
    responses=documented(401, 403, 404, 409, 422),
)
def create_unit(request: Request, data: UnitCreate, actor: ApiActor, store: Store, now: Now) -> Response:
    """Add a unit under another, or a new bureau together with the programme and side that it takes part in.

    409 where a live unit of the bureau bears the name or the parent has ended; 422 for an unknown parent.
    """
    with store.transaction() as session:
        unit = units.create(session, actor, data, now)
    location = str(request.app.url_path_for("api.units.show", unit_id=unit.key))
    return answers.thing(unit, status=201, location=location)


@router.get(
    "/{unit_id}",
    name="api.units.show",
    dependencies=[needs(P.UNIT_READ)],
    response_model=UnitPublic,
    responses=documented(401, 403, 404, 422),
)
def show_unit(unit_id: UnitId, actor: ApiActor, store: Store) -> Response:
    """One unit, its version as ETag; 404 where there is none or you do not see it."""
    with store.reading() as session:
        return answers.thing(units.show(session, actor, unit_id))


@router.patch(
    "/{unit_id}",
    name="api.units.update",
    dependencies=[needs(P.UNIT_MANAGE)],
    response_model=UnitPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def update_unit(
    unit_id: UnitId, version: IfMatch, data: UnitUpdate, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Mend the name, change kind, place or parent; 409 for a circle, another bureau, or a name that is taken."""
    with store.transaction() as session:
        unit = unit_changes.update(session, actor, unit_id, version, data, now=now)
    return answers.thing(unit)


@router.post(
    "/{unit_id}/rename",
    name="api.units.rename",
    dependencies=[needs(P.UNIT_MANAGE)],
    response_model=UnitPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def rename_unit(
    unit_id: UnitId, version: IfMatch, data: UnitRename, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Give the unit a new name from a day on; the old one keeps its days. 409 where a later name is known."""
    with store.transaction() as session:
        unit = unit_names.rename(session, actor, unit_id, version, data, now=now)
    return answers.thing(unit)


@router.post(
    "/{unit_id}/end",
    name="api.units.end",
    dependencies=[needs(P.UNIT_MANAGE)],
    response_model=UnitPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def end_unit(unit_id: UnitId, version: IfMatch, data: UnitEnd, actor: ApiActor, store: Store, now: Now) -> Response:
    """Let the unit exist until a day; 409 while it has open tasks or live units below it."""
    with store.transaction() as session:
        unit = unit_changes.end(session, actor, unit_id, version, data, now=now)
    return answers.thing(unit)


@router.get(
    "/{unit_id}/merge",
    name="api.units.preview_merge",
    dependencies=[needs(P.UNIT_MANAGE)],
    response_model=UnitMergePreview,
    responses=documented(401, 403, 404, 409, 422),
)
def preview_merge(unit_id: UnitId, into: Annotated[Id, Query()], actor: ApiActor, store: Store) -> Response:
    """What a merger into another unit would move, counted over what you see; nothing is changed."""
    with store.reading() as session:
        return answers.thing(unit_merges.preview(session, actor, unit_id, into))


@router.post(
    "/{unit_id}/merge",
    name="api.units.merge",
    dependencies=[needs(P.UNIT_MANAGE)],
    response_model=UnitPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def merge_unit(unit_id: UnitId, version: IfMatch, data: UnitMerge, actor: ApiActor, store: Store, now: Now) -> Response:
    """Let another unit of the bureau go on for this one: work, people, parts and names move, nothing is deleted.

    A task that has both keeps one assignment in the stronger role. 409 for units that cannot become one.
    """
    with store.transaction() as session:
        unit = unit_merges.merge(session, actor, unit_id, version, data, now=now)
    return answers.thing(unit)


@router.get(
    "/{unit_id}/names",
    name="api.units.names",
    dependencies=[needs(P.UNIT_READ)],
    response_model=Page[UnitNamePublic],
    responses=documented(401, 403, 404, 422),
)
def list_names(request: Request, unit_id: UnitId, actor: ApiActor, store: Store) -> Response:
    """All names of a unit with the days on which they held: full names, short ones, other spellings."""
    return answers.listing(request, store, actor, lambda session: (unit_names.of_unit(session, actor, unit_id), None))


@router.post(
    "/{unit_id}/names",
    name="api.units.add_name",
    dependencies=[needs(P.UNIT_MANAGE)],
    response_model=UnitNamePublic,
    status_code=201,
    responses=documented(401, 403, 404, 409, 422),
)
def add_name(
    request: Request, unit_id: UnitId, data: UnitNameCreate, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Add another spelling, or a full name of earlier days; 409 where the unit is found under it already."""
    with store.transaction() as session:
        name = UnitNamePublic.model_validate(unit_names.add(session, actor, unit_id, data, now))
    location = str(request.app.url_path_for("api.units.names", unit_id=unit_id))
    return answers.thing(name, status=201, location=location)


@router.delete(
    "/{unit_id}/names/{name_id}",
    name="api.units.remove_name",
    dependencies=[needs(P.UNIT_MANAGE)],
    status_code=204,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def remove_name(
    unit_id: UnitId,
    name_id: Annotated[int, Path(ge=1, le=MAX_ID)],
    version: IfMatch,
    actor: ApiActor,
    store: Store,
    now: Now,
) -> Response:
    """Remove a name that was wrong, by that name's version; 409 for the full name that holds today."""
    with store.transaction() as session:
        unit_names.remove(session, actor, unit_id, name_id, version, now=now)
    return answers.nothing()


@router.get(
    "/{unit_id}/members",
    name="api.units.members",
    dependencies=[needs(P.UNIT_READ)],
    response_model=Page[UnitPublic],
    responses=documented(401, 403, 404, 422),
)
def list_members(request: Request, unit_id: UnitId, actor: ApiActor, store: Store) -> Response:
    """The units that a group stands for; empty for any other unit."""
    return answers.listing(request, store, actor, lambda session: (unit_groups.members(session, actor, unit_id), None))


@router.post(
    "/{unit_id}/members",
    name="api.units.add_member",
    dependencies=[needs(P.UNIT_MANAGE)],
    response_model=UnitPublic,
    status_code=201,
    responses=documented(401, 403, 404, 409, 422),
)
def add_member(
    request: Request, unit_id: UnitId, data: UnitMemberAdd, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Let a group stand for one more unit of its bureau; gives that unit. 409 where it is a member already."""
    with store.transaction() as session:
        member = unit_groups.add_member(session, actor, unit_id, data, now)
    location = str(request.app.url_path_for("api.units.members", unit_id=unit_id))
    return answers.thing(member, status=201, location=location)


@router.delete(
    "/{unit_id}/members/{member_id}",
    name="api.units.remove_member",
    dependencies=[needs(P.UNIT_MANAGE)],
    status_code=204,
    responses=documented(401, 403, 404, 412, 422, 428),
)
def remove_member(
    unit_id: UnitId,
    member_id: Annotated[int, Path(ge=1, le=MAX_ID)],
    version: IfMatch,
    actor: ApiActor,
    store: Store,
    now: Now,
) -> Response:
    """Take a unit out of a group, by the group's version."""
    with store.transaction() as session:
        unit_groups.remove_member(session, actor, unit_id, member_id, version, now=now)
    return answers.nothing()
