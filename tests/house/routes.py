"""Every route of the product, with what it asks of its caller, for the tests that hold all of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from app.permissions import Permission
from app.routers import health, statics
from app.routers.api import routers as api_routers
from app.routers.dependencies import Needs
from app.routers.pages import routers as page_routers

# Open to nobody in particular, each with its reason.
PUBLIC = {
    "api.resets.redeem": "the person cannot sign in yet; the code is what they hold",
    "health.live": "a supervisor asks whether the process lives",
    "health.ready": "a supervisor asks whether it may send requests",
    "identities.ask": "the way in; without a return from the provider it leads back to it",
    "identities.begin": "the way in, by way of the provider",
    "identities.finish": "the way in; the state and the browser's cookie are what they hold",
    "identities.leave": "the way out at the provider, after signing out here",
    "identities.link_own": "the way in; the return from the provider is what they hold",
    "resets.new": "the person cannot sign in yet",
    "resets.redeem": "the person cannot sign in yet; the code is what they hold",
    "sessions.ask_code": "the way in; without a first step it leads back to it",
    "sessions.language": "the sign-in page can be read in either language",
    "sessions.new": "the way in",
    "sessions.open": "the way in",
    "sessions.prove": "the way in; the first step is what they hold",
    "sessions.theme": "the sign-in page has a theme too",
    "static": "style sheets and scripts hold nothing of anybody",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One route: ``name`` as code calls it, ``path`` in full, what stands before its handler."""

    name: str
    path: str
    methods: frozenset[str]
    permissions: tuple[Permission | None, ...]
    calls: tuple[Any, ...]
    endpoint: Any
    source: APIRoute

    @property
    def is_api(self) -> bool:
        """Whether it belongs to the REST API."""
        return self.path.startswith("/api/")

    @property
    def method(self) -> str:
        """Its one method."""
        return next(iter(self.methods))

    def asks(self, dependency: Any) -> bool:
        """Whether ``dependency`` is called before the handler."""
        return dependency in self.calls


def _calls(dependant: Any) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def _of(router: APIRouter, prefix: str = "") -> Iterator[Route]:
    for route in router.routes:
        assert isinstance(route, APIRoute), f"{route} is not a route of ours"
        calls = tuple(_calls(route.dependant))
        yield Route(
            route.name,
            prefix + route.path_format,
            frozenset(route.methods or ()),
            tuple(call.permission for call in calls if isinstance(call, Needs)),
            calls,
            route.endpoint,
            route,
        )


def everything() -> list[Route]:
    """All routes, in the order of their paths."""
    found = [*_of(health.router), *_of(statics.router)]
    found += [route for router in page_routers for route in _of(router)]
    found += [route for router in api_routers for route in _of(router, "/api/v1")]
    return sorted(found, key=lambda route: (route.path, route.method))
