"""Fresh copies of a filled PostgreSQL database: one database per process, put back before each test.

Cloning a database takes a fifth of a second, and most tests change a handful of rows. So the template's
rows are kept in a schema of their own beside the tables, and a used copy gets them back in one
statement. A copy whose schema was changed, or which somebody still holds, is thrown away instead.
"""

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

_KEEP = """
DO $$
DECLARE name text;
BEGIN
  CREATE SCHEMA kept;
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('CREATE TABLE kept.%1$I AS TABLE public.%1$I', name);
  END LOOP;
  CREATE TABLE kept."sequence values" AS
    SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public';
END $$
"""
# Triggers are told to rest table by table: those of the log fire even for a replica.
_PUT_BACK = """
DO $$
DECLARE name text; quiet record; number record;
BEGIN
  SET LOCAL lock_timeout = '2s';
  SET LOCAL session_replication_role = replica;
  FOR quiet IN SELECT tgrelid::regclass AS owner, tgname FROM pg_trigger WHERE tgenabled = 'A' LOOP
    EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', quiet.owner, quiet.tgname);
  END LOOP;
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('DELETE FROM public.%1$I', name);
    EXECUTE format('INSERT INTO public.%1$I OVERRIDING SYSTEM VALUE SELECT * FROM kept.%1$I', name);
  END LOOP;
  FOR number IN SELECT sequencename, last_value FROM kept."sequence values" LOOP
    PERFORM setval(format('public.%I', number.sequencename)::regclass, coalesce(number.last_value, 1),
                   number.last_value IS NOT NULL);
  END LOOP;
  FOR quiet IN SELECT tgrelid::regclass AS owner, tgname FROM pg_trigger WHERE tgenabled = 'D' LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', quiet.owner, quiet.tgname);
  END LOOP;
END $$
"""
# Everything whose change makes a copy another one: tables with their columns, indexes, checks, triggers, rights.
_SHAPE = """
WITH place AS (SELECT 'public'::regnamespace::oid AS id), lines AS (
  SELECT format('column %s %s %s %s %s', attrelid, attname, atttypid, attnotnull, atthasdef) AS line
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid, place WHERE relnamespace = place.id AND attnum > 0
  UNION ALL SELECT format('trigger %s %s %s %s', tgrelid, tgname, tgenabled, tgtype)
    FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT format('function %s %s', proname, md5(prosrc)) FROM pg_proc, place WHERE pronamespace = place.id
  UNION ALL SELECT format('constraint %s %s', conname, conrelid)
    FROM pg_constraint, place WHERE connamespace = place.id
  UNION ALL SELECT format('relation %s %s %s', relname, relkind, relacl)
    FROM pg_class, place WHERE relnamespace = place.id
)
SELECT md5(string_agg(line, '|' ORDER BY line)) FROM lines
"""


def keep(connection: Connection) -> str:
    """Put the rows of a filled template aside; returns the shape that its copies have."""
    connection.execute(text(_KEEP))
    return shape(connection)


def shape(connection: Connection) -> str:
    """A digest of the schema, without its rows."""
    return str(connection.scalar(text(_SHAPE)))


def put_back(engine: Engine, wanted: str) -> bool:
    """Give a used copy its rows back; False where it is no longer the template's copy."""
    try:
        with engine.begin() as connection:
            if shape(connection) != wanted:
                return False
            connection.execute(text(_PUT_BACK))
    except DBAPIError:
        return False
    return True
