"""What is decided before a request is read: its size, and the headers of every answer."""

from collections.abc import Callable, Iterable

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


_RAW = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_STRICT = (b"strict-transport-security", b"max-age=31536000")
_OF_A_BODY = frozenset({b"content-length", b"transfer-encoding"})


class BodyTooLarge(HTTPException):
    """More bytes came than the route allows; as what the framework lets through while it reads a body."""

    def __init__(self) -> None:
        super().__init__(413)


class Limits:
    """ASGI middleware: refuses a body that is too large, sets headers. The id comes from ``watching``.

    ``limit_of`` gives the most bytes for a path. A declared length is refused before a byte is
    read; an undeclared one as soon as it passes the limit.
    """

    def __init__(
        self, app: ASGIApp, limit_of: Callable[[str], int], refuse: Callable[[Scope], Response], secure: bool
    ) -> None:
        self.app = app
        self.limit_of = limit_of
        self.refuse = refuse
        self.secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.limit_of(scope["path"])
        started = False
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise BodyTooLarge
            return message

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._add_headers(message, scope)
            await send(message)

        declared = b""
        has_body = False
        for name, value in scope["headers"]:
            if name in _OF_A_BODY:
                has_body = True
                declared = declared or (value if name == b"content-length" else b"")
        if not has_body:
            # Nothing can come, so nothing is counted.
            await self.app(scope, receive, send_with_headers)
            return
        declared = declared or b"0"
        if not declared.isdigit() or int(declared) > limit:
            await self.refuse(scope)(scope, receive, send_with_headers)
            return
        try:
            await self.app(scope, counted, send_with_headers)
        except BodyTooLarge:
            if started:
                raise
            await self.refuse(scope)(scope, receive, send_with_headers)

    def _add_headers(self, message: Message, scope: Scope) -> None:
        message["headers"] = with_headers(message["headers"], scope["state"]["request_id"], secure=self.secure)


def with_headers(raw: Iterable[tuple[bytes, bytes]], request_id: str, *, secure: bool) -> list[tuple[bytes, bytes]]:
    """An answer's headers and those of every answer, which an answer's own take the place of.

    Also for one that is made outside of all middleware.
    """
    headers = list(raw)
    own = {name for name, _ in headers}
    headers += [header for header in _RAW if header[0] not in own]
    headers.append((b"x-request-id", request_id.encode()))
    if secure:
        headers.append(_STRICT)
    return headers
