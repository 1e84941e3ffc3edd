"""Tokens of persons and of service accounts, over the API."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from app.permissions import Permission
from app.routers.api import answers
from app.routers.dependencies import ApiActor, IfMatch, Now, Store, needs
from app.routers.errors import documented
from app.routers.late import LateRoute
from app.schemas.base import MAX_ID, Page
from app.schemas.token import TokenCreate, TokenCreated, TokenPublic, TokenQuery
from app.services import tokens

P = Permission
TokenId = Annotated[int, Path(ge=1, le=MAX_ID)]
# No ReplayRoute: an answer that holds a token must not be stored.
router = APIRouter(prefix="/tokens", tags=["tokens"], route_class=LateRoute)


@router.get(
    "",
    name="api.tokens.index",
    dependencies=[needs(P.ACCOUNT_MANAGE)],
    response_model=Page[TokenPublic],
    responses=documented(401, 403, 422),
)
def list_tokens(query: Annotated[TokenQuery, Query()], actor: ApiActor, store: Store, now: Now) -> Response:
    """Your own tokens, the newest first; every token for the security administrator. Never a secret."""
    with store.reading() as session:
        page = tokens.page(
            session, actor, user_id=query.user, live=query.live, now=now, limit=query.limit, cursor=query.cursor
        )
    items = [answers.as_json(row) for row in page.rows]
    return answers.thing({"items": items, "next_cursor": page.next_cursor})


@router.get(
    "/{token_id}",
    name="api.tokens.show",
    dependencies=[needs(P.ACCOUNT_MANAGE)],
    response_model=TokenPublic,
    responses=documented(401, 403, 404, 422),
)
def show_token(token_id: TokenId, actor: ApiActor, store: Store) -> Response:
    """One token without its secret, its version as ETag."""
    with store.reading() as session:
        return answers.thing(tokens.one(session, actor, token_id))


@router.post(
    "",
    name="api.tokens.create",
    dependencies=[needs(P.ACCOUNT_MANAGE)],
    response_model=TokenCreated,
    status_code=201,
    responses=documented(401, 403, 422),
)
def create_token(request: Request, data: TokenCreate, actor: ApiActor, store: Store, now: Now) -> Response:
    """Make a token; ``token`` is in this answer and nowhere else, so an Idempotency-Key is not honoured.

    Without ``user_id`` for yourself, from a browser's session only (403 with a token); with the id of a
    service account, as the security administrator. 422 for a scope that the holder has no right to, a
    last day past 366 days, or a holder that is no service account.
    """
    with store.transaction() as session:
        created = tokens.create(session, actor, data, now=now)
    with store.reading() as session:
        row = tokens.one(session, actor, created.token_id)
    location = str(request.app.url_path_for("api.tokens.show", token_id=created.token_id))
    return answers.thing({**row._asdict(), "token": created.secret}, status=201, location=location)


@router.post(
    "/{token_id}/revoke",
    name="api.tokens.revoke",
    dependencies=[needs(P.ACCOUNT_MANAGE)],
    response_model=TokenPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def revoke_token(token_id: TokenId, version: IfMatch, actor: ApiActor, store: Store, now: Now) -> Response:
    """End a token at once; 404 for one that you do not see, 409 where it has ended."""
    with store.transaction() as session:
        tokens.revoke(session, actor, token_id, version, now=now)
    with store.reading() as session:
        return answers.thing(tokens.one(session, actor, token_id))
