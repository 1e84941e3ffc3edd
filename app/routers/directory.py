"""Finding the route of a path, and the path of a route, without asking one route after the other.

The framework keeps routers inside routers and tries every route in turn, by path and by name, which for
some three hundred of them is most of what a short request costs. Here each route stands once, under
the beginning of its path and under its name.
"""

import copy
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi.utils import generate_unique_id
from starlette.datastructures import URLPath
from starlette.routing import Match, compile_path
from starlette.types import Receive, Scope, Send

from app.routers.composed import compose
from app.routers.hands import Hands
from app.routers.late import LateRoute

_API = "/api/v1"


class Application(FastAPI):
    """The framework's application with such a directory."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._by_place: dict[str, list[APIRoute]] = {}
        self._by_name: dict[str, APIRoute] = {}
        # Apart, so that those who wait for the store to write keep nobody from reading.
        # Whoever writes waits for the disk, and PostgreSQL commits for several at once.
        self._reading, self._writing = Hands(), Hands(few=8)
        # What is not in the directory, such as the schema, a slash too many or nothing at all, is the framework's.
        self._elsewhere = self.router.middleware_stack
        self.router.middleware_stack = self._dispatch

    def take(self, router: APIRouter, prefix: str = "", *, in_schema: bool = True) -> None:
        """Add a router's routes under ``prefix``; the router itself stays as it is.

        Including it would analyse each route, which was most of the time that a start takes.
        """
        for original in router.routes:
            if not isinstance(original, LateRoute):
                raise TypeError(f"{router.prefix} holds something else than a route that is analysed late")
            route = copy.copy(original)
            route.path = prefix + route.path
            route.path_regex, route.path_format, route.param_convertors = compile_path(route.path)
            route.unique_id = generate_unique_id(route)
            route.include_in_schema = in_schema and route.include_in_schema
            route.compose(partial(compose, reading=self._reading, writing=self._writing))
            place = _place(route.path)
            if "{" in place:
                raise ValueError(f"{route.path} begins with a parameter")
            self.router.routes.append(route)
            self._by_place.setdefault(place, []).append(route)
            self._by_name.setdefault(route.name, route)

    def methods_of(self, path: str) -> list[str]:
        """The methods that some route takes at ``path``, in alphabetical order."""
        routes = [route for route in self._by_place.get(_place(path), ()) if route.path_regex.match(path)]
        return sorted({method for route in routes for method in route.methods or ()})

    def url_path_for(self, name: str, /, **values: Any) -> URLPath:
        """The path of a route by its name; raises starlette's NoMatchFound."""
        route = self._by_name.get(name)
        return super().url_path_for(name, **values) if route is None else route.url_path_for(name, **values)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope.get("root_path"):
            for route in self._by_place.get(_place(scope["path"]), ()):
                match, found = route.matches(scope)
                if match is Match.FULL:
                    scope.update(found)
                    scope["router"] = self.router
                    await route.handle(scope, receive, send)
                    return
        await self._elsewhere(scope, receive, send)


def _place(path: str) -> str:
    """The first step of a path, of the API's the first below its version; no route has a parameter there."""
    rest = path[len(_API) :] if path.startswith(_API + "/") else path
    end = rest.find("/", 1)
    return path[: len(path) - len(rest)] + (rest if end < 0 else rest[:end])
