"""Second factors: one's own, step by step, and what the administrators see of resets.

None of these forms is kept for a second sending (replay.py): what they carry or answer is secret.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from app.errors import DomainError, Forbidden, NotFound
from app.messages import N_
from app.papers import qr_code
from app.papers.qr_code import QrCode
from app.permissions import Permission
from app.routers import credentials, forms, rendering
from app.routers.dependencies import Configuration, Form, Now, PageActor, Store, needs
from app.routers.errors import STATUS
from app.routers.late import LateRoute
from app.routers.pages import users as user_pages
from app.schemas.base import MAX_ID
from app.schemas.second_factor import EnrolmentConfirm, FullProof, Proof, ResetQuery
from app.schemas.user import Reason
from app.services import second_factors, users
from app.services.second_factors import Enrolment, EnrolmentOver, State
from app.services.sessions import Duty

P = Permission
UserId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(route_class=LateRoute)


@dataclass(frozen=True, slots=True)
class FactorPage:
    """One's own factor; ``asked`` is the form whose mistakes are shown."""

    state: State
    asked: str = ""
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EnrolmentPage:
    """A generator that is being added: the picture, the secret in text, the field for the first code."""

    enrolment: str
    secret: str
    picture: QrCode
    minutes: int = second_factors.MINUTES
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CodesPage:
    """Recovery codes, shown this once."""

    codes: Sequence[str]
    login: str


@dataclass(frozen=True, slots=True)
class ResetsPage:
    """The factors that were reset, newest first."""

    rows: Sequence[Any]
    next_cursor: str | None
    query: ResetQuery


@router.get("/second-factor", name="second_factors.show", dependencies=[needs(P.ACCOUNT_MANAGE, Duty.SECOND_FACTOR)])
def show_second_factor(request: Request, actor: PageActor, store: Store, settings: Configuration) -> Response:
    """Whether there is one, and what can be done."""
    with store.reading() as session:
        context = FactorPage(second_factors.state(session, settings, actor))
    return rendering.page(request, "second_factors/show.html", context)


@router.post(
    "/second-factor/begin", name="second_factors.begin", dependencies=[needs(P.ACCOUNT_MANAGE, Duty.SECOND_FACTOR)]
)
def begin_second_factor(
    request: Request, form: Form, actor: PageActor, store: Store, settings: Configuration, now: Now
) -> Response:
    """A fresh secret, shown as a picture and as text; nothing holds yet."""
    try:
        begun = credentials.begin_second_factor(request, actor, forms.checked(Proof, form), now)
    except DomainError as refusal:
        return _again(request, actor, store, settings, refusal, "begin")
    return rendering.page(request, "second_factors/enrol.html", _enrolment_page(begun))


@router.post(
    "/second-factor/confirm", name="second_factors.confirm", dependencies=[needs(P.ACCOUNT_MANAGE, Duty.SECOND_FACTOR)]
)
def confirm_second_factor(
    request: Request, form: Form, actor: PageActor, store: Store, settings: Configuration, now: Now
) -> Response:
    """Hold the account to the generator from now on, and show the recovery codes this once."""
    try:
        data = forms.checked(EnrolmentConfirm, form)
        with store.transaction() as session:
            codes = second_factors.confirm(session, settings, actor, data.enrolment, data.code, now=now)
    except (EnrolmentOver, second_factors.SecondFactorStands) as refusal:
        return _again(request, actor, store, settings, refusal, "begin")
    except DomainError as refusal:
        with store.reading() as session:
            given = str(form.get("enrolment", ""))[:1000]
            begun = second_factors.reopened(session, settings, actor, given, now)
        context = _enrolment_page(begun, rendering.sentences(request, refusal))
        return rendering.refused(request, "second_factors/enrol.html", context, refusal, STATUS[refusal.kind])
    return _codes_page(request, actor, store, codes)


@router.post("/second-factor/renew-codes", name="second_factors.renew_codes", dependencies=[needs(P.ACCOUNT_MANAGE)])
def renew_codes(
    request: Request, form: Form, actor: PageActor, store: Store, settings: Configuration, now: Now
) -> Response:
    """New recovery codes; the old ones end."""
    try:
        codes = credentials.renew_codes(request, actor, forms.checked(FullProof, form), now)
    except DomainError as refusal:
        return _again(request, actor, store, settings, refusal, "renew")
    return _codes_page(request, actor, store, codes)


@router.post("/second-factor/remove", name="second_factors.remove", dependencies=[needs(P.ACCOUNT_MANAGE)])
def remove_second_factor(
    request: Request, form: Form, actor: PageActor, store: Store, settings: Configuration, now: Now
) -> Response:
    """Take one's own factor away."""
    try:
        credentials.remove_second_factor(request, actor, forms.checked(FullProof, form), now)
    except DomainError as refusal:
        return _again(request, actor, store, settings, refusal, "remove")
    done = rendering.done(request, N_("The second factor is removed. You are signed out everywhere else."))
    return rendering.redirect(request, "/second-factor", done)


@router.get("/second-factors/resets", name="second_factors.resets", dependencies=[needs(P.SECOND_FACTOR_READ)])
def list_resets(request: Request, actor: PageActor, store: Store) -> Response:
    """Whose factor was taken away, when, by whom and why: for the three administrators to watch."""
    query = forms.checked(ResetQuery, request.query_params)
    with store.reading() as session:
        page = second_factors.resets(session, actor, user_id=query.user, limit=query.limit, cursor=query.cursor)
    return rendering.page(request, "second_factors/resets.html", ResetsPage(page.rows, page.next_cursor, query))


@router.post("/users/{user_id}/reset-second-factor", name="second_factors.reset", dependencies=[needs(P.USER_MANAGE)])
def reset_second_factor(
    request: Request,
    user_id: UserId,
    form: Form,
    actor: PageActor,
    store: Store,
    settings: Configuration,
    now: Now,
) -> Response:
    """Take away the factor of a person who has lost it."""
    try:
        reason = forms.checked(Reason, form).reason
        with store.transaction() as session:
            second_factors.reset(session, actor, user_id, forms.version_of(form), reason=reason, now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        with store.reading() as session:
            context = user_pages.user_page(session, settings, actor, user_id)
        return rendering.refused(request, "users/show.html", context, refusal, STATUS[refusal.kind])
    sentence = N_("The second factor is taken away; the person is signed out and adds another when signing in.")
    return rendering.redirect(request, f"/users/{user_id}", rendering.done(request, sentence))


def _enrolment_page(begun: Enrolment, errors: dict[str, str] | None = None) -> EnrolmentPage:
    return EnrolmentPage(begun.enrolment, begun.secret, qr_code.draw(begun.address), errors=errors or {})


def _codes_page(request: Request, actor: PageActor, store: Store, codes: Sequence[str]) -> Response:
    with store.reading() as session:
        login = users.one(session, actor, actor.user_id or 0).login
    return rendering.page(request, "second_factors/codes.html", CodesPage(codes, login))


def _again(
    request: Request, actor: PageActor, store: Store, settings: Configuration, refusal: DomainError, asked: str
) -> Response:
    with store.reading() as session:
        context = FactorPage(
            second_factors.state(session, settings, actor), asked, rendering.sentences(request, refusal)
        )
    return rendering.refused(request, "second_factors/show.html", context, refusal, STATUS[refusal.kind])
