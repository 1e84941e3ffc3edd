"""The lines of an outgoing package: each row of a programme with its identity, its vector and its content."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import inspect, select
from sqlmodel import Session, SQLModel, col

from app.models import Event, EventKind, GroupMember, Unit
from app.papers.packages import digest
from app.rules.exchange import State, moved
from app.services import exchange_nouns as nouns
from app.services import exchange_states as states
from app.services.exchange_nouns import Noun
from app.services.exchange_states import Identity, Stamp

# Accounts, what they hold and what was exchanged are no evidence about the programme's own rows.
_NO_EVIDENCE = ("exchange_packages", "memberships", "reset_codes", "tokens", "users")
_EVENTS = 1000


@dataclass(slots=True)
class Lines:
    """Gives the lines of one package part by part, and gathers what has to be written down afterwards.

    ``tick`` is called with the number of lines that were just made.
    """

    session: Session
    here: str
    programme_id: int
    tick: Callable[[int], None] = lambda _count: None
    stamps: list[Stamp] = field(default_factory=list)
    files: dict[str, None] = field(default_factory=dict)
    _names: dict[str, dict[int, Identity]] = field(default_factory=lambda: defaultdict(dict))

    def of(self, noun: Noun) -> Iterator[dict[str, Any]]:
        """The rows of a noun, those that others hang on first, then what was deleted."""
        for ids in states.chunks(self.ids(noun)):
            yield from self._chunk(noun, ids)
            self.tick(len(ids))
        if noun.deletable:
            yield from self._gone(noun)

    def ids(self, noun: Noun) -> list[int]:
        """The ids of the programme's rows of a noun, in the order of the part."""
        connection = self.session.connection()
        if noun is nouns.UNITS:
            return _parents_first(connection.execute(_columns(Unit, "id", "parent_id")), occurring(self))
        if noun is nouns.UNIT_NAMES:
            model: Any = noun.model
            return [
                key
                for units in states.chunks(self._names[nouns.UNITS.name])
                for key in connection.scalars(
                    select(col(model.id)).where(col(model.unit_id).in_(units)).order_by(col(model.id))
                )
            ]
        wanted = list(connection.scalars(noun.ids(self.programme_id).order_by(col(noun.model.id))))
        if not noun.parent:
            return wanted
        pairs = connection.execute(
            _columns(noun.model, "id", noun.parent).where(col(noun.model.id).in_(noun.ids(self.programme_id)))
        )
        return _parents_first(pairs, set(wanted))

    def _chunk(self, noun: Noun, ids: Sequence[int]) -> Iterator[dict[str, Any]]:
        known = states.of_local(self.session, noun.name, ids)
        named = states.names_of(self.session, [entry.entry_id for found in known.values() for entry in found])
        statement = _columns(noun.model, "id", "created_at", *nouns.columns(noun)).where(col(noun.model.id).in_(ids))
        rows = {row.id: row for row in self.session.connection().execute(statement)}
        programme_id = None if noun.owned else self.programme_id
        stamped = []
        for key in ids:
            row = rows[key]
            content = nouns.values(noun, row)
            entries = known.get(key, [])
            stamp = states.stamp(entries, noun.name, (key, programme_id, row.created_at), digest(content), self.here)
            names = named[stamp.entry_id] if stamp.entry_id is not None else list(stamp.identities)
            before = states.live(entries, row.created_at)
            if before is None or before.state != stamp.state:
                self.stamps.append(stamp)
            self._names[noun.name][key] = names[0]
            stamped.append((row, content, stamp, names))
        for row, content, stamp, names in stamped:
            yield self._line(noun, row, content, stamp, names)

    def _line(
        self, noun: Noun, row: Any, content: dict[str, Any], stamp: Stamp, names: Sequence[Identity]
    ) -> dict[str, Any]:
        references = nouns.references(noun)
        data = {}
        for column, value in content.items():
            if column in references and value is not None:
                target = references[column] or content["subject_type"]
                data[nouns.field_of(noun, column)] = self._names[target].get(value)
            else:
                data[nouns.field_of(noun, column)] = value
        if "sha256" in content:
            self.files[content["sha256"]] = None
        also = {"also": list(names[1:])} if len(names) > 1 else {}
        return {
            "id": names[0],
            **also,
            "vector": stamp.state.vector,
            "made_at": row.created_at,
            "digest": digest(data),
            "data": data,
        }

    def _gone(self, noun: Noun) -> Iterator[dict[str, Any]]:
        model = noun.model
        for entries in states.chunks(states.of_programme(self.session, noun.name, self.programme_id)):
            ids = [entry.local_id for entry in entries]
            there = {
                (row.id, row.created_at)
                for row in self.session.connection().execute(
                    _columns(model, "id", "created_at").where(col(model.id).in_(ids))
                )
            }
            named = states.names_of(self.session, [entry.entry_id for entry in entries])
            for entry in entries:
                if not entry.state.gone and (entry.local_id, entry.born) in there:
                    continue
                ended = _ended(entry, noun, self.here)
                if not entry.state.gone:
                    self.stamps.append(ended)
                names = named[entry.entry_id]
                also = {"also": names[1:]} if len(names) > 1 else {}
                yield {"id": names[0], **also, "vector": ended.state.vector, "gone": True}

    def members(self) -> Iterator[dict[str, Any]]:
        """Which units the groups stand for, as far as both occur."""
        names = self._names[nouns.UNITS.name]
        for groups in states.chunks(sorted(names)):
            statement = select(GroupMember).where(col(GroupMember.group_id).in_(groups))
            ordered = statement.order_by(col(GroupMember.group_id), col(GroupMember.member_id))
            for row in self.session.connection().execute(ordered):
                if row.member_id in names:
                    yield {"group": names[row.group_id], "member": names[row.member_id]}

    def evidence(self) -> Iterator[dict[str, Any]]:
        """What happened to the programme's rows here, oldest first; people are numbers, and only here known."""
        accounts = account_columns()
        last = 0
        while True:
            statement = select(Event).where(
                col(Event.programme_id) == self.programme_id,
                col(Event.kind) != EventKind.ACCESS,
                col(Event.subject_type).not_in(_NO_EVIDENCE),
                col(Event.id) > last,
            )
            found = self.session.connection().execute(statement.order_by(col(Event.id)).limit(_EVENTS)).all()
            for row in found:
                yield _event(row, accounts)
            self.tick(len(found))
            if len(found) < _EVENTS:
                return
            last = found[-1].id


def occurring(lines: Lines) -> set[int]:
    """The units that a programme's rows name, what stands above them, their groups' members, and their successors."""
    connection = lines.session.connection()
    wanted: set[int] = set()
    for noun in nouns.NOUNS:
        for column, target in nouns.references(noun).items():
            if target == nouns.UNITS.name and not noun.owned:
                attribute = col(getattr(noun.model, column))
                ids = noun.ids(lines.programme_id)
                wanted |= {
                    key
                    for key in connection.scalars(select(attribute).where(col(noun.model.id).in_(ids)).distinct())
                    if key is not None
                }
    edges = {row.id: {row.parent_id, row.merged_into_id} - {None} for row in connection.execute(
        _columns(Unit, "id", "parent_id", "merged_into_id")
    )}  # fmt: skip
    members = defaultdict(set)
    for row in connection.execute(select(GroupMember)):
        members[row.group_id].add(row.member_id)
    open_ids = list(wanted)
    while open_ids:
        key = open_ids.pop()
        for other in (edges[key] | members[key]) - wanted:
            wanted.add(other)
            open_ids.append(other)
    return wanted


def account_columns() -> frozenset[str]:
    """The names of all columns that hold an account: they are taken out of the evidence."""
    return frozenset(
        column.name
        for table in SQLModel.metadata.tables.values()
        for column in table.columns
        if any(foreign.target_fullname == "users.id" for foreign in column.foreign_keys)
    )


def _event(row: Any, accounts: frozenset[str]) -> dict[str, Any]:
    return {
        "number": row.id,
        "cause": row.cause_id,
        "at": row.at,
        "kind": row.kind,
        "verb": row.verb,
        "noun": row.subject_type,
        "row": row.subject_id,
        "name": row.subject_name,
        "person": row.actor_id,
        "channel": row.channel,
        "reason": row.reason,
        "before": _without(row.before, accounts),
        "after": _without(row.after, accounts),
    }


def _without(values: dict[str, Any] | None, accounts: frozenset[str]) -> dict[str, Any] | None:
    return None if values is None else {name: value for name, value in values.items() if name not in accounts}


def _ended(entry: states.Known, noun: Noun, here: str) -> Stamp:
    state = entry.state if entry.state.gone else State("", moved(entry.state.vector, here))
    return Stamp(noun.name, entry.local_id, entry.programme_id, entry.born, entry.owner, state, entry.entry_id)


def _columns(model: Any, *names: str) -> Any:
    mapped = inspect(model).columns
    return select(*(mapped[name] for name in dict.fromkeys(names)))


def _parents_first(pairs: Any, wanted: set[int]) -> list[int]:
    """``wanted`` in an order in which what a row hangs on comes before it."""
    parents = {row[0]: row[1] for row in pairs}
    ordered: dict[int, None] = {}
    for key in sorted(wanted):
        chain: list[int] = []
        at: int | None = key
        while at is not None and at in wanted and at not in ordered and at not in chain:
            chain.append(at)
            at = parents.get(at)
        ordered.update(dict.fromkeys(reversed(chain)))
    return list(ordered)
