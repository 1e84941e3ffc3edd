"""Jobs over the API: for the system administrator all, for everybody those they asked for."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from app.permissions import Permission
from app.routers.api import answers
from app.routers.dependencies import ApiActor, Now, Store, needs
from app.routers.errors import documented
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID, Page
from app.schemas.job import JobCancel, JobProgress, JobPublic, JobQuery
from app.services import job_control

P = Permission
JobId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=ReplayRoute)


@router.get(
    "",
    name="api.jobs.index",
    dependencies=[needs(P.JOB_READ)],
    response_model=Page[JobPublic],
    responses=documented(401, 403, 422),
)
def list_jobs(query: Annotated[JobQuery, Query()], actor: ApiActor, store: Store) -> Response:
    """Jobs, the newest first: kinds, states, times and error codes, never what they are about."""
    with store.reading() as session:
        page = job_control.page(session, actor, query)
    items = [answers.as_json(row) for row in page.rows]
    return answers.thing({"items": items, "next_cursor": page.next_cursor})


@router.get(
    "/{job_id}",
    name="api.jobs.show",
    dependencies=[needs(P.JOB_READ)],
    response_model=JobPublic,
    responses=documented(401, 403, 404, 422),
)
def show_job(job_id: JobId, actor: ApiActor, store: Store) -> Response:
    """One job, without what it is about."""
    with store.reading() as session:
        return answers.thing(job_control.one(session, actor, job_id))


@router.get(
    "/{job_id}/progress",
    name="api.jobs.progress",
    dependencies=[needs(None)],
    response_model=JobProgress,
    responses=documented(401, 403, 404, 422),
)
def show_progress(job_id: JobId, actor: ApiActor, store: Store) -> Response:
    """How far a job has come that you asked for; 404 for anybody else's."""
    with store.reading() as session:
        return answers.thing(job_control.progress_of(session, actor, job_id))


@router.post(
    "/{job_id}/retry",
    name="api.jobs.retry",
    dependencies=[needs(P.JOB_MANAGE)],
    response_model=JobPublic,
    responses=documented(401, 403, 404, 409, 422),
)
def retry_job(job_id: JobId, actor: ApiActor, store: Store, now: Now) -> Response:
    """Put a dead job into the queue again; 409 for one that is not dead."""
    with store.transaction() as session:
        job_control.retry(session, actor, job_id, now=now)
    with store.reading() as session:
        return answers.thing(job_control.one(session, actor, job_id))


@router.post(
    "/{job_id}/cancel",
    name="api.jobs.cancel",
    dependencies=[needs(None)],
    response_model=JobProgress,
    responses=documented(401, 403, 404, 409, 422),
)
def cancel_job(job_id: JobId, data: JobCancel, actor: ApiActor, store: Store, now: Now) -> Response:
    """End a job that waits or runs: your own, or any with a reason as the system administrator.

    409 for one that has ended.
    """
    with store.transaction() as session:
        job_control.cancel(session, actor, job_id, data.reason, now=now)
    with store.reading() as session:
        return answers.thing(job_control.progress_of(session, actor, job_id))
