"""Token: opening a request with one. Issuing and revoking stand beside it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from app.clock import date_of
from app.models import Token, TokenUse
from app.permissions import Actor
from app.services import actors
from app.vault import digest

_USED_EVERY = timedelta(minutes=5)


def resolve(session: Session, token: str, now: datetime, *, address: str, request_id: str) -> Actor | None:
    """The actor of a bearer token, unless it is unknown, revoked or expired. Three queries."""
    row = (
        session.connection()
        .execute(
            select(col(Token.id), col(Token.user_id), col(Token.scopes)).where(
                col(Token.token_hash) == digest(token), col(Token.revoked_at).is_(None), col(Token.expires_at) > now
            )
        )
        .first()
    )
    if row is None:
        return None
    return actors.load(
        session,
        row.user_id,
        date_of(now),
        scopes=frozenset(row.scopes),
        token_id=row.id,
        channel="api",
        address=address,
        request_id=request_id,
    )


def stale_use(session: Session, token_id: int, now: datetime) -> bool:
    """Whether the last use of a token was noted more than five minutes ago, or never."""
    used_at = session.connection().scalar(select(col(TokenUse.used_at)).where(col(TokenUse.token_id) == token_id))
    return used_at is None or now - used_at > _USED_EVERY


def note_use(session: Session, token_id: int, now: datetime) -> None:
    """Note that a token was used; in one statement, because two requests may note it at once."""
    connection = session.connection()
    insert: Any = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    statement = insert(TokenUse).values(token_id=token_id, used_at=now)
    connection.execute(statement.on_conflict_do_update(index_elements=["token_id"], set_={"used_at": now}))
