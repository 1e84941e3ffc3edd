"""Tasks of a plan, over the API."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from app.permissions import Permission
from app.routers.api import answers
from app.routers.dependencies import ApiActor, IfMatch, Now, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID, Page
from app.schemas.task import ChildQuery, Reasoned, TaskCreate, TaskFilters, TaskPublic, TaskQuery, TaskUpdate
from app.services import tasks
from app.services.paging import Slice

P = Permission
TaskId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=ReplayRoute)


@router.get(
    "",
    name="api.tasks.index",
    dependencies=[needs(P.TASK_READ)],
    response_model=Page[TaskPublic],
    responses=documented(401, 403, 422),
)
def list_tasks(request: Request, query: Annotated[TaskQuery, Query()], actor: ApiActor, store: Store) -> Response:
    """The tasks that you see, narrowed by the filters; 304 with If-None-Match where nothing changed."""
    return answers.listing(
        request,
        store,
        actor,
        lambda session: _pair(
            tasks.page(session, actor, query, sort=query.sort, limit=query.limit, cursor=query.cursor)
        ),
    )


@router.get(
    "/{task_id}",
    name="api.tasks.show",
    dependencies=[needs(P.TASK_READ)],
    response_model=TaskPublic,
    responses=documented(401, 403, 404, 422),
)
def show_task(task_id: TaskId, actor: ApiActor, store: Store) -> Response:
    """One task, its version as ETag; 404 where there is none or you do not see it."""
    with store.reading() as session:
        return answers.thing(tasks.show(session, actor, task_id))


@router.get(
    "/{task_id}/children",
    name="api.tasks.children",
    dependencies=[needs(P.TASK_READ)],
    response_model=Page[TaskPublic],
    responses=documented(401, 403, 404, 422),
)
def list_children(
    request: Request, task_id: TaskId, query: Annotated[ChildQuery, Query()], actor: ApiActor, store: Store
) -> Response:
    """The sub-tasks of a task that you see, in the plan's order; 404 where you do not see the task itself."""
    with store.reading() as session:
        tasks.show(session, actor, task_id)
    filters = TaskFilters(parent=task_id)
    return answers.listing(
        request,
        store,
        actor,
        lambda session: _pair(tasks.page(session, actor, filters, limit=query.limit, cursor=query.cursor)),
    )


@router.post(
    "",
    name="api.tasks.create",
    dependencies=[needs(P.TASK_CREATE)],
    response_model=TaskPublic,
    status_code=201,
    responses=documented(401, 403, 404, 409, 422),
)
def create_task(request: Request, data: TaskCreate, actor: ApiActor, store: Store, now: Now) -> Response:
    """Add a draft under a task or in a section; it takes the next marker there. 409 under a task that is over."""
    with store.transaction() as session:
        task = tasks.create(session, actor, data, now=now)
    location = str(request.app.url_path_for("api.tasks.show", task_id=task.id))
    return answers.thing(task, status=201, location=location)


@router.patch(
    "/{task_id}",
    name="api.tasks.update",
    dependencies=[needs(P.TASK_UPDATE)],
    response_model=TaskPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def update_task(
    task_id: TaskId, version: IfMatch, data: TaskUpdate, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Change the fields that are sent. Both sides may; 409 once the task is over, 412 for a stale version."""
    with store.transaction() as session:
        tasks.update(session, actor, task_id, version, data, now=now)
    with store.reading() as session:
        return answers.thing(tasks.show(session, actor, task_id))


@router.post(
    "/{task_id}/withdraw",
    name="api.tasks.withdraw",
    dependencies=[needs(P.TASK_WITHDRAW)],
    response_model=TaskPublic,
    responses=documented(401, 403, 404, 409, 412, 422, 428),
)
def withdraw_task(
    task_id: TaskId, version: IfMatch, data: Reasoned, actor: ApiActor, store: Store, now: Now
) -> Response:
    """Take a task out of the work for good, with a reason; 409 while it has open sub-tasks."""
    with store.transaction() as session:
        tasks.withdraw(session, actor, task_id, version, data.reason, now=now)
    with store.reading() as session:
        return answers.thing(tasks.show(session, actor, task_id))


def _pair(page: Slice) -> tuple[list[object], str | None]:
    return list(page.rows), page.next_cursor
