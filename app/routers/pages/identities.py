"""Signing in at an OpenID provider, and the links that the system administrator keeps.

The browser is sent there by a plain link: a form would be stopped by the content policy, and rightly.
"""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Path, Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from app.adapters.provider import ProviderUnreachable
from app.errors import DomainError
from app.messages import N_
from app.permissions import Permission
from app.routers import forms, openid, rendering
from app.routers.dependencies import Configuration, Form, Now, PageActor, Store, cookie_name, needs, settings
from app.routers.errors import STATUS
from app.routers.late import LateRoute
from app.routers.pages import sessions as session_pages
from app.routers.pages import users as user_pages
from app.routers.pages.sessions import OpenForm, SignInPage
from app.schemas.base import MAX_ID
from app.schemas.identity import IdentityLink, LinkProof
from app.schemas.user import Reason
from app.services import identities, openid_sign_ins

P = Permission
UserId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(route_class=LateRoute)
_FLOW, _ASKING = "openid", "asking"


@dataclass(frozen=True, slots=True)
class LinkPage:
    """The form with which a person links their own account."""

    login: str
    provider: str
    next: str
    errors: dict[str, str] = field(default_factory=dict)


@router.get("/sign-in/oidc", name="identities.begin")
def begin(request: Request, now: Now, next: str = "/") -> Response:
    """Send the browser to the provider, with a cookie that has to come back with it."""
    target = session_pages.inside(next)
    try:
        made, url = openid.depart(request, target, now)
    except DomainError as refusal:
        return _sign_in_again(request, refusal, target)
    response = RedirectResponse(url, 303, {"Cache-Control": "no-store"})
    _keep(request, response, _FLOW, made.browser, openid_sign_ins.FLOW_MINUTES)
    return response


@router.get("/sign-in/oidc/callback", name="identities.finish")
def finish(request: Request, now: Now) -> Response:
    """The browser comes back: a session, the second factor, or the question whose account it is."""
    try:
        browser = request.cookies.get(cookie_name(request, _FLOW), "")
        done, target = openid.come_back(request, browser, now)
    except DomainError as refusal:
        return _sign_in_again(request, refusal, "/")
    if isinstance(done, str):
        response: Response = RedirectResponse(session_pages.with_next("/sign-in/link", target), 303)
        _keep(request, response, _ASKING, done, openid_sign_ins.LINK_MINUTES)
    else:
        response = session_pages.entered(request, done, session_pages.inside(target))
    response.delete_cookie(cookie_name(request, _FLOW), path="/")
    return response


@router.get("/sign-in/link", name="identities.ask")
def show_link(request: Request, store: Store, configuration: Configuration, now: Now, next: str = "/") -> Response:
    """Ask a person who came back for what their account opens with; anybody else is sent to the sign-in page."""
    with store.reading() as session:
        found = openid_sign_ins.asking(session, request.cookies.get(cookie_name(request, _ASKING), ""), now)
    if found is None:
        return RedirectResponse("/sign-in", 303)
    context = LinkPage(found.login, configuration.oidc_name, session_pages.inside(next))
    return rendering.page(request, "identities/link.html", context)


@router.post("/sign-in/link", name="identities.link_own")
def link_own(request: Request, form: OpenForm, store: Store, configuration: Configuration, now: Now) -> Response:
    """Link the account for good, and go on signing in."""
    token = request.cookies.get(cookie_name(request, _ASKING), "")
    target = session_pages.inside(str(form.get("next", "/")))
    try:
        done = openid.link(request, token, forms.checked(LinkProof, form).secret, now)
    except openid_sign_ins.FlowOver as refusal:
        return _sign_in_again(request, refusal, target)
    except DomainError as refusal:
        with store.reading() as session:
            found = openid_sign_ins.asking(session, token, now)
        login = found.login if found else ""
        context = LinkPage(login, configuration.oidc_name, target, rendering.sentences(request, refusal))
        return rendering.refused(request, "identities/link.html", context, refusal, STATUS[refusal.kind])
    response = session_pages.entered(request, done, target)
    response.delete_cookie(cookie_name(request, _ASKING), path="/")
    return response


@router.get("/sign-in/oidc/leave", name="identities.leave")
def leave(request: Request, configuration: Configuration) -> Response:
    """Sign out at the provider too, where it offers that; a person asks for it after signing out here."""
    try:
        url = openid.provider(request).end_session_url(f"{configuration.public_url.rstrip('/')}/sign-in")
    except ProviderUnreachable:
        url = None
    return RedirectResponse(url or "/sign-in", 303, {"Cache-Control": "no-store"})


@router.post("/users/{user_id}/link-identity", name="identities.link", dependencies=[needs(P.USER_MANAGE)])
def link_identity(request: Request, user_id: UserId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Link a subject of the provider to an account."""

    def do(session: Session) -> None:
        subject = forms.checked(IdentityLink, form).subject
        identities.link(session, settings(request), actor, user_id, forms.version_of(form), subject, now=now)

    return user_pages.verb(request, user_id, actor, store, do, N_("The account is linked."))


@router.post("/users/{user_id}/permit-link", name="identities.permit", dependencies=[needs(P.USER_MANAGE)])
def permit_link(request: Request, user_id: UserId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Let the person link the account when signing in at the provider, within a week."""

    def do(session: Session) -> None:
        identities.permit(session, settings(request), actor, user_id, forms.version_of(form), now=now)

    return user_pages.verb(request, user_id, actor, store, do, N_("The person can link the account within a week."))


@router.post("/users/{user_id}/unlink-identity", name="identities.unlink", dependencies=[needs(P.USER_MANAGE)])
def unlink_identity(
    request: Request, user_id: UserId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Take the link away."""

    def do(session: Session) -> None:
        reason = forms.checked(Reason, form).reason
        identities.unlink(session, actor, user_id, forms.version_of(form), reason=reason, now=now)

    return user_pages.verb(request, user_id, actor, store, do, N_("The link is taken away."))


def _keep(request: Request, response: Response, name: str, value: str, minutes: int) -> None:
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=minutes * 60,
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings(request).secure_cookies,
    )


def _sign_in_again(request: Request, refusal: DomainError, target: str) -> Response:
    context = SignInPage(target, refused=refusal.code, provider=session_pages.provider_name(request))
    return rendering.refused(request, "sessions/new.html", context, refusal, STATUS[refusal.kind])
