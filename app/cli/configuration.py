"""duikou settings: every setting, what it does, its value and where that comes from."""

import dataclasses
import json
from typing import Annotated

import typer

from app import settings
from app.cli.speech import show, told
from app.messages import N_

SOURCES = {
    "default": N_("default"),
    "file": N_("from the file %(place)s"),
    "generated": N_("generated for the demonstration"),
    "variable": N_("from the environment"),
}


def show_settings(
    as_json: Annotated[bool, typer.Option("--json", help=told(N_("As JSON, for a program.")))] = False,
) -> None:
    """The values are those with which ``serve`` would start now; of a secret only whether there is one."""
    rows = settings.explain(settings.load())
    if as_json:
        show(json.dumps([dataclasses.asdict(row) for row in rows], ensure_ascii=False, indent=1))
        return
    for row in rows:
        source = told(SOURCES[row.source], place=row.place)
        show(f"{row.variable}={row.value}\t{source}")
        given = told(N_("default: %(value)s"), value=row.default or told(N_("empty")))
        show(f"    {row.description}" if row.source == "default" else f"    {row.description} ({given})")
