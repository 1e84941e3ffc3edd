"""Refusals: what the product says no to, in words, with a stable code and no HTTP in it.

A refusal is a subclass named for what it refuses. Its ``message`` is a message id with
``%(name)s`` places for the values that the raiser gives::

    class UnitNameTaken(DomainError):
        kind = Kind.CONFLICT
        code = "unit_name_taken"
        message = N_("Another unit is already called %(name)s.")

    raise UnitNameTaken(field="name", name="规财处")
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from app.messages import N_


class Kind(StrEnum):
    """The families of refusals; ``routers/errors.py`` maps each to a status."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    STALE = "stale"
    PRECONDITION_REQUIRED = "precondition_required"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that cannot be accepted: its name, a stable code, the sentence and its values."""

    field: str
    code: str
    message: str
    values: tuple[tuple[str, object], ...] = ()


class DomainError(Exception):
    """A refusal. ``field`` names the input at fault; ``values`` fill the places of the message."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "refused"
    message: ClassVar[str] = N_("This cannot be done.")

    def __init__(self, field: str | None = None, **values: object) -> None:
        self.field = field
        self.values = values
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """The English sentence with its values, for a terminal or a log."""
        return self.message % self.values if self.values else self.message

    @property
    def errors(self) -> tuple[FieldError, ...]:
        """The fields at fault, for a form or an API answer."""
        if self.field is None:
            return ()
        return (FieldError(self.field, self.code, self.message, tuple(self.values.items())),)


class NotFound(DomainError):
    """What a person may not see does not exist for them."""

    kind = Kind.NOT_FOUND
    code = "not_found"
    message = N_("There is nothing here, or you may not see it.")


class Forbidden(DomainError):
    """Seen, but not theirs to do."""

    kind = Kind.FORBIDDEN
    code = "forbidden"
    message = N_("Your role does not allow this.")


class Unauthenticated(DomainError):
    """Nobody is signed in, or the token is not valid."""

    kind = Kind.UNAUTHENTICATED
    code = "unauthenticated"
    message = N_("Please sign in first.")


class StaleVersion(DomainError):
    """Somebody else saved in between."""

    kind = Kind.STALE
    code = "stale_version"
    message = N_("Somebody changed this since you opened it. Look at their text and save again.")


class InvalidInput(DomainError):
    """Several fields at once, from a schema."""

    kind = Kind.INVALID
    code = "invalid_input"
    message = N_("Please check the marked fields.")

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__()
        self._errors = errors

    @property
    def errors(self) -> tuple[FieldError, ...]:
        """The fields at fault, each with its own code and sentence."""
        return self._errors
