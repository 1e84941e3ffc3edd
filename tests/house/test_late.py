"""Routes that are analysed late are the same routes."""

import copy

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.responses import Response

from app.routers.directory import Application
from app.routers.late import LateRoute


def _router(kind: type[APIRoute]) -> APIRouter:
    router = APIRouter(prefix="/things", tags=["things"], route_class=kind)

    @router.get("/{number}", name="things.show", response_model=dict[str, int])
    async def show(request: Request, number: int, more: str = "") -> Response:
        return Response(f"{number}{more}{request.scope['route'].path}")

    return router


def test_says_of_itself_what_the_frameworks_route_says() -> None:
    (late,), (plain,) = _router(LateRoute).routes, _router(APIRoute).routes
    assert isinstance(late, LateRoute)
    assert "dependant" not in late.__dict__
    others = {"app", "dependant", "endpoint", "response_field"}
    read = set(vars(plain)) - others
    assert {name: getattr(late, name) for name in sorted(read)} == {name: getattr(plain, name) for name in sorted(read)}
    assert [field.name for field in late.dependant.path_params] == ["number"]
    assert late.response_field is not None


def test_is_analysed_at_its_first_request_under_the_prefix_it_was_taken_to() -> None:
    app, router = Application(openapi_url="/schema"), _router(LateRoute)
    app.take(router, "/api")
    (taken,) = (route for route in app.routes if isinstance(route, LateRoute))
    assert "dependant" not in taken.__dict__
    assert "dependant" not in copy.copy(taken).__dict__
    client = TestClient(app)
    assert client.get("/api/things/5?more=-").text == "5-/api/things/{number}"
    assert client.get("/api/things/x").status_code == 422
    assert "dependant" in taken.__dict__
    assert taken.path == "/api/things/{number}"
    assert list(client.get("/schema").json()["paths"]) == ["/api/things/{number}"]
