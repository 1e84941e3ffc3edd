"""Refusals on the way out: the one table kind > status, and how each caller is told.

An API caller gets application/problem+json (RFC 9457); a person gets a page, and a fragment where
htmx asked for one. The sentence is in the reader's language, the code is stable.
"""

import logging
from collections.abc import Callable
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from app import logs
from app.catalogues import translate
from app.errors import DomainError, FieldError, InvalidInput, Kind, NotFound, Unauthenticated
from app.messages import N_
from app.routers import limits, rendering
from app.routers.dependencies import (
    MustAddSecondFactor,
    MustChangePassword,
    VersionRequired,
    VersionUnreadable,
    database,
    settings,
    visit_of,
)
from app.schemas.base import Problem
from app.services import events

log = logging.getLogger("duikou")

STATUS = {
    Kind.INVALID: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.STALE: 412,
    Kind.PRECONDITION_REQUIRED: 428,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 415,
    Kind.THROTTLED: 429,
    Kind.UNAVAILABLE: 503,
    Kind.FULL: 507,
}
TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    428: "Precondition Required",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
    507: "Insufficient Storage",
}
# What pydantic calls a mistake > our stable code and sentence. A test holds that none is missing.
MISTAKES: dict[str, tuple[str, str]] = {
    "missing": ("required", N_("Please fill this in.")),
    "string_too_short": ("required", N_("Please fill this in.")),
    "string_too_long": ("too_long", N_("At most %(max_length)s characters.")),
    "extra_forbidden": ("unknown_field", N_("There is no such field.")),
    "int_parsing": ("not_a_number", N_("Please give a whole number.")),
    "int_type": ("not_a_number", N_("Please give a whole number.")),
    "int_from_float": ("not_a_number", N_("Please give a whole number.")),
    "int_parsing_size": ("not_a_number", N_("Please give a whole number.")),
    "greater_than_equal": ("too_small", N_("At least %(ge)s.")),
    "less_than_equal": ("too_large", N_("At most %(le)s.")),
    "enum": ("not_a_choice", N_("Please choose one of: %(expected)s.")),
    "literal_error": ("not_a_choice", N_("Please choose one of: %(expected)s.")),
    "bool_parsing": ("not_yes_or_no", N_("Please say yes or no.")),
    "bool_type": ("not_yes_or_no", N_("Please say yes or no.")),
    "json_invalid": ("unreadable_body", N_("The request body is not JSON.")),
    "too_long": ("too_many", N_("At most %(max_length)s entries.")),
    "too_short": ("too_few", N_("At least %(min_length)s entries.")),
}
_DATES = ("date_from_datetime_parsing", "date_parsing", "date_type", "date_from_datetime_inexact")
MISTAKES |= dict.fromkeys(_DATES, ("not_a_date", N_("Please give a date such as 2026-11-23.")))
_TIMES = ("datetime_from_date_parsing", "datetime_parsing", "datetime_type", "timezone_aware")
MISTAKES |= dict.fromkeys(_TIMES, ("not_a_time", N_("Please give a time with its zone, such as 2026-11-23T08:00:00Z.")))
_ANY_MISTAKE = ("invalid", N_("This value cannot be used."))


class BadBody(DomainError):
    """A body that is not what the route reads."""

    kind = Kind.INVALID
    code = "unreadable_body"
    message = N_("The request body is not JSON.")


def field_errors(mistakes: Any) -> tuple[FieldError, ...]:
    """Pydantic's findings as our fields, codes and sentences."""
    found = []
    for mistake in mistakes:
        code, message = MISTAKES.get(mistake["type"], _ANY_MISTAKE)
        places = [str(place) for place in mistake["loc"] if place not in ("body", "query", "path", "header")]
        found.append(FieldError(".".join(places) or "body", code, message, tuple(mistake.get("ctx", {}).items())))
    return tuple(found)


def problem(request: Request, refusal: DomainError, status: int | None = None) -> Response:
    """A refusal as application/problem+json."""
    language = rendering.language_of(request)
    status = status or STATUS[refusal.kind]
    body = {
        "type": "about:blank",
        "title": TITLES[status],
        "status": status,
        "detail": translate(language, refusal.message, refusal.values),
        "code": refusal.code,
        "errors": [
            {"field": e.field, "code": e.code, "message": translate(language, e.message, dict(e.values))}
            for e in refusal.errors
        ],
    }
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 429 and "minutes" in refusal.values:
        headers["Retry-After"] = str(60 * int(str(refusal.values["minutes"])))
    return Response(orjson.dumps(body), status, headers, "application/problem+json")


def answer(request: Request, refusal: DomainError, status: int | None = None) -> Response:
    """A refusal in the form that this caller reads."""
    if request.url.path.startswith("/api/"):
        return problem(request, refusal, status)
    if isinstance(refusal, Unauthenticated):
        return _to_page(request, "/sign-in", remember=True)
    if isinstance(refusal, MustChangePassword):
        return _to_page(request, "/password", remember=False)
    if isinstance(refusal, MustAddSecondFactor):
        return _to_page(request, "/second-factor", remember=False)
    return rendering.refusal(request, refusal, status or STATUS[refusal.kind])


def _to_page(request: Request, path: str, *, remember: bool) -> Response:
    target = URL(path)
    if remember and request.method == "GET" and request.url.path != "/":
        target = target.include_query_params(next=str(request.url.replace(scheme="", netloc="")))
    if rendering.is_fragment(request):
        # htmx would put the sign-in page inside a table row; this makes it open as a page.
        return Response(status_code=204, headers={"HX-Redirect": str(target)})
    return RedirectResponse(str(target), 303)


class NoSuchMethod(DomainError):
    """A method that the route does not know."""

    kind = Kind.INVALID
    code = "method_not_allowed"
    message = N_("This address does not take that request.")


class RequestRefused(DomainError):
    """What the framework itself refuses, such as a form that cannot be read."""

    kind = Kind.INVALID
    code = "bad_request"
    message = N_("The request could not be read.")


class BodyRefused(DomainError):
    """More than the route takes."""

    kind = Kind.TOO_LARGE
    code = "too_large"
    message = N_("This is larger than can be taken here.")


class Broken(DomainError):
    """A mistake of ours; the request id leads to the log."""

    kind = Kind.UNAVAILABLE
    code = "internal_error"
    message = N_("Something went wrong here; nothing was saved. Please give the administrator this number: %(id)s")


def install(app: FastAPI, methods_of: Callable[[str], list[str]]) -> None:
    """Register a handler for everything that can be raised; ``methods_of`` gives what an address takes."""

    @app.exception_handler(DomainError)
    def _domain(request: Request, error: DomainError) -> Response:
        if error.kind is Kind.FORBIDDEN and not isinstance(error, MustChangePassword | MustAddSecondFactor):
            _note_refusal(request, error)
        return answer(request, error)

    @app.exception_handler(RequestValidationError)
    def _validation(request: Request, error: RequestValidationError) -> Response:
        mistakes = error.errors()
        version = next((mistake for mistake in mistakes if mistake["loc"] == ("header", "If-Match")), None)
        if version is not None:
            missing = version["type"] == "missing"
            return answer(request, VersionRequired("If-Match") if missing else VersionUnreadable("If-Match"))
        if any(mistake["type"] == "json_invalid" for mistake in mistakes):
            return answer(request, BadBody(field="body"))
        if request.url.path.startswith("/api/") or not _path_at_fault(mistakes):
            return answer(request, InvalidInput(field_errors(mistakes)))
        return answer(request, NotFound())

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return answer(request, NotFound())
        if error.status_code == 405:
            response = answer(request, NoSuchMethod(), 405)
            # The framework names the methods of the first route that fits; the address may have several.
            response.headers["Allow"] = ", ".join(methods_of(request.url.path)) or (error.headers or {}).get(
                "Allow", ""
            )
            return response
        form = request.headers.get("content-type", "").startswith("multipart/")
        if error.status_code == 400 and request.url.path.startswith("/api/") and not form:
            # Bytes that are no text at all: the framework does not count them as JSON that went wrong.
            return answer(request, BadBody(field="body"))
        if error.status_code == 413:
            return answer(request, BodyRefused())
        return answer(request, RequestRefused(), error.status_code if error.status_code in TITLES else 400)

    @app.exception_handler(Exception)
    def _bug(request: Request, error: Exception) -> Response:
        request_id = request.state.request_id
        # This is called outside of all middleware, where the id is no longer that of the present task.
        token = logs.working_for.set(request_id)
        log.error("unhandled", exc_info=error)
        logs.working_for.reset(token)
        # The server logs it once more, with the error's text; app/logs drops what is marked.
        error.was_logged = True  # type: ignore[attr-defined]
        response = answer(request, Broken(id=request_id), 500)
        response.raw_headers = limits.with_headers(
            response.raw_headers, request_id, secure=settings(request).secure_cookies
        )
        return response


def _note_refusal(request: Request, error: DomainError) -> None:
    """Record that somebody asked for what they may not do; the answer does not depend on it."""
    actor = visit_of(request).actor
    if actor is None:
        return
    route = request.scope.get("route")
    asked = f"{request.method} {getattr(route, 'path', request.url.path)}"
    try:
        with database(request).transaction() as session:
            events.record_access(
                session, actor, "access.refuse", subject_type="routes", name=asked, details={"code": error.code}
            )
    except DomainError as trouble:
        log.warning("a refusal could not be recorded: %s", trouble.code)


def _path_at_fault(mistakes: Any) -> bool:
    return any(mistake["loc"] and mistake["loc"][0] == "path" for mistake in mistakes)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of an API route: these statuses, each a problem."""
    return {
        status: {
            "description": TITLES[status],
            "model": Problem,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
