"""Which tables leave with a programme, in the order in which they are taken in; one line each.

A line of a part is derived from the model: its columns by name, a foreign key as the identity of what
it refers to, under the column's name without ``_id``. What belongs to one installation alone stays
behind: local ids, versions, times of change, and every column that names an account.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, create_model
from sqlalchemy import ColumnElement, Integer, Select, inspect, select
from sqlmodel import col

from app.models import (
    Assignment,
    Attachment,
    Milestone,
    Party,
    PlanImport,
    PlanImportState,
    PlanItem,
    PlanVersion,
    Programme,
    Task,
    Track,
    Unit,
    UnitName,
)
from app.models.base import Row
from app.schemas.base import PRINTABLE
from app.schemas.exchange_line import Identity, Line, Strict

_LONGEST = 1_000_000
_LOCAL = frozenset({"id", "version", "created_at", "updated_at", "programme_id"})
EVENTS = "events"
MEMBERS = "group_members"


@dataclass(frozen=True)
class Noun:
    """One table of the format.

    ``key``: columns by which two rows that both sides made are one. ``where``: its rows of a programme,
    where they do not carry it themselves. ``left_out``: columns that are derived or that are rights.
    ``parent``: a column that refers to the same table; the row it names comes first. ``owned``: rows that
    only the installation that made them changes. ``deletable``: whether the product removes such rows.
    ``blank``: keys inside JSON columns that hold ids of one installation.
    """

    model: type[Row]
    key: tuple[str, ...] = ()
    where: Callable[[int], ColumnElement[bool]] | None = None
    left_out: frozenset[str] = frozenset()
    parent: str = ""
    owned: bool = False
    deletable: bool = False
    blank: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The table's name, which is the part's and the identity's too."""
        return str(self.model.__tablename__)

    def ids(self, programme_id: int) -> Select[Any]:
        """The ids of the programme's rows."""
        model: Any = self.model
        condition = self.where(programme_id) if self.where else col(model.programme_id) == programme_id
        return select(col(model.id)).where(condition)


def _accepted(programme_id: int) -> ColumnElement[bool]:
    mine = col(PlanImport.programme_id) == programme_id
    return mine & (col(PlanImport.state) == PlanImportState.ACCEPTED)


def _items(programme_id: int) -> ColumnElement[bool]:
    return col(PlanItem.plan_import_id).in_(select(col(PlanImport.id)).where(_accepted(programme_id)))


def _of_known_subject(programme_id: int) -> ColumnElement[bool]:
    mine = col(Attachment.programme_id) == programme_id
    return mine & col(Attachment.subject_type).in_([noun.name for noun in NOUNS])


# Units come first and stand apart: they belong to bureaus, not to a programme (exchange_units).
UNITS = Noun(Unit, left_out=frozenset({"root_id", "may_create_programmes"}), parent="parent_id", owned=True)
UNIT_NAMES = Noun(UnitName, key=("unit_id", "folded", "kind"), left_out=frozenset({"folded"}), owned=True)
PROGRAMMES = Noun(Programme, where=lambda key: col(Programme.id) == key)
NOUNS: tuple[Noun, ...] = (
    UNITS,
    UNIT_NAMES,
    PROGRAMMES,
    Noun(Party, key=("unit_id",), deletable=True),
    Noun(Track, key=("code",), deletable=True),
    Noun(PlanImport, where=_accepted, blank=frozenset({"unit_id"})),
    Noun(PlanItem, where=_items),
    Noun(PlanVersion, key=("number",), blank=frozenset({"id"})),
    Noun(Task, parent="parent_id"),
    Noun(Assignment, key=("task_id", "unit_id"), deletable=True),
    Noun(Milestone, deletable=True),
    Noun(Attachment, where=_of_known_subject),
)
BY_NAME: Mapping[str, Noun] = {noun.name: noun for noun in NOUNS}

# Tables that carry a programme, or hang on a row that does, and stay where they are; each with its reason.
STAY: Mapping[str, str] = {
    "events": "leave as evidence, in a part of their own that is read and never written",
    "exchange_packages": "say what was sent and received here",
    "exchange_rows": "bookkeeping of the exchange itself",
    "group_members": "pairs of units, in a part of their own",
    "jobs": "work of this installation",
    "memberships": "roles of accounts; an account is no identity elsewhere",
    "users": "accounts never leave",
}


@cache
def references(noun: Noun) -> dict[str, str]:
    """The columns that refer to another row of the format, and to which noun; empty text: by ``subject_type``."""
    found = {}
    for column in inspect(noun.model).columns:
        if column.key in _LOCAL or column.key in noun.left_out:
            continue
        for foreign in column.foreign_keys:
            table = foreign.target_fullname.partition(".")[0]
            if table in BY_NAME:
                found[column.key] = table
    if "subject_type" in noun.model.model_fields:
        found["subject_id"] = ""
    return found


@cache
def columns(noun: Noun) -> tuple[str, ...]:
    """The columns whose values leave, in the model's order."""
    kept = []
    for column in inspect(noun.model).columns:
        accounts = any(foreign.target_fullname == "users.id" for foreign in column.foreign_keys)
        if column.key not in _LOCAL and column.key not in noun.left_out and not accounts:
            kept.append(column.key)
    return tuple(kept)


def field_of(noun: Noun, column: str) -> str:
    """What a column is called in the format."""
    return column.removesuffix("_id") if column in references(noun) else column


@cache
def line_of(noun: Noun) -> type[Line]:
    """The schema of a line of this noun's part."""
    fields: dict[str, Any] = {}
    for column in columns(noun):
        given = noun.model.model_fields[column]
        nullable = inspect(noun.model).columns[column].nullable
        if column in references(noun):
            annotation: Any = Identity | None if nullable else Identity
            fields[field_of(noun, column)] = (annotation, None if nullable else ...)
            continue
        default: Any = Field(default_factory=given.default_factory) if given.default_factory else given.default
        required = given.is_required()
        fields[column] = (_bounded(noun, column, given), ... if required else default)
    data = create_model(f"{noun.model.__name__}Data", __base__=Strict, **fields)
    return create_model(f"{noun.model.__name__}Line", __base__=Line, data=(data | None, None))


def _bounded(noun: Noun, column: str, given: Any) -> Any:
    """A column's own type with the bounds that the store would hold it to."""
    annotation = given.annotation
    if annotation is str:
        longest = inspect(noun.model).columns[column].type.length or _LONGEST
        return Annotated[str, Field(max_length=longest), PRINTABLE]
    kind = inspect(noun.model).columns[column].type
    if isinstance(kind, Integer):
        annotation = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
    elif annotation in (datetime, datetime | None):
        # A time without its zone would be refused by the store, and after everything else was done.
        annotation = AwareDatetime
    else:
        return annotation
    return annotation | None if inspect(noun.model).columns[column].nullable else annotation


def values(noun: Noun, row: Any) -> dict[str, Any]:
    """The content of a row in the terms of this store: what its digest is made of."""
    found = {column: getattr(row, column) for column in columns(noun)}
    return {column: blanked(noun, value) for column, value in found.items()}


def blanked(noun: Noun, value: Any) -> Any:
    """A JSON value with the ids of this installation taken out of it."""
    if not noun.blank:
        return value
    if isinstance(value, dict):
        return {key: None if key in noun.blank else blanked(noun, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [blanked(noun, inner) for inner in value]
    return value


def born(row: Any) -> datetime:
    """When a row was made."""
    made: datetime = row.created_at
    return made
