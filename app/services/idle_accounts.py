"""Accounts that nobody uses are closed (GB/T 22239-2019 8.1.4.2), but never the last one of a seat.

Use is signing in, a session or a token; opening, changing or reopening an account counts as well, so
that a reopened one is not closed again the same night.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlmodel import col

from app.clock import date_of
from app.database import Database
from app.models import AccountUse, User
from app.permissions import Actor
from app.services import events, users
from app.settings import Settings


def due(settings: Settings, now: datetime) -> Select[Any] | None:
    """The open accounts that were last used before the limit, or None where there is no limit."""
    if not settings.account_idle_days:
        return None
    limit = now - timedelta(days=settings.account_idle_days)
    return (
        select(col(User.id))
        .outerjoin(AccountUse, col(AccountUse.user_id) == col(User.id))
        .where(
            col(User.active).is_(True),
            col(User.updated_at) < limit,
            func.coalesce(col(AccountUse.used_at), col(User.created_at)) < limit,
        )
        .order_by(col(User.id))
    )


def close_all(store: Database, settings: Settings, actor: Actor, now: datetime) -> list[int]:
    """Close what is due, each in a transaction of its own; returns their ids. It may be run again at any point."""
    statement = due(settings, now)
    if statement is None:
        return []
    with store.reading() as session:
        found = list(session.scalars(statement))
    return [user_id for user_id in found if _close(store, statement, actor, user_id, settings.account_idle_days, now)]


def _close(store: Database, statement: Select[Any], actor: Actor, user_id: int, days: int, now: datetime) -> bool:
    with store.transaction() as session:
        user = session.get(User, user_id, with_for_update=True)
        # It may have been used, closed or changed since the list was read.
        if user is None or session.scalar(statement.where(col(User.id) == user_id)) is None:
            return False
        try:
            users.refuse_empty_seat(session, user, date_of(now))
        except users.LastAdministrator:
            return False
        users.shut(session, user, now)
        events.record(session, actor, "user.close_idle", user, details={"days": days}, now=now)
    return True
