"""Second factors, over the API. A token never needs one; with it a person can manage their own all the same.

Answers that hold a secret are not stored, so these routes do not honour an Idempotency-Key.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from app.permissions import Permission
from app.routers import credentials
from app.routers.api import answers
from app.routers.dependencies import ApiActor, Configuration, IfMatch, Now, Store, needs
from app.routers.errors import documented
from app.routers.late import LateRoute
from app.schemas.base import MAX_ID, Page
from app.schemas.second_factor import (
    EnrolmentConfirm,
    EnrolmentPublic,
    FullProof,
    Proof,
    RecoveryCodes,
    ResetQuery,
    SecondFactorPublic,
    SecondFactorReset,
)
from app.schemas.user import Reason, UserPublic
from app.services import second_factors, users
from app.services.sessions import Duty

P = Permission
UserId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(tags=["second-factors"], route_class=LateRoute)


@router.get(
    "/me/second-factor",
    name="api.second_factors.show",
    dependencies=[needs(P.ACCOUNT_MANAGE, Duty.SECOND_FACTOR)],
    response_model=SecondFactorPublic,
    responses=documented(401, 403),
)
def show_second_factor(actor: ApiActor, store: Store, settings: Configuration) -> Response:
    """Whether you have a second factor, since when, and how many recovery codes are left."""
    with store.reading() as session:
        return answers.thing(SecondFactorPublic.model_validate(second_factors.state(session, settings, actor)))


@router.post(
    "/me/second-factor/begin",
    name="api.second_factors.begin",
    dependencies=[needs(P.ACCOUNT_MANAGE, Duty.SECOND_FACTOR)],
    response_model=EnrolmentPublic,
    responses=documented(401, 403, 409, 422, 429),
)
def begin_second_factor(request: Request, data: Proof, actor: ApiActor, now: Now) -> Response:
    """A fresh secret for a code generator (RFC 6238); nothing holds until its first code is sent back.

    422 for a wrong present password; 409 where there is a factor already, or no password; 429 after too many tries.
    """
    begun = credentials.begin_second_factor(request, actor, data, now)
    return answers.thing(EnrolmentPublic.model_validate(begun))


@router.post(
    "/me/second-factor/confirm",
    name="api.second_factors.confirm",
    dependencies=[needs(P.ACCOUNT_MANAGE, Duty.SECOND_FACTOR)],
    response_model=RecoveryCodes,
    responses=documented(401, 403, 409, 422),
)
def confirm_second_factor(
    data: EnrolmentConfirm, actor: ApiActor, store: Store, settings: Configuration, now: Now
) -> Response:
    """Add the factor with its first code; your other sessions end. The answer holds ten recovery codes.

    422 for a wrong code and for an enrolment that is older than 15 minutes; 409 where there is a factor already.
    """
    with store.transaction() as session:
        codes = second_factors.confirm(session, settings, actor, data.enrolment, data.code, now=now)
    return answers.thing(RecoveryCodes(codes=codes))


@router.post(
    "/me/second-factor/renew-codes",
    name="api.second_factors.renew_codes",
    dependencies=[needs(P.ACCOUNT_MANAGE)],
    response_model=RecoveryCodes,
    responses=documented(401, 403, 409, 422, 429),
)
def renew_codes(request: Request, data: FullProof, actor: ApiActor, now: Now) -> Response:
    """Ten new recovery codes; the old ones end. 422 for a wrong password or code, 429 after too many tries."""
    return answers.thing(RecoveryCodes(codes=credentials.renew_codes(request, actor, data, now)))


@router.post(
    "/me/second-factor/remove",
    name="api.second_factors.remove",
    dependencies=[needs(P.ACCOUNT_MANAGE)],
    status_code=204,
    response_class=Response,
    responses=documented(401, 403, 409, 422, 429),
)
def remove_second_factor(request: Request, data: FullProof, actor: ApiActor, now: Now) -> Response:
    """Take your own factor away; your other sessions end. 422 for a wrong password or code."""
    credentials.remove_second_factor(request, actor, data, now)
    return answers.nothing()


@router.get(
    "/second-factors/resets",
    name="api.second_factors.resets",
    dependencies=[needs(P.SECOND_FACTOR_READ)],
    response_model=Page[SecondFactorReset],
    responses=documented(401, 403, 422),
)
def list_resets(query: Annotated[ResetQuery, Query()], actor: ApiActor, store: Store) -> Response:
    """Whose factor was taken away, when, by whom and why, the newest first; for the three administrators."""
    with store.reading() as session:
        page = second_factors.resets(session, actor, user_id=query.user, limit=query.limit, cursor=query.cursor)
    items = [answers.as_json(row) for row in page.rows]
    return answers.thing({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "/users/{user_id}/reset-second-factor",
    name="api.second_factors.reset",
    dependencies=[needs(P.USER_MANAGE)],
    response_model=UserPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def reset_second_factor(
    user_id: UserId, version: IfMatch, data: Reason, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Take away the factor of a person who has lost it; they are signed out. 409 for your own, or where there is none.

    The security and the audit administrator see each reset with its reason.
    """
    with store.transaction() as session:
        second_factors.reset(session, actor, user_id, version, reason=data.reason, now=now)
    with store.reading() as session:
        return answers.thing(users.one(session, actor, user_id))
