"""Tasks: the list, one task, its timeline, the list as a workbook, and withdrawing."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from app.catalogues import translate
from app.errors import DomainError, NotFound
from app.messages import N_
from app.permissions import Permission
from app.routers import forms, rendering
from app.routers.dependencies import Form, Now, PageActor, Store, needs
from app.routers.errors import STATUS
from app.routers.pages import history
from app.routers.pages.task_pages import address, listing, task_page
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID
from app.schemas.task import Reasoned, TaskQuery
from app.services import tasks, timelines

P = Permission
TaskId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(route_class=ReplayRoute)


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """All that happened to one task, a page at a time."""

    task: object
    entries: list[history.Entry]
    first_url: str | None
    next_url: str | None


@router.get("/tasks", name="tasks.index", dependencies=[needs(P.TASK_READ)])
def list_tasks(request: Request, actor: PageActor, store: Store) -> Response:
    """The tasks that the reader sees; every filter, the order and the page stand in the address."""
    query = forms.checked(TaskQuery, request.query_params)
    with store.reading() as session:
        context = listing(request, session, actor, query)
    return rendering.page(request, "tasks/index.html", context, fragment="tasks/_list.html")


@router.get("/tasks/{task_id}", name="tasks.show", dependencies=[needs(P.TASK_READ)])
def show_task(request: Request, task_id: TaskId, actor: PageActor, store: Store) -> Response:
    """One task with all that belongs to it."""
    return rendering.page(request, "tasks/show.html", task_page(request, store, actor, task_id))


@router.get("/tasks/{task_id}/timeline", name="tasks.timeline", dependencies=[needs(P.TASK_READ)])
def show_timeline(
    request: Request,
    task_id: TaskId,
    actor: PageActor,
    store: Store,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response:
    """The whole timeline of a task, newest first."""
    language = rendering.language_of(request)
    with store.reading() as session:
        task = tasks.show(session, actor, task_id)
        page = timelines.of_task(session, actor, task_id, limit=50, cursor=cursor)
    here = f"/tasks/{task_id}/timeline"
    following = address(here, {"cursor": page.next_cursor}) if page.next_cursor else None
    entries = [history.entry(language, happening) for happening in page.rows]
    context = TimelinePage(task, entries, here if cursor else None, following)
    return rendering.page(request, "tasks/timeline.html", context)


@router.post("/tasks/{task_id}/withdraw", name="tasks.withdraw", dependencies=[needs(P.TASK_WITHDRAW)])
def withdraw_task(request: Request, task_id: TaskId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Take a task out of the work, with a reason; a refusal opens the question again with its sentence."""
    try:
        reason = forms.checked(Reasoned, form).reason
        with store.transaction() as session:
            tasks.withdraw(session, actor, task_id, forms.version_of(form), reason, now=now)
    except NotFound:
        raise
    except DomainError as refusal:
        sentence = translate(rendering.language_of(request), refusal.message, refusal.values)
        sentences = rendering.sentences(request, refusal) or {"": sentence}
        context = task_page(
            request, store, actor, task_id, withdraw_errors=sentences, reason=str(form.get("reason", ""))
        )
        return rendering.refused(request, "tasks/show.html", context, refusal, STATUS[refusal.kind])
    return rendering.redirect(
        request, f"/tasks/{task_id}", rendering.done(request, N_("The task has been withdrawn. Its record stays."))
    )
