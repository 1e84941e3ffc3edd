"""An event as one line of bytes that is the same on every engine, and the digest of that line.

The line is JSON: the columns of ``COLUMNS`` by name, keys sorted at every depth, no spaces, UTF-8,
instants as whole microseconds since 1970 in UTC, numbers in plain figures without exponent and
without trailing zeros. PostgreSQL reorders the keys of a JSONB value and rewrites its numbers; the
line does not care. ``transaction_id`` stays out of it: it begins anew in a restored cluster, and
the order of the log is kept by the seals.

A row whose values cannot be such a line (only a change behind the product's back makes one) still
has a line, with the values as Python shows them, so that sealing and verifying never stop at it.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

FORMAT = 1
COLUMNS = (
    "actor_id",
    "address",
    "after",
    "at",
    "before",
    "cause_id",
    "channel",
    "id",
    "kind",
    "programme_id",
    "reason",
    "request_id",
    "subject_id",
    "subject_name",
    "subject_type",
    "token_id",
    "verb",
)
ID = COLUMNS.index("id")
AT = COLUMNS.index("at")
LEAF_BYTES = 32
MAC_BYTES = 16
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - compared with instants whose zone was taken off
_LEAF = b"duikou:event:1\x00"
_MICROSECOND = timedelta(microseconds=1)
_LONGEST_EXPONENT = 1000


def line(row: Sequence[Any]) -> bytes:
    """The line of an event: its values in the order of ``COLUMNS``.

    ``at`` is a text as the engine writes it, in UTC; ``before`` and ``after`` are JSON texts or None.
    """
    actor, address, after, at, before, cause, channel, key, kind, programme = row[:10]
    reason, request, subject, name, table, token, verb = row[10:17]
    try:
        old = None if before is None else orjson.loads(before)
        new = None if after is None else orjson.loads(after)
        if _has_fraction(old) or _has_fraction(new):
            return exact_line(row)
        return orjson.dumps(
            {
                "actor_id": actor,
                "address": address,
                "after": new,
                "at": microseconds(at),
                "before": old,
                "cause_id": cause,
                "channel": channel,
                "id": key,
                "kind": kind,
                "programme_id": programme,
                "reason": reason,
                "request_id": request,
                "subject_id": subject,
                "subject_name": name,
                "subject_type": table,
                "token_id": token,
                "verb": verb,
            },
            option=orjson.OPT_SORT_KEYS,
        )
    except (TypeError, ValueError, AttributeError, OverflowError):
        return exact_line(row)


def _has_fraction(value: Any) -> bool:
    # The reader makes a float of every number with a fraction, with an exponent or beyond 64 bits.
    if value is None:
        return False
    items = value.values() if type(value) is dict else value if type(value) is list else (value,)
    kinds = set(map(type, items))
    if float in kinds:
        return True
    return (dict in kinds or list in kinds) and any(_has_fraction(one) for one in items if type(one) in (dict, list))


def exact_line(row: Sequence[Any]) -> bytes:
    """The same line made slowly: numbers beyond 64 bits and fractions by value; unreadable rows as they are."""
    values = dict(zip(COLUMNS, row, strict=False))
    try:
        values["at"] = microseconds(values["at"])
        for side in ("before", "after"):
            if values[side] is not None:
                values[side] = json.loads(values[side], parse_float=Decimal, parse_constant=_refuse)
        return _written(values).encode()
    except (TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        return json.dumps({"id": row[ID], "unreadable": ascii(list(row[: len(COLUMNS)]))}, default=ascii).encode()


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{_text(key)}:{_written(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_written(item) for item in value) + "]"
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | Decimal | float):
        return _figures(Decimal(str(value)))
    raise TypeError(type(value).__name__)


def _text(value: str) -> str:
    return orjson.dumps(value).decode()


def _figures(number: Decimal) -> str:
    if not number.is_finite() or abs(number.adjusted()) > _LONGEST_EXPONENT:
        raise ValueError(str(number))
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").removesuffix(".")
    return "0" if text in ("-0", "") else text


def microseconds(text: str) -> int:
    """An engine's text of an instant in UTC as microseconds since 1970. Raises ValueError."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is not None:
        instant = instant.astimezone(UTC).replace(tzinfo=None)
    return (instant - _EPOCH) // _MICROSECOND


def leaf(canonical: bytes) -> bytes:
    """The 32-byte digest of an event's line."""
    return hashlib.sha256(_LEAF + canonical).digest()


def mac(key: bytes, digest: bytes) -> str:
    """What the product writes beside an event that it makes itself: who cannot read its key cannot write one."""
    return hmac.digest(key, digest, "sha256")[:MAC_BYTES].hex()


def is_ours(key: bytes, digest: bytes, given: str | None) -> bool:
    """Whether an event's ``mac`` is the one that the product would have written."""
    return isinstance(given, str) and hmac.compare_digest(mac(key, digest).encode(), given.encode())
