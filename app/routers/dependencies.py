"""What handlers are given: the store, the time, the actor, the checked form, the expected version."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, Header, Request
from starlette.datastructures import FormData

from app import clock
from app.adapters.storage import Storage
from app.database import Database
from app.errors import DomainError, Forbidden, Kind, NotFound, Unauthenticated
from app.messages import N_
from app.permissions import Actor, Permission, can
from app.schemas.base import MAX_ID
from app.services import events, places, sessions, tokens
from app.services.recognition import Recognition
from app.services.sessions import Duty
from app.settings import Settings
from app.vault import digest

F = TypeVar("F", tokens.Found, sessions.Found)
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class FormExpired(DomainError):
    """The form's token is missing or not this session's (CSRF)."""

    kind = Kind.FORBIDDEN
    code = "form_expired"
    message = N_("This form has expired or was sent from another site. Please open it again.")


class MustChangePassword(DomainError):
    """A password that somebody else has set has to be changed first."""

    kind = Kind.FORBIDDEN
    code = "must_change_password"
    message = N_("Please choose a password of your own first.")


class MustAddSecondFactor(DomainError):
    """The setting asks this account for a second factor, and it has none yet."""

    kind = Kind.FORBIDDEN
    code = "second_factor_required"
    message = N_("Please add a second factor to your account first.")


class VersionRequired(DomainError):
    """A change without saying which version it starts from."""

    kind = Kind.PRECONDITION_REQUIRED
    code = "version_required"
    message = N_("Send If-Match with the version that you have read.")


class VersionUnreadable(DomainError):
    """An If-Match that no thing of ours can have."""

    kind = Kind.STALE
    code = "version_unreadable"
    message = N_("The version in If-Match is not one of this thing's.")


DUTIES: dict[Duty, type[DomainError]] = {
    Duty.PASSWORD: MustChangePassword,
    Duty.SECOND_FACTOR: MustAddSecondFactor,
}


@dataclass(slots=True)
class Visit:
    """Who is behind a request, established once, and the log's horizon from before that."""

    actor: Actor | None = None
    csrf: str = ""
    duty: Duty | None = None
    horizon: str = ""


def database(request: Request) -> Database:
    """The store of this process."""
    return cast(Database, request.app.state.database)


def settings(request: Request) -> Settings:
    """The settings of this process."""
    return cast(Settings, request.app.state.settings)


def files(request: Request) -> Storage:
    """Where the bytes of attachments lie."""
    return cast(Storage, request.app.state.storage)


def address_of(request: Request) -> str:
    """The caller's address; a proxy's word counts only where uvicorn was told to trust it."""
    return request.client.host[:45] if request.client else ""


def cookie_name(request: Request, name: str) -> str:
    """The cookie's name; behind TLS with the prefix that binds it to this host."""
    return f"__Host-{name}" if settings(request).secure_cookies else name


def visit_of(request: Request) -> Visit:
    """Read who asks, from the bearer token or the session cookie; never raises for nobody."""
    state = request.scope["state"]
    found = state.get("visit")
    if found is None:
        now = clock.now()
        bearer = request.headers.get("authorization", "")
        found = state["visit"] = _from_token(request, bearer, now) if bearer else _from_cookie(request, now)
    return cast(Visit, found)


def _from_token(request: Request, bearer: str, now: datetime) -> Visit:
    scheme, _, token = bearer.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        return Visit()
    found, horizon = _recognized(request, token, now, tokens.resolve)
    if found is None:
        return Visit()
    actor = _here(request, found.actor)
    if found.is_stale and actor.token_id is not None:
        token_id, user_id = actor.token_id, actor.user_id
        database(request).note(lambda session: tokens.note_use(session, token_id, user_id, now))
    return Visit(actor, horizon=horizon)


def _from_cookie(request: Request, now: datetime) -> Visit:
    token = request.cookies.get(cookie_name(request, "session"))
    if not token:
        return Visit()
    found, horizon = _recognized(request, token, now, partial(sessions.resolve, settings=settings(request)))
    if found is None:
        return Visit()
    actor = _here(request, found.actor)
    if found.is_stale:
        database(request).note(lambda session: sessions.touch(session, actor, now))
    return Visit(actor, found.csrf, found.duty, horizon)


def _here(request: Request, actor: Actor) -> Actor:
    return replace(actor, address=address_of(request), request_id=request.scope["state"]["request_id"])


def _recognized(request: Request, secret: str, now: datetime, resolve: Callable[..., F | None]) -> tuple[F | None, str]:
    """What ``resolve`` finds behind a secret, or has found while nothing has happened since; and the horizon."""
    recognition: Recognition[F] = request.app.state.recognition
    key = digest(secret)
    with database(request).reading() as session:
        horizon = events.horizon(session)
        found = recognition.recall(key, horizon, now)
        if found is not None:
            return found, horizon
        found = resolve(session, token=secret, now=now)
    if found is not None:
        # Its use is noted now; where the note is left out, the next look is in time for another.
        recognition.keep(key, horizon, found.until, now, replace(found, is_stale=False))
    return found, horizon


def signed_in(request: Request) -> Actor:
    """The actor of a page; raises Unauthenticated."""
    visit = visit_of(request)
    if visit.actor is None or visit.actor.token_id is not None:
        raise Unauthenticated
    return visit.actor


def api_actor(request: Request) -> Actor:
    """The actor of an API call: a token, or a browser's session, which then needs its form token."""
    visit = visit_of(request)
    if visit.actor is None:
        raise Unauthenticated
    if visit.actor.token_id is None and request.method in UNSAFE:
        check_origin(request)
        check_csrf(visit, request.headers.get("x-csrf-token", ""))
    return visit.actor


def check_origin(request: Request) -> None:
    """Refuse a request that another site caused. Old browsers send neither header; the token holds."""
    site = request.headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none"):
        raise FormExpired
    origin = request.headers.get("origin")
    # "null" is what a sandboxed frame or a redirect from elsewhere says; our own pages never do.
    if origin and origin.partition("//")[2] != request.headers.get("host", ""):
        raise FormExpired


def check_csrf(visit: Visit, given: str) -> None:
    """Compare a form's masked token with the session's own."""
    if not visit.csrf or not hmac.compare_digest(unmask(given), visit.csrf):
        raise FormExpired


def mask(token: str) -> str:
    """The form token as it stands in a page: other bytes each time, so that compression tells nothing."""
    pad = secrets.token_bytes(len(token))
    mixed = bytes(one ^ other for one, other in zip(pad, token.encode(), strict=True))
    return base64.urlsafe_b64encode(pad + mixed).decode()


def unmask(masked: str) -> str:
    """The token behind ``mask``; nonsense gives an empty text."""
    try:
        raw = base64.urlsafe_b64decode(masked.encode("ascii"))
    except (ValueError, binascii.Error):
        return ""
    half = len(raw) // 2
    mixed = bytes(one ^ other for one, other in zip(raw[:half], raw[half:], strict=False))
    return mixed.decode("ascii", "replace")


async def form_of(request: Request, _actor: Annotated[Actor, Depends(signed_in)]) -> FormData:
    """The fields of a form, its token checked; the person is known before a byte is read."""
    check_origin(request)
    form = await request.form(max_files=0, max_fields=2000)
    check_csrf(visit_of(request), str(form.get("csrf", "")))
    return form


def upload_allowed(request: Request, actor: Annotated[Actor, Depends(signed_in)]) -> Actor:
    """For forms with a file: the token stands in the address, so that it is checked before the body."""
    check_origin(request)
    check_csrf(visit_of(request), request.query_params.get("csrf", ""))
    return actor


class Needs:
    """A route's permission. A thing that may not be read does not exist (404); else it is a 403.

    None is for what everybody who is signed in may do, such as asking who they are. A session with a duty
    gets nothing but the routes that ``fulfil`` it. ``always``: neither a duty nor the list of addresses
    holds here, because the route only ends what was begun.
    """

    def __init__(self, permission: Permission | None, fulfils: Duty | None = None, *, always: bool = False) -> None:
        self.permission = permission
        self.fulfils = fulfils
        self.always = always

    def __call__(self, request: Request) -> None:
        """Refuse an actor who holds the right nowhere; the service decides about the one thing."""
        visit = visit_of(request)
        if visit.actor is None:
            raise Unauthenticated
        if not self.always:
            places.refuse_elsewhere(settings(request), visit.actor)
            if visit.duty is not None and visit.duty is not self.fulfils:
                raise DUTIES[visit.duty]
        if self.permission is None:
            return
        if can(visit.actor, self.permission):
            places.refuse_elsewhere(settings(request), visit.actor, self.permission)
            if visit.actor.is_audited:
                _record_reading(request, visit.actor, self.permission)
            return
        raise NotFound if self.permission.value.endswith(":read") and request.path_params else Forbidden


def _record_reading(request: Request, actor: Actor, permission: Permission) -> None:
    # In a transaction of its own, before anything is read: no record, no reading.
    asked = f"{request.method} {request.url.path}"
    with database(request).transaction() as session:
        events.record_access(
            session, actor, "access.read", subject_type="routes", name=asked, details={"right": permission.value}
        )


def expected_version(
    given: Annotated[
        str,
        Header(
            alias="If-Match",
            pattern='^"[0-9]{1,10}"$|^[0-9]{1,10}$',
            description="the version that you have read: the thing's ETag",
            examples=['"3"'],
        ),
    ],
) -> int:
    """The version that ``If-Match`` names. A missing one is a VersionRequired, nonsense a VersionUnreadable."""
    version = int(given.strip('"'))
    if not 1 <= version <= MAX_ID:
        raise VersionUnreadable(field="If-Match")
    return version


def instant() -> datetime:
    """The time of the request, UTC."""
    return clock.now()


async def instant_at_once() -> datetime:
    """The same; the framework runs what is asynchronous without a thread."""
    return clock.now()


Store = Annotated[Database, Depends(database)]
Now = Annotated[datetime, Depends(instant_at_once)]
PageActor = Annotated[Actor, Depends(signed_in)]
ApiActor = Annotated[Actor, Depends(api_actor)]
Uploader = Annotated[Actor, Depends(upload_allowed)]
Form = Annotated[FormData, Depends(form_of)]
IfMatch = Annotated[int, Depends(expected_version)]
Configuration = Annotated[Settings, Depends(settings)]
Files = Annotated[Storage, Depends(files)]


def needs(permission: Permission | None, fulfils: Duty | None = None, *, always: bool = False) -> Any:
    """``dependencies=[needs(P.TASK_READ)]`` on a route."""
    return Depends(Needs(permission, fulfils, always=always))
