"""duikou plan: what a plan document says, and its import as a programme."""

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from app.cli.speech import say, show, told
from app.messages import N_
from app.papers import plans
from app.papers.plans import PlanReading, PlanTask
from app.papers.plans.extract import MAX_BYTES

app = typer.Typer(no_args_is_help=True)
PlanFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
        help=told(N_("The plan: .txt in any Chinese encoding, .docx, or .pdf with text.")),
    ),
]


@app.command("read", help=told(N_("Show what a plan document says; nothing is stored.")))
def read_plan(
    file: PlanFile,
    as_json: Annotated[bool, typer.Option("--json", help=told(N_("Everything, as JSON.")))] = False,
) -> None:
    """Read and print; raises PlanRefused for what is no plan."""
    reading = plans.read(bytes_of(file), file.name)
    if as_json:
        # JSON is UTF-8 whatever the terminal's own encoding is.
        sys.stdout.buffer.write(orjson.dumps(reading.as_dict(), option=orjson.OPT_INDENT_2) + b"\n")
        sys.stdout.buffer.flush()
        return
    _print(reading)


def bytes_of(file: Path) -> bytes:
    """The file, and of a huge one no more than shows that it is too large."""
    with file.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)


def _print(reading: PlanReading) -> None:
    show(reading.title or told(N_("(no title found)")))
    number = " ".join(part for part in (reading.issuer, reading.document_number) if part)
    if number:
        show(number)
    show()
    for task in reading.tasks:
        show(_line(task))
    for milestone in reading.milestones:
        show(f"{milestone.line:>5}  {milestone.when}  {milestone.what}")
    show()
    say(
        N_("%(tasks)s tasks, %(milestones)s milestones, %(units)s units; %(doubts)s items to look at."),
        tasks=len(reading.tasks),
        milestones=len(reading.milestones),
        units=len(reading.units),
        doubts=sum(1 for task in reading.tasks if task.doubts),
    )


def _line(task: PlanTask) -> str:
    """One task on one line: its source line, path and part, heading, units, deadline, doubts."""
    parts = [f"{task.line:>5}", "/".join(task.path) + (f" #{task.part}" if task.part > 1 else ""), task.heading]
    if task.units:
        parts.append("、".join(task.units))
    if task.due_text:
        parts.append(task.due_text)
    if task.doubts:
        parts.append("? " + ", ".join(task.doubts))
    return "  ".join(parts)
