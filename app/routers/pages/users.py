"""Accounts: the list, one account, opening, changing, closing, seats and handing over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from sqlmodel import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from app.errors import DomainError, Forbidden, NotFound, StaleVersion
from app.messages import N_
from app.permissions import Actor, Administrator, Permission, can
from app.routers import forms, rendering
from app.routers.dependencies import Form, Now, PageActor, Store, needs
from app.routers.dependencies import settings as settings_of
from app.routers.errors import STATUS
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID
from app.schemas.user import Appointment, HandOver, Reason, UserCreate, UserDetails, UserQuery, UserUpdate
from app.services import administrators, handovers, memberships, second_factors, users
from app.settings import Settings

P = Permission
UserId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(route_class=ReplayRoute)


@dataclass(frozen=True, slots=True)
class UsersPage:
    """The list: its rows, the filters in force and the unit that they name."""

    rows: Sequence[Any]
    next_cursor: str | None
    query: UserQuery
    unit_name: str
    may_manage: bool
    ending: int = 0


@dataclass(frozen=True, slots=True)
class UserPage:
    """One account, the roles of its person that the reader sees, and what the reader may do."""

    user: Any
    roles: Sequence[Any]
    may_manage: bool
    may_appoint: bool
    may_grant: bool
    own: bool
    sees_factor: bool
    resets: Sequence[Any]
    provider: str
    seats: tuple[str, ...] = tuple(seat.value for seat in Administrator)


@dataclass(frozen=True, slots=True)
class UserFormPage:
    """The form of a new account or of one that is changed; ``conflict`` is what somebody else saved."""

    values: dict[str, str]
    units: Sequence[Any]
    errors: dict[str, str] = field(default_factory=dict)
    user_id: int | None = None
    version: int | None = None
    conflict: Any = None


@dataclass(frozen=True, slots=True)
class HandOverPage:
    """What handing over will do, and who may take over."""

    user: Any
    summary: handovers.Summary
    successors: Sequence[Any]
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@router.get("/users", name="users.index", dependencies=[needs(P.USER_READ)])
def list_users(request: Request, actor: PageActor, store: Store) -> Response:
    """The people that the reader sees."""
    query = forms.checked(UserQuery, request.query_params)
    with store.reading() as session:
        page = users.page(session, actor, query, sort=query.sort, limit=query.limit, cursor=query.cursor)
        unit_name = users.unit_name(session, actor, query.unit)
        ending = users.ending_soon(session, actor)
    context = UsersPage(page.rows, page.next_cursor, query, unit_name, can(actor, P.USER_MANAGE), ending)
    return rendering.page(request, "users/index.html", context, fragment="users/_list.html")


@router.get("/users/new", name="users.new", dependencies=[needs(P.USER_MANAGE)])
def show_new_user(request: Request, actor: PageActor, store: Store) -> Response:
    """The form of a new account."""
    with store.reading() as session:
        context = UserFormPage({"kind": "person"}, users.unit_choices(session, actor))
    return rendering.page(request, "users/new.html", context)


@router.post("/users", name="users.create", dependencies=[needs(P.USER_MANAGE)])
def create_user(request: Request, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Open an account; its page offers the one-time code next."""
    try:
        data = forms.checked(UserCreate, form)
        with store.transaction() as session:
            user = users.create(session, actor, data, now=now)
    except DomainError as refusal:
        return _form_again(request, "users/new.html", form, actor, store, refusal)
    done = rendering.done(request, N_("The account %(login)s is open."), login=user.login)
    return rendering.redirect(request, f"/users/{user.key}", done)


@router.get("/users/{user_id}", name="users.show", dependencies=[needs(P.USER_READ)])
def show_user(request: Request, user_id: UserId, actor: PageActor, store: Store) -> Response:
    """One account, as far as the reader sees it."""
    with store.reading() as session:
        context = user_page(session, settings_of(request), actor, user_id)
    return rendering.page(request, "users/show.html", context)


@router.get("/users/{user_id}/edit", name="users.edit", dependencies=[needs(P.USER_MANAGE)])
def show_edit_user(request: Request, user_id: UserId, actor: PageActor, store: Store) -> Response:
    """The form of an account."""
    with store.reading() as session:
        row = users.one(session, actor, user_id)
        context = UserFormPage(_values(row), users.unit_choices(session, actor), user_id=user_id, version=row.version)
    return rendering.page(request, "users/edit.html", context)


@router.post("/users/{user_id}", name="users.update", dependencies=[needs(P.USER_MANAGE)])
def update_user(request: Request, user_id: UserId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Store the whole form; a field that was emptied is emptied."""
    try:
        whole = forms.checked(UserDetails, form)
        with store.transaction() as session:
            data = UserUpdate(**whole.model_dump())
            users.update(session, actor, user_id, forms.version_of(form), data, now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return _form_again(request, "users/edit.html", form, actor, store, refusal, user_id)
    done = rendering.done(request, N_("%(name)s was saved."), name=whole.name)
    return rendering.redirect(request, f"/users/{user_id}", done)


@router.post("/users/{user_id}/close", name="users.close", dependencies=[needs(P.USER_MANAGE)])
def close_user(request: Request, user_id: UserId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Close an account."""

    def do(session: Session) -> None:
        reason = forms.checked(Reason, form).reason
        users.close(session, actor, user_id, forms.version_of(form), reason=reason, now=now)

    return verb(request, user_id, actor, store, do, N_("The account is closed; nobody can use it any more."))


@router.post("/users/{user_id}/reopen", name="users.reopen", dependencies=[needs(P.USER_MANAGE)])
def reopen_user(request: Request, user_id: UserId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Open a closed account again."""

    def do(session: Session) -> None:
        reason = forms.checked(Reason, form).reason
        users.reopen(session, actor, user_id, forms.version_of(form), reason=reason, now=now)

    return verb(request, user_id, actor, store, do, N_("The account is open again."))


@router.post("/users/{user_id}/appoint", name="users.appoint", dependencies=[needs(P.ADMINISTRATOR_APPOINT)])
def appoint(request: Request, user_id: UserId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Give one of the three seats."""

    def do(session: Session) -> None:
        data = forms.checked(Appointment, form)
        version = forms.version_of(form)
        administrators.appoint(session, actor, user_id, version, data.administrator, reason=data.reason, now=now)

    return verb(request, user_id, actor, store, do, N_("The seat is given."))


@router.post("/users/{user_id}/dismiss", name="users.dismiss", dependencies=[needs(P.ADMINISTRATOR_APPOINT)])
def dismiss(request: Request, user_id: UserId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Take a seat back."""

    def do(session: Session) -> None:
        reason = forms.checked(Reason, form).reason
        administrators.dismiss(session, actor, user_id, forms.version_of(form), reason=reason, now=now)

    return verb(request, user_id, actor, store, do, N_("The seat is taken back; the person is signed out."))


@router.get("/users/{user_id}/hand-over", name="users.preview_hand_over", dependencies=[needs(P.USER_MANAGE)])
def show_hand_over(request: Request, user_id: UserId, actor: PageActor, store: Store, now: Now) -> Response:
    """What will happen, before it does."""
    with store.reading() as session:
        context = HandOverPage(
            users.one(session, actor, user_id),
            handovers.preview(session, actor, user_id, now),
            handovers.successors(session, actor, user_id),
        )
    return rendering.page(request, "users/hand_over.html", context)


@router.post("/users/{user_id}/hand-over", name="users.hand_over", dependencies=[needs(P.USER_MANAGE)])
def hand_over(request: Request, user_id: UserId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Hand over and close, in one step."""
    try:
        data = forms.checked(HandOver, form)
        with store.transaction() as session:
            made = handovers.hand_over(session, actor, user_id, forms.version_of(form), data, now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        with store.reading() as session:
            context = HandOverPage(
                users.one(session, actor, user_id),
                handovers.preview(session, actor, user_id, now),
                handovers.successors(session, actor, user_id),
                forms.kept(form),
                rendering.sentences(request, refusal),
            )
        return rendering.refused(request, "users/hand_over.html", context, refusal, STATUS[refusal.kind])
    sentence = N_("Handed over: %(tasks)s pieces of open work, %(roles)s roles ended. The account is closed.")
    done = rendering.done(request, sentence, tasks=made.assignments, roles=made.memberships)
    return rendering.redirect(request, f"/users/{user_id}", done)


def verb(
    request: Request, user_id: int, actor: Actor, store: Store, do: Callable[[Session], None], sentence: str
) -> Response:
    """Do it and go back to the account; a refusal shows the account with its reason."""
    try:
        with store.transaction() as session:
            do(session)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        with store.reading() as session:
            context = user_page(session, settings_of(request), actor, user_id)
        return rendering.refused(request, "users/show.html", context, refusal, STATUS[refusal.kind])
    return rendering.redirect(request, f"/users/{user_id}", rendering.done(request, sentence))


def user_page(session: Session, settings: Settings, actor: Actor, user_id: int) -> UserPage:
    """The page of one account, also after a refused verb about it."""
    sees_factor = can(actor, P.SECOND_FACTOR_READ)
    resets = second_factors.resets(session, actor, user_id=user_id, limit=3, cursor=None).rows if sees_factor else ()
    return UserPage(
        users.one(session, actor, user_id),
        memberships.of_user(session, actor, user_id),
        may_manage=can(actor, P.USER_MANAGE),
        may_appoint=can(actor, P.ADMINISTRATOR_APPOINT),
        may_grant=can(actor, P.MEMBERSHIP_MANAGE) and user_id != actor.user_id,
        own=user_id == actor.user_id,
        sees_factor=sees_factor,
        resets=resets,
        provider=settings.oidc_name if settings.oidc_issuer else "",
    )


def _form_again(
    request: Request,
    template: str,
    form: FormData,
    actor: Actor,
    store: Store,
    refusal: DomainError,
    user_id: int | None = None,
) -> Response:
    """The form with what was typed; after somebody else's change with their text beside it."""
    errors = rendering.sentences(request, refusal)
    with store.reading() as session:
        units = users.unit_choices(session, actor)
        theirs = users.one(session, actor, user_id) if user_id is not None else None
    stale = isinstance(refusal, StaleVersion)
    context = UserFormPage(
        forms.kept(form),
        units,
        errors,
        user_id,
        (theirs.version if stale else forms.version_of(form)) if theirs is not None else None,
        _values(theirs) if stale else None,
    )
    return rendering.refused(request, template, context, refusal, STATUS[refusal.kind])


def _values(row: Any) -> dict[str, str]:
    names = ("name", "unit_id", "unit_name", "phone", "email", "expires_on", "login", "kind")
    return {name: "" if getattr(row, name) is None else str(getattr(row, name)) for name in names}
