"""What opens an account, over the API: who asks, passwords, one-time codes, people from a workbook.

Answers that hold a secret are not stored, so these routes do not honour an Idempotency-Key.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from app.papers import account_workbook
from app.permissions import Permission, held
from app.routers import credentials, workbooks
from app.routers.api import answers
from app.routers.dependencies import ApiActor, Now, Store, needs
from app.routers.errors import documented
from app.routers.late import LateRoute
from app.schemas.base import MAX_ID
from app.schemas.user import (
    AccountsCreated,
    Me,
    PasswordChange,
    ResetCodePublic,
    ResetRedeem,
    WorkbookReport,
)
from app.services import account_sheets, memberships, passwords, users
from app.services.sessions import Duty

P = Permission
UserId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(tags=["accounts"], route_class=LateRoute)


@router.get("/me", name="api.me", dependencies=[needs(None)], response_model=Me, responses=documented(401, 403))
def show_me(actor: ApiActor, store: Store) -> Response:
    """Who you are: the account, today's roles, and what you may do, as far as your token carries it."""
    with store.reading() as session:
        row = users.one(session, actor, actor.user_id or 0)
        roles = memberships.of_user(session, actor, actor.user_id or 0)
    holding = [answers.as_json(role) for role in roles if role.holds]
    rights = sorted(right.value for right in held(actor))
    return answers.thing({**row._asdict(), "channel": actor.channel, "memberships": holding, "rights": rights})


@router.post(
    "/me/change-password",
    name="api.passwords.change",
    dependencies=[needs(P.ACCOUNT_MANAGE, Duty.PASSWORD)],
    status_code=204,
    response_class=Response,
    responses=documented(401, 403, 409, 422, 429),
)
def change_password(request: Request, data: PasswordChange, actor: ApiActor, now: Now) -> Response:
    """Choose another password by the present one; your other sessions end.

    422 for a wrong present password and for what the policy refuses; 429 after too many tries.
    """
    credentials.change_password(request, actor, data, now)
    return answers.nothing()


@router.post(
    "/users/{user_id}/issue-reset-code",
    name="api.users.issue_reset_code",
    dependencies=[needs(P.USER_MANAGE)],
    response_model=ResetCodePublic,
    status_code=201,
    responses=documented(401, 403, 404, 409, 422),
)
def issue_reset_code(user_id: UserId, actor: ApiActor, store: Store, now: Now) -> Response:
    """Make a one-time code with which a person chooses a new password within 24 hours; older codes end.

    It is in this answer and nowhere else. 409 for a service account or a closed one.
    """
    with store.transaction() as session:
        issued = passwords.issue_code(session, actor, user_id, now=now)
    return answers.thing(ResetCodePublic.model_validate(issued), status=201)


@router.post(
    "/reset-codes/redeem",
    name="api.resets.redeem",
    status_code=204,
    response_class=Response,
    responses=documented(403, 422, 429),
)
def redeem_reset_code(request: Request, data: ResetRedeem, now: Now) -> Response:
    """Choose a password with a printed code, without being signed in; every session of the account ends.

    One sentence (422) for a wrong login, a wrong, used or old code and a closed account; 429 after too
    many tries of the account or from the address; 403 for an administrator from an address off the list.
    """
    credentials.redeem(request, data, now, channel="api")
    return answers.nothing()


@router.get(
    "/users/workbook/template",
    name="api.users.workbook_template",
    dependencies=[needs(P.USER_MANAGE)],
    response_class=Response,
    responses={
        200: {"description": "an empty workbook", "content": {account_workbook.MEDIA_TYPE: {}}},
        **documented(401, 403),
    },
)
def send_template(_actor: ApiActor) -> Response:
    """The workbook to fill in, with its headings."""
    return workbooks.template()


async def _file(request: Request, _actor: ApiActor) -> bytes:
    return (await workbooks.uploaded(request))[0]


File = Annotated[bytes, Depends(_file)]


@router.post(
    "/users/workbook/check",
    name="api.users.check_workbook",
    dependencies=[needs(P.USER_MANAGE)],
    response_model=WorkbookReport,
    openapi_extra=workbooks.BODY,
    responses=documented(400, 401, 403, 413, 415, 422),
)
def check_workbook(request: Request, file: File, actor: ApiActor, store: Store) -> Response:
    """What is wrong with each row of a workbook of new people; nothing is stored."""
    rows = account_workbook.read(file)
    with store.reading() as session:
        _, refusals = account_sheets.check_accounts(session, actor, rows)
    return answers.thing(workbooks.report(request, len(rows), refusals))


@router.post(
    "/users/workbook",
    name="api.users.create_from_workbook",
    dependencies=[needs(P.USER_MANAGE)],
    response_model=AccountsCreated,
    status_code=201,
    openapi_extra=workbooks.BODY,
    responses=documented(400, 401, 403, 413, 415, 422),
)
def create_from_workbook(file: File, actor: ApiActor, store: Store, now: Now) -> Response:
    """Open an account for every row, or for none: 422 then names each row at fault as ``rows.3.login``.

    The answer holds the one-time codes of the new people, which are kept nowhere else.
    """
    rows = account_workbook.read(file)
    with store.transaction() as session:
        issued = account_sheets.create_accounts(session, actor, rows, now=now)
    created = AccountsCreated(items=[ResetCodePublic.model_validate(one) for one in issued])
    return answers.thing(created, status=201)
