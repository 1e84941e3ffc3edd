"""What the pages of tasks show: frozen contexts, and how they are read."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from sqlmodel import Session

from app.catalogues import translate
from app.messages import N_
from app.permissions import Actor, Permission, can
from app.routers import rendering
from app.routers.dependencies import Store, settings
from app.routers.pages import history, live
from app.rules import paths
from app.rules import tasks as rules
from app.schemas.attachment import AttachmentQuery
from app.schemas.task import TaskFilters, TaskQuery
from app.services import assignments, attachments, task_lists, tasks, timelines
from app.services import live as updates
from app.services.task_lists import Choices

P = Permission
STATES: tuple[str, ...] = (
    "draft",
    "issued",
    "in_progress",
    "under_review",
    "awaiting_confirmation",
    "completed",
    "closed",
    "suspended",
    "withdrawn",
)
ROLES = ("lead", "supporting", "guiding", "undeclared")
_TIMELINE_ON_PAGE = 10


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force, in words, and the address without it."""

    text: str
    remove_url: str


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task as a row: what the list shows of it, and the units on it."""

    task: Any
    place: str
    units: list[Any]


@dataclass(frozen=True, slots=True)
class TaskList:
    """The list of tasks: rows, the filters in force and the choices there are."""

    rows: list[TaskRow]
    total: str
    values: dict[str, Any]
    kept: dict[str, Any]
    chips: list[Chip]
    choices: Choices
    states: list[tuple[str, str]]
    roles: list[tuple[str, str]]
    sort: str
    sort_urls: dict[str, str]
    first_url: str | None
    next_url: str | None
    may_create: bool
    live_url: str


@dataclass(frozen=True, slots=True)
class TaskPage:
    """One task: its facts, units, sub-tasks, files and timeline, and what the reader may do."""

    task: Any
    place: str
    parent: Any
    programme: str
    track: str
    plan_wording: str | None
    assignments: list[Any]
    children: list[TaskRow]
    more_children: bool
    files: list[Any]
    removable: set[int]
    entries: list[history.Entry]
    more_entries: bool
    may_update: bool
    may_assign: bool
    may_create: bool
    may_withdraw: bool
    may_attach: bool
    over: bool
    upload_limit: int
    live_url: str
    errors: dict[str, str] = field(default_factory=dict)
    withdraw_errors: dict[str, str] = field(default_factory=dict)
    reason: str = ""


def words(language: str, values: tuple[str, ...]) -> list[tuple[str, str]]:
    """Choices of states or roles with their words."""
    return [(value, translate(language, history.VALUES[value])) for value in values]


def listing(request: Request, session: Session, actor: Actor, query: TaskQuery) -> TaskList:
    """Read the list that ``query`` asks for; a constant number of queries."""
    language = rendering.language_of(request)
    filters = TaskFilters.model_validate(query.model_dump(include=set(TaskFilters.model_fields)))
    since = updates.position(session)
    page = tasks.page(session, actor, filters, sort=query.sort, limit=query.limit, cursor=query.cursor, brief=True)
    total = tasks.count(session, actor, filters)
    choices = task_lists.choices(session, actor, filters.programme)
    values = {name: value for name, value in filters.model_dump(mode="json").items() if value is not None}
    shown = ("programme", "track", "unit", "role", "state", "due_from", "due_to", "q")
    here = {**values, "sort": query.sort}
    return TaskList(
        rows=rows_of(session, actor, list(page.rows)),
        total="1,000+" if total > 1000 else str(total),
        values=values,
        kept={name: _asked(value) for name, value in values.items() if name not in shown},
        chips=_chips(language, values, here, choices),
        choices=choices,
        states=words(language, STATES),
        roles=words(language, ROLES),
        sort=query.sort,
        sort_urls={name: address("/tasks", {**here, "sort": name}) for name in tasks.SORTS},
        first_url=address("/tasks", here) if query.cursor else None,
        next_url=address("/tasks", {**here, "cursor": page.next_cursor}) if page.next_cursor else None,
        may_create=can(actor, P.TASK_CREATE),
        live_url=live.address(actor, [row.id for row in page.rows], since),
    )


def rows_of(session: Session, actor: Actor, rows: list[Any]) -> list[TaskRow]:
    """Rows with their units; one query."""
    units = assignments.of_tasks(session, actor, [row.id for row in rows], brief=True) if rows else {}
    return [TaskRow(row, paths.spoken(row.path), units[row.id]) for row in rows]


def address(path: str, values: dict[str, Any]) -> str:
    """A path with those values that are given as its query, in a form that reads back the same."""
    given = {name: _asked(value) for name, value in values.items() if value not in (None, "")}
    default = given.pop("sort", "plan")
    if default != "plan":
        given["sort"] = default
    return f"{path}?{urlencode(given)}" if given else path


def _asked(value: Any) -> Any:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else value


_CHIPS = {
    "due_from": N_("Due from %(value)s"),
    "due_to": N_("Due until %(value)s"),
    "parent": N_("Sub-tasks of one task"),
    "programme": N_("Programme: %(value)s"),
    "q": N_("Words: %(value)s"),
    "role": N_("Role: %(value)s"),
    "state": N_("State: %(value)s"),
    "track": N_("Track: %(value)s"),
    "unit": N_("Unit: %(value)s"),
}
_YES_NO = {
    ("marked", True): N_("Marked in the plan"),
    ("marked", False): N_("Found in prose"),
    ("mine", True): N_("Of my units"),
    ("open", True): N_("Still owed"),
    ("open_ended", True): N_("Open-ended"),
    ("open_ended", False): N_("Not open-ended"),
    ("dated", False): N_("Without a date"),
    ("dated", True): N_("With a date"),
}


def _chips(language: str, values: dict[str, Any], here: dict[str, Any], choices: Choices) -> list[Chip]:
    chips = []
    for name, given in values.items():
        shown = given
        if name in ("programme", "track", "unit"):
            shown = choices.name(f"{name}s", given) or given
        elif name in ("state", "role"):
            shown = translate(language, history.VALUES[given])
        message = _CHIPS.get(name) or _YES_NO.get((name, given))
        if message:
            rest = {key: value for key, value in here.items() if key != name}
            chips.append(Chip(translate(language, message, {"value": shown}), address("/tasks", rest)))
    return chips


def task_page(request: Request, store: Store, actor: Actor, task_id: int, **more: Any) -> TaskPage:
    """Read everything that one task's page shows; raises NotFound. A constant number of queries."""
    language = rendering.language_of(request)
    with store.reading() as session:
        since = updates.position(session)
        task = tasks.show(session, actor, task_id)
        choices = task_lists.choices(session, actor, task.programme_id)
        parent = _visible_parent(session, actor, task.parent_id)
        children = tasks.page(session, actor, TaskFilters(parent=task_id), limit=100, cursor=None, brief=True)
        files = _files(session, actor, task_id)
        timeline = timelines.of_task(session, actor, task_id, limit=_TIMELINE_ON_PAGE)
        wording = tasks.plan_wording(session, task_id)
        over = task.state in rules.ENDED
        return TaskPage(
            task=task,
            place=paths.spoken(task.path),
            parent=parent,
            programme=choices.name("programmes", task.programme_id),
            track=choices.name("tracks", task.track_id),
            plan_wording=wording if wording not in (None, task.text) else None,
            assignments=assignments.of_tasks(session, actor, [task_id])[task_id],
            children=rows_of(session, actor, list(children.rows)),
            more_children=children.next_cursor is not None,
            files=files,
            removable={row.id for row in files if attachments.may_remove(actor, row, task.state)},
            entries=[history.entry(language, happening) for happening in timeline.rows],
            more_entries=timeline.next_cursor is not None,
            may_update=can(actor, P.TASK_UPDATE, task.programme_id) and not over,
            may_assign=can(actor, P.TASK_ASSIGN, task.programme_id) and not over,
            may_create=can(actor, P.TASK_CREATE, task.programme_id) and not over,
            may_withdraw=can(actor, P.TASK_WITHDRAW, task.programme_id) and not over,
            may_attach=attachments.can_attach(session, actor, task_id),
            over=over,
            upload_limit=settings(request).upload_limit_mb,
            live_url=live.address(actor, [task_id, *(row.id for row in children.rows)], since),
            **more,
        )


def _visible_parent(session: Session, actor: Actor, parent_id: int | None) -> Any:
    if parent_id is None:
        return None
    statement: Any = tasks.visible_to(actor).where(tasks.COLUMNS[0] == parent_id).with_only_columns(*tasks.COLUMNS)
    return session.connection().execute(statement).first()


def _files(session: Session, actor: Actor, task_id: int) -> list[Any]:
    if not can(actor, P.ATTACHMENT_READ):
        return []
    return list(attachments.page(session, actor, AttachmentQuery(subject_id=task_id, limit=200)).rows)
