"""Going through a received package row by row: which row here it is, and what it is to that row.

One pass serves the check, which changes nothing, and the taking in, which acts on each judgement before
the next is made: so a row can refer to one that was made a moment ago. Only the lines at hand are held.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import ValidationError
from sqlalchemy import select
from sqlmodel import Session, col

from app.folding import fold
from app.models.base import Row
from app.papers.packages import PART, Package, PackageLineRefused, PackageReferenceBroken, digest
from app.permissions import Actor
from app.rules.exchange import Standing, State, compare, stamped
from app.schemas.exchange_line import Line
from app.services import exchange_nouns as nouns
from app.services import exchange_states as states
from app.services import exchange_units
from app.services.exchange_nouns import Noun
from app.services.exchange_states import Identity, Known

# Why the other side's row cannot be taken as it is.
KEY_TAKEN, CIRCLE, ELSEWHERE, LACKING, IN_USE = "key_taken", "circle", "elsewhere", "lacking", "in_use"


@dataclass(slots=True)
class Judgement:
    """One received row: what it says, which row here it is, and what follows from that."""

    noun: Noun
    number: int
    identities: tuple[Identity, ...]
    vector: dict[str, int]
    made_at: datetime | None
    values: dict[str, Any]
    entry: Known | None = None
    entries: Sequence[Known] = ()
    row: Any = None
    ours: State | None = None
    standing: Standing = Standing.NEW
    blocked: str = ""
    gone: bool = False
    late: dict[str, Identity] = field(default_factory=dict)
    unnamed: tuple[Identity, ...] = ()

    @property
    def digest(self) -> str:
        """The digest of the received content in the terms of this store; empty for a deletion."""
        return "" if self.gone else digest(self.values)

    @property
    def theirs(self) -> State:
        """The received state."""
        return State(self.digest, self.vector)


class Merge:
    """A package held against one programme here; ``programme_id`` is None where it is not here yet.

    Rows of another programme are never touched: an identity that names one is refused.
    """

    def __init__(
        self, session: Session, actor: Actor, package: Package, here: str, programme_id: int | None, *, lock: bool
    ) -> None:
        self.session = session
        self.package = package
        self.sender = package.manifest.installation
        self.here = here
        self.programme_id = programme_id
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.inspect: Callable[[Judgement], None] = lambda _judgement: None
        self._lock = lock
        self._units = exchange_units.Matching(session, actor)
        self._resolved: dict[str, dict[Identity, Any]] = defaultdict(dict)
        self._seen: set[int] = set()
        self._keys: dict[tuple[Any, ...], int] = {}
        self._parents: dict[Any, Any] = {}
        self._owners: dict[Any, str] = {}

    def judgements(self, noun: Noun) -> Iterator[Judgement]:
        """Every row of a part, in its order. Act on one (``settle``) before asking for the next.

        Raises PackageLineRefused, PackageReferenceBroken or PackagePartDamaged.
        """
        if noun.name not in self.package.parts:
            return
        self._keys = self._keys_of(noun)
        self._parents = self._parents_of(noun)
        number = 0
        for raws in states.chunks(self.package.lines(noun.name)):
            lines = [parsed(noun, raw, number + offset) for offset, raw in enumerate(raws, 1)]
            entries = states.of_identities(
                self.session, noun.name, (name for line in lines for name in (line.id, *line.also))
            )
            rows = self._rows(noun, [entry.local_id for entry in entries.values()])
            for line in lines:
                number += 1
                judgement = self._judge(noun, number, line, entries, rows)
                self.inspect(judgement)
                self.counts[noun.name][judgement.standing] += 1
                yield judgement

    def settle(self, judgement: Judgement, place: Any, *, taken: bool = False) -> None:
        """Say what a row is here from now on: its id, a row that is not stored yet, or None; and if theirs stands."""
        for name in judgement.identities:
            self._resolved[judgement.noun.name][name] = place
        if place is None or isinstance(place, Row):
            return
        if judgement.noun.parent and taken:
            self._parents[place] = judgement.values.get(judgement.noun.parent)
        if judgement.noun is nouns.UNITS:
            self._units.claim(place)
            self._owners[place] = judgement.entry.owner if judgement.entry else self._owner(judgement)

    def _owner(self, judgement: Judgement) -> str:
        return self.sender if judgement.row is None else self.here

    def owner_of_unit(self, place: Any) -> str:
        """The installation that made a unit which the package names."""
        return self._owners.get(place, self.here)

    def place_of(self, noun: str, name: Identity) -> Any:
        """What an identity is here: an id, a text for what would be made, or None where it was deleted.

        Raises KeyError for one that the package does not hold.
        """
        place = self._resolved[noun][name]
        if isinstance(place, Row):
            if place.id is None:
                self.session.flush()
            if parent := nouns.BY_NAME[noun].parent:
                self._parents[place.id] = getattr(place, parent)
            self._resolved[noun][name] = place.id
            return place.id
        return place

    def missing(self, noun: Noun) -> Iterator[Known]:
        """The rows that the sender had once and that are neither in the package nor said to be deleted."""
        if noun.owned or self.programme_id is None:
            return
        for entry in states.of_programme(self.session, noun.name, self.programme_id):
            if not entry.state.gone and entry.entry_id not in self._seen and self.sender in entry.state.vector:
                yield entry

    def _judge(
        self, noun: Noun, number: int, line: Line, entries: dict[Identity, Known], rows: dict[int, Any]
    ) -> Judgement:
        names: tuple[Identity, ...] = tuple(dict.fromkeys([line.id, *line.also]))
        found = Judgement(noun, number, names, line.vector, line.made_at, {}, gone=line.gone)
        if names[0] in self._resolved[noun.name]:
            raise PackageLineRefused(part=PART % noun.name, line=number, place="id")
        found.entry = next((entries[name] for name in names if name in entries), None)
        found.unnamed = tuple(name for name in names if name not in entries)
        if not line.gone:
            self._read(found, line)
        if found.entry is None and not line.gone:
            self._find(found)
        elif found.entry is not None:
            found.row = _same(rows.get(found.entry.local_id), found.entry)
        self._hold_to_programme(found)
        self._stand(found)
        return found

    def _hold_to_programme(self, found: Judgement) -> None:
        entry = found.entry
        if entry is None or found.noun.owned:
            return
        local = entry.local_id if found.noun is nouns.PROGRAMMES else entry.programme_id
        if local != self.programme_id:
            raise PackageLineRefused(part=PART % found.noun.name, line=found.number, place="id")
        self._seen.add(entry.entry_id)

    def _read(self, found: Judgement, line: Line) -> None:
        noun, data = found.noun, line.data
        references = nouns.references(noun)
        for column in nouns.columns(noun):
            value = getattr(data, nouns.field_of(noun, column))
            if column in references and value is not None:
                value = self._refer(found, column, references[column] or data.subject_type, value)
            elif isinstance(value, datetime):
                value = value.astimezone(UTC)
            found.values[column] = value if column in references else nouns.blanked(noun, value)

    def _refer(self, found: Judgement, column: str, target: str, name: Identity) -> Any:
        noun = found.noun
        try:
            place = self.place_of(target, name)
        except KeyError:
            if target == noun.name and column != noun.parent:
                found.late[column] = name
                return None
            raise PackageReferenceBroken(part=PART % noun.name, line=found.number) from None
        if place is None:
            found.blocked = LACKING
        return place

    def _find(self, found: Judgement) -> None:
        """The row here that a row without an entry is: of our own making, of the same key, or of the same name."""
        noun, model = found.noun, found.noun.model
        local_id: int | None = None
        if noun is nouns.UNITS:
            local_id = self._units.find(found.values)
        elif noun is nouns.PROGRAMMES:
            local_id = self.programme_id
        elif noun.key:
            local_id = self._keys.get(self._key_of(noun, found.values))
        if local_id is None:
            local_id = self._restored(found)
        if local_id is None:
            return
        row = self._rows(noun, [local_id]).get(local_id) or self.session.get_one(model, local_id)
        found.entries = states.of_local(self.session, noun.name, [local_id])[local_id]
        entry = states.live(found.entries, row.created_at)
        if entry is not None and not noun.owned and (entry.entry_id in self._seen or self.sender in entry.state.vector):
            # Here another row has this key, and the sender knows that one too.
            found.blocked = KEY_TAKEN
            return
        found.row, found.entry = row, entry
        if entry is not None:
            self._seen.add(entry.entry_id)

    def _restored(self, found: Judgement) -> int | None:
        """A row of our own whose entry was lost with an older backup: by its number, if it is the same row."""
        for place, uid in found.identities:
            if place == self.here and uid.isdigit() and found.made_at is not None and int(uid) < 2**31:
                model: Any = found.noun.model
                statement = select(col(model.id)).where(
                    col(model.id) == int(uid), col(model.created_at) == found.made_at
                )
                if found.noun is not nouns.PROGRAMMES and not found.noun.owned:
                    statement = statement.where(col(model.id).in_(found.noun.ids(self.programme_id or 0)))
                local: int | None = self.session.connection().scalar(statement)
                return local
        return None

    def _stand(self, found: Judgement) -> None:
        noun, entry = found.noun, found.entry
        if found.row is not None:
            ours = digest(nouns.values(noun, found.row))
            found.ours = stamped(entry.state if entry else None, ours, self.here)
        elif entry is not None:
            found.ours = entry.state if entry.state.gone else State("", stamped(entry.state, "-", self.here).vector)
        found.standing = compare(found.ours, found.theirs)
        if noun.owned and found.standing is not Standing.SAME:
            self._stand_owned(found)
        if found.standing in (Standing.NEW, Standing.THEIRS, Standing.CONFLICT) and not found.gone:
            found.blocked = found.blocked or self._obstacle(found)
        if found.blocked and found.standing is not Standing.SAME and found.standing is not Standing.OURS:
            found.standing = Standing.CONFLICT

    def _stand_owned(self, found: Judgement) -> None:
        """Units and their names are changed by the installation that made them, and by nobody else."""
        if found.noun is nouns.UNITS:
            owner = found.entry.owner if found.entry else self._owner(found)
        else:
            owner = self.owner_of_unit(found.values.get("unit_id"))
        if owner != self.sender:
            found.standing, found.blocked = Standing.KEPT, ""

    def _obstacle(self, found: Judgement) -> str:
        noun, values = found.noun, found.values
        local = found.row.id if found.row is not None else None
        if noun.key:
            holder = self._keys.get(self._key_of(noun, values))
            if holder is not None and holder != local:
                return KEY_TAKEN
        if noun is nouns.UNITS and not self._units.fits(found.row, values["parent_id"]):
            return ELSEWHERE
        if noun.parent and local is not None:
            at, steps = values[noun.parent], 0
            while at is not None and steps <= len(self._parents):
                if at == local:
                    return CIRCLE
                at, steps = self._parents.get(at), steps + 1
        return ""

    def _rows(self, noun: Noun, ids: Sequence[int]) -> dict[int, Any]:
        model: Any = noun.model
        statement = select(model).where(col(model.id).in_(ids))
        if self._lock:
            statement = statement.with_for_update()
        return {row.id: row for row in self.session.scalars(statement)} if ids else {}

    def _keys_of(self, noun: Noun) -> dict[tuple[Any, ...], int]:
        model: Any = noun.model
        if not noun.key or (self.programme_id is None and not noun.owned):
            return {}
        statement = select(col(model.id), *(col(getattr(model, name)) for name in noun.key))
        if noun.owned:
            statement = statement.where(col(model.unit_id).in_([key for key in self._owners if isinstance(key, int)]))
        else:
            statement = statement.where(col(model.id).in_(noun.ids(self.programme_id or 0)))
        return {tuple(row[1:]): row[0] for row in self.session.connection().execute(statement)}

    @staticmethod
    def _key_of(noun: Noun, values: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(fold(values["name"]) if name == "folded" else values[name] for name in noun.key)

    def _parents_of(self, noun: Noun) -> dict[Any, Any]:
        if not noun.parent:
            return {}
        model: Any = noun.model
        statement = select(col(model.id), col(getattr(model, noun.parent)))
        if not noun.owned:
            statement = statement.where(col(model.id).in_(noun.ids(self.programme_id or 0)))
        return {row[0]: row[1] for row in self.session.connection().execute(statement)}


def parsed(noun: Noun, raw: bytes, number: int) -> Line:
    """A line by its schema, its digest proved; raises PackageLineRefused with the field at fault."""
    part = PART % noun.name
    try:
        line = nouns.line_of(noun).model_validate_json(raw)
        whole = orjson.loads(raw)
    except ValidationError as error:
        place = ".".join(str(step) for step in error.errors()[0]["loc"])
        raise PackageLineRefused(part=part, line=number, place=place or "json") from error
    except ValueError as error:
        raise PackageLineRefused(part=part, line=number, place="json") from error
    if line.gone != (line.data is None) or (line.gone and not noun.deletable):
        raise PackageLineRefused(part=part, line=number, place="gone")
    if not line.gone and digest(whole["data"]) != line.digest:
        raise PackageLineRefused(part=part, line=number, place="digest")
    if b"\\u0000" in raw and _holds_nul(whole):
        raise PackageLineRefused(part=part, line=number, place="data")
    return line


def _holds_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_nul(inner) for pair in value.items() for inner in pair)
    if isinstance(value, list):
        return any(_holds_nul(inner) for inner in value)
    return isinstance(value, str) and "\x00" in value


def _same(row: Any, entry: Known) -> Any:
    return row if row is not None and not entry.state.gone and row.created_at == entry.born else None
