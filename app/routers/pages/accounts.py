"""What opens an account: one's password, printed one-time codes, people from a workbook.

None of these forms is kept for a second sending (replay.py): what they carry or answer is secret.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from app.errors import DomainError, Forbidden, NotFound
from app.messages import N_
from app.papers import account_workbook
from app.permissions import Permission
from app.routers import credentials, forms, rendering, workbooks
from app.routers.dependencies import Configuration, Form, Now, PageActor, Store, Uploader, check_origin, needs, visit_of
from app.routers.errors import STATUS
from app.routers.late import LateRoute
from app.schemas.base import MAX_ID
from app.schemas.user import PasswordChange, ResetRedeem, WorkbookReport
from app.services import account_sheets, passwords
from app.services.passwords import Issued
from app.services.sessions import Duty

P = Permission
UserId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(route_class=LateRoute)


@dataclass(frozen=True, slots=True)
class PasswordPage:
    """The form of one's own password; ``must`` after somebody else has set it."""

    least: int
    must: bool
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResetPage:
    """The form for a printed code."""

    least: int
    login: str = ""
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CodesPage:
    """One-time codes, shown this once."""

    issued: Sequence[Issued]
    back_url: str


@dataclass(frozen=True, slots=True)
class WorkbookPage:
    """The form for a workbook of people, and the report on the last one."""

    errors: dict[str, str] = field(default_factory=dict)
    report: WorkbookReport | None = None
    columns: dict[str, str] = field(default_factory=lambda: dict(account_workbook.HEADINGS))
    most: int = account_workbook.MAX_ROWS


@router.get("/password", name="passwords.edit", dependencies=[needs(P.ACCOUNT_MANAGE, Duty.PASSWORD)])
def show_password(request: Request, _actor: PageActor, settings: Configuration) -> Response:
    """The form of one's own password."""
    context = PasswordPage(settings.password_min_length, _must(request))
    return rendering.page(request, "passwords/edit.html", context)


@router.post("/password", name="passwords.change", dependencies=[needs(P.ACCOUNT_MANAGE, Duty.PASSWORD)])
def change_password(request: Request, form: Form, actor: PageActor, settings: Configuration, now: Now) -> Response:
    """Store another password; the other sessions of the account end."""
    try:
        credentials.change_password(request, actor, forms.checked(PasswordChange, _without_repeat(form)), now)
    except DomainError as refusal:
        context = PasswordPage(settings.password_min_length, _must(request), rendering.sentences(request, refusal))
        return rendering.refused(request, "passwords/edit.html", context, refusal, STATUS[refusal.kind])
    done = rendering.done(request, N_("The new password holds. You are signed out everywhere else."))
    return rendering.redirect(request, "/", done)


def _must(request: Request) -> bool:
    return visit_of(request).duty is Duty.PASSWORD


async def _open_form(request: Request) -> FormData:
    # Nobody is signed in, so there is no token to compare; the origin has to be ours.
    check_origin(request)
    return await request.form(max_files=0, max_fields=20)


@router.get("/reset", name="resets.new")
def show_reset(request: Request, settings: Configuration) -> Response:
    """The form for a printed code, for people who cannot sign in."""
    return rendering.page(request, "resets/new.html", ResetPage(settings.password_min_length))


@router.post("/reset", name="resets.redeem")
def redeem_code(
    request: Request, form: Annotated[FormData, Depends(_open_form)], settings: Configuration, now: Now
) -> Response:
    """Store the new password; the person then signs in with it."""
    try:
        credentials.redeem(request, forms.checked(ResetRedeem, _without_repeat(form)), now)
    except DomainError as refusal:
        login = str(form.get("login", ""))[:64]
        context = ResetPage(settings.password_min_length, login, rendering.sentences(request, refusal))
        return rendering.refused(request, "resets/new.html", context, refusal, STATUS[refusal.kind])
    done = rendering.done(request, N_("The new password holds. Please sign in with it."))
    response = rendering.redirect(request, "/sign-in", done)
    response.delete_cookie(rendering.cookie_name(request, "session"), path="/")
    return response


class PasswordsDiffer(DomainError):
    """The repetition is not the password."""

    code = "passwords_differ"
    message = N_("The two new passwords are not the same.")


def _without_repeat(form: FormData) -> FormData:
    """The form without its repetition, which only pages ask for; raises PasswordsDiffer."""
    if form.get("new_password") != form.get("repeat_password"):
        raise PasswordsDiffer(field="repeat_password")
    return FormData([(name, value) for name, value in form.multi_items() if name != "repeat_password"])


@router.post("/users/{user_id}/issue-reset-code", name="users.issue_reset_code", dependencies=[needs(P.USER_MANAGE)])
def issue_code(request: Request, user_id: UserId, _form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Make a one-time code and show it this once, to be printed."""
    with store.transaction() as session:
        issued = passwords.issue_code(session, actor, user_id, now=now)
    return rendering.page(request, "users/codes.html", CodesPage((issued,), f"/users/{user_id}"))


@router.get("/users/workbook", name="users.workbook", dependencies=[needs(P.USER_MANAGE)])
def show_workbook(request: Request, _actor: PageActor) -> Response:
    """The form for a workbook of new people."""
    return rendering.page(request, "users/workbook.html", WorkbookPage())


@router.get("/users/workbook/template", name="users.workbook_template", dependencies=[needs(P.USER_MANAGE)])
def send_template(_actor: PageActor) -> Response:
    """The empty workbook."""
    return workbooks.template()


async def _file(request: Request, _actor: Uploader) -> bytes | DomainError:
    try:
        return (await workbooks.uploaded(request))[0]
    except workbooks.FileMissing as refusal:
        return refusal


File = Annotated[Any, Depends(_file)]


@router.post("/users/workbook/check", name="users.check_workbook", dependencies=[needs(P.USER_MANAGE)])
def check_workbook(request: Request, file: File, actor: PageActor, store: Store) -> Response:
    """The report on a workbook, without storing anything."""
    try:
        rows = workbooks.rows_of(file)
        with store.reading() as session:
            _, refusals = account_sheets.check_accounts(session, actor, rows)
    except DomainError as refusal:
        return _workbook_again(request, refusal)
    return rendering.page(
        request, "users/workbook.html", WorkbookPage(report=workbooks.report(request, len(rows), refusals))
    )


@router.post("/users/workbook", name="users.create_from_workbook", dependencies=[needs(P.USER_MANAGE)])
def create_from_workbook(request: Request, file: File, actor: PageActor, store: Store, now: Now) -> Response:
    """Open an account for every row, or for none, and show the codes this once."""
    try:
        rows = workbooks.rows_of(file)
        with store.transaction() as session:
            issued = account_sheets.create_accounts(session, actor, rows, now=now)
    except (NotFound, Forbidden):
        raise
    except account_sheets.WorkbookRefused as refusal:
        context = WorkbookPage(report=workbooks.report(request, len(rows), refusal.refusals))
        return rendering.refused(request, "users/workbook.html", context, refusal, STATUS[refusal.kind])
    except DomainError as refusal:
        return _workbook_again(request, refusal)
    return rendering.page(request, "users/codes.html", CodesPage(issued, "/users"))


def _workbook_again(request: Request, refusal: DomainError) -> Response:
    context = WorkbookPage(rendering.sentences(request, refusal))
    return rendering.refused(request, "users/workbook.html", context, refusal, STATUS[refusal.kind])
