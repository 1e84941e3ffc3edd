"""Assignments on the pages of a task: letting a unit in, changing its part, confirming, taking it off."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from app.errors import DomainError, Forbidden, NotFound
from app.messages import N_
from app.permissions import Actor, Permission, can
from app.routers import forms, rendering
from app.routers.dependencies import Form, Now, PageActor, Store, needs
from app.routers.errors import STATUS
from app.routers.pages.task_pages import ROLES, words
from app.routers.replay import ReplayRoute
from app.schemas.assignment import AssignmentCreate, AssignmentUpdate
from app.schemas.base import MAX_ID
from app.services import assignments, task_lists, tasks

P = Permission
TaskId = Annotated[int, Path(ge=1, le=MAX_ID)]
AssignmentId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(route_class=ReplayRoute)


@dataclass(frozen=True, slots=True)
class AssignmentForm:
    """The form of an assignment: a unit to choose, or the part of one that takes part already."""

    task: Any
    values: dict[str, str]
    units: list[tuple[int, str]]
    handlers: list[tuple[int, str]]
    roles: list[tuple[str, str]]
    assignment: Any = None
    version: int = 0
    errors: dict[str, str] = field(default_factory=dict)


@router.get("/tasks/{task_id}/assignments/new", name="assignments.new", dependencies=[needs(P.TASK_ASSIGN)])
def show_new(request: Request, task_id: TaskId, actor: PageActor, store: Store) -> Response:
    """The form that lets a unit take part."""
    context = _new_form(request, store, actor, task_id, {"role": "supporting"}, {})
    return rendering.page(request, "assignments/new.html", context)


@router.post("/tasks/{task_id}/assignments", name="assignments.create", dependencies=[needs(P.TASK_ASSIGN)])
def create_assignment(
    request: Request, task_id: TaskId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Let the unit take part and go back to the task."""
    try:
        data = forms.checked(AssignmentCreate, FormData([*form.multi_items(), ("task_id", str(task_id))]))
        with store.transaction() as session:
            assignments.create(session, actor, data, now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        errors = rendering.sentences(request, refusal)
        context = _new_form(request, store, actor, task_id, forms.kept(form), errors)
        return rendering.refused(request, "assignments/new.html", context, refusal, STATUS[refusal.kind])
    return _back(request, task_id, N_("The unit takes part now."))


@router.get("/assignments/{assignment_id}/edit", name="assignments.edit", dependencies=[needs(P.TASK_ASSIGN)])
def show_edit(request: Request, assignment_id: AssignmentId, actor: PageActor, store: Store) -> Response:
    """The form of a unit's part: role, date and handler."""
    return rendering.page(request, "assignments/edit.html", _edit_form(request, store, actor, assignment_id, None, {}))


@router.post("/assignments/{assignment_id}", name="assignments.update", dependencies=[needs(P.TASK_ASSIGN)])
def update_assignment(
    request: Request, assignment_id: AssignmentId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Save the part of a unit."""
    try:
        sent = forms.checked(AssignmentUpdate, form).model_dump(exclude_unset=True)
        cleared = {name: None for name in ("due_on", "handler_id") if form.get(name) == ""}
        data = AssignmentUpdate.model_validate({**cleared, **sent})
        with store.transaction() as session:
            changed = assignments.update(session, actor, assignment_id, forms.version_of(form), data, now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        errors = rendering.sentences(request, refusal)
        context = _edit_form(request, store, actor, assignment_id, form, errors)
        return rendering.refused(request, "assignments/edit.html", context, refusal, STATUS[refusal.kind])
    return _back(request, changed.task_id, N_("The part of the unit has been saved."))


@router.post(
    "/assignments/{assignment_id}/confirm-role",
    name="assignments.confirm_role",
    dependencies=[needs(P.TASK_ASSIGN)],
)
def confirm_role(
    request: Request, assignment_id: AssignmentId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Confirm the role as it stands."""
    with store.transaction() as session:
        changed = assignments.confirm_role(session, actor, assignment_id, forms.version_of(form), now=now)
    return _back(request, changed.task_id, N_("The role has been confirmed."))


@router.post("/assignments/{assignment_id}/remove", name="assignments.remove", dependencies=[needs(P.TASK_ASSIGN)])
def remove_assignment(
    request: Request, assignment_id: AssignmentId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Take the unit off the draft."""
    with store.transaction() as session:
        task_id = assignments.remove(session, actor, assignment_id, forms.version_of(form), now=now)
    return _back(request, task_id, N_("The unit has been taken off the task."))


def _back(request: Request, task_id: int, message: str) -> Response:
    return rendering.redirect(request, f"/tasks/{task_id}#assignments", rendering.done(request, message))


def _new_form(
    request: Request, store: Store, actor: Actor, task_id: int, values: dict[str, str], errors: dict[str, str]
) -> AssignmentForm:
    with store.reading() as session:
        task = tasks.show(session, actor, task_id)
        if not can(actor, P.TASK_ASSIGN, task.programme_id):
            raise Forbidden
        present = [row.unit_id for row in assignments.of_tasks(session, actor, [task_id])[task_id]]
        units = task_lists.assignable(session, task.programme_id, present)
    roles = words(rendering.language_of(request), ROLES)
    return AssignmentForm(task, values, units, [], roles, errors=errors)


def _edit_form(
    request: Request, store: Store, actor: Actor, assignment_id: int, form: FormData | None, errors: dict[str, str]
) -> AssignmentForm:
    with store.reading() as session:
        assignment = assignments.show(session, actor, assignment_id)
        if not can(actor, P.TASK_ASSIGN, assignment.programme_id):
            raise Forbidden
        task = tasks.show(session, actor, assignment.task_id)
        people = assignments.handlers(session, assignment.programme_id, [assignment.unit_id])
    values = (
        forms.kept(form)
        if form is not None
        else {
            "role": assignment.role,
            "due_on": assignment.due_on.isoformat() if assignment.due_on else "",
            "handler_id": str(assignment.handler_id or ""),
        }
    )
    return AssignmentForm(
        task,
        values,
        [],
        [(row.id, row.name) for row in people[assignment.unit_id]],
        words(rendering.language_of(request), ROLES),
        assignment,
        assignment.version,
        errors,
    )
