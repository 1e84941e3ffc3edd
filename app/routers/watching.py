"""What is noted of every request: its id, one line in the log, and its duration among the measurements.

The route's name stands for the path, in which a code or a name may stand; the query, the headers and
the body are not looked at. Nothing here can fail a request.
"""

import logging
import re
import secrets
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import logs
from app.adapters.meters import Meters

log = logging.getLogger("duikou.requests")
UNKNOWN = "unknown"
# A supervisor asks several times a minute, and a style sheet is nobody's doing.
_QUIET = frozenset({"health.live", "health.ready", "static"})
# How long somebody keeps a stream open says nothing about how fast the product answers.
_UNTIMED = frozenset({"live.stream"})
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")


class Watch:
    """ASGI middleware, the outermost: gives a request its id and notes how it ended."""

    def __init__(self, app: ASGIApp, meters: Meters | None = None) -> None:
        self.app = app
        self.meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. An error is noted as a 500 and passed on to whoever answers it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = scope.setdefault("state", {})["request_id"] = _request_id(scope)
        working_for = logs.working_for.set(request_id)
        status = 500
        started = perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        if self.meters is not None:
            self.meters.in_flight += 1
        try:
            await self.app(scope, receive, noted)
        finally:
            self._note(scope, status, perf_counter() - started)
            logs.working_for.reset(working_for)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "name", UNKNOWN)
        if self.meters is not None:
            self.meters.in_flight -= 1
            if route not in _UNTIMED:
                self.meters.request(route, status, seconds)
        if status < 400 and route in _QUIET:
            return
        if not log.isEnabledFor(logging.INFO):
            return
        actor = getattr(scope["state"].get("visit"), "actor", None)
        client = scope.get("client")
        # Not log.info(): it walks the stack for the caller's line, which takes as long as all the rest.
        record = logging.LogRecord(log.name, logging.INFO, "", 0, "request", (), None)
        record.__dict__.update(
            method=scope["method"],
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 1),
            actor_id=actor.user_id if actor else None,
            token_id=actor.token_id if actor else None,
            address=client[0] if client else "",
        )
        log.handle(record)


def _request_id(scope: Scope) -> str:
    """The id that a proxy in front has given, if it looks like one, or a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = value.decode("ascii", "replace")
            if _REQUEST_ID.match(text):
                return str(text)
    return secrets.token_hex(12)
