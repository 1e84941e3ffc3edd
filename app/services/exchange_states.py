"""What was last exchanged of each row: finding it by identity or by local id, and writing it down."""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from app.models import ExchangeIdentity, ExchangeRow, Installation
from app.rules.exchange import State, stamped

CHUNK = 500
_CHANGING = ("local_id", "born", "digest", "vector")
Identity = tuple[str, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known:
    """An entry: which row of which programme, when that was made and where, and its state at the last exchange."""

    entry_id: int
    local_id: int
    programme_id: int | None
    born: datetime
    owner: str
    state: State


@dataclass(frozen=True, slots=True)
class Stamp:
    """A state to be written down, of an entry that is there (``entry_id``) or of one to be made."""

    noun: str
    local_id: int
    programme_id: int | None
    born: datetime
    owner: str
    state: State
    entry_id: int | None = None
    identities: tuple[Identity, ...] = ()


def installation(session: Session) -> str:
    """The name of this installation, made at random at the first use; needs a session that writes for that."""
    found = session.connection().scalar(select(col(Installation.name)))
    if found is None:
        found = secrets.token_hex(16)
        session.connection().execute(insert(Installation).values(id=1, name=found))
    return str(found)


def known_installation(session: Session) -> str | None:
    """The name of this installation, or None where nothing was ever exchanged."""
    return session.connection().scalar(select(col(Installation.name)))


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """``items`` in lists of at most ``size``."""
    held: list[T] = []
    for item in items:
        held.append(item)
        if len(held) == size:
            yield held
            held = []
    if held:
        yield held


def of_local(session: Session, noun: str, local_ids: Sequence[int]) -> dict[int, list[Known]]:
    """All entries of some local ids, also those of rows that are gone and whose id another row has now."""
    found: dict[int, list[Known]] = defaultdict(list)
    statement = select(ExchangeRow).where(col(ExchangeRow.noun) == noun, col(ExchangeRow.local_id).in_(local_ids))
    for row in session.connection().execute(statement.order_by(col(ExchangeRow.id))):
        found[row.local_id].append(_known(row))
    return found


def of_identities(session: Session, noun: str, identities: Iterable[Identity]) -> dict[Identity, Known]:
    """The entries that bear some identities."""
    by_place: dict[str, list[str]] = defaultdict(list)
    for place, uid in identities:
        by_place[place].append(uid)
    found: dict[Identity, Known] = {}
    for place, uids in by_place.items():
        statement: Any = (
            select(ExchangeRow, col(ExchangeIdentity.uid).label("uid"))
            .join(ExchangeRow, col(ExchangeRow.id) == col(ExchangeIdentity.row_id))
            .where(
                col(ExchangeIdentity.noun) == noun,
                col(ExchangeIdentity.installation) == place,
                col(ExchangeIdentity.uid).in_(uids),
            )
        )
        for row in session.connection().execute(statement):
            found[(place, row.uid)] = _known(row)
    return found


def names_of(session: Session, entry_ids: Sequence[int]) -> dict[int, list[Identity]]:
    """The identities of entries, the first given first."""
    found: dict[int, list[Identity]] = defaultdict(list)
    statement = select(ExchangeIdentity).where(col(ExchangeIdentity.row_id).in_(entry_ids))
    for row in session.connection().execute(statement.order_by(col(ExchangeIdentity.id))):
        found[row.row_id].append((row.installation, row.uid))
    return found


def of_programme(session: Session, noun: str, programme_id: int) -> list[Known]:
    """Every entry of a noun in a programme, in the order in which they were made."""
    statement = select(ExchangeRow).where(col(ExchangeRow.noun) == noun, col(ExchangeRow.programme_id) == programme_id)
    return [_known(row) for row in session.connection().execute(statement.order_by(col(ExchangeRow.id)))]


def live(entries: Iterable[Known], born: datetime) -> Known | None:
    """The entry of the row that is there now: not gone, and made when this row was."""
    return next((entry for entry in entries if not entry.state.gone and entry.born == born), None)


def stamp(
    entries: Sequence[Known], noun: str, place: tuple[int, int | None, datetime], digest: str, here: str
) -> Stamp:
    """The state of a local row now; ``place`` is its id, its programme and when it was made."""
    local_id, programme_id, born = place
    entry = live(entries, born)
    state = stamped(entry.state if entry else None, digest, here)
    if entry is not None:
        return Stamp(noun, local_id, entry.programme_id, born, entry.owner, state, entry.entry_id)
    # An id that another row had before is told apart by how many there were.
    uid = f"{local_id}-{len(entries) + 1}" if entries else str(local_id)
    return Stamp(noun, local_id, programme_id, born, here, state, None, ((here, uid),))


def write(session: Session, stamps: Iterable[Stamp]) -> None:
    """Write states down; bookkeeping, so without events."""
    connection = session.connection()
    for some in chunks(stamps):
        new = [one for one in some if one.entry_id is None]
        if new:
            ids = connection.scalars(
                insert(ExchangeRow).returning(col(ExchangeRow.id), sort_by_parameter_order=True),
                [_columns(one) for one in new],
            ).all()
            names = [
                {"noun": one.noun, "installation": place, "uid": uid, "row_id": entry_id}
                for one, entry_id in zip(new, ids, strict=True)
                for place, uid in one.identities
            ]
            if names:
                connection.execute(insert(ExchangeIdentity), names)
        for one in some:
            if one.entry_id is not None:
                connection.execute(
                    update(ExchangeRow)
                    .where(col(ExchangeRow.id) == one.entry_id)
                    .values(
                        local_id=one.local_id, born=one.born, digest=one.state.digest, vector=dict(one.state.vector)
                    )
                )


def name(session: Session, noun: str, entry_id: int, identities: Iterable[Identity]) -> None:
    """Let an entry be found under further identities; those that it has already are left out."""
    wanted = list(dict.fromkeys(identities))
    present = set(of_identities(session, noun, wanted))
    rows = [
        {"noun": noun, "installation": place, "uid": uid, "row_id": entry_id}
        for place, uid in wanted
        if (place, uid) not in present
    ]
    if rows:
        session.connection().execute(insert(ExchangeIdentity), rows)


def _columns(one: Stamp) -> dict[str, Any]:
    return {
        "noun": one.noun,
        "local_id": one.local_id,
        "programme_id": one.programme_id,
        "born": one.born,
        "owner": one.owner,
        "digest": one.state.digest,
        "vector": dict(one.state.vector),
    }


def _known(row: Any) -> Known:
    return Known(row.id, row.local_id, row.programme_id, row.born, row.owner, State(row.digest, row.vector))
