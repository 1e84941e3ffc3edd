"""Signing in and out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from app.catalogues import LANGUAGES
from app.errors import DomainError
from app.messages import N_
from app.permissions import Permission
from app.routers import credentials, forms, rendering
from app.routers.dependencies import (
    Configuration,
    Form,
    Now,
    PageActor,
    Store,
    check_origin,
    cookie_name,
    needs,
    visit_of,
)
from app.routers.errors import STATUS
from app.schemas.base import MAX_ID
from app.schemas.session import SessionQuery, SignIn
from app.services import sessions

P = Permission
router = APIRouter()


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The sign-in form: what was typed and what was wrong with it."""

    next: str
    login: str = ""
    refused: str = ""
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
def show_sign_in(request: Request, next: str = "/") -> Response:
    """The form; a person who is signed in already goes on."""
    if visit_of(request).actor is not None:
        return RedirectResponse(_inside(next), 303)
    return rendering.page(request, "sessions/new.html", SignInPage(next=_inside(next)))


@router.post("/sign-in", name="sessions.open")
def sign_in(request: Request, form: OpenForm, settings: Configuration, now: Now) -> Response:
    """Check the password outside any transaction, then open a session and set its cookie."""
    login, target = str(form.get("login", "")).strip(), _inside(str(form.get("next", "/")))
    try:
        opened = credentials.sign_in(request, forms.checked(SignIn, form), now)
    except DomainError as refusal:
        context = SignInPage(target, login, refusal.code, rendering.sentences(request, refusal))
        return rendering.refused(request, "sessions/new.html", context, refusal, STATUS[refusal.kind])
    response = RedirectResponse("/password" if opened.must_change_password else target, 303)
    response.set_cookie(
        cookie_name(request, "session"),
        opened.token,
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookies,
    )
    return response


@router.post("/sign-out", name="sessions.close", dependencies=[needs(None, anywhere=True)])
def sign_out(request: Request, _form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Revoke the session on the server, then forget the cookie."""
    with store.transaction() as session:
        sessions.close(session, actor, now)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(cookie_name(request, "session"), path="/")
    return response


@router.get("/sessions", name="sessions.index", dependencies=[needs(P.ACCOUNT_MANAGE)])
def list_sessions(request: Request, actor: PageActor, store: Store, settings: Configuration, now: Now) -> Response:
    """Where the reader is signed in."""
    query = forms.checked(SessionQuery, request.query_params)
    with store.reading() as session:
        page = sessions.own(session, settings, actor, now, limit=query.limit, cursor=query.cursor)
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
    response = RedirectResponse(_inside(str(form.get("next", "/"))), 303)
    if chosen in LANGUAGES:
        response.set_cookie(rendering.LANGUAGE_COOKIE, chosen, max_age=31536000, path="/", samesite="lax")
    return response


@router.post("/theme", name="sessions.theme")
def choose_theme(form: OpenForm) -> Response:
    """Keep the chosen theme, light, dark or the system's, in a cookie."""
    chosen = str(form.get("theme", ""))
    response = RedirectResponse(_inside(str(form.get("next", "/"))), 303)
    if chosen in ("light", "dark", ""):
        response.set_cookie("theme", chosen, max_age=31536000, path="/", samesite="lax")
    return response


def _inside(target: str) -> str:
    """``target`` if it is a path of this site; a link from outside cannot send people elsewhere."""
    inside = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if inside and not any(ord(character) < 32 for character in target) else "/"
