"""The bare limit: uvicorn, and an application that answers bytes which the product once answered.

``python -m bench.bare PORT FILE``; FILE is what ``save`` wrote.
"""

import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uvicorn

from bench.client import Answer

# Written by the server itself, so they must not be said twice.
_OF_THE_SERVER = frozenset({"date", "server", "connection", "transfer-encoding"})
Key = tuple[str, bool]


def save(path: Path, answers: Mapping[Key, Answer]) -> None:
    """Keep captured answers: (path with query, asked with If-None-Match) > answer."""
    kept = {
        (address.encode(), conditional): (
            answer.status,
            [(n.encode(), v.encode()) for n, v in answer.headers if n not in _OF_THE_SERVER],
            answer.body,
        )
        for (address, conditional), answer in answers.items()
    }
    path.write_bytes(pickle.dumps(kept))


class Bare:
    """The smallest ASGI application that can answer them."""

    def __init__(self, path: Path) -> None:
        self.answers = pickle.loads(path.read_bytes())

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        """Look the answer up and send it."""
        if scope["type"] != "http":
            return
        query = scope["query_string"]
        path = scope["raw_path"] + (b"?" + query if query else b"")
        conditional = any(name == b"if-none-match" for name, _ in scope["headers"])
        status, headers, body = self.answers[path, conditional]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(
        Bare(Path(sys.argv[2])),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
    )
