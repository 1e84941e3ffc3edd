"""Roles in programmes, and the units whose people may create programmes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from sqlmodel import Session
from starlette.responses import Response

from app.errors import DomainError, Forbidden, NotFound
from app.messages import N_
from app.papers import account_workbook
from app.permissions import Actor, Permission, Role, can
from app.routers import forms, rendering, workbooks
from app.routers.dependencies import Form, Now, PageActor, Store, Uploader, needs
from app.routers.errors import STATUS
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID, Id, Input, Text
from app.schemas.membership import MembershipCreate, MembershipEnd, MembershipQuery, MembershipUpdate
from app.schemas.user import Reason, UserQuery, WorkbookReport
from app.services import account_sheets, memberships, unit_grants, users

P = Permission
MembershipId = Annotated[int, Path(ge=1, le=MAX_ID)]
UnitId = Annotated[int, Path(ge=1, le=MAX_ID)]
ROLES = tuple(role.value for role in Role)
router = APIRouter(route_class=ReplayRoute)


class NewRoleQuery(Input):
    """For whom a role is given, or by which name the person is looked for."""

    user: Id | None = None
    q: Text = ""


class GrantQuery(Input):
    """Which units are listed."""

    q: Text = ""
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class MembershipsPage:
    """The list of roles."""

    rows: Sequence[Any]
    next_cursor: str | None
    query: MembershipQuery
    programmes: Sequence[Any]
    may_grant: bool
    may_grant_units: bool
    roles: tuple[str, ...] = ROLES


@dataclass(frozen=True, slots=True)
class MembershipPage:
    """One role and its two verbs: another last day, and the end."""

    role: Any
    may_manage: bool
    own: bool
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewMembershipPage:
    """Who gets a role (``found`` while the person is looked for), and the choices of the form."""

    person: Any
    q: str
    found: Sequence[Any]
    programmes: Sequence[Any]
    units: Sequence[Any]
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    roles: tuple[str, ...] = ROLES


@dataclass(frozen=True, slots=True)
class RolesWorkbookPage:
    """The form for the roles in a workbook of people, and the report on the last one."""

    programmes: Sequence[Any]
    programme_id: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    report: WorkbookReport | None = None
    columns: dict[str, str] = field(default_factory=lambda: dict(account_workbook.HEADINGS))


@dataclass(frozen=True, slots=True)
class GrantsPage:
    """Units, and whether their people may create programmes."""

    rows: Sequence[Any]
    next_cursor: str | None
    q: str


@router.get("/memberships", name="memberships.index", dependencies=[needs(P.MEMBERSHIP_READ)])
def list_memberships(request: Request, actor: PageActor, store: Store) -> Response:
    """The roles that the reader sees."""
    query = forms.checked(MembershipQuery, request.query_params)
    with store.reading() as session:
        page = memberships.page(session, actor, query, sort=query.sort, limit=query.limit, cursor=query.cursor)
        programmes = memberships.programme_choices(session, actor)
    may = can(actor, P.MEMBERSHIP_MANAGE), can(actor, P.UNIT_GRANT)
    context = MembershipsPage(page.rows, page.next_cursor, query, programmes, *may)
    return rendering.page(request, "memberships/index.html", context, fragment="memberships/_list.html")


@router.get("/memberships/new", name="memberships.new", dependencies=[needs(P.MEMBERSHIP_MANAGE)])
def show_new_membership(request: Request, actor: PageActor, store: Store) -> Response:
    """Look for the person, then the form."""
    query = forms.checked(NewRoleQuery, request.query_params)
    with store.reading() as session:
        context = _new_page(session, actor, query.user, query.q)
    return rendering.page(request, "memberships/new.html", context)


@router.post("/memberships", name="memberships.grant", dependencies=[needs(P.MEMBERSHIP_MANAGE)])
def grant_role(request: Request, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Give the role."""
    try:
        data = forms.checked(MembershipCreate, form)
        with store.transaction() as session:
            user_id = memberships.grant(session, actor, data, now=now).user_id
    except Forbidden:
        raise
    except DomainError as refusal:
        again = {"values": forms.kept(form), "errors": rendering.sentences(request, refusal)}
        text = str(form.get("user_id", ""))
        user_id = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        with store.reading() as session:
            context = _new_page(session, actor, user_id, "", **again)
        return rendering.refused(request, "memberships/new.html", context, refusal, STATUS[refusal.kind])
    return rendering.redirect(request, f"/users/{user_id}", rendering.done(request, N_("The role is given.")))


@router.get("/memberships/workbook", name="memberships.workbook", dependencies=[needs(P.MEMBERSHIP_MANAGE)])
def show_workbook(request: Request, actor: PageActor, store: Store) -> Response:
    """The form for the roles in a workbook of people."""
    with store.reading() as session:
        context = RolesWorkbookPage(memberships.programme_choices(session, actor))
    return rendering.page(request, "memberships/workbook.html", context)


async def _sheet(request: Request, _actor: Uploader) -> tuple[bytes | DomainError, dict[str, str]]:
    try:
        return await workbooks.uploaded(request)
    except workbooks.FileMissing as refusal:
        return refusal, {}


@router.post("/memberships/workbook", name="memberships.grant_from_workbook", dependencies=[needs(P.MEMBERSHIP_MANAGE)])
def grant_from_workbook(
    request: Request, sheet: Annotated[Any, Depends(_sheet)], actor: PageActor, store: Store, now: Now
) -> Response:
    """Give the roles of the rows, all or none."""
    file, fields = sheet
    rows: list[account_workbook.AccountRow] = []
    try:
        rows = workbooks.rows_of(file)
        programme_id = workbooks.whole_number(fields, "programme_id")
        with store.transaction() as session:
            number = account_sheets.grant_roles(session, actor, programme_id, rows, now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        refusals = refusal.refusals if isinstance(refusal, account_sheets.WorkbookRefused) else ()
        with store.reading() as session:
            context = RolesWorkbookPage(
                memberships.programme_choices(session, actor),
                fields.get("programme_id", ""),
                {} if refusals else rendering.sentences(request, refusal),
                workbooks.report(request, len(rows), refusals) if refusals else None,
            )
        return rendering.refused(request, "memberships/workbook.html", context, refusal, STATUS[refusal.kind])
    done = rendering.done(request, N_("%(number)s roles are given."), number=number)
    return rendering.redirect(request, f"/memberships?programme={programme_id}", done)


@router.get("/memberships/{membership_id}", name="memberships.show", dependencies=[needs(P.MEMBERSHIP_READ)])
def show_membership(request: Request, membership_id: MembershipId, actor: PageActor, store: Store) -> Response:
    """One role."""
    with store.reading() as session:
        context = _membership_page(session, actor, membership_id)
    return rendering.page(request, "memberships/show.html", context)


@router.post("/memberships/{membership_id}", name="memberships.update", dependencies=[needs(P.MEMBERSHIP_MANAGE)])
def update_membership(
    request: Request, membership_id: MembershipId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Another last day; an empty one means no end."""
    try:
        ends_on = forms.checked(MembershipEnd, form).ends_on
        data = MembershipUpdate(ends_on=ends_on)
        with store.transaction() as session:
            memberships.update(session, actor, membership_id, forms.version_of(form), data.ends_on, now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return _membership_again(request, membership_id, actor, store, refusal)
    done = rendering.done(request, N_("The last day of the role is changed."))
    return rendering.redirect(request, f"/memberships/{membership_id}", done)


@router.post("/memberships/{membership_id}/end", name="memberships.end", dependencies=[needs(P.MEMBERSHIP_MANAGE)])
def end_membership(
    request: Request, membership_id: MembershipId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """End the role at once; it stays in the record."""
    try:
        data = forms.checked(MembershipEnd, form)
        version = forms.version_of(form)
        with store.transaction() as session:
            memberships.end(session, actor, membership_id, version, ends_on=data.ends_on, reason=data.reason, now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return _membership_again(request, membership_id, actor, store, refusal)
    done = rendering.done(request, N_("The role has ended."))
    return rendering.redirect(request, f"/memberships/{membership_id}", done)


@router.get("/unit-grants", name="units.grants", dependencies=[needs(P.UNIT_GRANT)])
def list_grants(request: Request, actor: PageActor, store: Store) -> Response:
    """Units, and whether their people may create programmes."""
    query = forms.checked(GrantQuery, request.query_params)
    with store.reading() as session:
        page = unit_grants.page(session, actor, query.q, limit=50, cursor=query.cursor)
    return rendering.page(request, "memberships/grants.html", GrantsPage(page.rows, page.next_cursor, query.q))


@router.post("/units/{unit_id}/grant-programmes", name="units.grant_programmes", dependencies=[needs(P.UNIT_GRANT)])
def grant_programmes(
    request: Request, unit_id: UnitId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Let the people of a unit create programmes."""
    reason, version = forms.checked(Reason, form).reason, forms.version_of(form)
    with store.transaction() as session:
        unit = unit_grants.set_programmes(session, actor, unit_id, version, granted=True, reason=reason, now=now)
    done = rendering.done(request, N_("The people of %(name)s may create programmes now."), name=unit.name)
    return rendering.redirect(request, "/unit-grants", done)


@router.post(
    "/units/{unit_id}/withdraw-programmes", name="units.withdraw_programmes", dependencies=[needs(P.UNIT_GRANT)]
)
def withdraw_programmes(
    request: Request, unit_id: UnitId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Take that right back."""
    reason, version = forms.checked(Reason, form).reason, forms.version_of(form)
    with store.transaction() as session:
        unit = unit_grants.set_programmes(session, actor, unit_id, version, granted=False, reason=reason, now=now)
    done = rendering.done(request, N_("The people of %(name)s may not create programmes any more."), name=unit.name)
    return rendering.redirect(request, "/unit-grants", done)


def _new_page(session: Session, actor: Actor, user_id: int | None, q: str, **again: Any) -> NewMembershipPage:
    programmes = memberships.programme_choices(session, actor)
    person = users.one(session, actor, user_id) if user_id else None
    found: Sequence[Any] = ()
    if person is None and q:
        found = users.page(session, actor, UserQuery(q=q[:100], active=True), limit=30, cursor=None).rows
    units = users.unit_choices(session, actor, root_of=person.unit_id) if person is not None else []
    return NewMembershipPage(person, q, found, programmes, units, **again)


def _membership_page(session: Session, actor: Actor, membership_id: int, **again: Any) -> MembershipPage:
    row = memberships.one(session, actor, membership_id)
    may = can(actor, P.MEMBERSHIP_MANAGE, row.programme_id)
    return MembershipPage(row, may, row.user_id == actor.user_id, **again)


def _membership_again(
    request: Request, membership_id: int, actor: Actor, store: Store, refusal: DomainError
) -> Response:
    with store.reading() as session:
        context = _membership_page(session, actor, membership_id, errors=rendering.sentences(request, refusal))
    return rendering.refused(request, "memberships/show.html", context, refusal, STATUS[refusal.kind])
