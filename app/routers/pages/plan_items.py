"""Items of a review, on pages: each can be corrected in its place, left out, taken in again and settled."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from sqlmodel import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from app.catalogues import translate
from app.errors import DomainError, NotFound, StaleVersion
from app.messages import N_
from app.models import PlanItem, PlanItemKind
from app.permissions import Actor, Permission
from app.routers import forms, rendering
from app.routers.dependencies import Form, Now, PageActor, Store, needs
from app.routers.errors import STATUS
from app.routers.pages import plan_forms, plan_import_pages, plan_review
from app.routers.pages.plan_import_pages import Frame
from app.routers.pages.plan_review import ItemView
from app.routers.replay import ReplayRoute
from app.schemas.base import MAX_ID
from app.services import plan_imports, plan_items
from app.services.plan_differences import names_in

P = Permission
ImportId = Annotated[int, Path(ge=1, le=MAX_ID)]
ItemId = Annotated[int, Path(ge=1, le=MAX_ID)]
MAY = [needs(P.PLAN_IMPORT)]
router = APIRouter(prefix="/plan-imports/{import_id}/items", route_class=ReplayRoute)


@router.get("/new", name="plan_items.new", dependencies=MAY)
def new_item(
    request: Request,
    import_id: ImportId,
    actor: PageActor,
    store: Store,
    kind: Literal["task", "milestone"] = "task",
    line: Annotated[int | None, Query(ge=1, le=100_000)] = None,
) -> Response:
    """A form for what the reader missed."""
    row = PlanItem(
        plan_import_id=import_id,
        kind=PlanItemKind(kind),
        line=line,
        data=plan_items.EMPTY[PlanItemKind(kind)],
        position=0,
    )
    with store.reading() as session:
        context = _new(request, session, actor, import_id, row)
    return rendering.page(request, "plan_imports/item_new.html", context)


@router.post("", name="plan_items.create", dependencies=MAY)
def create_item(
    request: Request, import_id: ImportId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Add what the reader missed."""
    try:
        given = plan_forms.new_item(form)
        with store.transaction() as session:
            item = plan_items.create(session, actor, import_id, given, now=now)
    except (NotFound, plan_imports.PlanImportSettled):
        raise
    except DomainError as refusal:
        kind = PlanItemKind("milestone" if form.get("kind") == "milestone" else "task")
        line = str(form.get("line", ""))
        typed_line = int(line) if line.isascii() and line.isdigit() and len(line) < 6 else None
        data = plan_items.EMPTY[kind]
        row = PlanItem(plan_import_id=import_id, kind=kind, line=typed_line, data=data, position=0)
        with store.reading() as session:
            context = _new(request, session, actor, import_id, row, **_typed(request, form, refusal))
        return rendering.refused(request, "plan_imports/item_new.html", context, refusal, STATUS[refusal.kind])
    view = "milestones" if item.kind == PlanItemKind.MILESTONE else "tasks"
    flash = rendering.done(request, N_("Added."))
    return rendering.redirect(request, f"/plan-imports/{import_id}?view={view}#item-{item.key}", flash)


@router.get("/{item_id}", name="plan_items.show", dependencies=MAY)
def show_item(
    request: Request,
    import_id: ImportId,
    item_id: ItemId,
    actor: PageActor,
    store: Store,
    edit: bool = False,
    back: Annotated[str, Query(max_length=3000)] = "",
) -> Response:
    """One item beside its lines, shown or open for correction."""
    with store.reading() as session:
        found = plan_import_pages.frame(session, actor, import_id)
        row = plan_items.get(session, actor, import_id, item_id)
        view = _open(request, found, row, _inside(import_id, back)) if edit and found.editable else None
        context = _page(request, found, view or plan_review.item_view(request, found, row, _inside(import_id, back)))
    return rendering.page(request, "plan_imports/item.html", context, fragment="plan_imports/_item_answer.html")


@router.post("/{item_id}", name="plan_items.update", dependencies=MAY)
def update_item(
    request: Request, import_id: ImportId, item_id: ItemId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Correct an item; where somebody saved in between, both texts are shown and the next press takes yours."""
    back = _inside(import_id, str(form.get("next", "")))
    try:
        with store.reading() as session:
            kind = plan_items.get(session, actor, import_id, item_id).kind
        data = plan_forms.item(form, kind.value)
        with store.transaction() as session:
            plan_items.update(session, actor, import_id, item_id, data, version=forms.version_of(form), now=now)
    except (NotFound, plan_imports.PlanImportSettled):
        raise
    except DomainError as refusal:
        with store.reading() as session:
            found = plan_import_pages.frame(session, actor, import_id)
            row = plan_items.get(session, actor, import_id, item_id)
        typed = _typed(request, form, refusal)
        if isinstance(refusal, StaleVersion):
            typed["conflict"] = _both(request, row, typed)
        context = _page(request, found, _open(request, found, row, back, **typed))
        return rendering.refused(
            request,
            "plan_imports/item.html",
            context,
            refusal,
            STATUS[refusal.kind],
            fragment="plan_imports/_item_answer.html",
        )
    return _after(request, store, actor, (import_id, item_id), back, N_("Saved."))


@router.post("/{item_id}/drop", name="plan_items.drop", dependencies=MAY)
def drop_item(
    request: Request, import_id: ImportId, item_id: ItemId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Leave an item out of the acceptance; it can be taken in again at once."""
    with store.transaction() as session:
        plan_items.drop(session, actor, import_id, item_id, version=forms.version_of(form), now=now)
    return _after(
        request, store, actor, (import_id, item_id), _back(import_id, form), N_("Left out. It can be taken in again.")
    )


@router.post("/{item_id}/restore", name="plan_items.restore", dependencies=MAY)
def restore_item(
    request: Request, import_id: ImportId, item_id: ItemId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Take an item in again."""
    with store.transaction() as session:
        plan_items.restore(session, actor, import_id, item_id, version=forms.version_of(form), now=now)
    return _after(request, store, actor, (import_id, item_id), _back(import_id, form), N_("Taken in again."))


@router.post("/{item_id}/settle", name="plan_items.settle", dependencies=MAY)
def settle_item(
    request: Request, import_id: ImportId, item_id: ItemId, form: Form, actor: PageActor, store: Store, now: Now
) -> Response:
    """Say that an item is right as it stands."""
    with store.transaction() as session:
        plan_items.settle(session, actor, import_id, item_id, version=forms.version_of(form), now=now)
    return _after(request, store, actor, (import_id, item_id), _back(import_id, form), N_("Marked as right."))


def _after(request: Request, store: Store, actor: Actor, ids: tuple[int, int], back: str, sentence: str) -> Response:
    """The item as it is now, in its place; without scripts the list it was in."""
    import_id, item_id = ids
    flash = rendering.done(request, sentence)
    if not rendering.is_fragment(request):
        return rendering.redirect(request, f"{back}#item-{item_id}", flash)
    with store.reading() as session:
        found = plan_import_pages.frame(session, actor, import_id)
        row = plan_items.get(session, actor, import_id, item_id)
    context = _page(request, found, plan_review.item_view(request, found, row, back))
    return rendering.page(
        request, "plan_imports/item.html", context, fragment="plan_imports/_item_answer.html", flash=[flash]
    )


def _page(request: Request, found: Frame, item: ItemView) -> plan_review.ItemPage:
    return plan_review.item_page(request, found, item)


def _new(
    request: Request, session: Session, actor: Actor, import_id: int, row: PlanItem, **state: Any
) -> plan_review.ItemPage:
    found = plan_import_pages.frame(session, actor, import_id)
    return _page(request, found, _open(request, found, row, f"/plan-imports/{import_id}", **state))


def _open(request: Request, found: Frame, row: Any, back: str, **state: Any) -> ItemView:
    """An item open for correction, with what it says now unless ``state`` brings what was typed."""
    data = row.data
    values = {**data, "path": "/".join(data.get("path", ())), "people": "、".join(data.get("responsible_people", ()))}
    units = [(name, plan_review.role_of(data, name)) for name in names_in(data)] if "units" in data else []
    return plan_review.item_view(
        request, found, row, back, editing=True, **{"values": values, "unit_rows": units, **state}
    )


def _typed(request: Request, form: FormData, refusal: DomainError) -> dict[str, Any]:
    typed = {**forms.kept(form), "open_ended": "open_ended" in form, "recurring": "recurring" in form}
    errors = rendering.sentences(request, refusal)
    return {"values": typed, "unit_rows": plan_forms.unit_rows(form), "errors": errors}


def _both(request: Request, row: PlanItem, typed: Mapping[str, Any]) -> list[dict[str, str]]:
    """The fields in which the stored text and the typed one differ."""
    language = rendering.language_of(request)
    data = row.data
    theirs = {**data, "path": "/".join(data.get("path", ())), "people": "、".join(data.get("responsible_people", ()))}
    yours = dict(typed["values"])
    if "units" in data:
        roles = plan_review.role_of
        theirs["units"] = _units(language, [(name, roles(data, name)) for name in names_in(data)])
        yours["units"] = _units(language, typed["unit_rows"])
    labels = {**plan_import_pages.LABELS, "people": plan_import_pages.LABELS["responsible_people"]}
    return [
        {"label": translate(language, labels[name]), "theirs": _word(theirs[name]), "yours": _word(yours[name])}
        for name in labels
        if name in theirs and name in yours and _word(theirs[name]).split() != _word(yours[name]).split()
    ]


def _units(language: str, rows: Any) -> str:
    words = plan_review.ROLE_WORDS
    return "、".join(f"{name}（{translate(language, words[role])}）" for name, role in rows)


def _word(value: object) -> str:
    return "" if value in (None, False) else str(value)


def _back(import_id: int, form: FormData) -> str:
    return _inside(import_id, str(form.get("next", "")))


def _inside(import_id: int, target: str) -> str:
    """``target`` if it is this import's review; a form cannot send people elsewhere."""
    here = f"/plan-imports/{import_id}"
    return target if target == here or target.startswith(f"{here}?") else here
