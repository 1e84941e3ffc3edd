"""Links between accounts and a provider's subjects, over the API. Signing in there is for browsers alone."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from app.permissions import Permission
from app.routers.api import answers
from app.routers.dependencies import ApiActor, Configuration, IfMatch, Now, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID
from app.schemas.identity import IdentityLink
from app.schemas.user import Reason, UserPublic
from app.services import identities, users

P = Permission
UserId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(prefix="/users", tags=["identities"], route_class=ReplayRoute)
_ERRORS = documented(401, 403, 404, 409, 412, 422, 428)


@router.post(
    "/{user_id}/link-identity",
    name="api.identities.link",
    dependencies=[needs(P.USER_MANAGE)],
    response_model=UserPublic,
    responses=_ERRORS,
)
def link_identity(
    user_id: UserId,
    version: IfMatch,
    data: IdentityLink,
    actor: ApiActor,
    store: Store,
    settings: Configuration,
    now: Now,
) -> Response:
    """Link the provider's subject to an account, so that its person signs in there.

    404 where no provider is set; 409 for a service account, a linked account, or a subject that is another's.
    """
    with store.transaction() as session:
        identities.link(session, settings, actor, user_id, version, data.subject, now=now)
    with store.reading() as session:
        return answers.thing(users.one(session, actor, user_id))


@router.post(
    "/{user_id}/permit-link",
    name="api.identities.permit",
    dependencies=[needs(P.USER_MANAGE)],
    response_model=UserPublic,
    responses=_ERRORS,
)
def permit_link(
    user_id: UserId, version: IfMatch, actor: ApiActor, store: Store, settings: Configuration, now: Now
) -> Response:
    """Let the person link the account when signing in at the provider, within a week.

    The login claim has to equal the login, and the person has to give the password or a one-time code.
    """
    with store.transaction() as session:
        identities.permit(session, settings, actor, user_id, version, now=now)
    with store.reading() as session:
        return answers.thing(users.one(session, actor, user_id))


@router.post(
    "/{user_id}/unlink-identity",
    name="api.identities.unlink",
    dependencies=[needs(P.USER_MANAGE)],
    response_model=UserPublic,
    responses=_ERRORS,
)
def unlink_identity(
    user_id: UserId, version: IfMatch, data: Reason, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Take the link away; the account opens with its password again. 409 where there is none."""
    with store.transaction() as session:
        identities.unlink(session, actor, user_id, version, reason=data.reason, now=now)
    with store.reading() as session:
        return answers.thing(users.one(session, actor, user_id))
