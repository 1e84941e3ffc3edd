"""Where a store stands, read without the libraries that move it, and yet as they would say it."""

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app import migrating, revisions
from app.settings import Settings
from tests.conftest import Stores


def test_knows_what_alembic_knows_in_the_same_order() -> None:
    scripts = ScriptDirectory(str(revisions.FOLDER))
    assert revisions.known() == tuple(script.revision for script in scripts.walk_revisions())[::-1]
    assert revisions.head() == scripts.get_current_head()


def test_says_of_a_store_what_alembic_says(stores: Stores) -> None:
    empty = stores.empty()
    assert _said(empty) == (None, None)
    migrating.migrate(empty)
    assert _said(empty) == (revisions.head(), revisions.head())
    migrating.migrate_back(empty, revisions.known()[0])
    assert _said(empty) == (revisions.known()[0], revisions.known()[0])
    migrating.migrate_back(empty, "base")
    assert _said(empty) == (None, None)


def _said(settings: Settings) -> tuple[str | None, str | None]:
    with migrating.changing(settings) as connection:
        return revisions.current(connection), MigrationContext.configure(connection).get_current_revision()
