"""The status page: how the installation stands, for its system administrator."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.permissions import Permission
from app.routers import checkup, rendering
from app.routers.dependencies import Now, PageActor, Store, needs
from app.routers.late import LateRoute
from app.schemas.status import StatusLine

P = Permission
router = APIRouter(route_class=LateRoute)


@dataclass(frozen=True, slots=True)
class StatusPage:
    """The lines by group, how many are wrong or want attention, and where a line leads."""

    groups: list[tuple[str, list[StatusLine]]]
    bad: int
    warn: int
    urls: dict[str, str]
    at: datetime


@router.get("/status", name="status.show", dependencies=[needs(P.STATUS_READ)])
def show_status(request: Request, _actor: PageActor, store: Store, now: Now) -> Response:
    """Every check, grouped, with what to do about it."""
    status, urls = checkup.status_of(request, store, now)
    groups = [(name, list(lines)) for name, lines in groupby(status.items, key=lambda line: line.group)]
    states = [line.state for line in status.items]
    context = StatusPage(groups, states.count("bad"), states.count("warn"), urls, now)
    return rendering.page(request, "status/show.html", context)
