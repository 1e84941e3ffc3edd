"""The event log, over the API: the audit trail newest first, and the change feed in commit order."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlmodel import Session
from starlette.responses import Response

from app.errors import FieldError, InvalidInput
from app.messages import N_
from app.permissions import Permission
from app.routers.api import answers
from app.routers.dependencies import ApiActor, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.base import Page
from app.schemas.event import EventPublic, EventQuery
from app.services import audit

P = Permission
router = APIRouter(prefix="/events", tags=["events"], route_class=ReplayRoute)


@router.get(
    "",
    name="api.events.index",
    dependencies=[needs(P.EVENT_READ)],
    response_model=Page[EventPublic],
    responses=documented(401, 403, 422, 503),
)
def list_events(request: Request, query: Annotated[EventQuery, Query()], actor: ApiActor, store: Store) -> Response:
    """The entries of what you see, newest first; with ``after`` the change feed.

    In the feed, ask again with the position of the last item; it is complete: an entry that is
    committed later never has an earlier position.
    """
    if query.after is not None and query.cursor is not None:
        raise InvalidInput((FieldError("cursor", "not_with_after", N_("The change feed goes on by its positions.")),))
    read_clear: list[int] = []

    def read(session: Session) -> tuple[list[Any], str | None]:
        if query.after is not None:
            items, following = audit.feed(session, actor, query, query.after, query.limit)
        else:
            page = audit.page(session, actor, query, limit=query.limit, cursor=query.cursor)
            items, following = list(page.rows), page.next_cursor
        read_clear.extend(audit.in_clear(items))
        return items, following

    answer = answers.listing(request, store, actor, read)
    if read_clear:
        with store.transaction() as session:
            audit.note_reading(session, actor, read_clear)
    return answer
