"""What all schemas share: strictness, the list envelope, ids and the shape of a problem."""

from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

MAX_ID = 2**31 - 1
Id = Annotated[int, Field(ge=1, le=MAX_ID)]

T = TypeVar("T")


def _printable(text: str) -> str:
    # PostgreSQL cannot store NUL, and a lone surrogate cannot be encoded by either engine.
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("characters")
    return text


PRINTABLE = AfterValidator(_printable)
Text = Annotated[str, PRINTABLE]


def text(limit: int, least: int = 0) -> type[str]:
    """A text of at most ``limit`` characters, trimmed; with ``least`` it may not be empty."""
    return Annotated[  # type: ignore[return-value]
        str,
        StringConstraints(strip_whitespace=True, min_length=least, max_length=limit),
        AfterValidator(_printable),
    ]


class Input(BaseModel):
    """A body that is sent: an unknown field is refused rather than dropped."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


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
