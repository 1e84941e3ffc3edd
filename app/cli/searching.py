"""duikou search: the index of words."""

import typer

from app import indexing
from app.cli.speech import say, told
from app.cli.stores import opened
from app.messages import N_

app = typer.Typer(no_args_is_help=True)


@app.command(
    "rebuild", help=told(N_("Build the index of words anew, while the product serves; after a restore of rows."))
)
def rebuild() -> None:
    """Batch by batch, each in a transaction of its own, so that nobody waits for long."""
    total = 0
    with opened() as at:
        for source in indexing.SOURCES.values():
            last, number = 0, 1
            while number:
                with at.store.transaction() as session:
                    last, number = indexing.rebuild_after(session.connection(), source, last)
                total += number
    say(N_("Indexed: %(number)s"), number=total)
