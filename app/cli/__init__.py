"""The duikou command, one file per group of commands; thin, like a router.

A refusal is a sentence on standard error and exit code 1; a command that was typed wrongly is exit
code 2; a trace of the program's stack is for mistakes of ours only.
"""

import sys
from collections.abc import Sequence

import typer

from app.cli import (
    auditing,
    backups,
    checking,
    configuration,
    demonstration,
    exchange,
    migrations,
    plans,
    searching,
    serving,
    tokens,
    users,
    working,
)
from app.cli.speech import complain, told
from app.errors import DomainError
from app.messages import N_
from app.settings import WrongSetting

app = typer.Typer(
    name="duikou",
    help=told(N_("Duikou: paired-assistance programmes, from the published plan to the final summary.")),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("serve", help=told(N_("Answer requests of browsers and of other systems.")))(serving.serve)
app.command("worker", help=told(N_("Do the jobs in the store, and those that come by the calendar.")))(working.work)
app.command("migrate", help=told(N_("Bring the store to the schema of this release, or back.")))(migrations.migrate)
app.command("check", help=told(N_("Say how the installation stands, and what to do about it.")))(checking.check)
app.command("demo", help=told(N_("Fill an empty store with a demonstration programme.")))(demonstration.demonstrate)
app.command("settings", help=told(N_("List every setting with its value and where it comes from.")))(
    configuration.show_settings
)
app.add_typer(auditing.app, name="audit", help=told(N_("Seal and verify the log; print its head and its key.")))
app.add_typer(backups.app, name="backup", help=told(N_("Back up the store and its files; try a restore.")))
app.command("restore", help=told(N_("Restore a backup into an empty place.")))(backups.restore)
app.command("export", help=told(N_("Write a programme into a signed package for another installation.")))(
    exchange.export_programme
)
app.command("import", help=told(N_("Check a package of another installation and take it in.")))(exchange.import_package)
app.command("export-key", help=told(N_("Print the public key by which others know packages made here.")))(
    exchange.print_key
)
app.add_typer(plans.app, name="plan", help=told(N_("Read a plan document, or import it as a programme.")))
app.add_typer(searching.app, name="search", help=told(N_("Build the index of words anew.")))
app.add_typer(users.app, name="user", help=told(N_("Open, list and close accounts; reset passwords; first run.")))
app.add_typer(tokens.app, name="token", help=told(N_("Make, list and revoke tokens of service accounts.")))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with 0, 1 or 2."""
    try:
        app(args=arguments)
    except DomainError as refusal:
        complain(refusal)
        sys.exit(1)
    except WrongSetting as mistake:
        print(mistake, file=sys.stderr)
        sys.exit(1)
