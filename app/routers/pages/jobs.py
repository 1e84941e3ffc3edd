"""Jobs on pages: the administrator's list, and the progress of what one asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from app.catalogues import translate
from app.errors import DomainError, NotFound
from app.messages import N_
from app.models import JobState
from app.permissions import Actor, Permission, can
from app.routers import forms, rendering
from app.routers.dependencies import Form, Now, PageActor, Store, needs
from app.routers.errors import STATUS
from app.routers.pages.task_pages import Chip, address
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID
from app.schemas.job import JobCancel, JobQuery
from app.services import job_control
from app.services.job_names import RESULTS, TITLES

P = Permission
JobId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(route_class=ReplayRoute)
STATES = {
    JobState.QUEUED: N_("Waiting"),
    JobState.RUNNING: N_("Running"),
    JobState.DONE: N_("Done"),
    JobState.DEAD: N_("Failed for good"),
    JobState.CANCELLED: N_("Stopped"),
}


@dataclass(frozen=True, slots=True)
class JobsPage:
    """The list; ``refused`` is the job whose cancelling was refused, with what was typed."""

    rows: Sequence[Any]
    titles: dict[str, str]
    states: list[tuple[str, str]]
    kinds: list[tuple[str, str]]
    query: JobQuery
    chips: list[Chip]
    first_url: str | None
    next_url: str | None
    may_manage: bool
    refused: int = 0
    reason: str = ""
    errors: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class JobProgressPage:
    """One job's progress. ``leads_to`` is where its result stands, once it is done."""

    job: Any
    title: str
    leads_to: str


@router.get("/jobs", name="jobs.index", dependencies=[needs(P.JOB_READ)])
def list_jobs(request: Request, actor: PageActor, store: Store) -> Response:
    """Jobs, the newest first."""
    query = forms.checked(JobQuery, request.query_params)
    context = _list(request, store, actor, query)
    return rendering.page(request, "jobs/index.html", context, fragment="jobs/_list.html")


@router.get("/jobs/{job_id}/progress", name="jobs.progress", dependencies=[needs(None)])
def show_progress(request: Request, job_id: JobId, actor: PageActor, store: Store) -> Response:
    """How far a job has come; the fragment asks for itself again until the job has ended."""
    with store.reading() as session:
        job = job_control.progress_of(session, actor, job_id)
    leads_to = RESULTS.get(job.kind, "") if job.state is JobState.DONE else ""
    context = JobProgressPage(job, title_of(rendering.language_of(request), job.kind), leads_to)
    return rendering.page(request, "jobs/progress.html", context, fragment="jobs/_progress.html")


@router.post("/jobs/{job_id}/retry", name="jobs.retry", dependencies=[needs(P.JOB_MANAGE)])
def retry_job(request: Request, job_id: JobId, _form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Put a dead job into the queue again."""
    with store.transaction() as session:
        job_control.retry(session, actor, job_id, now=now)
    return rendering.redirect(request, "/jobs", rendering.done(request, N_("The job waits to be done again.")))


@router.post("/jobs/{job_id}/cancel", name="jobs.cancel", dependencies=[needs(None)])
def cancel_job(request: Request, job_id: JobId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """End a job; an administrator comes back to the list, whoever asked for it to its progress."""
    reads_all = can(actor, P.JOB_READ)
    try:
        reason = forms.checked(JobCancel, form).reason
        with store.transaction() as session:
            job_control.cancel(session, actor, job_id, reason, now=now)
    except NotFound:
        raise
    except DomainError as refusal:
        if not reads_all:
            raise
        return _refused(request, store, actor, job_id, str(form.get("reason", "")), refusal)
    done = rendering.done(request, N_("The job is stopped."))
    return rendering.redirect(request, "/jobs" if reads_all else f"/jobs/{job_id}/progress", done)


def title_of(language: str, kind: str) -> str:
    """What a kind of job is called; its name where a newer release made it."""
    known = TITLES.get(kind)
    return translate(language, known) if known else kind


def _refused(request: Request, store: Store, actor: Actor, job_id: int, reason: str, refusal: DomainError) -> Response:
    sentence = translate(rendering.language_of(request), refusal.message, refusal.values)
    errors = rendering.sentences(request, refusal) or {"": sentence}
    context = _list(request, store, actor, JobQuery(), refused=job_id, reason=reason, errors=errors)
    return rendering.refused(request, "jobs/index.html", context, refusal, STATUS[refusal.kind])


def _list(request: Request, store: Store, actor: Actor, query: JobQuery, **refused: Any) -> JobsPage:
    with store.reading() as session:
        page = job_control.page(session, actor, query)
    language = rendering.language_of(request)
    given = query.model_dump(mode="json", include={"state", "kind"}, exclude_none=True)
    titles = {kind: title_of(language, kind) for kind in {*TITLES, *(row.kind for row in page.rows)}}
    states = [(state.value, translate(language, word)) for state, word in STATES.items()]
    words = dict(states) | titles
    return JobsPage(
        rows=page.rows,
        titles=titles,
        states=states,
        kinds=sorted(titles.items(), key=lambda item: item[1]),
        query=query,
        chips=[
            Chip(words.get(value, value), address("/jobs", {key: other for key, other in given.items() if key != name}))
            for name, value in given.items()
        ],
        first_url=address("/jobs", given) if query.cursor else None,
        next_url=address("/jobs", {**given, "cursor": page.next_cursor}) if page.next_cursor else None,
        may_manage=can(actor, P.JOB_MANAGE),
        **refused,
    )
