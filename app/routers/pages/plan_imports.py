"""Plans under review, on pages: upload, head, units, tracks, sides, the original, acceptance."""

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import Response

from app.catalogues import translate
from app.errors import DomainError, Forbidden, NotFound, StaleVersion
from app.messages import N_
from app.permissions import Actor, Permission
from app.routers import forms, plan_uploads, rendering
from app.routers.dependencies import Form, Now, PageActor, Store, Uploader, needs, settings
from app.routers.errors import STATUS
from app.routers.pages import plan_forms, plan_import_pages, plan_review
from app.routers.pages.plan_import_pages import IndexPage
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID
from app.schemas.plan_import import PlanAccept, PlanImportDrop, PlanImportQuery
from app.services import plan_accepting, plan_imports, plan_mapping

P = Permission
ImportId = Annotated[int, Path(ge=1, le=MAX_ID)]
MAY = [needs(P.PLAN_IMPORT)]
router = APIRouter(prefix="/plan-imports", route_class=ReplayRoute)


@router.get("", name="plan_imports.index", dependencies=MAY)
def list_plan_imports(request: Request, actor: PageActor, store: Store) -> Response:
    """The upload form, and the imports so far."""
    return rendering.page(request, "plan_imports/index.html", _index(request, store, actor))


@router.post("", name="plan_imports.create", dependencies=MAY)
async def create_plan_import(request: Request, actor: Uploader, store: Store, now: Now) -> Response:
    """Read the uploaded plan and go to its review; a refusal says what to do, beside the form."""
    try:
        import_id = await plan_uploads.take(request, actor, now)
    except Forbidden:
        raise
    except DomainError as refusal:
        return await run_in_threadpool(_not_taken, request, store, actor, refusal)
    flash = rendering.done(request, N_("The plan was read. Check what was found beside the original."))
    return rendering.redirect(request, f"/plan-imports/{import_id}", flash)


@router.get("/{import_id}", name="plan_imports.show", dependencies=MAY)
def show_plan_import(request: Request, import_id: ImportId, actor: PageActor, store: Store) -> Response:
    """The review: the original in blocks, and beside each what was read from it."""
    query = forms.checked(plan_review.ReviewQuery, request.query_params)
    with store.reading() as session:
        context = plan_review.review(request, session, actor, import_id, query)
    return rendering.page(request, "plan_imports/show.html", context)


@router.get("/{import_id}/head", name="plan_imports.head", dependencies=MAY)
def show_head(request: Request, import_id: ImportId, actor: PageActor, store: Store) -> Response:
    """The head of the plan, to be corrected."""
    with store.reading() as session:
        found = plan_import_pages.frame(session, actor, import_id)
        context = plan_import_pages.head_page(session, actor, found)
    return rendering.page(request, "plan_imports/head.html", context)


@router.post("/{import_id}", name="plan_imports.update", dependencies=MAY)
def update_plan_import(
    request: Request, import_id: ImportId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Correct the head; a stale form shows both texts."""
    try:
        with store.transaction() as session:
            plan_imports.update(session, actor, import_id, forms.version_of(form), plan_forms.head(form), now=now)
    except (NotFound, plan_imports.PlanImportSettled):
        raise
    except DomainError as refusal:
        typed = {**forms.kept(form)}
        with store.reading() as session:
            found = plan_import_pages.frame(session, actor, import_id)
            context = plan_import_pages.head_page(session, actor, found)
            rows = _both(request, context.values, typed) if isinstance(refusal, StaleVersion) else []
            context = plan_import_pages.head_page(
                session,
                actor,
                found,
                values={**context.values, **typed},
                errors=rendering.sentences(request, refusal),
                conflict=rows,
            )
        return rendering.refused(request, "plan_imports/head.html", context, refusal, STATUS[refusal.kind])
    return rendering.redirect(
        request, f"/plan-imports/{import_id}/head", rendering.done(request, N_("The head was saved."))
    )


@router.get("/{import_id}/units", name="plan_imports.units", dependencies=MAY)
def show_units(request: Request, import_id: ImportId, actor: PageActor, store: Store) -> Response:
    """The names of units in the plan, and what each stands for."""
    with store.reading() as session:
        found = plan_import_pages.frame(session, actor, import_id)
        context = plan_import_pages.units_page(session, actor, found)
    return rendering.page(request, "plan_imports/units.html", context)


@router.post("/{import_id}/map-unit", name="plan_imports.map_unit", dependencies=MAY)
def map_unit(request: Request, import_id: ImportId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Say what one name stands for."""
    named_as = str(form.get("named_as", ""))
    try:
        with store.transaction() as session:
            other = str(form.get("other", "")).strip()
            matched = plan_mapping.only_match(session, actor, other) if form.get("choice") == "other" else {}
            data = plan_forms.mapping(form, matched)
            plan_mapping.map_unit(session, actor, import_id, forms.version_of(form), data, now=now)
    except (NotFound, plan_imports.PlanImportSettled):
        raise
    except DomainError as refusal:
        wrong = rendering.sentences(request, refusal)
        with store.reading() as session:
            found = plan_import_pages.frame(session, actor, import_id)
            context = plan_import_pages.units_page(session, actor, found, {named_as: wrong})
        return rendering.refused(request, "plan_imports/units.html", context, refusal, STATUS[refusal.kind])
    flash = rendering.done(request, N_("Saved what %(name)s stands for."), name=named_as)
    return rendering.redirect(request, f"/plan-imports/{import_id}/units", flash)


@router.post("/{import_id}/create-units", name="plan_imports.create_units", dependencies=MAY)
def create_units(
    request: Request, import_id: ImportId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Let the acceptance create all that are undecided, as suggested."""
    with store.transaction() as session:
        plan_mapping.create_units(session, actor, import_id, forms.version_of(form), now=now)
    flash = rendering.done(request, N_("The units that were open will be created when the plan is accepted."))
    return rendering.redirect(request, f"/plan-imports/{import_id}/units", flash)


@router.get("/{import_id}/sections", name="plan_imports.sections", dependencies=MAY)
def show_sections(request: Request, import_id: ImportId, actor: PageActor, store: Store) -> Response:
    """The sections of the plan and the track of each."""
    with store.reading() as session:
        context = plan_import_pages.SectionsPage(plan_import_pages.frame(session, actor, import_id))
    return rendering.page(request, "plan_imports/sections.html", context)


@router.post("/{import_id}/set-sections", name="plan_imports.set_sections", dependencies=MAY)
def set_sections(
    request: Request, import_id: ImportId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Map all sections to tracks."""
    try:
        with store.transaction() as session:
            data = plan_forms.sections(form)
            plan_mapping.set_sections(session, actor, import_id, forms.version_of(form), data, now=now)
    except (NotFound, plan_imports.PlanImportSettled):
        raise
    except DomainError as refusal:
        with store.reading() as session:
            found = plan_import_pages.frame(session, actor, import_id)
        context = plan_import_pages.SectionsPage(found, rendering.sentences(request, refusal))
        return rendering.refused(request, "plan_imports/sections.html", context, refusal, STATUS[refusal.kind])
    flash = rendering.done(request, N_("The tracks of the sections were saved."))
    return rendering.redirect(request, f"/plan-imports/{import_id}/sections", flash)


@router.get("/{import_id}/parties", name="plan_imports.parties", dependencies=MAY)
def show_parties(request: Request, import_id: ImportId, actor: PageActor, store: Store) -> Response:
    """The bureaus and their sides."""
    return rendering.page(request, "plan_imports/parties.html", _parties(store, actor, import_id))


@router.post("/{import_id}/set-parties", name="plan_imports.set_parties", dependencies=MAY)
def set_parties(
    request: Request, import_id: ImportId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Set the bureaus and their sides."""
    try:
        with store.transaction() as session:
            rows = plan_forms.party_rows(form, plan_import_pages.bureaus(session, actor))
            data = plan_forms.parties(rows)
            plan_mapping.set_parties(session, actor, import_id, forms.version_of(form), data, now=now)
    except (NotFound, plan_imports.PlanImportSettled):
        raise
    except DomainError as refusal:
        context = _parties(store, actor, import_id, form, rendering.sentences(request, refusal))
        return rendering.refused(request, "plan_imports/parties.html", context, refusal, STATUS[refusal.kind])
    flash = rendering.done(request, N_("The sides were saved."))
    return rendering.redirect(request, f"/plan-imports/{import_id}/parties", flash)


@router.get("/{import_id}/text", name="plan_imports.lines", dependencies=MAY)
def list_lines(
    request: Request,
    import_id: ImportId,
    actor: PageActor,
    store: Store,
    start: Annotated[int, Query(ge=1, le=100_000)] = 1,
    only: Literal["", "ignored", "repaired"] = "",
) -> Response:
    """The original, line by line, and what became of each."""
    with store.reading() as session:
        found = plan_import_pages.frame(session, actor, import_id)
        context = plan_import_pages.text_page(request, session, actor, found, start=start, only=only)
    return rendering.page(request, "plan_imports/text.html", context)


@router.get("/{import_id}/file", name="plan_imports.file", dependencies=MAY)
def download_plan_import(request: Request, import_id: ImportId, actor: PageActor, store: Store) -> Response:
    """The file as it was uploaded."""
    return plan_uploads.original(request, store, actor, import_id)


@router.get("/{import_id}/accept", name="plan_imports.confirm", dependencies=MAY)
def confirm_plan_import(request: Request, import_id: ImportId, actor: PageActor, store: Store) -> Response:
    """What the acceptance will do, before it is done."""
    with store.reading() as session:
        found = plan_import_pages.frame(session, actor, import_id)
        context = plan_import_pages.accept_page(request, session, found)
    return rendering.page(request, "plan_imports/accept.html", context)


@router.post("/{import_id}/accept", name="plan_imports.accept", dependencies=MAY)
def accept_plan_import(
    request: Request, import_id: ImportId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Accept the plan and go to its programme; whoever comes second is led there too, and told."""
    try:
        data = forms.checked(PlanAccept, form)
        with store.transaction() as session:
            done = plan_accepting.accept(session, actor, import_id, forms.version_of(form), data, now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        chosen = {name: [str(value) for value in form.getlist(name)] for name in ("withdraw", "excuse")}
        values = {**chosen, "reason": str(form.get("reason", "")), "duplicate": "duplicate" in form}
        with store.reading() as session:
            found = plan_import_pages.frame(session, actor, import_id)
            errors = rendering.sentences(request, refusal)
            context = plan_import_pages.accept_page(request, session, found, values=values, errors=errors)
        return rendering.refused(request, "plan_imports/accept.html", context, refusal, STATUS[refusal.kind])
    sentence = N_("The plan was accepted: %(tasks)s tasks, version %(number)s.")
    flash = rendering.done(request, sentence, tasks=done.tasks, number=done.number)
    return rendering.redirect(request, f"/programmes/{done.programme_id}", flash)


@router.post("/{import_id}/drop", name="plan_imports.drop", dependencies=MAY)
def drop_plan_import(
    request: Request, import_id: ImportId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Give the import up."""
    reason = forms.checked(PlanImportDrop, form).reason
    with store.transaction() as session:
        plan_imports.drop(session, actor, import_id, forms.version_of(form), reason=reason, now=now)
    flash = rendering.done(request, N_("The import was given up. Its record stays."))
    return rendering.redirect(request, "/plan-imports", flash)


def _index(request: Request, store: Store, actor: Actor, errors: dict[str, str] | None = None) -> IndexPage:
    given = request.query_params if request.method == "GET" else FormData()
    query = forms.checked(PlanImportQuery, given)
    with store.reading() as session:
        page = plan_imports.listing(
            session, actor, limit=query.limit, cursor=query.cursor, state=query.state, q=query.q
        )
    here = f"/plan-imports?{urlencode({'q': query.q})}"
    following = f"{here}&{urlencode({'cursor': page.next_cursor})}" if page.next_cursor else None
    limit = settings(request).plan_limit_mb
    return IndexPage(page.rows, query.q, limit, here if query.cursor else None, following, errors or {})


def _not_taken(request: Request, store: Store, actor: Actor, refusal: DomainError) -> Response:
    if isinstance(refusal, plan_imports.PlanUnderReview):
        sentence = translate(rendering.language_of(request), refusal.message, refusal.values)
        flash = rendering.Flash("note", sentence)
        return rendering.redirect(request, f"/plan-imports/{refusal.values['import_id']}", flash)
    errors = rendering.sentences(request, refusal)
    context = _index(request, store, actor, errors)
    return rendering.refused(request, "plan_imports/index.html", context, refusal, STATUS[refusal.kind])


def _parties(
    store: Store, actor: Actor, import_id: int, form: FormData | None = None, errors: dict[str, str] | None = None
) -> plan_import_pages.PartiesPage:
    with store.reading() as session:
        found = plan_import_pages.frame(session, actor, import_id)
        offered = plan_import_pages.bureaus(session, actor)
    typed = plan_forms.party_rows(form) if form is not None else list(found.row.head["parties"])
    empty = {"name": "", "side": None, "unit_id": None}
    return plan_import_pages.PartiesPage(found, [*typed, *([empty] * 3 if form is None else [])], offered, errors or {})


def _both(request: Request, theirs: Mapping[str, str], yours: Mapping[str, str]) -> list[dict[str, str]]:
    language = rendering.language_of(request)
    return [
        {
            "label": translate(language, plan_import_pages.LABELS[name]),
            "theirs": theirs[name],
            "yours": yours[name],
        }
        for name in theirs
        if name in yours and theirs[name].split() != yours[name].split()
    ]
