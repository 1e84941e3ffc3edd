"""Changes behind the product's back: by its owner's account, with the triggers of the log taken off and laid anew."""

from typing import Any

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from app.log_triggers import lay_triggers
from app.settings import Settings

FORGED = (
    "INSERT INTO events ({columns}at, kind, verb, subject_type, subject_name, channel, address, request_id, reason) "
    "VALUES ({values}'2026-11-27 01:00:00.000000', 'verb', 'task.update', 'tasks', '', 'web', '', '', '')"
)


def forged(event_id: int | None = None) -> str:
    """A statement that adds an entry which nobody made, at the end or under an id."""
    return FORGED.format(columns="id, " if event_id else "", values=f"{event_id}, " if event_id else "")


def tamper(settings: Settings, *statements: str, **values: Any) -> None:
    """Run statements in one transaction with no trigger in their way; afterwards every trigger stands again."""
    engine = create_engine(make_url(settings.resolved_database_url), poolclass=NullPool)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            for name in names:
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("ALTER TABLE events DISABLE TRIGGER ALL"))
            connection.execute(text("ALTER TABLE seals DISABLE TRIGGER ALL"))
        for statement in statements:
            connection.execute(text(statement), {k: v for k, v in values.items() if f":{k}" in statement})
        if engine.dialect.name != "sqlite":
            connection.execute(text("ALTER TABLE events ENABLE TRIGGER ALL"))
            connection.execute(text("ALTER TABLE seals ENABLE TRIGGER ALL"))
        lay_triggers(connection)
    engine.dispose()
