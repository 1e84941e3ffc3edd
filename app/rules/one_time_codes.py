"""One-time codes: those that a generator shows (RFC 6238) and those that are printed.

A generator's code holds for a step of thirty seconds. One step to either side is taken as well, for
clocks that differ and for fingers that are slow (RFC 6238 5.2); a step that was taken, and every step
before it, is not taken again.
"""

import secrets
import unicodedata
from datetime import datetime

import pyotp
from pyotp.utils import strings_equal

STEP = 30
_AROUND = 1
_FIGURES = 6
# Without 0 O 1 I L U V: a code is read from paper and typed.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTWXYZ"
_GROUPS, _GROUP = 3, 4


def new_secret() -> str:
    """160 random bits in base 32, as RFC 4226 4 recommends."""
    return pyotp.random_base32(32)


def address(secret: str, login: str, issuer: str) -> str:
    """The otpauth:// address that a generator reads from a QR code."""
    return pyotp.TOTP(secret, name=login, issuer=issuer).provisioning_uri()


def step_of(secret: str, code: str, now: datetime, after: int) -> int | None:
    """The step whose code this is, later than ``after`` and at most one from now; None for a wrong or old one."""
    generator, present = pyotp.TOTP(secret), int(now.timestamp()) // STEP
    given, found = typed(code), None
    for step in range(present - _AROUND, present + _AROUND + 1):
        # All are compared, so that the time taken says nothing about which fits.
        if strings_equal(generator.generate_otp(step), given) and step > after:
            found = step
    return found


def is_generated(code: str) -> bool:
    """Whether this looks like a generator's code rather than a printed one."""
    given = typed(code)
    return len(given) == _FIGURES and given.isascii() and given.isdigit()


def new_printed() -> str:
    """A code for paper: three groups of four, 58 random bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def typed(code: str) -> str:
    """A code as it was shown, however it was typed: with spaces, in small letters, in full-width figures."""
    plain = unicodedata.normalize("NFKC", code).upper()
    return "".join(character for character in plain if character.isascii() and character.isalnum())
