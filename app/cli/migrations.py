"""duikou migrate: bring the store to the schema of this release, or back."""

import time
from typing import Annotated

import typer
from alembic.util.exc import CommandError

from app import migrating, settings
from app.cli.speech import say, told
from app.database import StoreUnavailable, translated
from app.errors import DomainError, Kind
from app.messages import N_
from app.settings import Settings


class UnknownRevision(DomainError):
    """No such step in this release."""

    code = "unknown_revision"
    message = N_("There is no such revision of the store: %(revision)s")


class EncodingRefused(DomainError):
    """A database that cannot hold Chinese text."""

    kind = Kind.UNAVAILABLE
    code = "encoding_refused"
    message = N_("The database was not created with the encoding UTF8. Create it anew: ENCODING 'UTF8'")


def migrate(
    back: Annotated[
        str | None,
        typer.Option(metavar="REV", help=told(N_('Go back to this older revision, or to "base" for an empty store.'))),
    ] = None,
    wait: Annotated[
        int, typer.Option(min=0, max=600, help=told(N_("Seconds to wait for a database that is still starting.")))
    ] = 30,
) -> None:
    """Migrate in one transaction; a failure leaves the store as it was."""
    chosen = settings.load()
    deadline = time.monotonic() + wait
    while True:
        try:
            at = _migrate(chosen, back)
            break
        except StoreUnavailable:
            if time.monotonic() >= deadline:
                raise
            time.sleep(1)
    say(N_("The store is at revision %(revision)s."), revision=at)


def _migrate(chosen: Settings, back: str | None) -> str:
    try:
        with translated():
            return migrating.migrate(chosen) if back is None else migrating.migrate_back(chosen, back)
    except CommandError as error:
        raise UnknownRevision(revision=back or "head") from error
    except migrating.WrongEncoding as error:
        raise EncodingRefused from error
