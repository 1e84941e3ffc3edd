"""Live updates of a page: a stream of events for browsers, and the same answer at once for who asks plainly.

A stream holds no connection to the store while it waits. Before each look the session is resolved
anew, so a session that was revoked, or has been idle for too long, ends its streams; a stream that is
open does not count as activity.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, cast

import orjson
from fastapi import APIRouter, Query, Request
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from app import clock
from app.errors import DomainError, Unauthenticated
from app.permissions import Actor, Permission, can
from app.routers.dependencies import PageActor, address_of, cookie_name, database, needs, settings
from app.routers.late import LateRoute
from app.services import live, sessions
from app.services.hub import Hub

P = Permission
router = APIRouter(route_class=LateRoute)
# Proxies cut a connection on which nothing has come for a minute, some after thirty seconds.
_HEARTBEAT = 20.0
_PAUSE = 2.0
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_MOST = 200
_POSITION = r"^[0-9]{1,18}-[0-9]{1,18}$"
Tasks = Annotated[str, Query(pattern=r"^[0-9]{1,10}(,[0-9]{1,10}){0,199}$", description="ids of tasks, by comma")]
After = Annotated[str, Query(pattern=_POSITION, description="the position in the change feed that the page has")]


@router.get("/live", name="live.stream", dependencies=[needs(P.EVENT_READ)])
async def stream_live(request: Request, actor: PageActor, tasks: Tasks, after: After) -> Response:
    """Say when somebody else changes one of the tasks.

    With ``Accept: text/event-stream`` a stream, which goes on from ``Last-Event-ID`` if that is given;
    503 where there are too many. Otherwise one answer: {"changed", "position"}.
    """
    ids = [int(part) for part in tasks.split(",")]
    if "text/event-stream" not in request.headers.get("accept", ""):
        sight = await run_in_threadpool(_look, request, ids, _position(after))
        body = {"changed": sight.change is not None, "position": text_of(sight.position)}
        return Response(orjson.dumps(body), headers={"Cache-Control": "no-store"}, media_type="application/json")
    hub(request).refuse_too_many(actor)
    since = _position(request.headers.get("last-event-id", "")) or _position(after)
    messages = _messages(request, actor, ids, since or live.START)
    return StreamingResponse(messages, headers=_HEADERS, media_type="text/event-stream")


async def _messages(request: Request, actor: Actor, ids: list[int], since: live.Position) -> AsyncIterator[bytes]:
    """The stream: a greeting, a message for each change, a comment every twenty seconds without one."""
    here = hub(request)
    # The greeting tells the page that nothing on the way holds the stream back.
    yield b"retry: 5000\nevent: hello\ndata: {}\n\n"
    try:
        with here.listening(actor) as ticket:
            while not here.closing:
                sight = await run_in_threadpool(_look, request, ids, since)
                since = sight.position
                if sight.change is not None:
                    yield _message(sight)
                    await asyncio.sleep(_PAUSE)
                while not here.closing and not await ticket.wait(_HEARTBEAT):
                    yield b": still here\n\n"
                    await run_in_threadpool(_refuse_signed_out, request)
    except DomainError:
        # Signed out, or too many after all, or the store is away: the stream ends, and the page asks again.
        return


def _message(sight: live.Sight) -> bytes:
    return b"".join(
        (f"id: {text_of(sight.position)}\nevent: change\ndata: ".encode(), orjson.dumps(sight.change), b"\n\n")
    )


def _look(request: Request, ids: list[int], since: live.Position | None) -> live.Sight:
    with database(request).reading() as session:
        return live.look(session, _signed_in(request, session), ids, since or live.START)


def _refuse_signed_out(request: Request) -> None:
    with database(request).reading() as session:
        _signed_in(request, session)


def _signed_in(request: Request, session: Session) -> Actor:
    """The person of the session with the rights of this moment; raises Unauthenticated where it has ended."""
    token = request.cookies.get(cookie_name(request, "session"), "")
    found = sessions.resolve(
        session,
        settings(request),
        token,
        clock.now(),
        address=address_of(request),
        request_id=request.state.request_id,
    )
    if found is None:
        raise Unauthenticated
    return found.actor


def _position(given: str) -> live.Position | None:
    """A position as a client names it; None for nonsense, which a header may hold."""
    if not re.match(_POSITION, given):
        return None
    transaction_id, event_id = given.split("-")
    return (int(transaction_id), int(event_id))


def text_of(position: live.Position) -> str:
    """A position as it stands in addresses, as in the change feed."""
    return f"{position[0]}-{position[1]}"


def hub(request: Request) -> Hub:
    """The listeners of this process."""
    return cast(Hub, request.app.state.hub)


def address(actor: Actor, task_ids: Sequence[int], since: live.Position) -> str:
    """Where a page that shows these tasks hears of changes; empty for who may not, or whose readings are recorded.

    ``since`` is the position before the tasks were read, so that nothing is missed in between.
    """
    if not task_ids or actor.is_audited or not can(actor, P.EVENT_READ):
        return ""
    return f"/live?tasks={','.join(map(str, task_ids[:_MOST]))}&after={text_of(since)}"
