"""The application's own role on PostgreSQL: what it may do, laid anew after each migration.

The owner of the tables migrates them. Replicas and workers sign in as another role, which reads and
writes rows but cannot change a table, drop a trigger, or touch what was once written to the log. The
rule names what is closed, and the migration lays it after each run, so that a table of a later
release is covered without another word.
"""

from sqlalchemy import Connection, inspect, text

from app.errors import DomainError, Kind
from app.messages import N_

# Only ever added to.
APPEND_ONLY = frozenset({"events", "seals"})
# What says at which schema the store is belongs to the migration.
READ_ONLY = frozenset({"alembic_version", "runnable_revisions"})
# The column that the server fills, and that decides the order of the log.
_SERVERS_OWN = {"events": frozenset({"transaction_id"})}
_STRONG_ROLES = ("pg_execute_server_program", "pg_write_server_files", "pg_write_all_data")


class AppRoleMissing(DomainError):
    """The role that the setting names does not exist."""

    kind = Kind.UNAVAILABLE
    code = "app_role_missing"
    message = N_("The database has no role %(role)s. Create it first: CREATE ROLE %(role)s LOGIN")


class AppRoleTooStrong(DomainError):
    """The role could undo what the other role protects."""

    kind = Kind.UNAVAILABLE
    code = "app_role_too_strong"
    message = N_(
        "The role %(role)s could change the log or the tables (%(rights)s). Give the application a weaker one."
    )


def grant(connection: Connection, role: str) -> None:
    """Give ``role`` what the application needs on the tables that are there, and take everything else.

    Called as the owner, inside the migration's transaction. Raises AppRoleMissing, or AppRoleTooStrong
    where a right comes from elsewhere, such as membership in the owner's role.
    """
    if connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}) is None:
        raise AppRoleMissing(role=role)
    name = connection.dialect.identifier_preparer.quote(role)
    connection.execute(text(f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {name}"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {name}"))
    for kind in ("TABLES", "SEQUENCES"):
        connection.execute(text(f"REVOKE ALL ON ALL {kind} IN SCHEMA public FROM {name}"))
    # Drawing a number is not setting it: the log's order cannot be turned back.
    connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}"))
    for table in inspect(connection).get_table_names(schema="public"):
        quoted = connection.dialect.identifier_preparer.quote(table)
        connection.execute(text(f"GRANT {_rights(connection, table)} ON {quoted} TO {name}"))
    rights = excess(connection, role)
    if rights:
        raise AppRoleTooStrong(role=role, rights=", ".join(rights))


def _rights(connection: Connection, table: str) -> str:
    if table in READ_ONLY:
        return "SELECT"
    if table not in APPEND_ONLY:
        return "SELECT, INSERT, UPDATE, DELETE"
    own = _SERVERS_OWN.get(table, frozenset())
    columns = [column["name"] for column in inspect(connection).get_columns(table, schema="public")]
    quote = connection.dialect.identifier_preparer.quote
    return f"SELECT, INSERT ({', '.join(quote(column) for column in columns if column not in own)})"


def excess(connection: Connection, role: str) -> list[str]:
    """What ``role`` could do and should not, as short words of SQL; empty where the two roles are apart."""
    attributes = text("SELECT rolsuper, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = :role")
    row = connection.execute(attributes, {"role": role}).mappings().one()
    found = [attribute for attribute, held in row.items() if held]
    strong = text("SELECT count(*) FROM pg_roles WHERE rolname = :strong AND pg_has_role(:role, oid, 'MEMBER')")
    found += [name for name in _STRONG_ROLES if connection.scalar(strong, {"strong": name, "role": role})]
    if connection.scalar(text("SELECT has_schema_privilege(:role, 'public', 'CREATE')"), {"role": role}):
        found.append("CREATE ON SCHEMA public")
    owned = text(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        " AND pg_has_role(:role, relowner, 'MEMBER') ORDER BY relname LIMIT 1"
    )
    owner_of = connection.scalar(owned, {"role": role})
    if owner_of is not None:
        found.append(f"OWNER OF {owner_of}")
    changes = ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER")
    closed: list[tuple[str, tuple[str, ...]]] = [(table, changes) for table in sorted(APPEND_ONLY)]
    closed += [(table, ("INSERT", *changes)) for table in sorted(READ_ONLY)]
    may = text("SELECT has_table_privilege(:role, to_regclass(:table), :right)")
    for table, rights in closed:
        found += [
            f"{right} ON {table}"
            for right in rights
            if connection.scalar(may, {"role": role, "table": f"public.{table}", "right": right})
        ]
    return found
