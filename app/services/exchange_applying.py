"""Taking a received package in: all that was judged and decided, in one transaction, each row with its event.

What nobody decided stays as it is here and stays open. Deletions come last and in reverse order, so that
nothing is removed on which something else still hangs.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.errors import DomainError, Kind
from app.folding import fold
from app.messages import N_
from app.models import GroupMember, Membership, Party, Programme, Side, Unit
from app.papers.packages import PackageLineRefused, digest
from app.permissions import Actor, Role
from app.rules.exchange import Standing, State, decided, merged
from app.schemas.exchange_line import Identity as IdentitySchema
from app.schemas.exchange_line import Strict
from app.services import events, programmes
from app.services import exchange_nouns as nouns
from app.services import exchange_states as states
from app.services.exchange_merging import IN_USE, Judgement, Merge
from app.services.exchange_nouns import Noun
from app.services.exchange_states import Stamp

Decide = Callable[[Judgement], str]
OURS, THEIRS = "ours", "theirs"


class ReceiverWithoutUnit(DomainError):
    """A programme of which nobody here would be a member."""

    kind = Kind.CONFLICT
    code = "receiver_without_unit"
    message = N_("The account needs a unit before it can take in a programme.")


class MemberLine(Strict):
    """A pair of the part group_members."""

    group: IdentitySchema
    member: IdentitySchema


@dataclass(slots=True)
class Applied:
    """What was done: the programme, rows by what became of them, and what is still open."""

    programme_id: int | None = None
    changed: int = 0
    done: Counter[str] = field(default_factory=Counter)
    open: int = 0


@dataclass(slots=True)
class Taking:
    """One package on its way in. ``details`` names it in the event; ``progress`` is told lines done."""

    session: Session
    actor: Actor
    merge: Merge
    decide: Decide
    details: Mapping[str, Any]
    now: datetime
    progress: Callable[[int], None] = lambda _count: None
    applied: Applied = field(default_factory=Applied)
    _cause: int | None = None
    _programme: Any = None
    _fresh: list[tuple[Judgement, Any]] = field(default_factory=list)
    _stamps: list[Stamp] = field(default_factory=list)
    _going: list[tuple[Judgement, State]] = field(default_factory=list)
    _late: list[tuple[Judgement, Any]] = field(default_factory=list)

    def run(self) -> Applied:
        """Take everything in; raises what reading a package raises."""
        self.applied.programme_id = self.merge.programme_id
        if self.merge.programme_id is not None:
            self._programme = self.session.get_one(Programme, self.merge.programme_id, with_for_update=True)
        for noun in nouns.NOUNS:
            count = 0
            for judgement in self.merge.judgements(noun):
                self._act(judgement)
                count += 1
                if count % states.CHUNK == 0:
                    self._pause()
                    self.progress(states.CHUNK)
            self._pause()
            self._finish_late(noun)
            self.progress(count % states.CHUNK)
        self._members()
        self._remove()
        self._pause()
        return self.applied

    def _act(self, judgement: Judgement) -> None:
        standing = judgement.standing
        if standing is Standing.CONFLICT:
            self._decide(judgement)
        elif standing is Standing.NEW:
            self._insert(judgement, State(judgement.digest, judgement.vector))
        elif standing is Standing.THEIRS:
            self._update(judgement, judgement.vector)
        elif standing is Standing.GONE:
            self._going.append((judgement, judgement.theirs))
            self._place(judgement)
        else:
            self._keep(judgement)

    def _decide(self, judgement: Judgement) -> None:
        choice = self.decide(judgement)
        ours = judgement.ours
        if ours is None or not choice or (choice == THEIRS and judgement.blocked):
            self.applied.open += 1
            self._place(judgement)
            return
        vector = decided(ours, judgement.theirs, self.merge.here)
        self.applied.done[f"chosen_{choice}"] += 1
        if choice == OURS:
            self._stamp(judgement, State(ours.digest, vector))
            self._place(judgement)
        elif judgement.gone:
            self._going.append((judgement, State("", vector)))
            self._place(judgement)
        elif judgement.row is None:
            self._insert(judgement, State(judgement.digest, vector))
        else:
            self._update(judgement, vector)

    def _keep(self, judgement: Judgement) -> None:
        """Nothing changes here; what is known of the row may grow."""
        ours = judgement.ours
        if judgement.standing is Standing.SAME and ours is not None:
            known = State(ours.digest, merged(ours.vector, judgement.vector))
            if judgement.entry is None or known != judgement.entry.state:
                self._stamp(judgement, known)
        if judgement.row is not None and judgement.entry is None and judgement.standing is Standing.KEPT:
            self._stamp(judgement, ours or State(judgement.digest, judgement.vector))
        self._name(judgement)
        self._place(judgement)

    def _place(self, judgement: Judgement) -> None:
        self.merge.settle(judgement, judgement.row.id if judgement.row is not None else None)

    def _insert(self, judgement: Judgement, state: State) -> None:
        noun, model = judgement.noun, judgement.noun.model
        row: Any = model(**judgement.values)
        row.created_at = judgement.made_at or self.now
        if not noun.owned and noun is not nouns.PROGRAMMES and "programme_id" in model.model_fields:
            row.programme_id = self._programme.id
        self._derive(row)
        self.session.add(row)
        if noun is nouns.UNITS or noun is nouns.PROGRAMMES:
            self.session.flush()
            if noun is nouns.PROGRAMMES:
                self._programme, self.applied.programme_id = row, row.id
            elif row.parent_id is None:
                row.root_id = row.id
            self.merge.settle(judgement, row.id, taken=True)
        else:
            self.merge.settle(judgement, row)
        self.applied.done["new"] += 1
        self._changed(judgement, row, state)

    def _update(self, judgement: Judgement, vector: Mapping[str, int]) -> None:
        row = judgement.row
        for column, value in judgement.values.items():
            if getattr(row, column) != value:
                setattr(row, column, value)
        self._derive(row)
        self.applied.done["changed"] += 1
        self.merge.settle(judgement, row.id, taken=True)
        self._changed(judgement, row, State(judgement.digest, vector))

    def _derive(self, row: Any) -> None:
        if isinstance(row, Unit) and row.parent_id is not None:
            row.root_id = self.session.get_one(Unit, row.parent_id).root_id
        elif hasattr(row, "folded"):
            row.folded = fold(row.name)

    def _changed(self, judgement: Judgement, row: Any, state: State) -> None:
        judgement.row = row
        self._fresh.append((judgement, state))
        if judgement.late:
            self._late.append((judgement, state))

    def _stamp(self, judgement: Judgement, state: State, row: Any = None) -> None:
        """Write down what both sides know of a row from now on."""
        noun, entry = judgement.noun, judgement.entry
        row = row or judgement.row
        names = judgement.identities
        programme_id = None if noun.owned else self.applied.programme_id
        if entry is not None:
            local, born = (row.id, row.created_at) if row is not None else (entry.local_id, entry.born)
            self._stamps.append(Stamp(noun.name, local, programme_id, born, entry.owner, state, entry.entry_id, names))
            self._name(judgement)
            return
        made_here = judgement.standing is not Standing.NEW
        if made_here:
            # A row of our own that both sides have: it keeps the identity that it has here.
            place = (row.id, programme_id, row.created_at)
            own = states.stamp(judgement.entries, noun.name, place, state.digest, self.merge.here).identities
            names = tuple(dict.fromkeys([*own, *names]))
        owner = self.merge.here if made_here else self.merge.sender
        self._stamps.append(Stamp(noun.name, row.id, programme_id, row.created_at, owner, state, None, names))

    def _name(self, judgement: Judgement) -> None:
        if judgement.entry is not None and judgement.unnamed:
            states.name(self.session, judgement.noun.name, judgement.entry.entry_id, judgement.unnamed)
            judgement.unnamed = ()

    def _pause(self) -> None:
        """Store what was changed so far with its events and its marks, and let go of the rows."""
        self.session.flush()
        for judgement, state in self._fresh:
            row = judgement.row
            now = State(digest(nouns.values(judgement.noun, row)), state.vector)
            self._stamp(judgement, now, row)
        states.write(self.session, self._stamps)
        self._record()
        for judgement, _ in self._fresh:
            if judgement.row is not self._programme and judgement.row in self.session:
                self.session.expunge(judgement.row)
        self._fresh.clear()
        self._stamps.clear()

    def _record(self) -> None:
        if self._programme is None:
            return
        if self._cause is None:
            if not self.session.info.get("noted"):
                return
            waiting = len(self.session.info["noted"])
            self._cause = events.record(
                self.session, self.actor, "programme.receive", self._programme, details=dict(self.details), now=self.now
            )
            self.applied.changed += waiting
            return
        self.applied.changed += events.record_more(self.session, self.actor, self._cause, now=self.now)

    def _finish_late(self, noun: Noun) -> None:
        """Set what could not be set before the row that it names was there."""
        for judgement, state in self._late:
            row: Any = self.session.get_one(noun.model, judgement.row.id)
            for column, name in judgement.late.items():
                setattr(row, column, self.merge.place_of(noun.name, name))
            self.session.flush()
            entry = states.live(states.of_local(self.session, noun.name, [row.id])[row.id], row.created_at)
            if entry is not None:
                judgement.entry = entry
                self._stamp(judgement, State(digest(nouns.values(noun, row)), state.vector), row)
        self._late.clear()
        self._pause()

    def _members(self) -> None:
        """Which units the sender's own groups stand for; groups of others are theirs to change."""
        if nouns.MEMBERS not in self.merge.package.parts:
            return
        wanted: dict[int, set[int]] = {}
        for number, raw in enumerate(self.merge.package.lines(nouns.MEMBERS), 1):
            pair = member_of(raw, number)
            group, member = (self.merge.place_of(nouns.UNITS.name, name) for name in (pair.group, pair.member))
            if group is not None and member is not None and self.merge.owner_of_unit(group) == self.merge.sender:
                wanted.setdefault(group, set()).add(member)
        for group, members in wanted.items():
            present = self.session.scalars(select(GroupMember).where(col(GroupMember.group_id) == group)).all()
            for pair_here in present:
                if pair_here.member_id not in members:
                    self.session.delete(pair_here)
            for member in sorted(members - {pair_here.member_id for pair_here in present}):
                self.session.add(GroupMember(group_id=group, member_id=member))

    def _remove(self) -> None:
        """What the other side deleted, the outermost first; what something here hangs on stays, and stays open."""
        for judgement, state in reversed(self._going):
            self.session.flush()
            row: Any = self.session.get(judgement.noun.model, judgement.row.id)
            if row is None or in_use(self.session, judgement.noun, row):
                judgement.blocked = IN_USE
                self.applied.open += 1
                continue
            self.session.delete(row)
            self.applied.done["deleted"] += 1
            entry = judgement.entry
            if entry is not None:
                self._stamps.append(
                    Stamp(judgement.noun.name, entry.local_id, entry.programme_id, entry.born, entry.owner, state,
                          entry.entry_id)
                )  # fmt: skip
        self._going.clear()


def in_use(session: Session, noun: Noun, row: Any) -> bool:
    """Whether another row of the format hangs on this one, or for a bureau, people or tasks of its units."""
    if isinstance(row, Party):
        return programmes.party_in_use(session, row)
    for other in nouns.NOUNS:
        for column, target in nouns.references(other).items():
            model: Any = other.model
            condition = col(getattr(model, column)) == row.id
            if target == noun.name:
                pass
            elif not target:
                condition = condition & (col(model.subject_type) == noun.name)
            else:
                continue
            if session.connection().execute(select(col(model.id)).where(condition).limit(1)).first() is not None:
                return True
    return False


def member_of(raw: bytes, number: int) -> MemberLine:
    """A line of the part group_members; raises PackageLineRefused."""
    try:
        return MemberLine.model_validate_json(raw)
    except ValueError as error:
        raise PackageLineRefused(part=f"{nouns.MEMBERS}.jsonl", line=number, place="json") from error


def seat(session: Session, actor: Actor, programme_id: int, *, now: datetime) -> None:
    """Give who took a programme in their role in it, by the side on which their bureau stands.

    The receiving bureau's is the recipient, anybody else's the coordinator. Raises ReceiverWithoutUnit.
    """
    if actor.is_system:
        return
    if actor.unit_id is None or actor.user_id is None:
        raise ReceiverWithoutUnit
    statement = select(col(Party.side)).where(
        col(Party.programme_id) == programme_id, col(Party.unit_id) == actor.root_id
    )
    receiving = session.connection().scalar(statement) is Side.RECEIVING
    role = Role.RECIPIENT if receiving else Role.COORDINATOR
    membership = Membership(
        programme_id=programme_id, user_id=actor.user_id, unit_id=actor.unit_id, role=role, starts_on=actor.today
    )
    session.add(membership)
    session.flush()
    events.record(session, actor, "membership.grant", membership, name="", now=now)
