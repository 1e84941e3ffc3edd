"""duikou check: what the status page shows, in a terminal, also where nothing can be served yet."""

from typing import Annotated

import orjson
import typer

from app import clock, settings
from app.cli.speech import show, told
from app.database import Database
from app.messages import N_
from app.services import checks
from app.services.checks import Line, State

_MARKS = {State.OK: "+", State.WARN: "!", State.BAD: "x", State.UNKNOWN: "?"}
WORDS = {
    State.OK: N_("In order"),
    State.WARN: N_("Wants attention"),
    State.BAD: N_("Wrong"),
    State.UNKNOWN: N_("Not known"),
}


def check(
    as_json: Annotated[bool, typer.Option("--json", help=told(N_("Answer with JSON, for other programs.")))] = False,
) -> None:
    """Look at everything that can go wrong; the exit code is 1 if anything is bad."""
    chosen = settings.load()
    store = Database(chosen)
    try:
        lines = checks.run(checks.Context(chosen, store, clock.now()))
    finally:
        store.dispose()
    worst = checks.worst(lines)
    if as_json:
        items = [{"name": line.name, "state": line.state, **_texts(line)} for line in lines]
        show(orjson.dumps({"state": worst, "items": items}, option=orjson.OPT_INDENT_2).decode())
    else:
        for line in lines:
            texts = _texts(line)
            show(f"{_MARKS[line.state]} {told(WORDS[line.state])}  {texts['label']}: {texts['value']}")
            if texts["advice"]:
                show(f"    {texts['advice']}")
    if worst is State.BAD:
        raise typer.Exit(1)


def _texts(line: Line) -> dict[str, str]:
    values = dict(line.finding.values)
    return {
        "label": told(line.label),
        "value": told(line.finding.value, **values),
        "advice": told(line.finding.advice, **values),
    }
