"""How the installation stands, over the API."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.permissions import Permission
from app.routers import checkup
from app.routers.api import answers
from app.routers.dependencies import ApiActor, Now, Store, needs
from app.routers.errors import documented
from app.routers.late import LateRoute
from app.schemas.status import StatusPublic

P = Permission
router = APIRouter(prefix="/status", tags=["status"], route_class=LateRoute)


@router.get(
    "",
    name="api.status.show",
    dependencies=[needs(P.STATUS_READ)],
    response_model=StatusPublic,
    responses=documented(401, 403, 503),
)
def show_status(request: Request, _actor: ApiActor, store: Store, now: Now) -> Response:
    """Everything that ``duikou check`` looks at, with what to do about it; the answer is 200 even where it is bad."""
    status, _urls = checkup.status_of(request, store, now)
    return answers.thing(status)
