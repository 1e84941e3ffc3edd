"""Sealing: settled events, a batch at a time, each batch chained to the one before and signed.

A batch is read and digested outside of any writing transaction; only the finished seal is written in
one. A sealer that is killed has written its seal or not; the next one goes on from the newest. Two
sealers at once would write the same ordinal, which the store refuses to the second.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from app import seal_keys
from app.database import Database, RowConflict
from app.errors import DomainError, Kind
from app.messages import N_
from app.models import Seal
from app.rules import seals as rules
from app.rules.seals import CATCHING_UP, Figures, Head
from app.seal_keys import SealKey
from app.services import event_rows
from app.settings import Settings
from app.vault import Vault

BATCHES = 100


class SealKeyRetired(DomainError):
    """A key that was replaced is set again; its seals would stand behind those of the newer key."""

    kind = Kind.CONFLICT
    code = "seal_key_retired"
    message = N_("The seal key %(key)s was replaced earlier and cannot seal again. Set the newest key, or a new one.")


class NothingSealed(DomainError):
    """There is no seal yet."""

    kind = Kind.NOT_FOUND
    code = "nothing_sealed"
    message = N_("Nothing has been sealed yet. The worker seals every minute.")


def key_of(settings: Settings, vault: Vault) -> SealKey:
    """The key that seals: the one that is set, or one from the secret of the installation."""
    given = settings.seal_key.get_secret_value().strip()
    return SealKey(seal_keys.read_key(given) if given else vault.seal_seed)


def trusted_keys(settings: Settings, vault: Vault) -> dict[str, bytes]:
    """Public keys by their id: the present one, and those that the settings name as older."""
    keys = [seal_keys.read_key(text) for text in settings.seal_old_keys.split(",") if text.strip()]
    return {seal_keys.key_id(public): public for public in (key_of(settings, vault).public, *keys)}


def newest(session: Session) -> Seal | None:
    """The last seal, or None."""
    return session.exec(select(Seal).order_by(col(Seal.ordinal).desc()).limit(1)).first()


def count(session: Session) -> int:
    """How many events are sealed, by the last seal's own word."""
    last = session.exec(select(col(Seal.events)).order_by(col(Seal.ordinal).desc()).limit(1)).first()
    return last if isinstance(last, int) else 0


def figures_of(seal: Any) -> Figures:
    """What a seal says beside its events, as its hash is made over it."""
    return Figures(
        ordinal=seal.ordinal,
        count=seal.count,
        events=seal.events,
        first_id=seal.first_id,
        last_id=seal.last_id,
        last_transaction=seal.last_transaction,
        highest_id=seal.highest_id,
        coded=bool(seal.coded),
        sealed_at=rules.microseconds(seal.sealed_at),
        key_id=seal.key_id,
    )


def head_of(seal: Seal, public: bytes) -> Head:
    """The signed head of a seal, with the key that it is checked with."""
    return Head(
        format=seal.format,
        ordinal=seal.ordinal,
        events=seal.events,
        sealed_at=seal.sealed_at.isoformat(timespec="microseconds"),
        hash=seal.hash.hex(),
        fingerprint=rules.fingerprint(seal.hash),
        key_id=seal.key_id,
        public_key=seal_keys.written(public),
        signature=base64.b64encode(seal.signature).decode(),
    )


def newest_head(session: Session, settings: Settings) -> Head:
    """The head of the last seal. Raises NothingSealed."""
    seal = newest(session)
    if seal is None:
        raise NothingSealed
    keys = trusted_keys(settings, session.info["vault"])
    return head_of(seal, keys.get(seal.key_id, b""))


def seal(
    store: Database,
    settings: Settings,
    now: Callable[[], datetime],
    *,
    batches: int = BATCHES,
    size: int = rules.BATCH,
) -> int:
    """Seal what is settled, at most ``batches`` of ``size`` events; returns how many events were sealed.

    Raises SealKeyRetired, or what the store raises in trouble; what was sealed before that stays.
    """
    key = key_of(settings, store.vault)
    sealed = 0
    for _ in range(batches):
        with store.reading() as session:
            last = newest(session)
            _refuse_retired(session, last, key)
            rows, catching_up = _unsealed(session, last, size)
        if not rows:
            break
        made = _seal(last, rows, catching_up, key, store.vault, now())
        try:
            with store.transaction() as session:
                session.add(made)
        except RowConflict:
            break  # Another sealer was quicker; what is left is left to it.
        sealed += len(rows)
    return sealed


def _seal(last: Seal | None, rows: list[Any], catching_up: bool, key: SealKey, vault: Vault, at: datetime) -> Seal:
    batch = rules.gather(rows, vault.event_key, coded=bool(last and last.coded))
    figures = rules.follow(
        figures_of(last) if last else None,
        batch,
        last_transaction=CATCHING_UP if catching_up else rows[-1][event_rows.TRANSACTION],
        sealed_at=at,
        key_id=key.id,
    )
    previous = last.hash if last else rules.GENESIS
    chain = rules.chain_hash(figures, batch.body, previous)
    return Seal(
        format=rules.FORMAT,
        ordinal=figures.ordinal,
        count=figures.count,
        events=figures.events,
        first_id=figures.first_id,
        last_id=figures.last_id,
        last_transaction=figures.last_transaction,
        highest_id=figures.highest_id,
        coded=figures.coded,
        sealed_at=at,
        key_id=key.id,
        ids=rules.pack_ids(batch.ids),
        leaves=batch.leaves,
        foreign_ids=rules.pack_ids(batch.foreign),
        body=batch.body,
        previous=previous,
        hash=chain,
        signature=key.sign(rules.head_message(figures.ordinal, figures.events, chain)),
    )


def _refuse_retired(session: Session, last: Seal | None, key: SealKey) -> None:
    if last is None or last.key_id == key.id:
        return
    if session.exec(select(col(Seal.ordinal)).where(col(Seal.key_id) == key.id).limit(1)).first() is not None:
        raise SealKeyRetired(key=key.id)


def _unsealed(session: Session, last: Seal | None, size: int) -> tuple[list[Any], bool]:
    if last is None:
        return event_rows.following(session, event_rows.BEGINNING, size), False
    place = event_rows.sealed_to(session, last.last_id, last.last_transaction, last.highest_id)
    if place is not None:
        return event_rows.following(session, place, size), False
    sealed = sealed_ids(session)
    left = [key for _, key in _first(event_rows.positions(session, settled=True), sealed, size + 1)]
    found = event_rows.by_id(session, left[:size])
    return [found[key] for key in left[:size]], len(left) > size


def _first(places: Iterator[event_rows.Position], sealed: "IdSet", number: int) -> list[event_rows.Position]:
    found = []
    for place in places:
        if place[1] not in sealed:
            found.append(place)
            if len(found) == number:
                break
    return found


@dataclass(slots=True)
class IdSet:
    """Ids from 1 up to a limit, one bit each: ten million of them in little more than a megabyte."""

    bits: bytearray

    def add(self, key: int) -> None:
        """Put an id in; one outside of the limit is left out."""
        if 0 <= key < len(self.bits) * 8:
            self.bits[key >> 3] |= 1 << (key & 7)

    def __contains__(self, key: int) -> bool:
        return 0 <= key < len(self.bits) * 8 and bool(self.bits[key >> 3] & 1 << (key & 7))


def sealed_ids(session: Session) -> IdSet:
    """Every id that stands in a seal."""
    highest = session.exec(select(func.max(col(Seal.highest_id)))).one() or 0
    found = IdSet(bytearray((highest >> 3) + 1))
    statement: Any = select(col(Seal.ids)).order_by(col(Seal.ordinal)).execution_options(yield_per=50)
    for packed in session.connection().scalars(statement):
        for key in rules.unpack_ids(packed):
            found.add(key)
    return found
