"""The store: whether it answers, bears this code, protects its log and keeps what it has acknowledged."""

from sqlalchemy import text

from app import log_triggers, revisions
from app.errors import DomainError
from app.messages import N_
from app.services.checks.base import Check, Context, Finding, State


def _reached(context: Context) -> Finding:
    store = context.store
    if not store.exists():
        return Finding(State.BAD, N_("There is no store yet."), N_("Run: duikou migrate"))
    size = "pg_database_size(current_database())" if not store.is_sqlite else "page_count * page_size"
    source = "" if not store.is_sqlite else " FROM pragma_page_count(), pragma_page_size()"
    version = "SHOW server_version" if not store.is_sqlite else "SELECT sqlite_version()"
    try:
        with store.reading() as session:
            connection = session.connection()
            found = str(connection.scalar(text(version))).split(" ")[0]
            megabytes = round(int(connection.scalar(text(f"SELECT {size}{source}"))) / 1024**2)
    except DomainError as refusal:
        advice = N_("See that the database runs, that DUIKOU_DATABASE_URL leads to it and its password is right.")
        return Finding(State.BAD, N_("does not answer (%(code)s)"), advice, {"code": refusal.code})
    name = "SQLite" if store.is_sqlite else "PostgreSQL"
    return Finding(
        State.OK,
        N_("%(engine)s %(version)s answers; %(size)s MB"),
        values={"engine": name, "version": found, "size": megabytes},
    )


def _migrated(context: Context) -> Finding:
    with context.store.reading() as session:
        connection = session.connection()
        at, runs = revisions.current(connection), revisions.runs_here(connection)
    values = {"at": at or "-", "head": revisions.head()}
    if not runs:
        wanted = N_("at %(at)s; this release wants %(head)s")
        return Finding(State.BAD, wanted, N_("Run duikou migrate of the newer of the two releases."), values)
    if at != values["head"]:
        return Finding(State.OK, N_("at %(at)s, of a newer release, which bears this one (%(head)s)"), values=values)
    return Finding(State.OK, N_("at %(at)s"), values=values)


def _protected(context: Context) -> Finding:
    with context.store.reading() as session:
        missing = log_triggers.missing_triggers(session.connection())
    if missing:
        gone = N_("not protected: %(names)s is missing or switched off")
        advice = N_(
            "Somebody has worked on the store past the product. Ask who, verify the log, then run duikou migrate."
        )
        return Finding(State.BAD, gone, advice, {"names": ", ".join(missing)})
    return Finding(State.OK, N_("entries cannot be changed or deleted"))


def _durable(context: Context) -> Finding | None:
    """PostgreSQL can be told to acknowledge what it has not written; SQLite is told otherwise by us."""
    if context.store.is_sqlite:
        return None
    with context.store.reading() as session:
        connection = session.connection()
        wanted = ("fsync", "full_page_writes", "synchronous_commit")
        off = [name for name in wanted if connection.scalar(text(f"SHOW {name}")) == "off"]
    if off:
        lost = N_("%(names)s is off: what was acknowledged can be lost")
        return Finding(State.BAD, lost, N_("Switch it on in postgresql.conf."), {"names": ", ".join(off)})
    return Finding(State.OK, N_("what was acknowledged is on the disk"))


REACHED = Check("store", N_("Database"), _reached)
CHECKS = (
    Check("migration", N_("Schema"), _migrated, asks_store=True),
    Check("log_triggers", N_("Protection of the log"), _protected, asks_store=True),
    Check("durability", N_("Durability"), _durable, asks_store=True),
)
