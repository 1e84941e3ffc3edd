"""Doing a POST once: with an Idempotency-Key, or with the key that a form carries hidden.

The claim and the stored answer are shared by all processes through the database. Only a person who
is signed in anew gets a stored answer: the key is digested together with who asks and with the route.
"""

import base64
import hashlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app import clock
from app.errors import DomainError
from app.messages import N_
from app.routers.dependencies import database, visit_of
from app.routers.late import LateRoute
from app.services import idempotency

log = logging.getLogger("duikou")
_KEPT_HEADERS = ("content-type", "etag", "location", "set-cookie", "hx-redirect")
_MAX_KEY = 200
_FORM = "application/x-www-form-urlencoded"
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class KeyUnusable(DomainError):
    """An Idempotency-Key that is empty or too long."""

    code = "idempotency_key_unusable"
    message = N_("An Idempotency-Key has 1 to 200 characters.")


class ReplayRoute(LateRoute):
    """A route whose POST is answered from the store when its key has been answered before."""

    def get_route_handler(self) -> Handler:
        """Wrap the handler; requests without a key pass untouched."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            if request.method != "POST":
                return await handler(request)
            key = await _key_of(request)
            if key is None:
                return await handler(request)
            return await _once(request, key, handler)

        return handle


async def _key_of(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is None and request.headers.get("content-type", "").startswith(_FORM):
        key = str((await request.form(max_files=0, max_fields=2000)).get("idempotency_key") or "") or None
    if key is not None and not 0 < len(key) <= _MAX_KEY:
        raise KeyUnusable(field="Idempotency-Key")
    return key


async def _once(request: Request, key: str, handler: Handler) -> Response:
    visit = await run_in_threadpool(visit_of, request)
    if visit.actor is None:
        return await handler(request)
    who = f"{visit.actor.user_id}/{visit.actor.token_id}/{request.url.path}/{key}"
    digest = hashlib.sha256(who.encode()).hexdigest()
    body_hash = await _body_hash(request)
    store = database(request)

    def claim() -> idempotency.Answer | None:
        with store.transaction() as session:
            return idempotency.claim(session, digest, body_hash, clock.now())

    kept = await run_in_threadpool(claim)
    if kept is not None:
        return _again(kept)
    mark = idempotency.working_under.set(digest)
    try:
        response = await handler(request)
    except BaseException:
        await run_in_threadpool(_release, request, digest)
        raise
    finally:
        idempotency.working_under.reset(mark)
    if response.status_code >= 400:
        await run_in_threadpool(_release, request, digest)
        return response
    await run_in_threadpool(_keep, request, digest, response)
    return response


async def _body_hash(request: Request) -> str:
    if request.headers.get("content-type", "").startswith(_FORM):
        form = await request.form(max_files=0, max_fields=2000)
        # The form's token is masked anew in every page and says nothing about what is asked.
        fields = sorted((name, str(value)) for name, value in form.multi_items() if name != "csrf")
        return hashlib.sha256(orjson.dumps(fields)).hexdigest()
    if request.headers.get("content-type", "").startswith("multipart/"):
        # A file is not read twice; its declared length stands for it.
        return hashlib.sha256(request.headers.get("content-length", "").encode()).hexdigest()
    return hashlib.sha256(await request.body()).hexdigest()


def _release(request: Request, digest: str) -> None:
    with database(request).transaction() as session:
        idempotency.release(session, digest)


def _keep(request: Request, digest: str, response: Response) -> None:
    headers = [(name, value) for name, value in response.headers.items() if name in _KEPT_HEADERS]
    body = base64.b64encode(bytes(response.body)).decode()
    answer = idempotency.Answer(response.status_code, orjson.dumps(headers).decode(), body)
    try:
        with database(request).transaction() as session:
            idempotency.keep(session, digest, answer)
    except DomainError as trouble:
        # The work is committed. Who asked is told so; only who asks again is told that the answer is lost.
        log.warning("the answer of a request could not be stored: %s", trouble.code)


def _again(kept: idempotency.Answer) -> Response:
    response = Response(base64.b64decode(kept.body), kept.status, {"Idempotency-Replayed": "true"})
    for name, value in orjson.loads(kept.headers):
        response.headers.append(name, value)
    return response
