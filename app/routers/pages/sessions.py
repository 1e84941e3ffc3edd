"""Signing in and out."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from app.catalogues import LANGUAGES
from app.errors import DomainError
from app.routers import credentials, forms, rendering
from app.routers.dependencies import (
    Configuration,
    Form,
    Now,
    PageActor,
    Store,
    check_origin,
    cookie_name,
    visit_of,
)
from app.routers.errors import STATUS
from app.schemas.session import SignIn
from app.services import sessions

router = APIRouter()


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The sign-in form: what was typed and what was wrong with it."""

    next: str
    login: str = ""
    refused: str = ""
    errors: dict[str, str] = field(default_factory=dict)


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


@router.post("/sign-out", name="sessions.close")
def sign_out(request: Request, _form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Revoke the session on the server, then forget the cookie."""
    with store.transaction() as session:
        sessions.close(session, actor, now)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(cookie_name(request, "session"), path="/")
    return response


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
