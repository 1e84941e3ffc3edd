"""Roles in programmes, over the API."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from sqlmodel import Session
from starlette.responses import Response

from app.papers import account_workbook
from app.permissions import Permission
from app.routers import workbooks
from app.routers.api import answers
from app.routers.dependencies import ApiActor, IfMatch, Now, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID, Page
from app.schemas.membership import (
    MembershipCreate,
    MembershipEnd,
    MembershipPublic,
    MembershipQuery,
    MembershipUpdate,
    ProgrammeGrantPublic,
    RolesGranted,
)
from app.schemas.user import Reason
from app.services import account_sheets, memberships, unit_grants

P = Permission
MembershipId = Annotated[int, Path(ge=1, le=MAX_ID)]
UnitId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(prefix="/memberships", tags=["memberships"], route_class=ReplayRoute)
grants_router = APIRouter(prefix="/units", tags=["units"], route_class=ReplayRoute)


@router.get(
    "",
    name="api.memberships.index",
    dependencies=[needs(P.MEMBERSHIP_READ)],
    response_model=Page[MembershipPublic],
    responses=documented(401, 403, 422),
)
def list_memberships(
    request: Request, query: Annotated[MembershipQuery, Query()], actor: ApiActor, store: Store
) -> Response:
    """The roles of your programmes, ended ones too; all of them for the security administrator."""

    def read(session: Session) -> tuple[Sequence[Any], str | None]:
        page = memberships.page(session, actor, query, sort=query.sort, limit=query.limit, cursor=query.cursor)
        return page.rows, page.next_cursor

    return answers.listing(request, store, actor, read)


@router.get(
    "/{membership_id:int}",
    name="api.memberships.show",
    dependencies=[needs(P.MEMBERSHIP_READ)],
    response_model=MembershipPublic,
    responses=documented(401, 403, 404, 422),
)
def show_membership(membership_id: MembershipId, actor: ApiActor, store: Store) -> Response:
    """One role, its version as ETag; 404 where there is none or you do not see it."""
    with store.reading() as session:
        return answers.thing(memberships.one(session, actor, membership_id))


@router.post(
    "",
    name="api.memberships.grant",
    dependencies=[needs(P.MEMBERSHIP_MANAGE)],
    response_model=MembershipPublic,
    status_code=201,
    responses=documented(401, 403, 404, 409, 422),
)
def grant_role(request: Request, data: MembershipCreate, actor: ApiActor, store: Store, now: Now) -> Response:
    """Give a role: the security administrator in any programme, a coordinator in their own, nobody to themselves.

    422 for an unknown person, programme or unit, a unit of no party, a role of another side, an auditor
    without a last day; 409 for an administrator, a closed account and a role that is held already.
    """
    with store.transaction() as session:
        membership_id = memberships.grant(session, actor, data, now=now).key
    with store.reading() as session:
        location = str(request.app.url_path_for("api.memberships.show", membership_id=membership_id))
        return answers.thing(memberships.one(session, actor, membership_id), status=201, location=location)


@router.patch(
    "/{membership_id:int}",
    name="api.memberships.update",
    dependencies=[needs(P.MEMBERSHIP_MANAGE)],
    response_model=MembershipPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def update_membership(
    membership_id: MembershipId, version: IfMatch, data: MembershipUpdate, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Give a role another last day; never one's own. 409 where the same role is held again in that time."""
    with store.transaction() as session:
        memberships.update(session, actor, membership_id, version, data.ends_on, now=now)
    with store.reading() as session:
        return answers.thing(memberships.one(session, actor, membership_id))


@router.post(
    "/{membership_id}/end",
    name="api.memberships.end",
    dependencies=[needs(P.MEMBERSHIP_MANAGE)],
    response_model=MembershipPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def end_membership(
    membership_id: MembershipId, version: IfMatch, data: MembershipEnd, actor: ApiActor, store: Store, now: Now
) -> Response:
    """End a role at once or on a day; it stays in the record. 409 where it has ended."""
    with store.transaction() as session:
        memberships.end(session, actor, membership_id, version, ends_on=data.ends_on, reason=data.reason, now=now)
    with store.reading() as session:
        return answers.thing(memberships.one(session, actor, membership_id))


async def _sheet(request: Request, _actor: ApiActor) -> tuple[bytes, int]:
    content, fields = await workbooks.uploaded(request)
    programme_id = workbooks.whole_number(fields, "programme_id")
    return content, programme_id


@router.post(
    "/workbook",
    name="api.memberships.grant_from_workbook",
    dependencies=[needs(P.MEMBERSHIP_MANAGE)],
    response_model=RolesGranted,
    openapi_extra=workbooks.BODY_WITH_PROGRAMME,
    responses=documented(400, 401, 403, 404, 409, 413, 415, 422),
)
def grant_from_workbook(
    sheet: Annotated[tuple[bytes, int], Depends(_sheet)], actor: ApiActor, store: Store, now: Now
) -> Response:
    """Give the roles in a workbook of people in one programme, all or none; 422 names each row at fault."""
    rows = account_workbook.read(sheet[0])
    with store.transaction() as session:
        number = account_sheets.grant_roles(session, actor, sheet[1], rows, now=now)
    return answers.thing(RolesGranted(granted=number))


@grants_router.post(
    "/{unit_id}/grant-programmes",
    name="api.units.grant_programmes",
    dependencies=[needs(P.UNIT_GRANT)],
    response_model=ProgrammeGrantPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def grant_programmes(
    unit_id: UnitId, version: IfMatch, data: Reason, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Let the people of a unit create programmes and import plans; 409 where they may already."""
    with store.transaction() as session:
        unit_grants.set_programmes(session, actor, unit_id, version, granted=True, reason=data.reason, now=now)
    with store.reading() as session:
        return answers.thing(unit_grants.one(session, actor, unit_id))


@grants_router.post(
    "/{unit_id}/withdraw-programmes",
    name="api.units.withdraw_programmes",
    dependencies=[needs(P.UNIT_GRANT)],
    response_model=ProgrammeGrantPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def withdraw_programmes(
    unit_id: UnitId, version: IfMatch, data: Reason, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Take that right back; the programmes that exist stay as they are."""
    with store.transaction() as session:
        unit_grants.set_programmes(session, actor, unit_id, version, granted=False, reason=data.reason, now=now)
    with store.reading() as session:
        return answers.thing(unit_grants.one(session, actor, unit_id))
