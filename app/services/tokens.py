"""Token: opening a request with one; making, listing and revoking them.

A person makes tokens for themselves, in the browser: a token never makes another for its holder,
or one that was stolen would outlive its revocation. Those of service accounts are made by the security
administrator. Scopes are permission names, held against the holder's rights when the token is made,
and again at each use, because rights are taken from people while their tokens stay.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from app.clock import SHANGHAI, date_of
from app.errors import DomainError, Forbidden, Kind, NotFound, StaleVersion
from app.messages import N_
from app.models import Token, TokenUse, User, UserKind
from app.permissions import Actor, P, can, held
from app.prepared import Prepared, given
from app.schemas.token import TokenCreate
from app.services import account_uses, actors, events, paging
from app.services.paging import Slice, Sort
from app.vault import digest

_USED_EVERY = timedelta(minutes=5)
PREFIX = "dk_"  # So that a scanner for leaked secrets can know one.
MAX_DAYS = 366


class TokenByToken(DomainError):
    """A token that begets another for its holder."""

    kind = Kind.FORBIDDEN
    code = "token_by_token"
    message = N_("A token for oneself is made after signing in, not with another token.")


class HolderUnknown(DomainError):
    """No service account of this id whose account is open."""

    code = "holder_unknown"
    message = N_("There is no such service account, or it is closed.")


class ExpiryOutOfRange(DomainError):
    """Too long, or over before it begins."""

    code = "expiry_out_of_range"
    message = N_("Please give a last day from %(first)s to %(last)s.")


class ScopeBeyondRights(DomainError):
    """More than the holder has."""

    code = "scope_beyond_rights"
    message = N_("The account does not have the right %(scope)s, so its token cannot have it.")


class TokenRevoked(DomainError):
    """Revoking what is revoked."""

    kind = Kind.CONFLICT
    code = "token_revoked"
    message = N_("This token has been revoked already.")


@dataclass(frozen=True, slots=True)
class Created:
    """A new token: ``secret`` is for its holder and is kept nowhere else."""

    token_id: int
    secret: str


@dataclass(frozen=True, slots=True)
class Found:
    """A token that opens: for whom, until when, and whether its use should be noted: not for five minutes, or never."""

    actor: Actor
    until: datetime
    is_stale: bool


_OPENING = Prepared(
    select(col(Token.id), col(Token.user_id), col(Token.scopes), col(Token.expires_at), col(TokenUse.used_at))
    .outerjoin(TokenUse, col(TokenUse.token_id) == col(Token.id))
    .where(
        col(Token.token_hash) == given("digest"), col(Token.revoked_at).is_(None), col(Token.expires_at) > given("now")
    )
)


def resolve(session: Session, token: str, now: datetime, *, address: str = "", request_id: str = "") -> Found | None:
    """Who is behind a bearer token, unless it is unknown, revoked or expired. Two queries."""
    row = _OPENING.first(session, digest=digest(token), now=now)
    if row is None:
        return None
    actor = actors.load(
        session,
        row.user_id,
        date_of(now),
        scopes=frozenset(row.scopes),
        token_id=row.id,
        channel="api",
        address=address,
        request_id=request_id,
    )
    if actor is None:
        return None
    return Found(actor, row.expires_at, row.used_at is None or now - row.used_at > _USED_EVERY)


def note_use(session: Session, token_id: int, user_id: int | None, now: datetime) -> None:
    """Note that a token was used, and with it its holder's account; two requests may note it at once."""
    connection = session.connection()
    insert: Any = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    statement = insert(TokenUse).values(token_id=token_id, used_at=now)
    connection.execute(statement.on_conflict_do_update(index_elements=["token_id"], set_={"used_at": now}))
    if user_id is not None:
        account_uses.note(session, user_id, now)


def seen_by(actor: Actor) -> ColumnElement[bool]:
    """The condition under which ``actor`` sees a token: their own; for the security administrator all."""
    if actor.is_system or can(actor, P.TOKEN_MANAGE):
        return true()
    return col(Token.user_id) == (actor.user_id or 0)


def visible_to(actor: Actor) -> Select[Token]:
    """The tokens that ``actor`` sees."""
    return select(Token).where(seen_by(actor))


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            col(Token.id),
            col(Token.version),
            col(Token.user_id),
            col(User.name).label("user_name"),
            col(User.kind).label("user_kind"),
            col(Token.name),
            col(Token.prefix),
            col(Token.scopes),
            col(Token.expires_at),
            col(Token.revoked_at),
            col(TokenUse.used_at).label("last_used_at"),
            col(Token.created_at),
        )
        .join(User, col(User.id) == col(Token.user_id))
        .outerjoin(TokenUse, col(TokenUse.token_id) == col(Token.id))
        .where(seen_by(actor))
    )


def page(
    session: Session,
    actor: Actor,
    *,
    user_id: int | None,
    live: bool | None,
    now: datetime,
    limit: int,
    cursor: str | None,
) -> Slice:
    """One page of tokens, the newest first; ``live``: neither revoked nor expired."""
    statement = _rows(actor)
    if user_id is not None:
        statement = statement.where(col(Token.user_id) == user_id)
    if live is not None:
        alive = and_(col(Token.revoked_at).is_(None), col(Token.expires_at) > now)
        statement = statement.where(alive if live else ~alive)
    newest = Sort("newest", (col(Token.id),), descending=True)
    scope = {"user": user_id, "live": str(live)}
    return paging.fetch(session, statement, newest, limit=limit, cursor=cursor, filters=scope)


def one(session: Session, actor: Actor, token_id: int) -> Any:
    """One token's row; raises NotFound."""
    row = session.connection().execute(_rows(actor).where(col(Token.id) == token_id)).first()
    if row is None:
        raise NotFound
    return row


def service_accounts(session: Session, actor: Actor) -> list[Any]:
    """The open service accounts for which ``actor`` may make tokens: id and name; at most 500."""
    if not can(actor, P.TOKEN_MANAGE):
        return []
    statement = (
        select(col(User.id), col(User.name))
        .where(col(User.kind) == UserKind.SERVICE, col(User.active).is_(True))
        .order_by(col(User.name), col(User.id))
    )
    return list(session.connection().execute(statement.limit(500)).all())


def create(session: Session, actor: Actor, data: TokenCreate, *, now: datetime) -> Created:
    """Make a token for oneself or for a service account.

    Raises Forbidden, TokenByToken, HolderUnknown, ExpiryOutOfRange or ScopeBeyondRights.
    """
    holder_id = data.user_id or actor.user_id
    if holder_id is None:
        raise Forbidden
    if holder_id == actor.user_id and actor.token_id is not None:
        raise TokenByToken
    if holder_id != actor.user_id:
        _check_service_account(session, actor, holder_id)
    last = actor.today + timedelta(days=MAX_DAYS)
    if not actor.today <= data.expires_on <= last:
        raise ExpiryOutOfRange(field="expires_on", first=actor.today.isoformat(), last=last.isoformat())
    holder = actors.load(session, holder_id, actor.today)
    if holder is None:
        raise HolderUnknown(field="user_id")
    beyond = sorted(set(data.scopes) - held(holder))
    if beyond:
        raise ScopeBeyondRights(field="scopes", scope=beyond[0].value)
    secret = PREFIX + secrets.token_urlsafe(32)
    token = Token(
        user_id=holder_id,
        name=data.name,
        prefix=secret[: len(PREFIX) + 5],
        token_hash=digest(secret),
        scopes=sorted({scope.value for scope in data.scopes}),
        expires_at=datetime.combine(data.expires_on, time(23, 59, 59), SHANGHAI).astimezone(UTC),
    )
    session.add(token)
    events.record(session, actor, "token.create", token, now=now)
    return Created(token.key, secret)


def revoke(session: Session, actor: Actor, token_id: int, version: int, *, now: datetime) -> Token:
    """End a token at once. Raises NotFound, StaleVersion or TokenRevoked."""
    statement = visible_to(actor).where(col(Token.id) == token_id).with_for_update()
    token = session.scalars(statement).one_or_none()
    if token is None:
        raise NotFound
    if token.version != version:
        raise StaleVersion
    if token.revoked_at is not None:
        raise TokenRevoked
    token.revoked_at = now
    events.record(session, actor, "token.revoke", token, now=now)
    return token


def _check_service_account(session: Session, actor: Actor, holder_id: int) -> None:
    if not can(actor, P.TOKEN_MANAGE):
        raise Forbidden
    kind = session.scalar(select(col(User.kind)).where(col(User.id) == holder_id))
    if kind is not UserKind.SERVICE:
        raise HolderUnknown(field="user_id")
