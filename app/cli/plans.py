"""duikou plan: what a plan document says, and its import as a programme."""

import hashlib
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from sqlmodel import Session

from app.adapters import storage
from app.cli.speech import say, show, told
from app.cli.stores import opened
from app.messages import N_
from app.papers import plans
from app.papers.plans import PlanReading, PlanTask
from app.papers.plans.extract import MAX_BYTES
from app.permissions import Actor
from app.schemas.plan_import import PlanAccept
from app.services import logins, plan_accepting, plan_imports, plan_mapping, plan_reading

app = typer.Typer(no_args_is_help=True)
_KINDS = (
    (b"%PDF", "application/pdf"),
    (b"PK", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
)
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


@app.command("import", help=told(N_("Take in a plan for review on the web, or accept it as it was read.")))
def import_plan(
    file: PlanFile,
    login: Annotated[str, typer.Option("--as", help=told(N_("The account that imports it.")))],
    accept: Annotated[
        bool, typer.Option("--accept", help=told(N_("Accept at once; units that are new are created.")))
    ] = False,
) -> None:
    """What the reading leaves open has to be settled by a person, on the web."""
    content = bytes_of(file)
    with opened() as work:
        with work.store.reading() as session:
            actor = logins.act_as(session, work.actor, login, work.today)
            plan_imports.refuse_without_right(actor)
        upload, reading = _taken(storage.from_settings(work.settings), file, content)
        with work.store.transaction() as session:
            import_id = plan_imports.create(session, actor, upload, reading, now=work.now).key
        say(N_("Import %(id)s is open for review: %(title)s"), id=import_id, title=reading["title"] or file.name)
        if accept:
            with work.store.transaction() as session:
                accepted = _accept(session, actor, import_id, work.now)
            say(
                N_("It is programme %(programme)s now, with %(tasks)s tasks."),
                programme=accepted.programme_id,
                tasks=accepted.tasks,
            )


def _taken(files: storage.Storage, file: Path, content: bytes) -> tuple[plan_imports.Upload, dict[str, Any]]:
    """The file read within the web's bounds of time and memory, and stored."""
    reading = plan_reading.read(file, file.name)
    sha256 = hashlib.sha256(content).hexdigest()
    files.put(sha256, file)
    kind = next((kind for mark, kind in _KINDS if content.startswith(mark)), "text/plain")
    return plan_imports.Upload(file.name, sha256, len(content), kind), reading


def _accept(session: Session, actor: Actor, import_id: int, now: datetime) -> plan_accepting.Accepted:
    row = plan_imports.get(session, actor, import_id)
    plan_mapping.create_units(session, actor, import_id, row.version, now=now)
    session.flush()
    return plan_accepting.accept(session, actor, import_id, row.version, PlanAccept(), now=now)
