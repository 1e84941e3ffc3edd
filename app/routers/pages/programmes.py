"""Programmes: the list, one programme with its plan, its head, its parties and the versions of its plan."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Request
from sqlmodel import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from app.errors import DomainError, Forbidden, NotFound, StaleVersion
from app.messages import N_
from app.permissions import Actor, P, can
from app.routers import forms, rendering
from app.routers.dependencies import Form, Now, PageActor, Store, needs
from app.routers.errors import STATUS
from app.routers.pages import programme_pages
from app.routers.pages.programme_pages import LINES, PlanVersionPage, ProgrammeFormPage
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID
from app.schemas.programme import PartyCreate, ProgrammeCreate, ProgrammePageQuery, ProgrammeQuery, ProgrammeUpdate
from app.services import programmes

ProgrammeId = Annotated[int, Path(ge=1, le=MAX_ID)]
PartyId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(prefix="/programmes", route_class=ReplayRoute)


@router.get("", name="programmes.index", dependencies=[needs(P.PROGRAMME_READ)])
def list_programmes(request: Request, actor: PageActor, store: Store) -> Response:
    """The programmes in which the reader holds a role, newest first."""
    query = forms.checked(ProgrammeQuery, request.query_params)
    with store.reading() as session:
        context = programme_pages.read_index(session, actor, query.cursor)
    return rendering.page(request, "programmes/index.html", context)


@router.get("/new", name="programmes.new", dependencies=[needs(P.PROGRAMME_CREATE)])
def show_new_programme(request: Request, _actor: PageActor) -> Response:
    """The form of a programme without a plan document."""
    return rendering.page(request, "programmes/new.html", ProgrammeFormPage({"side": "aiding"}))


@router.post("", name="programmes.create", dependencies=[needs(P.PROGRAMME_CREATE)])
def create_programme(request: Request, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Make a programme; its maker coordinates it."""
    try:
        data = forms.checked(ProgrammeCreate, forms.with_lines(form, *LINES))
        with store.transaction() as session:
            programme = programmes.create(session, actor, data, now)
    except Forbidden:
        raise
    except DomainError as refusal:
        context = ProgrammeFormPage(forms.kept(form), rendering.sentences(request, refusal))
        return rendering.refused(request, "programmes/new.html", context, refusal, STATUS[refusal.kind])
    done = rendering.done(request, N_("The programme was made. You coordinate it."))
    return rendering.redirect(request, f"/programmes/{programme.key}", done)


@router.get("/{programme_id}", name="programmes.show", dependencies=[needs(P.PROGRAMME_READ)])
def show_programme(request: Request, programme_id: ProgrammeId, actor: PageActor, store: Store) -> Response:
    """One programme; ``track`` in the address opens that track, ``milestone`` the form of that row."""
    query = forms.checked(ProgrammePageQuery, request.query_params)
    with store.reading() as session:
        context = programme_pages.read_programme(session, actor, programme_id, query)
    fragment = "milestones/_row_answer.html" if query.milestone is not None else "programmes/_track_answer.html"
    return rendering.page(request, "programmes/show.html", context, fragment=fragment)


@router.get("/{programme_id}/edit", name="programmes.edit", dependencies=[needs(P.PROGRAMME_UPDATE)])
def show_edit_programme(request: Request, programme_id: ProgrammeId, actor: PageActor, store: Store) -> Response:
    """The form of a programme's head."""
    with store.reading() as session:
        row = programmes.show(session, actor, programme_id)
    if not can(actor, P.PROGRAMME_UPDATE, programme_id):
        raise Forbidden
    values = programme_pages.values_of(row)
    context = ProgrammeFormPage(values, programme_id=programme_id, title=row.title, version=row.version)
    return rendering.page(request, "programmes/edit.html", context)


@router.post("/{programme_id}", name="programmes.update", dependencies=[needs(P.PROGRAMME_UPDATE)])
def update_programme(
    request: Request, programme_id: ProgrammeId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Store the whole head; a field that was emptied is emptied."""
    try:
        whole = forms.checked(ProgrammeCreate, forms.with_lines(form, *LINES))
        data = ProgrammeUpdate(**whole.model_dump(exclude={"side"}))
        with store.transaction() as session:
            programmes.update(session, actor, programme_id, forms.version_of(form), data, now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return _form_again(request, programme_id, form, actor, store, refusal)
    return rendering.redirect(
        request, f"/programmes/{programme_id}", rendering.done(request, N_("The programme was saved."))
    )


@router.get("/{programme_id}/arrange", name="programmes.arrange", dependencies=[needs(P.PROGRAMME_UPDATE)])
def show_arrange(request: Request, programme_id: ProgrammeId, actor: PageActor, store: Store) -> Response:
    """The bureaus that take part and the tracks, to be arranged."""
    with store.reading() as session:
        context = programme_pages.read_arrange(session, actor, programme_id)
    if not context.may_parties:
        raise Forbidden
    return rendering.page(request, "programmes/arrange.html", context)


@router.post("/{programme_id}/parties", name="programmes.add_party", dependencies=[needs(P.PROGRAMME_UPDATE)])
def add_party(
    request: Request, programme_id: ProgrammeId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Let a bureau take part."""

    def do(session: Session) -> None:
        programmes.add_party(session, actor, programme_id, forms.checked(PartyCreate, form), now)

    return arranged(request, programme_id, form, actor, store, do, "add_party", N_("The bureau takes part now."))


@router.post(
    "/{programme_id}/parties/{party_id}/remove",
    name="programmes.remove_party",
    dependencies=[needs(P.PROGRAMME_UPDATE)],
)
def remove_party(
    request: Request,
    programme_id: ProgrammeId,
    party_id: PartyId,
    form: Form,
    actor: PageActor,
    store: Store,
    now: Now,
) -> Response:
    """End a bureau's part."""

    def do(session: Session) -> None:
        programmes.remove_party(session, actor, programme_id, party_id, forms.version_of(form), now=now)

    done = N_("The bureau takes part no longer.")
    return arranged(request, programme_id, form, actor, store, do, "remove_party", done)


@router.get(
    "/{programme_id}/plan-versions/{number}", name="programmes.plan_version", dependencies=[needs(P.PROGRAMME_READ)]
)
def show_plan_version(
    request: Request,
    programme_id: ProgrammeId,
    number: Annotated[int, Path(ge=1, le=MAX_ID)],
    actor: PageActor,
    store: Store,
) -> Response:
    """One accepted text of the plan with what it changed."""
    with store.reading() as session:
        programme = programmes.show(session, actor, programme_id)
        version = programmes.plan_version(session, actor, programme_id, number)
    return rendering.page(request, "programmes/plan_version.html", PlanVersionPage(programme, version))


def arranged(
    request: Request,
    programme_id: int,
    form: FormData,
    actor: Actor,
    store: Store,
    do: Callable[[Session], None],
    name: str,
    done: str,
) -> Response:
    """Run a verb on parties or tracks and go back to their page; a refusal shows it with what was typed."""
    try:
        with store.transaction() as session:
            do(session)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        again = {"failed": name, "values": forms.kept(form), "errors": rendering.sentences(request, refusal)}
        with store.reading() as session:
            context = programme_pages.read_arrange(session, actor, programme_id, **again)
        return rendering.refused(request, "programmes/arrange.html", context, refusal, STATUS[refusal.kind])
    return rendering.redirect(request, f"/programmes/{programme_id}/arrange", rendering.done(request, done))


def _form_again(
    request: Request, programme_id: int, form: FormData, actor: Actor, store: Store, refusal: DomainError
) -> Response:
    stale = isinstance(refusal, StaleVersion)
    with store.reading() as session:
        row = programmes.show(session, actor, programme_id)
    context = ProgrammeFormPage(
        forms.kept(form),
        rendering.sentences(request, refusal),
        programme_id,
        row.title,
        row.version if stale else forms.version_of(form),
        programme_pages.values_of(row) if stale else None,
    )
    return rendering.refused(request, "programmes/edit.html", context, refusal, STATUS[refusal.kind])
