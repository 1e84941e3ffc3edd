"""Exchange packages, on pages: making one, bringing one, what it would change, choosing, taking it in."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import Response

from app.errors import DomainError
from app.messages import N_
from app.permissions import Permission
from app.routers import forms, package_uploads, rendering
from app.routers.dependencies import Form, Now, PageActor, Store, Uploader, needs
from app.routers.errors import STATUS
from app.routers.pages import exchange_pages
from app.routers.pages.exchange_pages import PackagePageQuery
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID
from app.schemas.exchange_package import (
    ExchangeApply,
    ExchangeChoice,
    ExchangeChoices,
    ExchangeDrop,
    ExchangePackageQuery,
)
from app.services import exchange_exports, exchange_packages

P = Permission
PackageId = Annotated[int, Path(ge=1, le=MAX_ID)]
ProgrammeId = Annotated[int, Path(ge=1, le=MAX_ID)]
MAY = [needs(P.PROGRAMME_RECEIVE)]
router = APIRouter(route_class=ReplayRoute)


@router.post("/programmes/{programme_id}/export", name="programmes.export", dependencies=[needs(P.PROGRAMME_EXPORT)])
def export_programme(
    request: Request, programme_id: ProgrammeId, _form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Make an exchange package of a programme and go to it."""
    with store.transaction() as session:
        package_id = exchange_exports.begin(session, actor, programme_id, now=now).key
    return rendering.redirect(request, f"/exchange-packages/{package_id}")


@router.get("/exchange-packages", name="exchange_packages.index", dependencies=MAY)
def list_exchange_packages(request: Request, actor: PageActor, store: Store) -> Response:
    """The upload form, and the packages sent and received."""
    query = forms.checked(ExchangePackageQuery, request.query_params)
    with store.reading() as session:
        context = exchange_pages.index(request, session, actor, query)
    return rendering.page(request, "exchange_packages/index.html", context)


@router.post("/exchange-packages", name="exchange_packages.create", dependencies=MAY)
async def receive_exchange_package(request: Request, actor: Uploader, store: Store, now: Now) -> Response:
    """Bring a package; a refusal says beside the form what is wrong with it."""
    try:
        package_id = await package_uploads.take(request, actor, now)
    except DomainError as refusal:
        return await run_in_threadpool(_not_taken, request, store, actor, refusal)
    return rendering.redirect(request, f"/exchange-packages/{package_id}")


def _not_taken(request: Request, store: Store, actor: Uploader, refusal: DomainError) -> Response:
    sentences = {"file": rendering.sentence_of(request, refusal)}
    with store.reading() as session:
        context = exchange_pages.index(request, session, actor, ExchangePackageQuery(), errors=sentences)
    return rendering.refused(request, "exchange_packages/index.html", context, refusal, STATUS[refusal.kind])


@router.get("/exchange-packages/{package_id}", name="exchange_packages.show", dependencies=MAY)
def show_exchange_package(request: Request, package_id: PackageId, actor: PageActor, store: Store) -> Response:
    """One package: what it would change, its conflicts side by side; while it is worked on, how far that is."""
    query = forms.checked(PackagePageQuery, request.query_params)
    with store.reading() as session:
        context = exchange_pages.show(request, session, actor, package_id, query)
    return rendering.page(request, "exchange_packages/show.html", context, fragment="exchange_packages/_state.html")


@router.get("/exchange-packages/{package_id}/content", name="exchange_packages.content", dependencies=MAY)
def download_exchange_package(request: Request, package_id: PackageId, actor: PageActor) -> Response:
    """The package, to be saved; recorded before the first byte leaves."""
    return package_uploads.content(request, actor, package_id)


@router.post("/exchange-packages/{package_id}/choose", name="exchange_packages.choose", dependencies=MAY)
def choose_differences(
    request: Request, package_id: PackageId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Keep what was chosen of the conflicts on the page."""
    data = _choices(form)
    with store.transaction() as session:
        exchange_packages.choose(session, actor, package_id, forms.version_of(form), data, now=now)
    flash = rendering.done(request, N_("The choices are kept. Nothing is changed before the package is taken in."))
    return rendering.redirect(request, f"/exchange-packages/{package_id}#conflicts", flash)


def _choices(form: FormData) -> ExchangeChoices:
    chosen = [
        ExchangeChoice(difference_id=int(name.removeprefix("choice-")), choice=value)
        for name, value in form.items()
        if name.startswith("choice-") and name.removeprefix("choice-").isdigit() and value in ("ours", "theirs")
    ]
    rest = form.get("rest")
    return ExchangeChoices(choices=chosen, rest=rest if rest in ("ours", "theirs") else None)


@router.post("/exchange-packages/{package_id}/apply", name="exchange_packages.apply", dependencies=MAY)
def apply_exchange_package(
    request: Request, package_id: PackageId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Take the package in."""
    duplicate = forms.checked(ExchangeApply, form).duplicate
    try:
        with store.transaction() as session:
            version = forms.version_of(form)
            exchange_packages.begin_apply(session, actor, package_id, version, duplicate=duplicate, now=now)
    except exchange_packages.DocumentKnown as refusal:
        with store.reading() as session:
            context = exchange_pages.show(request, session, actor, package_id, PackagePageQuery())
        return rendering.refused(request, "exchange_packages/show.html", context, refusal, STATUS[refusal.kind])
    return rendering.redirect(request, f"/exchange-packages/{package_id}")


@router.post("/exchange-packages/{package_id}/drop", name="exchange_packages.drop", dependencies=MAY)
def drop_exchange_package(
    request: Request, package_id: PackageId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Give a package up."""
    reason = forms.checked(ExchangeDrop, form).reason
    with store.transaction() as session:
        exchange_packages.drop(session, actor, package_id, forms.version_of(form), reason=reason, now=now)
    flash = rendering.done(request, N_("The package was given up. Nothing of it was taken in."))
    return rendering.redirect(request, "/exchange-packages", flash)
