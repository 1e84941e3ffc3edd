"""Routes that the framework analyses when they are first asked for.

To analyse three hundred of them - their parameters, what they depend on, the validators of what they answer -
is a quarter of a start and a tenth of the memory, and a process that runs for an hour may never need most of
it. A single one takes a millisecond or two. What the framework would refuse of a route it refuses in the tests,
which look at each of them.
"""

from collections.abc import Callable
from threading import RLock
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import compile_path
from starlette.types import ASGIApp

# Validators of one schema are not made by two threads at once; and what one has made the other need not.
_ANALYSING = RLock()
_Composer = Callable[[APIRoute], ASGIApp | None]


class LateRoute(APIRoute):
    """Knows at first only by what it is found; whatever else is read of it is worked out then, once."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self._given = (path, endpoint, options)
        self._composer: _Composer | None = None
        self.path, self.endpoint = path, endpoint
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self.name = options["name"] or endpoint.__name__
        self.methods = {method.upper() for method in options["methods"] or ["GET"]}
        self.include_in_schema = options["include_in_schema"]

    def compose(self, composer: _Composer) -> None:
        """Have its application made by ``composer``, or by the framework where that gives None."""
        self._composer = composer
        if "_given" not in self.__dict__:
            self.app = composer(self) or self.app

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__") or attribute == "_given":
            raise AttributeError(attribute)
        with _ANALYSING:
            if "_given" in self.__dict__:
                self._analyse()
            elif attribute not in self.__dict__:
                raise AttributeError(attribute)
        value: Any = getattr(self, attribute)
        return value

    def _analyse(self) -> None:
        path, endpoint, options = self._given
        whole = object.__new__(type(self))
        APIRoute.__init__(whole, path, endpoint, **options)
        # What was changed here since, such as the path under a prefix, stays.
        self.__dict__ |= whole.__dict__ | self.__dict__
        del self.__dict__["_given"]
        if self._composer is not None:
            self.compose(self._composer)
