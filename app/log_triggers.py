"""Triggers that keep the event log and its seals append-only, on both engines and against any client.

SQLite: INSERT OR REPLACE deletes a row without firing delete triggers, so an insert that names an
existing key is refused as well. PostgreSQL: TRUNCATE has a trigger of its own.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, inspect, text

# Table, its key, and the function of PostgreSQL that refuses.
_TABLES = (("events", "id", "refuse_event_change"), ("seals", "ordinal", "refuse_seal_change"))


def _sqlite(table: str, key: str) -> dict[str, str]:
    return {
        f"{table}_no_update": f"BEFORE UPDATE ON {table}",
        f"{table}_no_delete": f"BEFORE DELETE ON {table}",
        f"{table}_no_replace": f"BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})",  # noqa: S608 - names of ours
    }


def _postgresql(table: str) -> dict[str, str]:
    return {
        f"{table}_no_change": f"BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW",
        f"{table}_no_truncate": f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT",
    }


def lay_triggers(connection: Connection) -> None:
    """Create the triggers where they are missing; does nothing for a table that is not there yet."""
    for table, key, function in _TABLES:
        if inspect(connection).has_table(table):
            for statement in _statements(connection.dialect.name, table, key, function):
                connection.execute(text(statement))


def _statements(engine: str, table: str, key: str, function: str) -> Iterator[str]:
    refusal = f"'{table} are never changed or deleted'"
    if engine == "sqlite":
        for name, when in _sqlite(table, key).items():
            yield f"CREATE TRIGGER IF NOT EXISTS {name} {when} BEGIN SELECT RAISE(ABORT, {refusal}); END"
        return
    yield (
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION {refusal}; END $$"
    )
    for name, when in _postgresql(table).items():
        yield f"DROP TRIGGER IF EXISTS {name} ON {table}"
        yield f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()"
        yield f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"


def missing_triggers(connection: Connection) -> list[str]:
    """The names of triggers that should be there and are not, for readiness and for who verifies the log.

    A trigger that is disabled, or does something else than it was laid for, is as good as none.
    """
    if connection.dialect.name == "sqlite":
        laid = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        same = {(name, sql.replace("CREATE TRIGGER", "CREATE TRIGGER IF NOT EXISTS", 1)) for name, sql in laid}
        wanted = [
            pair
            for table, key, function in _TABLES
            for pair in zip(_sqlite(table, key), _statements("sqlite", table, key, function), strict=True)
        ]
        return sorted(name for name, statement in wanted if (name, statement) not in same)
    names = {name for table, _, _ in _TABLES for name in _postgresql(table)}
    return sorted(names - set(connection.execute(text(_IN_FORCE), {"change": 27, "truncate": 34}).scalars()))


def foreign_triggers(connection: Connection) -> list[str]:
    """The names of triggers and rules on the two tables that are not ours: one can drop new entries unseen."""
    if connection.dialect.name == "sqlite":
        ours = {name for table, key, _ in _TABLES for name in _sqlite(table, key)}
        statement = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('events', 'seals')"
    else:
        ours = {name for table, _, _ in _TABLES for name in _postgresql(table)}
        statement = (
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal "
            "AND tgrelid IN (to_regclass('events'), to_regclass('seals')) "
            "UNION ALL SELECT rulename FROM pg_rules WHERE tablename IN ('events', 'seals')"
        )
    return sorted(set(connection.execute(text(statement)).scalars()) - ours)


# tgtype: 1 row, 2 before, 8 delete, 16 update, 32 truncate.
_IN_FORCE = """
SELECT t.tgname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid IN (to_regclass('events'), to_regclass('seals'))
AND t.tgenabled = 'A' AND t.tgqual IS NULL
AND t.tgtype = CASE WHEN t.tgname LIKE '%change' THEN :change ELSE :truncate END
AND trim(p.prosrc) LIKE 'BEGIN RAISE EXCEPTION ''% are never changed or deleted''; END'
"""
