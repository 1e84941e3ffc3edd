"""What the command line says: in the language of the terminal, answers apart from complaints."""

import os
import sys

import typer

from app.catalogues import translate
from app.errors import DomainError


def language() -> str:
    """Chinese where the terminal's locale is, else English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "zh_CN" if value.lower().startswith("zh") else "en"
    return "en"


def told(message: str, **values: object) -> str:
    """A sentence of the catalogues with its values, for the terminal."""
    return translate(language(), message, values)


def say(message: str, **values: object) -> None:
    """Answer with a sentence, on standard output."""
    typer.echo(told(message, **values))


def show(line: str = "") -> None:
    """Answer with a line that is data and not a sentence."""
    typer.echo(line)


def complain(refusal: DomainError) -> None:
    """Say on standard error what was refused, and each field at fault on a line of its own."""
    lines = [told(refusal.message, **refusal.values)]
    lines += [
        f"  {error.field}: {told(error.message, **dict(error.values))}"
        for error in refusal.errors
        if error.message != refusal.message
    ]
    print("\n".join(lines), file=sys.stderr)
