#!/bin/bash
# Run by the image of PostgreSQL when its volume is empty: two roles, and the database that one of them owns.
# duikou_owner migrates. duikou_app is what replicas and worker sign in as; the migration grants its rights.
set -euo pipefail
psql -v ON_ERROR_STOP=1 --no-psqlrc --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\set owner_password `cat /run/secrets/owner_password`
\set app_password `cat /run/secrets/app_password`
CREATE ROLE duikou_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE duikou_app LOGIN PASSWORD :'app_password';
CREATE DATABASE duikou OWNER duikou_owner TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';
REVOKE ALL ON DATABASE duikou FROM PUBLIC;
GRANT CONNECT ON DATABASE duikou TO duikou_app;
\connect duikou
ALTER SCHEMA public OWNER TO duikou_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
SQL
