"""What makes a password good enough; whether it is the right one is not asked here."""

from app.errors import DomainError
from app.messages import N_

_LONG = 16
_KINDS = 3
# A login shorter than this stands in too many words by chance.
_TELLING = 3


class PasswordRefused(DomainError):
    """A password that cannot be taken; the field is always the new one."""

    def __init__(self, **values: object) -> None:
        super().__init__("new_password", **values)


class PasswordTooShort(PasswordRefused):
    """Fewer characters than the installation asks for."""

    code = "password_too_short"
    message = N_("A password has at least %(least)s characters.")


class PasswordTooSimple(PasswordRefused):
    """Neither mixed nor long."""

    code = "password_too_simple"
    message = N_("Use at least three of small letters, capitals, figures and other signs, or 16 characters and more.")


class PasswordContainsLogin(PasswordRefused):
    """Whoever knows the account knows half of it."""

    code = "password_contains_login"
    message = N_("The password may not contain the account's name.")


class PasswordTooCommon(PasswordRefused):
    """Among the first that anybody tries."""

    code = "password_too_common"
    message = N_("This password is among those that are tried first. Please choose another.")


class PasswordUnchanged(PasswordRefused):
    """The new one is the present one."""

    code = "password_unchanged"
    message = N_("This is the present password. Please choose another.")


def check(password: str, login: str, least: int, common: frozenset[str]) -> None:
    """Raise the refusal that applies, if any.

    ``least`` is the fewest characters; ``common`` are passwords in lower case that are tried first,
    also with figures or signs appended. Mixed is at least three of four kinds of characters, as
    GB/T 22239-2019 8.1.4.1 asks for complexity; from 16 characters on, length alone is enough.
    """
    if len(password) < least:
        raise PasswordTooShort(least=least)
    folded = password.lower()
    if len(login) >= _TELLING and login.lower() in folded:
        raise PasswordContainsLogin
    if folded in common or folded.rstrip("0123456789!@#$%^&*._-") in common or len(set(folded)) <= _KINDS:
        raise PasswordTooCommon
    if len(password) < _LONG and _kinds(password) < _KINDS:
        raise PasswordTooSimple


def _kinds(password: str) -> int:
    small = any(character.islower() for character in password)
    capital = any(character.isupper() for character in password)
    figure = any(character.isdigit() for character in password)
    other = any(not character.isalnum() or not character.isascii() for character in password)
    return small + capital + figure + other
