"""What is wrong with a seal and with the events that it holds: decided on plain values.

Every finding names what a person can look up: the event by its id and its place in the sealed
order, the seal by its ordinal.
"""

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple

from app import seal_keys
from app.rules import event_lines, seals
from app.rules.seals import Figures

# Findings beyond this number are counted by kind and not named one by one.
NAMED = 1000
_UNUSABLE = (TypeError, ValueError, AttributeError, OverflowError, struct.error)
Row = Sequence[Any]
_TRANSACTION = len(event_lines.COLUMNS)


class Wrong(StrEnum):
    """The kinds of findings."""

    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"
    SWAPPED = "swapped"
    REORDERED = "reordered"
    FOREIGN = "foreign"
    SEAL_CHANGED = "seal_changed"
    SEAL_MISSING = "seal_missing"
    LINK_BROKEN = "link_broken"
    SIGNATURE_WRONG = "signature_wrong"
    KEY_UNKNOWN = "key_unknown"
    KEY_RETURNED = "key_returned"
    HEAD_UNREADABLE = "head_unreadable"
    HEAD_WRONG = "head_wrong"
    HEAD_MISSING = "head_missing"
    TRIGGER_FOREIGN = "trigger_foreign"
    TRIGGER_MISSING = "trigger_missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``place`` counts events from 1 in the sealed order; ``other`` is a second event.

    ``name`` is what has no number: a key, a trigger.
    """

    kind: Wrong
    event_id: int | None = None
    place: int | None = None
    ordinal: int | None = None
    other: int | None = None
    name: str = ""


class SealRow(NamedTuple):
    """A seal as the driver gives it; its values are what somebody may have put there."""

    ordinal: Any
    format: Any
    count: Any
    events: Any
    first_id: Any
    last_id: Any
    last_transaction: Any
    highest_id: Any
    coded: Any
    sealed_at: Any
    key_id: Any
    ids: Any
    leaves: Any
    foreign_ids: Any
    body: Any
    previous: Any
    hash: Any
    signature: Any

    def event_ids(self) -> tuple[int, ...]:
        """The ids of its events, as far as they can be read."""
        return seals.unpack_ids(self.ids) if isinstance(self.ids, bytes) else ()

    def figures(self) -> Figures:
        """What its hash is made over. Raises for values that no seal can have."""
        return Figures(
            ordinal=self.ordinal,
            count=self.count,
            events=self.events,
            first_id=self.first_id,
            last_id=self.last_id,
            last_transaction=self.last_transaction,
            highest_id=self.highest_id,
            coded=bool(self.coded),
            sealed_at=event_lines.microseconds(self.sealed_at),
            key_id=self.key_id,
        )


@dataclass(slots=True)
class Findings:
    """Findings as they come: the first ``NAMED`` by name, all by number."""

    named: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, found: Iterable[Finding]) -> None:
        """Take more findings in."""
        for finding in found:
            self.counts[finding.kind.value] += 1
            if len(self.named) < NAMED:
                self.named.append(finding)

    def replace(self, place: int, kind: Wrong, other: int) -> None:
        """Say more exactly what a finding is, now that a second event is known."""
        old = self.named[place]
        self.named[place] = replace(old, kind=kind, other=other)
        self.counts[old.kind.value] -= 1
        self.counts += Counter({kind.value: 1})

    def merge(self, other: "Findings") -> None:
        """Take in what another part of the walk found."""
        self.counts.update(other.counts)
        self.named.extend(other.named[: NAMED - len(self.named)])


@dataclass(frozen=True, slots=True)
class Edge:
    """What the next seal and its first event are compared with; transaction and id of the last event in the store."""

    ordinal: int
    events: Any
    hash: Any
    transaction: int | None = None
    event_id: int | None = None


def is_intact(seal: SealRow) -> bool:
    """Whether body and hash are what the seal's own values make."""
    try:
        body = seals.body_digest(seal.ids, seal.leaves, seal.foreign_ids)
        whole = len(seal.ids) == 8 * seal.count and len(seal.leaves) == event_lines.LEAF_BYTES * seal.count
        chain = seals.chain_hash(seal.figures(), body, seal.previous)
        return bool(whole and seal.format == seals.FORMAT and body == seal.body and chain == seal.hash)
    except _UNUSABLE:
        return False


def check_signature(seal: SealRow, keys: Mapping[str, bytes]) -> Iterator[Finding]:
    """Whether a key that is trusted signed the seal's head."""
    public = keys.get(seal.key_id) if isinstance(seal.key_id, str) else None
    if public is None:
        yield Finding(Wrong.KEY_UNKNOWN, ordinal=seal.ordinal, name=str(seal.key_id))
        return
    try:
        message = seals.head_message(seal.ordinal, seal.events, seal.hash)
        signed = seal_keys.is_signed(public, message, seal.signature)
    except _UNUSABLE:
        signed = False
    if not signed:
        yield Finding(Wrong.SIGNATURE_WRONG, ordinal=seal.ordinal)


def check_link(before: Edge | None, seal: SealRow) -> Iterator[Finding]:
    """Whether a seal follows the one before it: ordinal, hash and number of events."""
    ordinal, events, chain = (before.ordinal, before.events, before.hash) if before else (0, 0, seals.GENESIS)
    if seal.ordinal > ordinal + 1:
        missing = range(ordinal + 1, min(seal.ordinal, ordinal + 1 + NAMED))
        yield from (Finding(Wrong.SEAL_MISSING, ordinal=number) for number in missing)
    elif seal.previous != chain or not _adds_up(events, seal):
        yield Finding(Wrong.LINK_BROKEN, ordinal=seal.ordinal)


def _adds_up(events: Any, seal: SealRow) -> bool:
    try:
        return bool(events + seal.count == seal.events)
    except TypeError:
        return False


def check_events(seal: SealRow, rows: Mapping[int, Row], event_key: bytes, *, signed: bool) -> Iterator[Finding]:
    """Compare the events that are in the store with what was sealed of them.

    Where the seal itself does not hold (bent, or not ``signed``), its digests prove nothing; then the
    mac beside each event still tells which one was written by somebody else.
    """
    intact = is_intact(seal)
    if not intact:
        yield Finding(Wrong.SEAL_CHANGED, ordinal=seal.ordinal)
    ids = seal.event_ids()
    leaves = seals.leaves_of(seal.leaves) if isinstance(seal.leaves, bytes) else []
    now = [event_lines.leaf(event_lines.line(rows[key])) if key in rows else None for key in ids]
    # Where only the list of digests was bent, the events themselves still make the sealed body.
    if not intact and _still_make(seal, now):
        return
    start = _first_place(seal)
    for number, (key, leaf) in enumerate(zip(ids, now, strict=True)):
        if leaf is None:
            yield Finding(Wrong.MISSING, key, start + number, seal.ordinal)
            continue
        differs = number < len(leaves) and leaf != leaves[number]
        doubted = seal.coded and not (intact and signed) and not event_lines.is_ours(event_key, leaf, rows[key][-1])
        if differs or doubted:
            yield Finding(Wrong.CHANGED, key, start + number, seal.ordinal)
    for key in seals.unpack_ids(seal.foreign_ids) if intact else ():
        yield Finding(Wrong.FOREIGN, key, start + ids.index(key) if key in ids else None, seal.ordinal)


def _first_place(seal: SealRow) -> int:
    try:
        return int(seal.events) - int(seal.count) + 1
    except (TypeError, ValueError):
        return 1


def _still_make(seal: SealRow, now: list[bytes | None]) -> bool:
    leaves = b"".join(leaf for leaf in now if leaf is not None)
    try:
        return None not in now and bool(seals.body_digest(seal.ids, leaves, seal.foreign_ids) == seal.body)
    except _UNUSABLE:
        return False


Place = tuple[int | None, int | None]


def first_place(seal: SealRow, rows: Mapping[int, Row]) -> Place:
    """Transaction and id of the first event of a seal that is still in the store."""
    return next((_place(rows[key]) for key in seal.event_ids() if key in rows), (None, None))


def _place(row: Row) -> Place:
    transaction = row[_TRANSACTION]
    return (transaction if type(transaction) is int else None, row[event_lines.ID])


def falls(before: Place, behind: Place) -> bool:
    """Whether the store reads two events the other way round than they were sealed.

    Transactions never fall from one event to the next, also where a restore has shifted them. Events
    with 0 are of SQLite, or were moved from there: their order stands in the seals alone.
    """
    if before[0] is None or behind[0] is None or before[1] is None or behind[1] is None:
        return False
    return behind[0] < before[0] or (behind[0] == before[0] != 0 and behind[1] < before[1])


def _rise(places: list[Place]) -> bool:
    try:
        return places == sorted(places)
    except TypeError:
        return False


def check_order(before: Place, seal: SealRow, rows: Mapping[int, Row]) -> tuple[list[Finding], Place]:
    """Where the store's order differs from the sealed one; returns the place of the last event as well."""
    found = []
    places = [_place(rows[key]) for key in seal.event_ids() if key in rows]
    if places and None not in {place[0] for place in places} and not falls(before, places[0]) and _rise(places):
        return [], places[-1]
    start = _first_place(seal)
    for number, key in enumerate(seal.event_ids()):
        if key not in rows:
            continue
        place = _place(rows[key])
        if place[0] is None or falls(before, place):
            found.append(Finding(Wrong.REORDERED, key, start + number, seal.ordinal, other=before[1]))
        before = place
    return found, before


def exchanged(rows: Mapping[int, Row], sealed: Mapping[int, bytes]) -> dict[int, int]:
    """Which of some changed events stand under each other's ids: id > the id whose content should be there.

    ``sealed`` are the leaves that the events had. The comparison costs the square of their number.
    """
    found = {}
    for key, leaf in sealed.items():
        for other, row in rows.items():
            if other != key and event_lines.leaf(event_lines.line(_under(row, key))) == leaf:
                found[key] = other
                break
    return found


def _under(row: Row, key: int) -> list[Any]:
    moved = list(row)
    moved[event_lines.ID] = key
    return moved
