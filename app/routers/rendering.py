"""Pages and fragments: the one place that renders templates and decides which of the two goes out.

A page is a frozen dataclass of context plus a template; names that the context lacks are errors.
Templates are read in the reader's language by an environment of its own.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app import clock
from app.catalogues import LANGUAGES, translate, translations
from app.errors import DomainError
from app.routers import moments, navigation, statics
from app.routers.dependencies import Visit, cookie_name, database, mask, settings, visit_of
from app.routers.templates import Templates

_FLASH = "flash"
LANGUAGE_COOKIE = "language"


@dataclass(frozen=True, slots=True)
class Flash:
    """One sentence about what was just done: ``kind`` is done, refused or note."""

    kind: str
    text: str
    undo_url: str = ""


@dataclass(frozen=True, slots=True)
class RefusalPage:
    """The context of an error page: its status, its stable code and its sentence."""

    status: int
    code: str
    sentence: str
    request_id: str


def language_of(request: Request) -> str:
    """The reader's language: the person's choice, the browser's cookie, or the setting."""
    visit: Visit | None = getattr(request.state, "visit", None)
    if visit is not None and visit.actor is not None and visit.actor.language in LANGUAGES:
        return visit.actor.language
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if request.url.path.startswith("/api/"):
        chosen = request.headers.get("accept-language", "")[:2].replace("zh", "zh_CN") or chosen
    return chosen if chosen in LANGUAGES else settings(request).language


def is_fragment(request: Request) -> bool:
    """Whether htmx asks for a part of the page; a boosted link or a restored page wants all of it."""
    headers = request.headers
    return headers.get("hx-request") == "true" and headers.get("hx-request-type", "partial") != "full"


def page(
    request: Request,
    template: str,
    context: Any,
    *,
    fragment: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    flash: Sequence[Flash] = (),
) -> Response:
    """``template`` with ``context`` as ``page``; ``fragment`` instead where htmx asks for a part."""
    partial = fragment is not None and is_fragment(request)
    values = _frame(request) | {"page": context, "flash": [*_read_flash(request), *flash]}
    html = environment(language_of(request)).get_template(fragment if partial and fragment else template).render(values)
    response = HTMLResponse(
        html, status, {"Cache-Control": "no-store", "Vary": "HX-Request, Cookie", **(headers or {})}
    )
    if _FLASH in request.cookies and not partial:
        response.delete_cookie(_FLASH, path="/")
    return response


def redirect(request: Request, path: str, flash: Flash | None = None) -> Response:
    """303 to ``path`` after a verb; the sentence about it is shown there once."""
    response = RedirectResponse(path, 303)
    if flash is not None:
        value = database(request).vault.sign(orjson.dumps([flash.kind, flash.text, flash.undo_url]).decode())
        response.set_cookie(
            _FLASH, value, max_age=60, path="/", httponly=True, samesite="lax", secure=settings(request).secure_cookies
        )
    return response


def done(request: Request, message: str, **values: object) -> Flash:
    """A sentence of what was done, in the reader's language."""
    return Flash("done", translate(language_of(request), message, values))


def refusal(request: Request, error: DomainError, status: int) -> Response:
    """A refusal as a page of its own, or as a sentence for htmx to show."""
    sentence = translate(language_of(request), error.message, error.values)
    context = RefusalPage(status, error.code, sentence, request.state.request_id)
    return page(request, "errors/refusal.html", context, fragment="errors/_refusal.html", status=status)


def refused(
    request: Request, template: str, context: Any, error: DomainError, status: int, *, fragment: str | None = None
) -> Response:
    """A form again, with what was typed and the sentence of the refusal at the top."""
    sentence = translate(language_of(request), error.message, error.values)
    return page(request, template, context, fragment=fragment, status=status, flash=[Flash("refused", sentence)])


def sentence_of(request: Request, error: DomainError) -> str:
    """A refusal's own sentence in the reader's language."""
    return translate(language_of(request), error.message, error.values)


def sentences(request: Request, error: DomainError) -> dict[str, str]:
    """Field > sentence of a refused form, in the reader's language."""
    language = language_of(request)
    return {e.field: translate(language, e.message, dict(e.values)) for e in error.errors}


def _read_flash(request: Request) -> list[Flash]:
    signed = request.cookies.get(_FLASH)
    opened = database(request).vault.open_signed(signed) if signed else None
    return [Flash(*orjson.loads(opened))] if opened else []


def _frame(request: Request) -> dict[str, Any]:
    visit = visit_of(request)
    now = clock.now()
    language = language_of(request)
    return {
        "actor": visit.actor,
        "csrf": mask(visit.csrf) if visit.csrf else "",
        "language": language,
        "navigation": navigation.build(visit.actor, request.url.path, language) if visit.actor else [],
        "now": now,
        "request_path": request.url.path,
        "theme": request.cookies.get("theme", ""),
        "today": clock.date_of(now),
        "url": lambda name, **values: _path(request, name, values),
    }


def _path(request: Request, name: str, values: dict[str, Any]) -> str:
    """The path of a route; values that are not part of it become its query."""
    query = values.pop("query", None)
    path = str(request.app.url_path_for(name, **values))
    kept = {key: value for key, value in query.items() if value not in (None, "", [])} if query else {}
    return f"{path}?{urlencode(kept, doseq=True)}" if kept else path


@cache
def environment(language: str) -> Templates:
    """The Jinja environment of one language."""
    found = Templates(translations(language))
    # Imported macros see the globals of the environment, not the context of the page.
    found.globals["static"] = statics.url
    # Every form that is shown carries a key of its own, so that sending it twice does it once.
    found.globals["new_key"] = lambda: secrets.token_urlsafe(16)
    found.filters["date_iso"] = lambda value: value.isoformat() if value else ""
    found.filters["date_text"] = partial(moments.date_text, language)
    found.filters["time_text"] = partial(moments.time_text, language)
    found.filters["ago"] = partial(moments.ago, language)
    found.filters["translated"] = lambda message, **values: translate(language, message, values)
    return found


__all__ = [
    "Flash",
    "cookie_name",
    "done",
    "environment",
    "is_fragment",
    "language_of",
    "page",
    "redirect",
    "refusal",
    "refused",
    "sentences",
]
