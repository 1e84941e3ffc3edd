"""A sealed export: the events that its reader may read in full, and of all others their digests.

What is exported are sealed rows as they are stored, so personal fields stay encrypted. A row that the
reader sees only in part, as an administrator sees business rows, stays a digest.
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_
from sqlmodel import Session, col, select

from app import seal_keys
from app.database import Database
from app.errors import Forbidden
from app.models import Event
from app.papers import sealed_package
from app.permissions import Actor, Permission, can
from app.rules import event_lines
from app.rules import seals as rules
from app.rules.seal_checks import SealRow
from app.services import audit, event_rows, events, seal_heads, seal_rows, seals
from app.settings import Settings

P = Permission
_GROUP = 1000


@dataclass(frozen=True, slots=True)
class Scope:
    """What is asked for; None is everything. Days in Asia/Shanghai, both included."""

    programme: int | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """An export that is allowed: its condition, and the last seal that it reaches to."""

    scope: Scope
    condition: ColumnElement[bool]
    whole: bool
    newest: int
    head: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Group:
    """Some seals, the ids of those of their events that are given out, and where asked for their rows."""

    seals: list[SealRow]
    given: set[int]
    rows: dict[int, tuple[Any, ...]]


def prepare(session: Session, settings: Settings, actor: Actor, scope: Scope, *, now: datetime) -> Wanted:
    """Decide what ``actor`` may be given. Raises Forbidden or NothingSealed."""
    if not can(actor, P.SEAL_EXPORT, scope.programme):
        raise Forbidden
    head = seals.newest_head(session, settings)
    condition = and_(audit.read_in_full(actor), *_narrowed(scope))
    whole = actor.is_system and scope == Scope()
    return Wanted(scope, condition, whole, head.ordinal, head.line(), now)


def _narrowed(scope: Scope) -> Iterator[ColumnElement[bool]]:
    if scope.programme is not None:
        yield col(Event.programme_id) == scope.programme
    if scope.since is not None or scope.until is not None:
        yield audit.between(scope.since, scope.until)


def note(session: Session, actor: Actor, wanted: Wanted) -> None:
    """Record who is about to be given an export; call it in a transaction of its own, before bytes leave."""
    scope = wanted.scope
    events.record_access(
        session,
        actor,
        "seal.export",
        subject_type="seal",
        programme_id=scope.programme,
        details={
            "since": scope.since.isoformat() if scope.since else None,
            "until": scope.until.isoformat() if scope.until else None,
            "newest": wanted.newest,
        },
    )


def write(store: Database, settings: Settings, wanted: Wanted) -> Iterator[bytes]:
    """The zip, piece by piece."""
    keys = seals.trusted_keys(settings, store.vault)
    kept = [head.line() for head in seal_heads.read(seal_heads.kept_here(settings)).heads]
    lines = [line for line in kept if rules.Head.from_line(line).ordinal <= wanted.newest]
    scope = {name: str(value) if value is not None else None for name, value in asdict(wanted.scope).items()}
    manifest = {"format": 1, "whole": wanted.whole, "made_at": wanted.at.isoformat(), "newest": wanted.newest, **scope}
    yield from sealed_package.pack(
        wanted.at,
        manifest=orjson.dumps(manifest, option=orjson.OPT_INDENT_2),
        seals=_seal_lines(store, wanted),
        events=_event_lines(store, wanted),
        heads="".join(f"{line}\n" for line in dict.fromkeys([*lines, wanted.head])),
        keys="".join(f"{name} {seal_keys.written(public)}\n" for name, public in keys.items()),
    )


def _groups(store: Database, wanted: Wanted, *, rows: bool) -> Iterator[Group]:
    """Some seals at a time, each in a reading of its own: whoever fetches slowly holds no transaction.

    Sealed rows never change, so the readings fit together.
    """
    first = 1
    while first <= wanted.newest:
        group: list[SealRow] = []
        waiting = 0
        with store.reading() as session:
            for seal in seal_rows.between(session, first, wanted.newest):
                group.append(seal)
                waiting += len(seal.event_ids())
                if waiting >= _GROUP:
                    break
            given = _given(session, wanted, group)
            found = event_rows.by_id(session, sorted(given)) if rows else {}
        if not group:
            return
        yield Group(group, given, found)
        first = group[-1].ordinal + 1


def _given(session: Session, wanted: Wanted, group: Sequence[SealRow]) -> set[int]:
    ids = [key for seal in group for key in seal.event_ids()]
    if wanted.whole or not ids:
        return set(ids)
    statement: Any = select(col(Event.id)).where(
        col(Event.id).between(min(ids), max(ids)), col(Event.id).in_(ids), wanted.condition
    )
    return set(session.connection().scalars(statement))


def _seal_lines(store: Database, wanted: Wanted) -> Iterator[bytes]:
    begun = False
    for group in _groups(store, wanted, rows=False):
        for seal in group.seals:
            included = [key for key in seal.event_ids() if key in group.given]
            # What lies before the first event of the export is vouched for by the hash that it begins with.
            begun = begun or bool(included) or seal.ordinal == wanted.newest
            if begun:
                yield _seal_line(seal, included, whole=wanted.whole)


def _seal_line(seal: SealRow, included: list[int], *, whole: bool) -> bytes:
    values = seal._asdict()
    shown: dict[str, Any] = {
        name: value.hex() if name in ("body", "previous", "hash") else value
        for name, value in values.items()
        if name not in ("ids", "leaves", "foreign_ids", "signature")
    }
    shown["sealed_at"] = event_lines.microseconds(seal.sealed_at)
    shown["coded"] = bool(seal.coded)
    shown["signature"] = base64.b64encode(seal.signature).decode()
    if included or whole:
        for name in ("ids", "leaves", "foreign_ids"):
            shown[name] = base64.b64encode(values[name]).decode()
        if not whole:
            shown["included"] = included
    return orjson.dumps(shown)


def _event_lines(store: Database, wanted: Wanted) -> Iterator[bytes]:
    for group in _groups(store, wanted, rows=True):
        for seal in group.seals:
            yield from (event_lines.line(group.rows[key]) for key in seal.event_ids() if key in group.rows)
