"""A route as one function, run on one thread; a reading one within one reading of the store.

The framework walks a route's dependencies anew for each request, each on a thread of its own, and makes ready
what only a few routes use; for a short answer that is most of its time. Here the same tree, as the framework
has analysed it, is laid out in order once, and its fields are checked by the framework's own functions. A route
with anything more - a form, a generator, something asynchronous, an answer that is built from a model - is not
composed, and stays with the framework. So does a request that is more than its JSON: one under an Idempotency-Key,
or with a body that cannot be read.
"""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import HTTPException, Request, params
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.routers.dependencies import database, instant, instant_at_once
from app.routers.hands import Hands
from app.routers.late import LateRoute
from app.routers.replay import ReplayRoute

# Checked queries that a route remembers, and the longest that it does: a list is asked for in few ways.
_REMEMBERED = 128
_LONGEST = 200
_PLAIN: dict[Any, Callable[..., Any]] = {instant_at_once: instant}
_JSON = b"application/json"
_KEY, _TYPE = b"idempotency-key", b"content-type"
_OF_OTHER_KINDS = (
    "websocket_param_name",
    "http_connection_param_name",
    "response_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
)


def compose(route: APIRoute, reading: Hands, writing: Hands) -> ASGIApp | None:
    """``route`` as one function on a hand of its kind; None where it has more than a plain route."""
    if type(route) not in (LateRoute, ReplayRoute) or not _answers(route.endpoint):
        return None
    body = route.body_field
    if body is not None and (type(body.field_info) is not params.Body or route._embed_body_fields):
        return None
    parts: list[_Part] = []
    if _lay_out(route.dependant, parts, {}) is None or any(part.body for part in parts[:-1]):
        return None
    if route.methods == {"GET"}:
        return _reading(_Route(parts), reading) if body is None else None
    return _writing(_Route(parts), writing, route.app, has_body=body is not None)


def _reading(route: "_Route", hands: Hands) -> ASGIApp:
    def run(request: Request) -> Response:
        with database(request).one_reading():
            return route.run(request, None)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        response = await hands.do(run, Request(scope, receive, send))
        await response(scope, receive, send)

    return answer


def _writing(route: "_Route", hands: Hands, framework: ASGIApp, *, has_body: bool) -> ASGIApp:
    """Without one reading: whoever holds a connection while waiting for another can wait for themselves."""

    def run(request: Request, sent: bytes) -> Response | None:
        try:
            body = json.loads(sent) if has_body else None
        except (ValueError, RecursionError):
            return None
        return route.run(request, body)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_plain_request(scope, has_body=has_body):
            await framework(scope, receive, send)
            return
        request = Request(scope, receive, send)
        sent = await _body(request) if has_body else b""
        response = await hands.do(run, request, sent) if sent or not has_body else None
        if response is None:
            await framework(scope, _again(sent, receive), send)
            return
        await response(scope, receive, send)

    return answer


def _is_plain_request(scope: Scope, *, has_body: bool) -> bool:
    kind = b""
    for name, value in scope["headers"]:
        if name == _KEY:
            return False
        if name == _TYPE:
            kind = value
    return kind == _JSON if has_body else not kind or kind == _JSON


async def _body(request: Request) -> bytes:
    try:
        return await request.body()
    except ClientDisconnect as error:
        # As the framework has it; nobody is there to be told.
        raise HTTPException(400) from error


def _again(body: bytes, receive: Receive) -> Receive:
    """``receive`` from the beginning, after ``body`` was read from it."""
    told = False

    async def once_more() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once_more


def _answers(endpoint: Callable[..., Any]) -> bool:
    """Whether a handler is plain and gives a finished answer."""
    given = inspect.signature(endpoint).return_annotation
    return _is_plain(endpoint) and inspect.isclass(given) and issubclass(given, Response)


def _is_plain(call: Callable[..., Any]) -> bool:
    code = call if inspect.isroutine(call) else type(call).__call__
    return not (
        inspect.iscoroutinefunction(code) or inspect.isgeneratorfunction(code) or inspect.isasyncgenfunction(code)
    )


def _lay_out(dependant: Dependant, parts: "list[_Part]", known: dict[Any, int]) -> int | None:
    """Put a part of the tree after what it needs; gives its place, or None where it cannot be composed."""
    call = _PLAIN.get(dependant.call, dependant.call)
    if call is None or not _is_plain(call) or any(getattr(dependant, name) for name in _OF_OTHER_KINDS):
        return None
    if dependant.use_cache and call in known:
        return known[call]
    needed: list[tuple[str | None, int]] = []
    for one in dependant.dependencies:
        place = _lay_out(one, parts, known)
        if place is None:
            return None
        needed.append((one.name, place))
    parts.append(_Part(call, dependant, needed))
    known[call] = len(parts) - 1
    return known[call]


class _Part:
    """One function of the tree: what it is given, and from where."""

    __slots__ = ("asked", "body", "call", "fixed", "needed", "places", "request_name")

    def __init__(
        self, call: Callable[..., Any], dependant: Dependant, needed: Sequence[tuple[str | None, int]]
    ) -> None:
        self.call = call
        self.request_name = dependant.request_param_name
        self.needed = [(name, place) for name, place in needed if name is not None]
        self.places = [place for _, place in needed]
        self.asked = _Asked(dependant.query_params) if dependant.query_params else None
        self.body = dependant.body_params[0] if dependant.body_params else None
        # (fields, where the request has them); a cookie is a field of its own in the framework's analysis.
        self.fixed = [
            (fields, name)
            for fields, name in (
                (dependant.path_params, "path_params"),
                (dependant.header_params, "headers"),
                (dependant.cookie_params, "cookies"),
            )
            if fields
        ]


class _Route:
    """The parts of a route in order; the last is its handler, and may take the body."""

    def __init__(self, parts: Sequence[_Part]) -> None:
        self._parts = parts

    def run(self, request: Request, body: Any) -> Response:
        """The answer. Raises what a part raises, and RequestValidationError as the framework would."""
        outcomes: list[Any] = []
        mistakes: list[Any] = []
        at_fault: set[int] = set()
        for place, part in enumerate(self._parts):
            values = {name: outcomes[needed] for name, needed in part.needed}
            found: list[Any] = []
            for fields, name in part.fixed:
                values_here, found_here = request_params_to_args(fields, getattr(request, name))
                values.update(values_here)
                found += found_here
            if part.asked is not None:
                asked, found_asked = part.asked.of(request)
                values.update(asked)
                found += found_asked
            if part.body is not None:
                values[part.body.name], found_in_body = part.body.validate(body, {}, loc=("body",))
                found += found_in_body
            if found or (at_fault and at_fault.intersection(part.places)):
                # What needs it is left out too, and what does not still has its say, as everywhere else.
                mistakes += found
                at_fault.add(place)
                outcomes.append(None)
                continue
            if mistakes and place + 1 == len(self._parts):
                break
            if part.request_name is not None:
                values[part.request_name] = request
            outcomes.append(part.call(**values))
        if mistakes:
            raise RequestValidationError(mistakes, body=body)
        answer: Response = outcomes[-1]
        return answer


class _Asked:
    """The fields of a query, and what the framework's check made of those that were asked before."""

    def __init__(self, fields: Sequence[ModelField]) -> None:
        self._fields = fields
        self._known: dict[bytes, dict[str, Any]] = {}

    def of(self, request: Request) -> tuple[Mapping[str, Any], Sequence[Any]]:
        """The checked values by name, and the mistakes."""
        text: bytes = request.scope["query_string"]
        known = self._known.get(text)
        if known is not None:
            return known, ()
        values, mistakes = request_params_to_args(self._fields, request.query_params)
        if not mistakes and len(text) <= _LONGEST and all(map(_is_fixed, values.values())):
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[text] = values
        return values, mistakes


def _is_fixed(value: object) -> bool:
    """Whether a value can be given to one request after the other."""
    if isinstance(value, BaseModel):
        return bool(value.model_config.get("frozen"))
    return value is None or isinstance(value, str | int)
