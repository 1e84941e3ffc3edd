"""Seals: events in batches, each batch bound to all before it, the newest hash signed.

A seal holds the ids and the leaves of its events in commit order. Their digest is its *body*; the
body, the seal's own figures and the hash of the seal before make its *hash*; a signature over
ordinal, number of events and hash makes it a *head*. Each digest begins with a text of its own, so
that one can never be taken for another.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from app import seal_keys
from app.rules import event_lines
from app.rules.event_lines import LEAF_BYTES

FORMAT = 1
BATCH = 1000
GENESIS = bytes(32)
# ``last_transaction`` of a seal behind which older events are still unsealed, after a restore.
CATCHING_UP = -1
_BODY = b"duikou:batch:1\x00"
_SEAL = b"duikou:seal:1\x00"
_HEAD = b"duikou:head:1\x00"
_LARGEST = 2**62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Batch:
    """The events of one seal, in commit order.

    ``foreign`` are the ids among them that the product did not write itself; ``coded`` says whether
    an event with the product's code stands in this batch or in one before it.
    """

    ids: tuple[int, ...]
    leaves: bytes
    foreign: tuple[int, ...]
    coded: bool

    @property
    def body(self) -> bytes:
        """The digest that binds ids, leaves and foreign ids, in this order."""
        return body_digest(pack_ids(self.ids), self.leaves, pack_ids(self.foreign))


@dataclass(frozen=True, slots=True)
class Figures:
    """What a seal says beside its events. ``events`` and ``highest_id`` count from the first seal on.

    ``sealed_at`` is microseconds since 1970 by the sealer's clock: a remark that nothing is ordered
    by. ``last_transaction`` is that of the last event at the time, or CATCHING_UP.
    """

    ordinal: int
    count: int
    events: int
    first_id: int
    last_id: int
    last_transaction: int
    highest_id: int
    coded: bool
    sealed_at: int
    key_id: str


@dataclass(frozen=True, slots=True)
class Head:
    """The newest hash with its signature: all that somebody outside has to keep."""

    format: int
    ordinal: int
    events: int
    sealed_at: str
    hash: str
    fingerprint: str
    key_id: str
    public_key: str
    signature: str

    @property
    def chain(self) -> bytes:
        """The hash as bytes."""
        return bytes.fromhex(self.hash)

    def line(self) -> str:
        """One line of JSON, to be kept outside of the store."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_line(cls, line: str) -> Self:
        """A head that ``line`` wrote. Raises ValueError for anything else."""
        try:
            found = cls(**json.loads(line))
            numbers = (found.format, found.ordinal, found.events)
            texts = (found.sealed_at, found.hash, found.fingerprint, found.key_id, found.public_key, found.signature)
            usable = all(type(one) is int and 0 < one <= _LARGEST for one in numbers)
            usable = usable and all(type(one) is str for one in texts)
            if not usable or len(found.chain) != len(GENESIS):
                raise ValueError("not a head")
        except (TypeError, AttributeError) as error:
            raise ValueError("not a head") from error
        return found

    def is_signed_by(self, public: bytes) -> bool:
        """Whether the holder of a key signed this head; its fingerprint and key id have to fit too."""
        try:
            signature = base64.b64decode(self.signature, validate=True)
            message = head_message(self.ordinal, self.events, self.chain)
        except (ValueError, TypeError, struct.error):
            return False
        fits = self.key_id == seal_keys.key_id(public) and self.fingerprint == fingerprint(self.chain)
        return fits and seal_keys.is_signed(public, message, signature)


def gather(rows: Sequence[Sequence[Any]], event_key: bytes, *, coded: bool) -> Batch:
    """The batch of events in commit order: values by ``event_lines.COLUMNS``, then transaction and mac.

    An event without the product's mac is foreign, except before the first one that has it: those
    were written by a release that made none. ``coded``: there was one in an earlier batch.
    """
    leaves, foreign = [], []
    for row in rows:
        leaf = event_lines.leaf(event_lines.line(row))
        leaves.append(leaf)
        if event_lines.is_ours(event_key, leaf, row[-1]):
            coded = True
        elif coded or row[-1] is not None:
            foreign.append(row[event_lines.ID])
    return Batch(tuple(row[event_lines.ID] for row in rows), b"".join(leaves), tuple(foreign), coded)


def follow(before: Figures | None, batch: Batch, *, last_transaction: int, sealed_at: datetime, key_id: str) -> Figures:
    """The figures of the seal that comes after another one, or of the first."""
    highest = max(batch.ids)
    return Figures(
        ordinal=before.ordinal + 1 if before else 1,
        count=len(batch.ids),
        events=(before.events if before else 0) + len(batch.ids),
        first_id=batch.ids[0],
        last_id=batch.ids[-1],
        last_transaction=last_transaction,
        highest_id=max(highest, before.highest_id) if before else highest,
        coded=batch.coded,
        sealed_at=microseconds(sealed_at),
        key_id=key_id,
    )


def microseconds(instant: datetime) -> int:
    """An aware instant as microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def pack_ids(ids: tuple[int, ...] | list[int]) -> bytes:
    """Ids as signed 64-bit numbers, the high byte first."""
    return struct.pack(f">{len(ids)}q", *ids)


def unpack_ids(packed: bytes) -> tuple[int, ...]:
    """The ids of ``pack_ids``; a rest of fewer than 8 bytes is left out."""
    return struct.unpack(f">{len(packed) // 8}q", packed[: len(packed) // 8 * 8])


def leaves_of(leaves: bytes) -> list[bytes]:
    """The leaves of a seal, one by one."""
    return [leaves[start : start + LEAF_BYTES] for start in range(0, len(leaves), LEAF_BYTES)]


def body_digest(ids: bytes, leaves: bytes, foreign: bytes) -> bytes:
    """The digest over the packed parts of a batch; the numbers before them keep the parts apart."""
    digest = hashlib.sha256(_BODY + struct.pack(">III", len(ids), len(leaves), len(foreign)))
    for part in (ids, leaves, foreign):
        digest.update(part)
    return digest.digest()


def chain_hash(figures: Figures, body: bytes, previous: bytes) -> bytes:
    """A seal's hash: its figures, its body, and the hash of the seal before it."""
    numbers = struct.pack(
        ">qIqqqqq?q",
        figures.ordinal,
        figures.count,
        figures.events,
        figures.first_id,
        figures.last_id,
        figures.last_transaction,
        figures.highest_id,
        figures.coded,
        figures.sealed_at,
    )
    return hashlib.sha256(_SEAL + numbers + figures.key_id.encode() + b"\x00" + body + previous).digest()


def head_message(ordinal: int, events: int, chain: bytes) -> bytes:
    """The bytes that a head's signature is made over."""
    return _HEAD + struct.pack(">qq", ordinal, events) + chain


def fingerprint(chain: bytes) -> str:
    """The first 160 bits of a hash in eight groups of four, to be read out or copied from paper."""
    text = base64.b32encode(chain[:20]).decode()
    return "-".join(text[start : start + 4] for start in range(0, 32, 4))
