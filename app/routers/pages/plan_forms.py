"""Forms of a review that are not one field for one field: units with roles, sides, what a name stands for."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.datastructures import FormData

from app.errors import InvalidInput
from app.routers.errors import field_errors
from app.schemas.base import Input
from app.schemas.plan_import import (
    PartyChoices,
    PlanImportUpdate,
    PlanItemCreate,
    PlanItemUpdate,
    SectionMappings,
    UnitMapping,
)
from app.services.plan_differences import ROLES

M = TypeVar("M", bound=Input)
_TASK = ("part", "heading", "text", "due_text", "due_on", "target", "track")
_MILESTONE = ("when", "what", "milestone_kind", "starts_on", "ends_on")
_HEAD = ("title", "document_number", "issuer", "issued_on", "starts_on", "ends_on", "disclosure", "programme_id")
_LISTS = ("recipients", "copied_to")


def head(form: FormData) -> PlanImportUpdate:
    """All fields of the head; what is empty is emptied."""
    values: dict[str, Any] = {name: _text(form, name) or None for name in _HEAD if name in form}
    values |= {name: _lines(form, name) for name in _LISTS if name in form}
    return _checked(PlanImportUpdate, values)


def item(form: FormData, kind: str) -> PlanItemUpdate:
    """All fields of an item of ``kind``."""
    return _checked(PlanItemUpdate, _item_values(form, kind))


def new_item(form: FormData) -> PlanItemCreate:
    """A new item; its kind and line stand in the form."""
    kind = "milestone" if form.get("kind") == "milestone" else "task"
    values = {name: value for name, value in _item_values(form, kind).items() if value not in (None, [], "")}
    return _checked(PlanItemCreate, {**values, "kind": kind, "line": _text(form, "line") or None})


def unit_rows(form: FormData) -> list[tuple[str, str]]:
    """The rows of units as they were typed: name and role, without empty ones."""
    names = [str(name).strip() for name in form.getlist("unit")]
    roles = [str(role) for role in form.getlist("role")]
    return [(name, role) for name, role in zip(names, roles, strict=False) if name]


def mapping(form: FormData, offered: Mapping[str, int]) -> UnitMapping:
    """What a name stands for. ``offered`` resolves the typed name of another unit; unknown ones stay unknown."""
    choice = _text(form, "choice")
    values: dict[str, Any] = {"named_as": _text(form, "named_as")}
    if choice == "new":
        values["create"] = {name: _text(form, f"new_{name}") for name in ("name", "short_name", "kind", "place")}
    elif choice == "other":
        # An id that no unit has: the service then says that there is no such unit.
        values["unit_id"] = offered.get(_text(form, "other"), 2**31 - 1)
    elif choice:
        values["unit_id"] = choice
    return _checked(UnitMapping, values)


def sections(form: FormData) -> SectionMappings:
    """The track of each section; one that is called anew gets the code ``other``."""
    rows = zip(form.getlist("line"), form.getlist("track"), form.getlist("name"), strict=False)
    values = [{"line": str(line), "track": str(track), "name": str(name)} for line, track, name in rows]
    return _checked(SectionMappings, {"sections": values})


def parties(rows: Sequence[Mapping[str, Any]]) -> PartyChoices:
    """The bureaus of the typed rows; one without a name is none."""
    return _checked(PartyChoices, {"parties": [row for row in rows if row["name"]]})


def party_rows(form: FormData, bureaus: Sequence[tuple[int, str]] = ()) -> list[dict[str, Any]]:
    """The rows as they were typed; a chosen bureau gives its name where none was typed."""
    names = dict(bureaus)
    found = []
    for name, side, unit_id in zip(form.getlist("name"), form.getlist("side"), form.getlist("unit_id"), strict=False):
        text = str(unit_id)
        chosen = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
        called = str(name).strip() or names.get(chosen or 0, "")
        found.append({"name": called, "side": str(side) or None, "unit_id": chosen})
    return found


def _item_values(form: FormData, kind: str) -> dict[str, Any]:
    if kind == "milestone":
        values: dict[str, Any] = {name: _text(form, name) or None for name in _MILESTONE}
        return values | {"recurring": "recurring" in form}
    values = {name: _text(form, name) or None for name in _TASK}
    values["path"] = [step.strip() for step in _text(form, "path").replace("／", "/").split("/") if step.strip()]
    values["responsible_people"] = [name.strip() for name in _text(form, "people").split("、") if name.strip()]
    values["open_ended"] = "open_ended" in form
    rows = unit_rows(form)
    values["units"] = list(dict.fromkeys(name for name, _ in rows))
    for field, role in ROLES.items():
        values[field] = [name for name, given in rows if given == role]
    return values


def _text(form: FormData, name: str) -> str:
    return str(form.get(name) or "").strip()


def _lines(form: FormData, name: str) -> list[str]:
    return [line.strip() for line in _text(form, name).splitlines() if line.strip()]


def _checked(schema: type[M], values: Mapping[str, Any]) -> M:
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(field_errors(error.errors())) from None
