"""Verifying the log: every seal from the first to the newest, every event in them, and what is not sealed yet.

The walk goes chunk by chunk, so that it needs the same memory for a thousand events and for ten
million, holds no transaction for long, and can be spread over processes (``verification_processes``).
Sealed rows never change; so nothing is locked, and what is written meanwhile is left to the next walk.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from app.database import Database
from app.log_triggers import foreign_triggers, missing_triggers
from app.rules import event_lines, seal_checks
from app.rules.seal_checks import Edge, Finding, Findings, SealRow, Wrong
from app.services import event_rows, seal_rows, verification_walk
from app.services.seal_heads import Kept
from app.services.seals import sealed_ids
from app.services.verification_walk import Chunk, Part

_COMPARED = 300
NOTHING_KEPT = Kept((), ())
_PAGE = 5000
Progress = Callable[[int, int], None]
Walk = Callable[[Iterable[Chunk]], Iterator[Part]]


@dataclass(slots=True)
class Report:
    """The outcome. ``since`` is the ordinal behind which was verified, 0 for everything.

    ``unsealed`` events stand behind the newest seal, the oldest of them written at ``oldest_unsealed``,
    an instant in UTC as the engine writes it.
    """

    since: int
    seals: int = 0
    events: int = 0
    head: SealRow | None = None
    unsealed: int = 0
    oldest_unsealed: str | None = None
    heads: int = 0
    findings: Findings = field(default_factory=Findings)

    @property
    def whole(self) -> bool:
        """Whether nothing at all is wrong."""
        return not self.findings.counts


def verify(
    store: Database,
    keys: dict[str, bytes],
    *,
    since: int = 0,
    heads: Kept = NOTHING_KEPT,
    walk: Walk | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Report:
    """Verify what was sealed after ``since``, and the tail; ``keys`` are public keys by their id.

    ``heads`` were kept outside of the store. ``progress`` is told events done and in all; ``walk`` spreads
    the chunks, which without it are walked here. Where the seal ``since`` is not there, everything is verified.
    """
    report = Report(since)
    with store.reading() as session:
        newest = report.head = seal_rows.newest(session)
        place = _place(session, newest)
        counted = event_rows.count_to(session, place) if place is not None else None
        base = _base(session, since)
        since = report.since = base.ordinal if base else 0
        report.findings.add(
            Finding(Wrong.TRIGGER_MISSING, name=name) for name in missing_triggers(session.connection())
        )
        report.findings.add(
            Finding(Wrong.TRIGGER_FOREIGN, name=name) for name in foreign_triggers(session.connection())
        )
        report.findings.add(Finding(Wrong.SEAL_CHANGED) for _ in range(seal_rows.unusable(session)))
    last = newest.ordinal if newest else 0
    total = _number(newest.events if newest else 0) - _number(base.events if base else 0)
    chain = _Chain(report, base)
    for part in (walk or _walk_here(store, keys))(verification_walk.chunks(store, since, last)):
        chain.join(part)
        progress(report.events, max(total, report.events))
    with store.reading() as session:
        lost = place is None or counted != _number(newest.events if newest else 0) - chain.missing
        _check_rest(session, report, place, lost, store.vault.event_key)
        _name_exchanged(session, report, chain.changed)
        _check_heads(session, report, heads, keys)
    return report


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _place(session: Session, newest: SealRow | None) -> event_rows.Position | None:
    if newest is None:
        return event_rows.BEGINNING
    numbers = (newest.last_id, newest.last_transaction, newest.highest_id)
    return event_rows.sealed_to(session, *numbers) if all(isinstance(one, int) for one in numbers) else None


def _base(session: Session, since: int) -> Edge | None:
    seal = seal_rows.one(session, since) if since else None
    if seal is None:
        return None
    last = list(event_rows.by_id(session, seal.event_ids()[-1:]).values())
    transaction, event_id = (last[0][event_rows.TRANSACTION], last[0][event_lines.ID]) if last else (None, None)
    return Edge(seal.ordinal, seal.events, seal.hash, transaction, event_id)


def _walk_here(store: Database, keys: dict[str, bytes]) -> Walk:
    return lambda pieces: (verification_walk.walk(store, piece, keys) for piece in pieces)


class _Chain:
    """Joins the parts of the walk in their order."""

    def __init__(self, report: Report, base: Edge | None) -> None:
        self.report = report
        self.edge = base
        self.missing = 0
        self.changed: dict[int, bytes] = {}
        self._keys: list[Any] = []

    def join(self, part: Part) -> None:
        """Link a part to the one before it and take over what it found."""
        report = self.report
        if part.first is not None:
            report.findings.add(seal_checks.check_link(self.edge, part.first))
            before = (self.edge.transaction, self.edge.event_id) if self.edge else (None, None)
            if seal_checks.falls(before, part.first_place):
                ordinal = part.first.ordinal
                report.findings.add([Finding(Wrong.REORDERED, part.first_place[1], ordinal=ordinal, other=before[1])])
        report.findings.merge(part.findings)
        report.seals += part.seals
        report.events += part.events
        self.missing += part.missing
        if len(self.changed) < _COMPARED:
            self.changed |= part.changed
        for key, ordinal in part.keys:
            if key in self._keys and key != self._keys[-1]:
                report.findings.add([Finding(Wrong.KEY_RETURNED, ordinal=ordinal, name=str(key))])
            if key not in self._keys:
                self._keys.append(key)
        self.edge = part.edge or self.edge


def _check_rest(
    session: Session, report: Report, place: event_rows.Position | None, lost: bool, event_key: bytes
) -> None:
    """Look at the events that no seal holds: those behind the newest seal, and where some are ``lost``, all others."""
    coded = bool(report.head and report.head.coded)
    if not lost and place is not None:
        _tail(session, report, place, None, coded=coded, event_key=event_key)
        return
    sealed = sealed_ids(session)
    if place is not None:
        for position in event_rows.positions(session, settled=False):
            if not isinstance(position[0], int) or position > place:
                break
            if position[1] not in sealed:
                report.findings.add([Finding(Wrong.INSERTED, position[1])])
    _tail(session, report, place or event_rows.BEGINNING, sealed, coded=coded, event_key=event_key)


def _tail(
    session: Session, report: Report, place: event_rows.Position, sealed: Any, *, coded: bool, event_key: bytes
) -> None:
    while page := event_rows.following(session, place, _PAGE, settled=False):
        for row in page:
            key = row[event_lines.ID]
            if sealed is not None and key in sealed:
                continue
            ours = event_lines.is_ours(event_key, event_lines.leaf(event_lines.line(row)), row[event_rows.MAC])
            if not ours and (coded or row[event_rows.MAC] is not None):
                report.findings.add([Finding(Wrong.FOREIGN, key)])
            coded = coded or ours
            report.unsealed += 1
            at = str(row[event_lines.AT])
            report.oldest_unsealed = min(report.oldest_unsealed or at, at)
        place = (page[-1][event_rows.TRANSACTION], page[-1][event_lines.ID])


def _name_exchanged(session: Session, report: Report, changed: dict[int, bytes]) -> None:
    if len(changed) < 2:
        return
    pairs = seal_checks.exchanged(event_rows.by_id(session, list(changed)), changed)
    for place, finding in enumerate(report.findings.named):
        other = pairs.get(finding.event_id or 0)
        if finding.kind is Wrong.CHANGED and other is not None:
            report.findings.replace(place, Wrong.SWAPPED, other)


def _check_heads(session: Session, report: Report, kept: Kept, keys: dict[str, bytes]) -> None:
    report.findings.add(Finding(Wrong.HEAD_UNREADABLE, name=name) for name in kept.unreadable)
    for head in kept.heads:
        report.heads += 1
        public = keys.get(head.key_id)
        if public is None or not head.is_signed_by(public):
            kind = Wrong.KEY_UNKNOWN if public is None else Wrong.HEAD_WRONG
            report.findings.add([Finding(kind, ordinal=head.ordinal, name=str(head.key_id))])
            continue
        seal = seal_rows.one(session, head.ordinal)
        if seal is None or seal.hash != head.chain:
            report.findings.add([Finding(Wrong.HEAD_MISSING, ordinal=head.ordinal, name=head.fingerprint)])
