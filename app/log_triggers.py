"""Triggers that keep the event log append-only, on both engines and against any client.

SQLite: INSERT OR REPLACE deletes a row without firing delete triggers, so an insert that names an
existing id is refused as well. PostgreSQL: TRUNCATE has a trigger of its own.
"""

from sqlalchemy import Connection, inspect, text

_SQLITE = {
    "events_no_update": "BEFORE UPDATE ON events",
    "events_no_delete": "BEFORE DELETE ON events",
    "events_no_replace": "BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id)",
}
_POSTGRESQL = {
    "events_no_change": "BEFORE UPDATE OR DELETE ON events FOR EACH ROW",
    "events_no_truncate": "BEFORE TRUNCATE ON events FOR EACH STATEMENT",
}


def lay_triggers(connection: Connection) -> None:
    """Create the triggers where they are missing; does nothing before the log exists."""
    if not inspect(connection).has_table("events"):
        return
    if connection.dialect.name == "sqlite":
        for name, when in _SQLITE.items():
            connection.execute(
                text(
                    f"CREATE TRIGGER IF NOT EXISTS {name} {when} "
                    "BEGIN SELECT RAISE(ABORT, 'events are never changed or deleted'); END"
                )
            )
        return
    connection.execute(
        text(
            "CREATE OR REPLACE FUNCTION refuse_event_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'events are never changed or deleted'; END $$"
        )
    )
    for name, when in _POSTGRESQL.items():
        connection.execute(text(f"DROP TRIGGER IF EXISTS {name} ON events"))
        connection.execute(text(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION refuse_event_change()"))
    connection.execute(text("ALTER TABLE events ENABLE ALWAYS TRIGGER events_no_change"))
    connection.execute(text("ALTER TABLE events ENABLE ALWAYS TRIGGER events_no_truncate"))


def missing_triggers(connection: Connection) -> list[str]:
    """The names of triggers that should be there and are not, for readiness."""
    if connection.dialect.name == "sqlite":
        wanted = set(_SQLITE)
        found = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars()
    else:
        wanted = set(_POSTGRESQL)
        # A disabled trigger is as good as none.
        found = connection.execute(
            text("SELECT tgname FROM pg_trigger WHERE tgrelid = 'events'::regclass AND tgenabled = 'A'")
        ).scalars()
    return sorted(wanted - set(found))
