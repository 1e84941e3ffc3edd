"""The duikou command, one file per group of commands; thin, like a router.

A refusal is a sentence on standard error and exit code 1; a command that was typed wrongly is exit
code 2; a trace of the program's stack is for mistakes of ours only.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

from app.cli.speech import complain, told
from app.errors import DomainError
from app.messages import N_
from app.settings import WrongSetting
from app.starting import without_sweeps

# Name > file and what it holds there, a command or a group of them, and a sentence. A file is loaded when its
# command is asked for: the whole product is behind some of them, and the help would wait for it.
COMMANDS: Final[dict[str, tuple[str, str, str]]] = {
    "serve": ("serving", "serve", N_("Answer requests of browsers and of other systems.")),
    "worker": ("working", "work", N_("Do the jobs in the store, and those that come by the calendar.")),
    "migrate": ("migrations", "migrate", N_("Bring the store to the schema of this release, or back.")),
    "check": ("checking", "check", N_("Say how the installation stands, and what to do about it.")),
    "demo": ("demonstration", "demonstrate", N_("Fill an empty store with a demonstration programme.")),
    "settings": ("configuration", "show_settings", N_("List every setting with its value and where it comes from.")),
    "restore": ("backups", "restore", N_("Restore a backup into an empty place.")),
    "export": (
        "exchange",
        "export_programme",
        N_("Write a programme into a signed package for another installation."),
    ),
    "import": ("exchange", "import_package", N_("Check a package of another installation and take it in.")),
    "export-key": ("exchange", "print_key", N_("Print the public key by which others know packages made here.")),
    "audit": ("auditing", "app", N_("Seal and verify the log; print its head and its key.")),
    "backup": ("backups", "app", N_("Back up the store and its files; try a restore.")),
    "plan": ("plans", "app", N_("Read a plan document, or import it as a programme.")),
    "search": ("searching", "app", N_("Build the index of words anew.")),
    "user": ("users", "app", N_("Open, list and close accounts; reset passwords; first run.")),
    "token": ("tokens", "app", N_("Make, list and revoke tokens of service accounts.")),
}


def _plain(**options: Any) -> typer.Typer:
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, **options)


def loaded(name: str) -> Any:
    """The command of that name with its options and the commands below it."""
    file, thing, sentence = COMMANDS[name]
    with without_sweeps():
        found = getattr(import_module(f"app.cli.{file}"), thing)
    around = _plain()
    if isinstance(found, typer.Typer):
        around.add_typer(found, name=name, help=told(sentence))
    else:
        around.command(name, help=told(sentence))(found)
    return typer.main.get_group(around).commands[name]


class _Commands(TyperGroup):
    """Knows its commands by name and sentence, and loads the one that was typed."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        return name, loaded(str(name)), rest


app = _plain(
    name="duikou",
    cls=_Commands,
    help=told(N_("Duikou: paired-assistance programmes, from the published plan to the final summary.")),
    no_args_is_help=True,
)
for _name, (_, _, _sentence) in COMMANDS.items():
    app.command(_name, help=told(_sentence))(lambda: None)


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
