"""The forms of a task: a new one below another or in a section, and changing one."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from app.errors import DomainError, FieldError, Forbidden, InvalidInput, NotFound, StaleVersion
from app.messages import N_
from app.permissions import Actor, Permission, can
from app.routers import forms, rendering
from app.routers.dependencies import Form, Now, PageActor, Store, needs
from app.routers.errors import STATUS
from app.routers.pages import history
from app.routers.replay import ReplayRoute
from app.rules import paths
from app.schemas.base import MAX_ID
from app.schemas.task import TaskCreate, TaskUpdate
from app.services import task_lists, tasks

P = Permission
TaskId = Annotated[int, Path(ge=1, le=MAX_ID)]
OptionalId = Annotated[int | None, Query(ge=1, le=MAX_ID)]
router = APIRouter(route_class=ReplayRoute)
_FIELDS = ("heading", "text", "track_id", "due_on", "due_text", "open_ended", "target", "responsible_people")
# What an emptied field of the form means: a person cleared it, which the JSON of the API says by these values.
_CLEARED: dict[str, Any] = {
    "text": "",
    "track_id": None,
    "due_on": None,
    "due_text": "",
    "target": "",
}


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field that somebody else saved in between: both texts."""

    label: str
    theirs: str
    yours: str


@dataclass(frozen=True, slots=True)
class TaskForm:
    """The form of a task: what stands in its fields, the choices, and what was wrong with it."""

    values: dict[str, str]
    tracks: list[tuple[int, str]]
    errors: dict[str, str] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    task: Any = None
    version: int = 0
    parent: Any = None
    parent_place: str = ""
    sections: list[tuple[str, str]] = field(default_factory=list)
    programme_id: int = 0
    programme: str = ""


@router.get("/tasks/new", name="tasks.new", dependencies=[needs(P.TASK_CREATE)])
def show_new(
    request: Request, actor: PageActor, store: Store, parent: OptionalId = None, programme: OptionalId = None
) -> Response:
    """The form of a new task, below ``parent`` or in a section of ``programme``."""
    return rendering.page(request, "tasks/new.html", _new_form(store, actor, parent, programme, {}))


@router.post("/tasks", name="tasks.create", dependencies=[needs(P.TASK_CREATE)])
def create_task(request: Request, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Add the task and go to it; a refused form comes back with what was typed."""
    try:
        data = forms.checked(TaskCreate, _split_people(form))
        with store.transaction() as session:
            task_id = tasks.create(session, actor, data, now=now).id
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        kept = forms.kept(form)
        context = _new_form(store, actor, _number(kept.get("parent_id")), _number(kept.get("programme_id")), kept)
        return _refused(request, "tasks/new.html", context, refusal)
    return rendering.redirect(request, f"/tasks/{task_id}", rendering.done(request, N_("The task has been added.")))


@router.get("/tasks/{task_id}/edit", name="tasks.edit", dependencies=[needs(P.TASK_UPDATE)])
def show_edit(request: Request, task_id: TaskId, actor: PageActor, store: Store) -> Response:
    """The form with the task as it stands."""
    context = _edit_form(store, actor, task_id, None)
    return rendering.page(request, "tasks/edit.html", context)


@router.post("/tasks/{task_id}", name="tasks.update", dependencies=[needs(P.TASK_UPDATE)])
def update_task(request: Request, task_id: TaskId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Save the form; where somebody else saved in between, both texts are shown (412)."""
    try:
        data = _update_of(form)
        with store.transaction() as session:
            tasks.update(session, actor, task_id, forms.version_of(form), data, now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        stale = isinstance(refusal, StaleVersion)
        context = _edit_form(store, actor, task_id, form, language=rendering.language_of(request) if stale else None)
        return _refused(request, "tasks/edit.html", context, refusal)
    return rendering.redirect(request, f"/tasks/{task_id}", rendering.done(request, N_("The task has been saved.")))


def _refused(request: Request, template: str, context: TaskForm, refusal: DomainError) -> Response:
    shown = TaskForm(
        **{name: getattr(context, name) for name in TaskForm.__dataclass_fields__ if name != "errors"},
        errors=rendering.sentences(request, refusal),
    )
    return rendering.refused(request, template, shown, refusal, STATUS[refusal.kind])


def _new_form(
    store: Store, actor: Actor, parent_id: int | None, programme_id: int | None, values: dict[str, str]
) -> TaskForm:
    with store.reading() as session:
        parent = tasks.show(session, actor, parent_id) if parent_id else None
        programmes = [key for key in actor.programmes_with(P.TASK_CREATE) if key == programme_id]
        chosen = parent.programme_id if parent else next(iter(programmes or actor.programmes_with(P.TASK_CREATE)))
        if not can(actor, P.TASK_CREATE, chosen):
            raise Forbidden
        choices = task_lists.choices(session, actor, chosen)
        sections = [] if parent else task_lists.sections(session, actor, chosen)
    return TaskForm(
        values=values,
        tracks=choices.tracks,
        parent=parent,
        parent_place=paths.spoken(parent.path) if parent else "",
        sections=[(path, paths.spoken(path)) for path in sections],
        programme_id=chosen,
        programme=choices.name("programmes", chosen),
    )


def _edit_form(
    store: Store, actor: Actor, task_id: int, form: FormData | None, language: str | None = None
) -> TaskForm:
    """The form of a task; with ``language`` the fields that differ from what was saved in between."""
    with store.reading() as session:
        task = tasks.show(session, actor, task_id)
        if not can(actor, P.TASK_UPDATE, task.programme_id):
            raise Forbidden
        choices = task_lists.choices(session, actor, task.programme_id)
    current = _values_of(task)
    values = current if form is None else {name: str(form.get(name, "")) for name in _FIELDS}
    tracks = {str(key): name for key, name in choices.tracks}
    conflicts = [
        Conflict(
            history.field_name(language, name),
            _shown(language, name, current[name], tracks),
            _shown(language, name, values[name], tracks),
        )
        for name in _FIELDS
        if language is not None and current[name].split() != values[name].split()
    ]
    return TaskForm(
        values=values,
        tracks=choices.tracks,
        conflicts=conflicts,
        task=task,
        # After a conflict the form carries the version whose text was shown, so that saving again is a choice.
        version=task.version if form is None or language is not None else forms.version_of(form),
        programme_id=task.programme_id,
        programme=choices.name("programmes", task.programme_id),
    )


def _shown(language: str, name: str, given: str, tracks: dict[str, str]) -> str:
    if name == "track_id":
        return history.value(language, name, tracks.get(given))
    return history.value(language, name, given == "true" if name == "open_ended" else given)


def _values_of(task: Any) -> dict[str, str]:
    return {
        "heading": task.heading,
        "text": task.text,
        "track_id": str(task.track_id or ""),
        "due_on": task.due_on.isoformat() if task.due_on else "",
        "due_text": task.due_text,
        "open_ended": "true" if task.open_ended else "",
        "target": task.target,
        "responsible_people": "、".join(task.responsible_people),
    }


def _update_of(form: FormData) -> TaskUpdate:
    """The form as a change of every field: an emptied one is cleared, an unticked box is no."""
    if not str(form.get("heading", "")).strip():
        raise InvalidInput((FieldError("heading", "required", N_("Please fill this in.")),))
    sent = forms.checked(TaskUpdate, _split_people(form)).model_dump(exclude_unset=True)
    cleared = {name: blank for name, blank in _CLEARED.items() if form.get(name) == ""}
    boxes = {"open_ended": False} if "open_ended" not in sent else {}
    people: dict[str, Any] = {"responsible_people": []} if form.get("responsible_people") == "" else {}
    return TaskUpdate.model_validate({**cleared, **boxes, **people, **sent})


def _split_people(form: FormData) -> FormData:
    names = str(form.get("responsible_people", "")).replace("，", "、").replace(",", "、").split("、")
    items = [(name, value) for name, value in form.multi_items() if name != "responsible_people"]
    return FormData([*items, *(("responsible_people", name.strip()) for name in names if name.strip())])


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
