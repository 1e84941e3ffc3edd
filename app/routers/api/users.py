"""Accounts of people and services, over the API."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from sqlmodel import Session
from starlette.responses import Response

from app.permissions import Permission
from app.routers.api import answers
from app.routers.dependencies import ApiActor, IfMatch, Now, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID, Page
from app.schemas.user import (
    Appointment,
    HandOver,
    HandOverPublic,
    Reason,
    UserCreate,
    UserPublic,
    UserQuery,
    UserUpdate,
)
from app.services import administrators, handovers, users

P = Permission
UserId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(prefix="/users", tags=["users"], route_class=ReplayRoute)


@router.get(
    "",
    name="api.users.index",
    dependencies=[needs(P.USER_READ)],
    response_model=Page[UserPublic],
    responses=documented(401, 403, 422),
)
def list_users(request: Request, query: Annotated[UserQuery, Query()], actor: ApiActor, store: Store) -> Response:
    """The people of your programmes; all of them for the three administrators.

    Login, phone, mail, seat and dates are null where you may not see them, and ``q`` does not find by them.
    """

    def read(session: Session) -> tuple[Sequence[Any], str | None]:
        page = users.page(session, actor, query, sort=query.sort, limit=query.limit, cursor=query.cursor)
        return page.rows, page.next_cursor

    return answers.listing(request, store, actor, read)


@router.get(
    "/{user_id:int}",
    name="api.users.show",
    dependencies=[needs(P.USER_READ)],
    response_model=UserPublic,
    responses=documented(401, 403, 404, 422),
)
def show_user(user_id: UserId, actor: ApiActor, store: Store) -> Response:
    """One account, its version as ETag; 404 where there is none or you do not see it."""
    with store.reading() as session:
        return answers.thing(users.one(session, actor, user_id))


@router.post(
    "",
    name="api.users.create",
    dependencies=[needs(P.USER_MANAGE)],
    response_model=UserPublic,
    status_code=201,
    responses=documented(401, 403, 409, 422),
)
def create_user(request: Request, data: UserCreate, actor: ApiActor, store: Store, now: Now) -> Response:
    """Open an account, without a password: a person then gets a one-time code, a service account tokens.

    409 where the login is taken; 422 for a person without a unit or an unknown unit.
    """
    with store.transaction() as session:
        user_id = users.create(session, actor, data, now=now).key
    with store.reading() as session:
        location = str(request.app.url_path_for("api.users.show", user_id=user_id))
        return answers.thing(users.one(session, actor, user_id), status=201, location=location)


@router.patch(
    "/{user_id:int}",
    name="api.users.update",
    dependencies=[needs(P.USER_MANAGE)],
    response_model=UserPublic,
    responses=documented(401, 403, 404, 412, 422, 428),
)
def update_user(
    user_id: UserId, version: IfMatch, data: UserUpdate, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Change the fields that are sent; the login never changes. 412 for a stale version."""
    with store.transaction() as session:
        users.update(session, actor, user_id, version, data, now=now)
    with store.reading() as session:
        return answers.thing(users.one(session, actor, user_id))


@router.post(
    "/{user_id}/close",
    name="api.users.close",
    dependencies=[needs(P.USER_MANAGE)],
    response_model=UserPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def close_user(user_id: UserId, version: IfMatch, data: Reason, actor: ApiActor, store: Store, now: Now) -> Response:
    """Close an account; its sessions, tokens and codes end at once, its roles stay.

    409 for your own account, the last holder of a seat, and an account that is closed.
    """
    with store.transaction() as session:
        users.close(session, actor, user_id, version, reason=data.reason, now=now)
    with store.reading() as session:
        return answers.thing(users.one(session, actor, user_id))


@router.post(
    "/{user_id}/reopen",
    name="api.users.reopen",
    dependencies=[needs(P.USER_MANAGE)],
    response_model=UserPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def reopen_user(user_id: UserId, version: IfMatch, data: Reason, actor: ApiActor, store: Store, now: Now) -> Response:
    """Open a closed account again, with the roles that still hold; 409 where it is open."""
    with store.transaction() as session:
        users.reopen(session, actor, user_id, version, reason=data.reason, now=now)
    with store.reading() as session:
        return answers.thing(users.one(session, actor, user_id))


@router.post(
    "/{user_id}/appoint",
    name="api.users.appoint",
    dependencies=[needs(P.ADMINISTRATOR_APPOINT)],
    response_model=UserPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def appoint_administrator(
    user_id: UserId, version: IfMatch, data: Appointment, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Give one of the three administrators' seats, as the security administrator.

    403 for your own; 409 for a service account, a closed one, a second seat, and beside a role.
    """
    with store.transaction() as session:
        administrators.appoint(session, actor, user_id, version, data.administrator, reason=data.reason, now=now)
    with store.reading() as session:
        return answers.thing(users.one(session, actor, user_id))


@router.post(
    "/{user_id}/dismiss",
    name="api.users.dismiss",
    dependencies=[needs(P.ADMINISTRATOR_APPOINT)],
    response_model=UserPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def dismiss_administrator(
    user_id: UserId, version: IfMatch, data: Reason, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Take a seat back and sign the person out; 403 for your own, 409 where the seat would stay empty."""
    with store.transaction() as session:
        administrators.dismiss(session, actor, user_id, version, reason=data.reason, now=now)
    with store.reading() as session:
        return answers.thing(users.one(session, actor, user_id))


@router.get(
    "/{user_id}/hand-over",
    name="api.users.preview_hand_over",
    dependencies=[needs(P.USER_MANAGE)],
    response_model=HandOverPublic,
    responses=documented(401, 403, 404, 422),
)
def preview_hand_over(user_id: UserId, actor: ApiActor, store: Store, now: Now) -> Response:
    """What handing over would do now, in numbers."""
    with store.reading() as session:
        return answers.thing(HandOverPublic.model_validate(handovers.preview(session, actor, user_id, now)))


@router.post(
    "/{user_id}/hand-over",
    name="api.users.hand_over",
    dependencies=[needs(P.USER_MANAGE)],
    response_model=HandOverPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def hand_over(user_id: UserId, version: IfMatch, data: HandOver, actor: ApiActor, store: Store, now: Now) -> Response:
    """Move open work to a successor of the same unit, end roles, seat, tokens and sessions, close the account.

    422 without a successor where there is open work, or with one who cannot take over; 409 where the
    successor has no role in a programme of that work. Gives what was done, in numbers.
    """
    with store.transaction() as session:
        done = handovers.hand_over(session, actor, user_id, version, data, now=now)
    return answers.thing(HandOverPublic.model_validate(done))
