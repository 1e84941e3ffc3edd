"""Compression of answers, for whoever asks for it; the others do not pay for the asking."""

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Receive, Scope, Send


class Compression(GZipMiddleware):
    """The framework's middleware, left out of the way of a request that takes no gzip."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, its answer compressed where that was asked for."""
        if scope["type"] == "http" and not _takes_gzip(scope):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _takes_gzip(scope: Scope) -> bool:
    return any(name == b"accept-encoding" and b"gzip" in value for name, value in scope["headers"])
