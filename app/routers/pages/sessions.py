"""Signing in and out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from app.catalogues import LANGUAGES
from app.errors import DomainError
from app.messages import N_
from app.permissions import Permission
from app.routers import credentials, forms, openid, rendering
from app.routers.dependencies import (
    Configuration,
    Form,
    Now,
    PageActor,
    Store,
    check_origin,
    cookie_name,
    needs,
    settings,
    visit_of,
)
from app.routers.errors import STATUS
from app.routers.late import LateRoute
from app.schemas.base import MAX_ID
from app.schemas.second_factor import Code
from app.schemas.session import SessionQuery, SignIn
from app.services import sessions, sign_ins
from app.services.sessions import Opened
from app.services.sign_ins import Pending

P = Permission
router = APIRouter(route_class=LateRoute)
_PENDING = "pending"


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The sign-in form: what was typed and what was wrong with it."""

    next: str
    login: str = ""
    refused: str = ""
    provider: str = ""
    left: bool = False
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CodePage:
    """The form of the second step."""

    next: str
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionsPage:
    """One's own sign-ins that still hold."""

    rows: Sequence[Any]
    next_cursor: str | None


async def _open_form(request: Request) -> FormData:
    # Nobody is signed in yet, so there is no token to compare; the origin has to be ours.
    check_origin(request)
    return await request.form(max_files=0, max_fields=20)


OpenForm = Annotated[FormData, Depends(_open_form)]


@router.get("/sign-in", name="sessions.new")
def show_sign_in(request: Request, next: str = "/", left: bool = False) -> Response:
    """The form; a person who is signed in already goes on."""
    if visit_of(request).actor is not None:
        return RedirectResponse(inside(next), 303)
    provider = provider_name(request)
    context = SignInPage(inside(next), provider=provider, left=left and bool(provider))
    return rendering.page(request, "sessions/new.html", context)


@router.post("/sign-in", name="sessions.open")
def sign_in(request: Request, form: OpenForm, now: Now) -> Response:
    """The first step: check the password outside any transaction; then a session, or the second step."""
    login, target = str(form.get("login", "")).strip(), inside(str(form.get("next", "/")))
    try:
        done = credentials.sign_in(request, forms.checked(SignIn, form), now)
    except DomainError as refusal:
        context = SignInPage(
            target, login, refusal.code, provider_name(request), errors=rendering.sentences(request, refusal)
        )
        return rendering.refused(request, "sessions/new.html", context, refusal, STATUS[refusal.kind])
    return entered(request, done, target)


def entered(request: Request, done: Opened | Pending, target: str) -> Response:
    """On to ``target`` with the cookie of a session, or to the second step with the cookie of a pending sign-in."""
    pending = isinstance(done, Pending)
    response = RedirectResponse(with_next("/sign-in/code", target) if pending else target, 303)
    response.set_cookie(
        cookie_name(request, _PENDING if pending else "session"),
        done.token,
        max_age=sign_ins.MINUTES * 60 if pending else None,
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings(request).secure_cookies,
    )
    if not pending:
        response.delete_cookie(cookie_name(request, _PENDING), path="/")
    return response


@router.get("/sign-in/code", name="sessions.ask_code")
def show_code(request: Request, store: Store, now: Now, next: str = "/") -> Response:
    """The second step of a sign-in whose first was right; anybody else is sent to the first."""
    with store.reading() as session:
        half = sign_ins.find(session, request.cookies.get(cookie_name(request, _PENDING), ""), now)
    if half is None:
        return RedirectResponse("/sign-in", 303)
    return rendering.page(request, "sessions/code.html", CodePage(inside(next)))


@router.post("/sign-in/code", name="sessions.prove")
def prove(request: Request, form: OpenForm, now: Now) -> Response:
    """Take the code and open the session."""
    target = inside(str(form.get("next", "/")))
    token = request.cookies.get(cookie_name(request, _PENDING), "")
    try:
        opened = credentials.prove(request, token, forms.checked(Code, form), now)
    except sign_ins.SignInOver as refusal:
        context = SignInPage(target, refused=refusal.code, provider=provider_name(request))
        return rendering.refused(request, "sessions/new.html", context, refusal, STATUS[refusal.kind])
    except DomainError as refusal:
        errors = rendering.sentences(request, refusal)
        return rendering.refused(request, "sessions/code.html", CodePage(target, errors), refusal, STATUS[refusal.kind])
    return entered(request, opened, target)


@router.post("/sign-out", name="sessions.close", dependencies=[needs(None, always=True)])
def sign_out(request: Request, _form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Revoke the session on the server, then forget the cookie."""
    with store.transaction() as session:
        by = sessions.close(session, actor, now)
    # A form may lead nowhere else (content policy), so the way out at the provider is offered as a link.
    response = RedirectResponse("/sign-in?left=true" if by == openid.BY else "/sign-in", 303)
    response.delete_cookie(cookie_name(request, "session"), path="/")
    return response


@router.get("/sessions", name="sessions.index", dependencies=[needs(P.ACCOUNT_MANAGE)])
def list_sessions(request: Request, actor: PageActor, store: Store, configuration: Configuration, now: Now) -> Response:
    """Where the reader is signed in."""
    query = forms.checked(SessionQuery, request.query_params)
    with store.reading() as session:
        page = sessions.own(session, configuration, actor, now, limit=query.limit, cursor=query.cursor)
    return rendering.page(request, "sessions/index.html", SessionsPage(page.rows, page.next_cursor))


@router.post("/sessions/revoke-others", name="sessions.revoke_others", dependencies=[needs(P.ACCOUNT_MANAGE)])
def revoke_others(request: Request, _form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Sign out everywhere else."""
    with store.transaction() as session:
        number = sessions.revoke_others(session, actor, now)
    done = rendering.done(request, N_("%(number)s other sign-ins have ended."), number=number)
    return rendering.redirect(request, "/sessions", done)


@router.post("/sessions/{session_id}/revoke", name="sessions.revoke", dependencies=[needs(P.ACCOUNT_MANAGE)])
def revoke_session(
    request: Request,
    session_id: Annotated[int, Path(ge=1, le=MAX_ID)],
    _form: Form,
    actor: PageActor,
    store: Store,
    now: Now,
) -> Response:
    """End one of one's own sign-ins."""
    with store.transaction() as session:
        sessions.revoke(session, actor, session_id, now)
    return rendering.redirect(request, "/sessions", rendering.done(request, N_("That sign-in has ended.")))


@router.post("/language", name="sessions.language")
def choose_language(form: OpenForm) -> Response:
    """Keep the chosen language in a cookie, for people who are not signed in as well."""
    chosen = str(form.get("language", ""))
    response = RedirectResponse(inside(str(form.get("next", "/"))), 303)
    if chosen in LANGUAGES:
        response.set_cookie(rendering.LANGUAGE_COOKIE, chosen, max_age=31536000, path="/", samesite="lax")
    return response


@router.post("/theme", name="sessions.theme")
def choose_theme(form: OpenForm) -> Response:
    """Keep the chosen theme, light, dark or the system's, in a cookie."""
    chosen = str(form.get("theme", ""))
    response = RedirectResponse(inside(str(form.get("next", "/"))), 303)
    if chosen in ("light", "dark", ""):
        response.set_cookie("theme", chosen, max_age=31536000, path="/", samesite="lax")
    return response


def with_next(path: str, target: str) -> str:
    """``path`` with where to go on to in its query."""
    return f"{path}?{urlencode({'next': target})}"


def provider_name(request: Request) -> str:
    """What the sign-in page calls the provider; empty where there is none."""
    return settings(request).oidc_name if openid.is_offered(request) else ""


def inside(target: str) -> str:
    """``target`` if it is a path of this site; a link from outside cannot send people elsewhere."""
    inside = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if inside and not any(ord(character) < 32 for character in target) else "/"
