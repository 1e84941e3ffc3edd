"""What all schemas share: strictness, the list envelope, ids and the shape of a problem."""

import re
from datetime import date, datetime
from functools import cache
from typing import Annotated, Generic, TypeVar, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError, PydanticKnownError

MAX_ID = 2**31 - 1
_DATED = re.compile(r"^\d{4}-\d{2}-\d{2}")
_ISO_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
Id = Annotated[int, Field(ge=1, le=MAX_ID)]

T = TypeVar("T")


def _printable(text: str) -> str:
    # PostgreSQL cannot store NUL, and a lone surrogate cannot be encoded by either engine.
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("characters")
    return text


PRINTABLE = AfterValidator(_printable)
Text = Annotated[str, PRINTABLE]


def _iso(value: object) -> object:
    # Left alone, pydantic takes 0 and "0" for the first of January 1970.
    if isinstance(value, date) or (isinstance(value, str) and _ISO_DAY.match(value.strip())):
        return value
    raise PydanticCustomError("date_type", "a date such as 2026-11-23")


Day = Annotated[date, BeforeValidator(_iso)]


def text(limit: int, least: int = 0) -> type[str]:
    """A text of at most ``limit`` characters, trimmed; with ``least`` it may not be empty."""
    return Annotated[  # type: ignore[return-value]
        str,
        StringConstraints(strip_whitespace=True, min_length=least, max_length=limit),
        AfterValidator(_printable),
    ]


class Input(BaseModel):
    """A body or a query that is sent: an unknown field is refused rather than dropped, and nobody changes it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def refuse_guesses(cls, value: object, info: ValidationInfo) -> object:
        """Refuse what pydantic would convert although the schema says otherwise: 0 for no, true for 1, 0 for a date.

        Texts such as "5" or "on" stay: forms and addresses have nothing else.
        """
        kinds = _kinds(cls, info.field_name or "")
        if isinstance(value, bool):
            if int in kinds and bool not in kinds:
                raise PydanticKnownError("int_type")
        elif isinstance(value, int | float) and bool in kinds and int not in kinds:
            raise PydanticKnownError("bool_type")
        if kinds & {date, datetime} and not (
            value is None or isinstance(value, date) or (isinstance(value, str) and _DATED.match(value.strip()))
        ):
            raise PydanticKnownError("datetime_type" if datetime in kinds else "date_type")
        return value


@cache
def _kinds(schema: type[BaseModel], field: str) -> frozenset[object]:
    """The plain types that a field's annotation is made of, outside of lists."""

    def plain(annotation: object) -> set[object]:
        if get_origin(annotation) in (list, dict):
            return set()
        inner = get_args(annotation)
        return set().union(*(plain(part) for part in inner)) if inner else {annotation}

    return frozenset(kind for kind in plain(schema.model_fields[field].annotation) if isinstance(kind, type))


class Public(BaseModel):
    """A thing as a caller sees it; it documents the answer and never rebuilds it."""

    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[T]):
    """One page of a list. ``next_cursor`` is null on the last page."""

    items: list[T]
    next_cursor: str | None = None


class ProblemField(BaseModel):
    """One field at fault."""

    field: str = Field(examples=["name"])
    code: str = Field(examples=["too_long"])
    message: str = Field(examples=["至多 200 个字。"])


class Problem(BaseModel):
    """An error, as application/problem+json (RFC 9457) with a stable code."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["没有找到，或者您无权查看。"])
    code: str = Field(examples=["not_found"])
    errors: list[ProblemField] = Field(default_factory=list)
