"""The walk over a chunk of seals and their events: what one process does at a time, in little memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from app.database import Database
from app.rules import seal_checks, seals
from app.rules.seal_checks import Edge, Finding, Findings, Place, SealRow, Wrong
from app.services import event_rows, seal_rows

CHUNK = 20_000
_GROUP = 1000
_COMPARED = 300


@dataclass(frozen=True, slots=True)
class Chunk:
    """Seals from one ordinal to another, both included."""

    first: int
    last: int


@dataclass(slots=True)
class Part:
    """What the walk of a chunk found; its first seal is linked to the chunk before by the caller.

    ``keys`` are the keys that sealed, in turn, each with the ordinal from which it did; ``changed``
    holds the leaves that changed events had when they were sealed.
    """

    findings: Findings = field(default_factory=Findings)
    first: SealRow | None = None
    first_place: Place = (None, None)
    edge: Edge | None = None
    keys: list[tuple[Any, int]] = field(default_factory=list)
    seals: int = 0
    events: int = 0
    missing: int = 0
    changed: dict[int, bytes] = field(default_factory=dict)


def chunks(store: Database, since: int, newest: int) -> Iterator[Chunk]:
    """The seals behind ``since`` up to the newest, cut into pieces of about ``CHUNK`` events."""
    first = last = events = 0
    for ordinal, count in seal_rows.ordinals(store, since):
        if ordinal > newest:
            break
        first, last = first or ordinal, ordinal
        events += count if isinstance(count, int) and 0 < count <= seals.BATCH else seals.BATCH
        if events >= CHUNK:
            yield Chunk(first, last)
            first = events = 0
    if first:
        yield Chunk(first, last)


def walk(store: Database, chunk: Chunk, keys: dict[str, bytes]) -> Part:
    """Verify the seals of a chunk and their events."""
    part = Part()
    group: list[SealRow] = []
    waiting = 0
    with store.reading() as session:
        for seal in seal_rows.between(session, chunk.first, chunk.last):
            group.append(seal)
            waiting += len(seal.event_ids())
            if waiting >= _GROUP:
                _check(session, part, group, keys, store.vault.event_key)
                group, waiting = [], 0
        _check(session, part, group, keys, store.vault.event_key)
    return part


def _check(session: Session, part: Part, group: list[SealRow], keys: dict[str, bytes], event_key: bytes) -> None:
    rows = event_rows.by_id(session, [key for seal in group for key in seal.event_ids()])
    for seal in group:
        found = list(seal_checks.check_signature(seal, keys))
        found += seal_checks.check_events(seal, rows, event_key, signed=not found)
        before = part.edge
        if before is None:
            part.first, part.first_place = seal, seal_checks.first_place(seal, rows)
        else:
            found += seal_checks.check_link(before, seal)
        place = (before.transaction, before.event_id) if before else (None, None)
        disordered, (transaction, event_id) = seal_checks.check_order(place, seal, rows)
        found += disordered
        if not part.keys or part.keys[-1][0] != seal.key_id:
            part.keys.append((seal.key_id, seal.ordinal))
        _keep(part, seal, found)
        part.findings.add(found)
        part.edge = Edge(seal.ordinal, seal.events, seal.hash, transaction, event_id)


def _keep(part: Part, seal: SealRow, found: list[Finding]) -> None:
    ids = seal.event_ids()
    part.seals += 1
    part.events += len(ids)
    part.missing += sum(finding.kind is Wrong.MISSING for finding in found)
    changed = {finding.event_id for finding in found if finding.kind is Wrong.CHANGED}
    if changed and len(part.changed) < _COMPARED:
        leaves = seals.leaves_of(seal.leaves)
        part.changed |= {key: leaf for key, leaf in zip(ids, leaves, strict=False) if key in changed}
