"""Milestones: adding, changing and removing them, on their programme's page."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from app.errors import DomainError, Forbidden, NotFound, StaleVersion
from app.messages import N_
from app.permissions import Actor, P
from app.routers import forms, rendering
from app.routers.dependencies import Form, Now, PageActor, Store, needs
from app.routers.errors import STATUS
from app.routers.pages import programme_pages
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID
from app.schemas.milestone import MilestoneCreate, MilestoneUpdate
from app.schemas.programme import ProgrammePageQuery
from app.services import milestones

MilestoneId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(prefix="/milestones", route_class=ReplayRoute)


@router.post("", name="milestones.create", dependencies=[needs(P.MILESTONE_UPDATE)])
def create_milestone(request: Request, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Add a step or a goal to the programme that the form names."""
    try:
        data = forms.checked(MilestoneCreate, form)
        with store.transaction() as session:
            milestones.create(session, actor, data, now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        named = str(form.get("programme_id", ""))
        if not (named.isascii() and named.isdigit() and len(named) < 10):
            raise NotFound from refusal
        return _again(request, form, actor, store, refusal, int(named), None)
    done = rendering.done(request, N_("The milestone was added."))
    return rendering.redirect(request, f"/programmes/{data.programme_id}#milestones", done)


@router.post("/{milestone_id}", name="milestones.update", dependencies=[needs(P.MILESTONE_UPDATE)])
def update_milestone(
    request: Request, milestone_id: MilestoneId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Store the whole row; a field that was emptied is emptied."""
    row = _row(store, actor, milestone_id)
    try:
        whole = forms.checked(MilestoneCreate, _of(form, row.programme_id))
        data = MilestoneUpdate(**whole.model_dump(exclude={"programme_id", "position"}))
        with store.transaction() as session:
            milestones.update(session, actor, milestone_id, forms.version_of(form), data, now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return _again(request, form, actor, store, refusal, row.programme_id, milestone_id)
    done = rendering.done(request, N_("The milestone was saved."))
    return rendering.redirect(request, f"/programmes/{row.programme_id}#milestones", done)


@router.post("/{milestone_id}/remove", name="milestones.remove", dependencies=[needs(P.MILESTONE_UPDATE)])
def remove_milestone(
    request: Request, milestone_id: MilestoneId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Remove a milestone; its text stays in the log."""
    row = _row(store, actor, milestone_id)
    try:
        with store.transaction() as session:
            milestones.remove(session, actor, milestone_id, forms.version_of(form), now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return _again(request, form, actor, store, refusal, row.programme_id, milestone_id)
    done = rendering.done(request, N_("The milestone was removed; its text stays in the record."))
    return rendering.redirect(request, f"/programmes/{row.programme_id}#milestones", done)


def _row(store: Store, actor: Actor, milestone_id: int) -> Any:
    with store.reading() as session:
        return milestones.show(session, actor, milestone_id)


def _of(form: FormData, programme_id: int) -> FormData:
    return FormData(
        [*((n, v) for n, v in form.multi_items() if n != "programme_id"), ("programme_id", str(programme_id))]
    )


def _again(
    request: Request,
    form: FormData,
    actor: Actor,
    store: Store,
    refusal: DomainError,
    programme_id: int,
    milestone_id: int | None,
) -> Response:
    """The programme's page with the form that was refused; after somebody else's change with their text beside it."""
    again: dict[str, Any] = {"values": forms.kept(form), "errors": rendering.sentences(request, refusal)}
    with store.reading() as session:
        if milestone_id is not None and isinstance(refusal, StaleVersion):
            again["theirs"] = programme_pages.values_of(milestones.show(session, actor, milestone_id))
        elif milestone_id is not None:
            again["version"] = forms.version_of(form)
        query = ProgrammePageQuery(milestone=milestone_id)
        context = programme_pages.read_programme(session, actor, programme_id, query, **again)
    return rendering.refused(request, "programmes/show.html", context, refusal, STATUS[refusal.kind])
