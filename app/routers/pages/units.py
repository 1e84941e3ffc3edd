"""Units: the trees, one unit, and every change of one."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Request
from sqlmodel import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from app.errors import DomainError, Forbidden, NotFound, StaleVersion
from app.messages import N_
from app.permissions import Actor, P
from app.routers import forms, rendering
from app.routers.dependencies import Form, Now, PageActor, Store, needs
from app.routers.errors import STATUS
from app.routers.pages import unit_pages
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID
from app.schemas.unit import (
    UnitCreate,
    UnitEnd,
    UnitMemberAdd,
    UnitMerge,
    UnitNameCreate,
    UnitPageQuery,
    UnitRename,
    UnitUpdate,
)
from app.services import unit_changes, unit_groups, unit_merges, unit_names, units

UnitId = Annotated[int, Path(ge=1, le=MAX_ID)]
PartId = Annotated[int, Path(ge=1, le=MAX_ID)]
router = APIRouter(prefix="/units", route_class=ReplayRoute)


@router.get("", name="units.index", dependencies=[needs(P.UNIT_READ)])
def list_units(request: Request, actor: PageActor, store: Store) -> Response:
    """The trees of a programme by side, or the units that bear the name that is looked for."""
    query = forms.checked(UnitPageQuery, request.query_params)
    with store.reading() as session:
        context = unit_pages.read_index(session, actor, query, ended=query.ended, cursor=query.cursor)
    return rendering.page(request, "units/index.html", context, fragment="units/_list.html")


@router.get("/new", name="units.new", dependencies=[needs(P.UNIT_MANAGE)])
def show_new_unit(request: Request, actor: PageActor, store: Store) -> Response:
    """The form of a new unit; ``parent`` in the address chooses its place."""
    values = {"parent_id": request.query_params.get("parent", "")}
    with store.reading() as session:
        context = unit_pages.read_form(session, actor, values)
    return rendering.page(request, "units/new.html", context)


@router.post("", name="units.create", dependencies=[needs(P.UNIT_MANAGE)])
def create_unit(request: Request, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Add a unit, and show it."""
    try:
        data = forms.checked(UnitCreate, forms.with_lines(form, "aliases"))
        with store.transaction() as session:
            unit = units.create(session, actor, data, now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        errors = rendering.sentences(request, refusal)
        with store.reading() as session:
            context = unit_pages.read_form(session, actor, forms.kept(form), errors=errors)
        return rendering.refused(request, "units/new.html", context, refusal, STATUS[refusal.kind])
    return rendering.redirect(
        request, f"/units/{unit.key}", rendering.done(request, N_("%(name)s was added."), name=unit.name)
    )


@router.get("/{unit_id}", name="units.show", dependencies=[needs(P.UNIT_READ)])
def show_unit(request: Request, unit_id: UnitId, actor: PageActor, store: Store) -> Response:
    """One unit with its names, members, parts, work and what was merged into it."""
    with store.reading() as session:
        context = unit_pages.read_unit(session, actor, unit_id)
    return rendering.page(request, "units/show.html", context)


@router.get("/{unit_id}/edit", name="units.edit", dependencies=[needs(P.UNIT_MANAGE)])
def show_edit_unit(request: Request, unit_id: UnitId, actor: PageActor, store: Store) -> Response:
    """The form of a unit."""
    with store.reading() as session:
        unit = units.show(session, actor, unit_id)
        units.require_management(session, actor, unit)
        context = unit_pages.read_form(session, actor, unit_pages.values_of(unit), unit, version=unit.version)
    return rendering.page(request, "units/edit.html", context)


@router.post("/{unit_id}", name="units.update", dependencies=[needs(P.UNIT_MANAGE)])
def update_unit(request: Request, unit_id: UnitId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Store the whole form; a field that was emptied is emptied."""
    try:
        data = _whole(form)
        with store.transaction() as session:
            unit = unit_changes.update(session, actor, unit_id, forms.version_of(form), data, now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return _form_again(request, unit_id, form, actor, store, refusal)
    return rendering.redirect(
        request, f"/units/{unit_id}", rendering.done(request, N_("%(name)s was saved."), name=unit.name)
    )


@router.post("/{unit_id}/rename", name="units.rename", dependencies=[needs(P.UNIT_MANAGE)])
def rename_unit(request: Request, unit_id: UnitId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Give a unit a new name from a day on."""

    def do(session: Session) -> None:
        data = forms.checked(UnitRename, form)
        # The form always holds the short name, and an empty one says that there is none from then on.
        data = data.model_copy(update={"short_name": data.short_name or ""})
        unit_names.rename(session, actor, unit_id, forms.version_of(form), data, now=now)

    done = N_("The unit has its new name; the old one is kept with its days.")
    return _verb(request, unit_id, form, actor, store, do, "rename", done)


@router.post("/{unit_id}/end", name="units.end", dependencies=[needs(P.UNIT_MANAGE)])
def end_unit(request: Request, unit_id: UnitId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Let a unit exist until a day."""

    def do(session: Session) -> None:
        data = forms.checked(UnitEnd, form)
        unit_changes.end(session, actor, unit_id, forms.version_of(form), data, now=now)

    return _verb(request, unit_id, form, actor, store, do, "end", N_("The unit has ended; its records stay."))


@router.post("/{unit_id}/names", name="units.add_name", dependencies=[needs(P.UNIT_MANAGE)])
def add_name(request: Request, unit_id: UnitId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Add another spelling, or a name of earlier days."""

    def do(session: Session) -> None:
        unit_names.add(session, actor, unit_id, forms.checked(UnitNameCreate, form), now)

    return _verb(
        request, unit_id, form, actor, store, do, "add_name", N_("Plans that use this name now find the unit.")
    )


@router.post("/{unit_id}/names/{part_id}/remove", name="units.remove_name", dependencies=[needs(P.UNIT_MANAGE)])
def remove_name(
    request: Request, unit_id: UnitId, part_id: PartId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Remove a name that was wrong."""

    def do(session: Session) -> None:
        unit_names.remove(session, actor, unit_id, part_id, forms.version_of(form), now=now)

    return _verb(request, unit_id, form, actor, store, do, "remove_name", N_("The name was removed."))


@router.post("/{unit_id}/members", name="units.add_member", dependencies=[needs(P.UNIT_MANAGE)])
def add_member(request: Request, unit_id: UnitId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Let a group stand for one more unit."""

    def do(session: Session) -> None:
        unit_groups.add_member(session, actor, unit_id, forms.checked(UnitMemberAdd, form), now)

    return _verb(request, unit_id, form, actor, store, do, "add_member", N_("The group has one more member."))


@router.post("/{unit_id}/members/{part_id}/remove", name="units.remove_member", dependencies=[needs(P.UNIT_MANAGE)])
def remove_member(
    request: Request, unit_id: UnitId, part_id: PartId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Take a unit out of a group."""

    def do(session: Session) -> None:
        unit_groups.remove_member(session, actor, unit_id, part_id, forms.version_of(form), now=now)

    return _verb(request, unit_id, form, actor, store, do, "remove_member", N_("The group has one member less."))


@router.get("/{unit_id}/merge", name="units.preview_merge", dependencies=[needs(P.UNIT_MANAGE)])
def show_merge(request: Request, unit_id: UnitId, actor: PageActor, store: Store) -> Response:
    """Choose the unit that goes on; once it is chosen, what will move."""
    into = request.query_params.get("into", "")
    into_id = int(into) if into.isascii() and into.isdigit() and 0 < int(into) <= MAX_ID else None
    try:
        with store.reading() as session:
            context = unit_pages.read_merge(session, actor, unit_id, into_id)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        errors = rendering.sentences(request, refusal)
        with store.reading() as session:
            context = unit_pages.read_merge(session, actor, unit_id, None, errors=errors)
        return rendering.refused(request, "units/merge.html", context, refusal, STATUS[refusal.kind])
    return rendering.page(request, "units/merge.html", context)


@router.post("/{unit_id}/merge", name="units.merge", dependencies=[needs(P.UNIT_MANAGE)])
def merge_unit(request: Request, unit_id: UnitId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Let another unit go on for this one."""
    into_id = None
    try:
        data = forms.checked(UnitMerge, form)
        into_id = data.into_id
        with store.transaction() as session:
            unit_merges.merge(session, actor, unit_id, forms.version_of(form), data, now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return _merge_again(request, unit_id, form, actor, store, refusal)
    done = rendering.done(request, N_("The units are one now; what was merged stays readable."))
    return rendering.redirect(request, f"/units/{into_id}", done)


def _whole(form: FormData) -> UnitUpdate:
    """The form's fields as a change; an empty field empties, a bureau's form has no place above it."""
    whole = forms.checked(UnitCreate, form)
    fields = {"name", "short_name", "kind", "starts_on"} | ({"parent_id"} if "parent_id" in form else set())
    return UnitUpdate(**whole.model_dump(include=fields))


def _verb(
    request: Request,
    unit_id: int,
    form: FormData,
    actor: Actor,
    store: Store,
    do: Callable[[Session], None],
    name: str,
    done: str,
) -> Response:
    """Run a verb of one unit and go back to its page; a refusal shows the page with what was typed."""
    try:
        with store.transaction() as session:
            do(session)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        again = {"failed": name, "values": forms.kept(form), "errors": rendering.sentences(request, refusal)}
        with store.reading() as session:
            context = unit_pages.read_unit(session, actor, unit_id, **again)
        return rendering.refused(request, "units/show.html", context, refusal, STATUS[refusal.kind])
    return rendering.redirect(request, f"/units/{unit_id}", rendering.done(request, done))


def _form_again(
    request: Request, unit_id: int, form: FormData, actor: Actor, store: Store, refusal: DomainError
) -> Response:
    stale = isinstance(refusal, StaleVersion)
    errors = rendering.sentences(request, refusal)
    with store.reading() as session:
        unit = units.show(session, actor, unit_id)
        version = unit.version if stale else forms.version_of(form)
        theirs = unit_pages.values_of(unit) if stale else None
        context = unit_pages.read_form(
            session, actor, forms.kept(form), unit, errors=errors, version=version, theirs=theirs
        )
    return rendering.refused(request, "units/edit.html", context, refusal, STATUS[refusal.kind])


def _merge_again(
    request: Request, unit_id: int, form: FormData, actor: Actor, store: Store, refusal: DomainError
) -> Response:
    """The preview again where it still holds, else the choice of a unit."""
    again = {"values": forms.kept(form), "errors": rendering.sentences(request, refusal)}
    into = str(form.get("into_id", ""))
    into_id = int(into) if into.isascii() and into.isdigit() and len(into) < 10 else None
    with store.reading() as session:
        try:
            context = unit_pages.read_merge(session, actor, unit_id, into_id, **again)
        except DomainError:
            context = unit_pages.read_merge(session, actor, unit_id, None, **again)
    return rendering.refused(request, "units/merge.html", context, refusal, STATUS[refusal.kind])
