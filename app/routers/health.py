"""Health: whether the process lives and whether it may be sent requests."""

from fastapi import APIRouter
from starlette.responses import Response

from app.routers.dependencies import Configuration, Now, Store
from app.routers.late import LateRoute
from app.services import readiness

router = APIRouter(include_in_schema=False, route_class=LateRoute)


@router.get("/healthz", name="health.live")
async def live() -> Response:
    """200 while the process answers."""
    return Response("ok\n", media_type="text/plain")


@router.get("/readyz", name="health.ready")
def ready(store: Store, configuration: Configuration, now: Now) -> Response:
    """200 when this replica may be sent requests; else 503 and the code of the reason.

    What is amiss without being a reason, such as a worker that stands still, follows on lines of its own.
    """
    refused = readiness.refusal(store, configuration)
    if refused is not None:
        return Response(f"{refused}\n", 503, media_type="text/plain")
    return Response("\n".join(["ready", *readiness.notes(store, now), ""]), media_type="text/plain")
