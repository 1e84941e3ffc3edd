"""duikou demo: a demonstration programme in an empty store."""

from typing import Annotated

import typer

from app.adapters import storage
from app.catalogues import translate
from app.cli.speech import language, say, show, told
from app.cli.stores import opened
from app.database import Database
from app.messages import N_
from app.services import demo
from app.settings import Settings

ROLES = {
    "coordinator": N_("coordinator"),
    "recipient": N_("coordinator of the receiving side"),
    "unit_head": N_("head of a unit"),
    "handler": N_("handler"),
    "deputy": N_("deputy"),
    "treasurer": N_("treasurer"),
    "inspector": N_("inspector"),
    "leader": N_("leader"),
    "partner": N_("partner"),
    "superior": N_("superior"),
    "auditor": N_("external auditor"),
    "system": N_("system administrator"),
    "security": N_("security administrator"),
    "audit": N_("audit administrator"),
}


def demonstrate(
    if_empty: Annotated[
        bool, typer.Option("--if-empty", help=told(N_("Leave a store that is not empty as it is, and say nothing.")))
    ] = False,
) -> None:
    """Fill the store and print the accounts."""
    with opened() as work:
        with work.store.reading() as session:
            empty = demo.is_empty(session)
        if empty or not if_empty:
            demo.build(work.store, storage.from_settings(work.settings), work.settings, work.now)
            say(N_("The demonstration is in the store."))
            if not if_empty:
                print_accounts(work.settings)


def print_accounts(chosen: Settings) -> None:
    """The demonstration accounts, one on each line, and their password; nothing in another store."""
    store = Database(chosen)
    try:
        with store.reading() as session:
            if not demo.is_there(session):
                return
    finally:
        store.dispose()
    say(N_("Demonstration accounts, all with the password %(password)s:"), password=demo.PASSWORD)
    for account in demo.accounts():
        role = translate(language(), ROLES[account.role])
        show(f"  {account.login:<12} {role}  {account.name}  {account.unit}".rstrip())
