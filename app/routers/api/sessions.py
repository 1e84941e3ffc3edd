"""Where one is signed in, over the API."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from app.permissions import Permission
from app.routers.api import answers
from app.routers.dependencies import ApiActor, Configuration, Now, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID, Page
from app.schemas.session import SessionPublic, SessionQuery, SessionsRevoked
from app.services import sessions

P = Permission
SessionId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(prefix="/sessions", tags=["sessions"], route_class=ReplayRoute)


@router.get(
    "",
    name="api.sessions.index",
    dependencies=[needs(P.ACCOUNT_MANAGE)],
    response_model=Page[SessionPublic],
    responses=documented(401, 403, 422),
)
def list_sessions(
    query: Annotated[SessionQuery, Query()], actor: ApiActor, store: Store, settings: Configuration, now: Now
) -> Response:
    """Your own sign-ins that still hold, the newest first."""
    with store.reading() as session:
        page = sessions.own(session, settings, actor, now, limit=query.limit, cursor=query.cursor)
    items = [answers.as_json(row) for row in page.rows]
    return answers.thing({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "/revoke-others",
    name="api.sessions.revoke_others",
    dependencies=[needs(P.ACCOUNT_MANAGE)],
    response_model=SessionsRevoked,
    responses=documented(401, 403, 409, 422),
)
def revoke_other_sessions(actor: ApiActor, store: Store, now: Now) -> Response:
    """End all of your sign-ins but the one that asks; with a token, all of them."""
    with store.transaction() as session:
        number = sessions.revoke_others(session, actor, now)
    return answers.thing(SessionsRevoked(revoked=number))


@router.post(
    "/{session_id}/revoke",
    name="api.sessions.revoke",
    dependencies=[needs(P.ACCOUNT_MANAGE)],
    status_code=204,
    response_class=Response,
    responses=documented(401, 403, 404, 409, 422),
)
def revoke_session(session_id: SessionId, actor: ApiActor, store: Store, now: Now) -> Response:
    """End one of your own sign-ins; 404 for anybody else's and for one that has ended."""
    with store.transaction() as session:
        sessions.revoke(session, actor, session_id, now)
    return answers.nothing()
