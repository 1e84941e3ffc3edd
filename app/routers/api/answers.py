"""Answers of the API: bytes made once, strong tags for things, weak tags for lists."""

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import orjson
from fastapi import Request
from sqlmodel import Session
from starlette.responses import Response

from app.database import Database
from app.permissions import Actor, Administrator, Seat
from app.routers.dependencies import visit_of
from app.routers.rendering import language_of
from app.services.paging import Slice

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
Listing = Callable[[Session], tuple[Sequence[Any], str | None]]


def thing(value: Any, *, status: int = 200, location: str | None = None) -> Response:
    """One thing, a schema or a named tuple with ``version``, and its strong ETag."""
    body = as_json(value)
    headers = {"Cache-Control": "no-store"}
    if isinstance(body, dict) and "version" in body:
        headers["ETag"] = f'"{body["version"]}"'
    if location is not None:
        headers["Location"] = location
    return Response(orjson.dumps(body, option=_OPTIONS), status, headers, "application/json")


def nothing() -> Response:
    """204, after a verb that leaves nothing to show."""
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def listing(request: Request, database: Database, actor: Actor, read: Listing) -> Response:
    """A page of a list; 304 where query, rights, language, date and newest event are as before.

    ``read`` gives the rows and the next cursor and is not called for a list that is unchanged.
    """
    # The horizon from before anything was read: what has happened since is in the next answer's tag.
    tag = _weak_tag(request, actor, visit_of(request).horizon)
    headers = {"Cache-Control": "private, no-cache", "ETag": tag, "Vary": "Authorization, Cookie, Accept-Language"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    with database.reading() as session:
        rows, following = read(session)
    body = {"items": _items(rows), "next_cursor": following}
    return Response(orjson.dumps(body, option=_OPTIONS), 200, headers, "application/json")


def _items(rows: Sequence[Any]) -> list[Any]:
    names = getattr(rows[0], "_fields", None) if rows else None
    if names is None or hasattr(rows[0], "model_dump"):
        return [as_json(row) for row in rows]
    # Rows of one statement: their names are looked up once.
    return [dict(zip(names, row, strict=False)) for row in rows]


def pair(page: Slice) -> tuple[Sequence[Any], str | None]:
    """The rows and the next cursor of a page, as ``listing`` takes them."""
    return page.rows, page.next_cursor


def as_json(value: Any) -> Any:
    """A schema, a named tuple or a row as a plain dictionary; anything else as it is."""
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if hasattr(value, "_asdict"):
        return value._asdict()
    return value


def _weak_tag(request: Request, actor: Actor, horizon: str) -> str:
    asked = [request.scope["path"], request.scope["query_string"].decode("latin-1"), language_of(request)]
    rights = _told(actor.seats, actor.administrator, actor.scopes or frozenset())
    seen = hashlib.sha256(
        "\n".join([*asked, horizon, actor.today.isoformat(), str(actor.user_id), rights]).encode()
    ).hexdigest()[:24]
    return f'W/"{seen}"'


@lru_cache(maxsize=512)
def _told(seats: tuple[Seat, ...], administrator: Administrator | None, scopes: frozenset[str]) -> str:
    """Rights as a text: the same for the same rights, in every process."""
    return repr([seats, administrator, sorted(scopes)])
