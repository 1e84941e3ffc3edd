"""When accounts were last used: by signing in, in a session, by a token. Noted at most every five minutes."""

from datetime import datetime
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from app.models import AccountUse


def note(session: Session, user_id: int, now: datetime) -> None:
    """Note a use; in one statement, because two requests may note it at once."""
    connection = session.connection()
    insert: Any = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    statement = insert(AccountUse).values(user_id=user_id, used_at=now)
    connection.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_={"used_at": now}))
