"""How far the seals are behind the log: a cheap answer for those who watch, not a verification."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.models import Event, Seal

_COUNTED_UP_TO = 10_000


def unsealed(session: Session) -> tuple[int, datetime | None]:
    """How many events come after the last seal, counted up to ten thousand, and when the first of them was written."""
    connection = session.connection()
    sealed = connection.scalar(select(func.max(col(Seal.highest_id)))) or 0
    later: Any = select(col(Event.at)).where(col(Event.id) > sealed)
    number = connection.scalar(select(func.count()).select_from(later.limit(_COUNTED_UP_TO).subquery()))
    return int(number or 0), connection.scalar(later.order_by(col(Event.id)).limit(1))
