"""The style guide: every component once, for those who build pages."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.routers import rendering
from app.routers.dependencies import PageActor, needs
from app.routers.late import LateRoute

router = APIRouter(route_class=LateRoute)


@dataclass(frozen=True, slots=True)
class StyleguidePage:
    """The style guide brings its own sample rows."""


@router.get("/styleguide", name="styleguide", dependencies=[needs(None)])
def show_styleguide(request: Request, _actor: PageActor) -> Response:
    """All components in the frame, with rows as they occur."""
    return rendering.page(request, "styleguide/index.html", StyleguidePage())
