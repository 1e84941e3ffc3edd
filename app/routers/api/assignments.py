"""Assignments of tasks to units, over the API."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from sqlmodel import Session
from starlette.responses import Response

from app.permissions import Permission
from app.routers.api import answers
from app.routers.dependencies import ApiActor, IfMatch, Now, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.assignment import AssignmentCreate, AssignmentPublic, AssignmentQuery, AssignmentUpdate
from app.schemas.base import MAX_ID, Page
from app.services import assignments

P = Permission
AssignmentId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(prefix="/assignments", tags=["assignments"], route_class=ReplayRoute)


@router.get(
    "",
    name="api.assignments.index",
    dependencies=[needs(P.TASK_READ)],
    response_model=Page[AssignmentPublic],
    responses=documented(401, 403, 422),
)
def list_assignments(
    request: Request, query: Annotated[AssignmentQuery, Query()], actor: ApiActor, store: Store
) -> Response:
    """The assignments of the tasks that you see, by programme, task or unit."""

    def read(session: Session) -> tuple[list[object], str | None]:
        page = assignments.page(session, actor, query)
        return list(page.rows), page.next_cursor

    return answers.listing(request, store, actor, read)


@router.get(
    "/{assignment_id}",
    name="api.assignments.show",
    dependencies=[needs(P.TASK_READ)],
    response_model=AssignmentPublic,
    responses=documented(401, 403, 404, 422),
)
def show_assignment(assignment_id: AssignmentId, actor: ApiActor, store: Store) -> Response:
    """One assignment, its version as ETag; 404 where you do not see its task."""
    with store.reading() as session:
        return answers.thing(assignments.show(session, actor, assignment_id))


@router.post(
    "",
    name="api.assignments.create",
    dependencies=[needs(P.TASK_ASSIGN)],
    response_model=AssignmentPublic,
    status_code=201,
    responses=documented(401, 403, 404, 409, 422),
)
def create_assignment(request: Request, data: AssignmentCreate, actor: ApiActor, store: Store, now: Now) -> Response:
    """Let a unit of one of the sides take part in a task; 409 where it does already or the task is over."""
    with store.transaction() as session:
        made = assignments.create(session, actor, data, now=now).key
    with store.reading() as session:
        location = str(request.app.url_path_for("api.assignments.show", assignment_id=made))
        return answers.thing(assignments.show(session, actor, made), status=201, location=location)


@router.patch(
    "/{assignment_id}",
    name="api.assignments.update",
    dependencies=[needs(P.TASK_ASSIGN)],
    response_model=AssignmentPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def update_assignment(
    assignment_id: AssignmentId, version: IfMatch, data: AssignmentUpdate, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Change role, date or handler; a declared role counts as confirmed. The handler is a person of the unit."""
    with store.transaction() as session:
        assignments.update(session, actor, assignment_id, version, data, now=now)
    with store.reading() as session:
        return answers.thing(assignments.show(session, actor, assignment_id))


@router.post(
    "/{assignment_id}/confirm-role",
    name="api.assignments.confirm_role",
    dependencies=[needs(P.TASK_ASSIGN)],
    response_model=AssignmentPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def confirm_role(assignment_id: AssignmentId, version: IfMatch, actor: ApiActor, store: Store, now: Now) -> Response:
    """Confirm the role that the plan declares; 409 where it declares none."""
    with store.transaction() as session:
        assignments.confirm_role(session, actor, assignment_id, version, now=now)
    with store.reading() as session:
        return answers.thing(assignments.show(session, actor, assignment_id))


@router.post(
    "/{assignment_id}/remove",
    name="api.assignments.remove",
    dependencies=[needs(P.TASK_ASSIGN)],
    status_code=204,
    response_class=Response,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def remove_assignment(
    assignment_id: AssignmentId, version: IfMatch, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Take a unit off a draft; 409 once the task is issued. The log keeps what was removed."""
    with store.transaction() as session:
        assignments.remove(session, actor, assignment_id, version, now=now)
    return answers.nothing()
