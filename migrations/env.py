"""Alembic's environment: the app hands over a connection; ``app.migrating`` is the way in.

The triggers that protect the log are laid anew after every run, because a batch change on SQLite
rebuilds a table and drops its triggers without a word.
"""

from alembic import context
from sqlmodel import SQLModel

import app.models  # noqa: F401 - fills the metadata
from app.adapters import search
from app.log_triggers import lay_triggers

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    # The index of words has another form on each engine, and on SQLite tables of its own behind it.
    include_name=lambda name, kind, _: kind != "table" or not str(name).startswith(search.TABLE),
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
    lay_triggers(connection)
