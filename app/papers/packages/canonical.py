"""Canonical JSON: one text for one content, so that digests can be compared across installations."""

import base64
import hashlib
from typing import Any

import orjson

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z


def canonical(value: Any) -> bytes:
    """``value`` as UTF-8 JSON without spaces, the keys of every object in ascending order."""
    return orjson.dumps(value, option=_OPTIONS)


def digest(value: Any) -> str:
    """The SHA-256 of a content's canonical JSON, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def unpadded(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def padded(text: str) -> bytes:
    """The bytes of ``unpadded``; raises ValueError."""
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
