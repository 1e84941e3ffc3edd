"""Random edits on two installations, packages to and fro, twice and out of order: both end alike, nothing vanishes.

The oracle keeps for every task on every host the set of edits and decisions that its text was made with
(its causal history). A text may only be replaced without question by one that was made with knowledge of it.
"""

import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import col

from app.models import Assignment, Milestone, Party, Task, Unit
from tests.conftest import Stores
from tests.services.exchange_world import Host, two_hosts

History = frozenset[int]
State = tuple[str, History]


@dataclass
class Side:
    """A host, what the oracle knows of its tasks by heading, and the packages that lie at its door."""

    host: Host
    states: dict[str, State]
    mail: list[tuple[bytes, dict[str, State]]] = field(default_factory=list)


class Story:
    """One random course of events."""

    def __init__(self, dice: random.Random, hosts: tuple[Host, Host]) -> None:
        self.dice = dice
        self.marks = 0
        self.did: Counter[str] = Counter()
        here, there = hosts
        first = here.send()
        there.take(first)
        known = {heading: ("", frozenset[int]()) for heading in self.targets(here)}
        self.sides = [Side(here, dict(known)), Side(there, dict(known))]

    @staticmethod
    def targets(host: Host) -> dict[str, str]:
        """The targets of the programme's tasks by heading."""
        return {row["heading"]: row["target"] for row in host.rows()["tasks"]}

    def mark(self) -> int:
        """A number for one more edit or decision."""
        self.marks += 1
        return self.marks

    def edit(self, side: Side) -> None:
        """Change one task's target to a text that was never there before."""
        heading = self.dice.choice(sorted(side.states))
        mark = self.mark()
        with side.host.changing() as session:
            mine = (col(Task.programme_id) == side.host.programme_id, col(Task.heading) == heading)
            session.scalars(select(Task).where(*mine)).one().target = f"目标{mark}"
        side.states[heading] = (f"目标{mark}", side.states[heading][1] | {mark})

    def other_rows(self, side: Side) -> None:
        """Make, change or remove rows of other nouns; both sides may make the same assignment."""
        with side.host.changing() as session:
            programme_id = side.host.programme_id
            assert programme_id is not None
            found = session.scalars(
                select(Milestone).where(col(Milestone.programme_id) == programme_id).order_by(col(Milestone.what))
            ).all()
            match self.dice.randrange(5):
                case 0:
                    session.add(Milestone(programme_id=programme_id, what=f"节点{self.mark()}"))
                case 1 if found:
                    self.dice.choice(found).when_text = f"第{self.mark()}天"
                case 2 if found:
                    session.delete(self.dice.choice(found))
                case 3:
                    number = self.mark()
                    session.add(Task(programme_id=programme_id, heading=f"新任务{number}", path=f"四/{number}"))
                    side.states[f"新任务{number}"] = ("", frozenset())
                case _:
                    self.assign(session, programme_id)

    def assign(self, session, programme_id: int) -> None:
        """Give a task to a unit, or take one off it."""
        tasks = session.scalars(select(Task).where(col(Task.programme_id) == programme_id).order_by(col(Task.heading)))
        task = self.dice.choice(tasks.all())
        roots = select(col(Party.unit_id)).where(col(Party.programme_id) == programme_id)
        units = session.scalars(select(Unit).where(col(Unit.root_id).in_(roots)).order_by(col(Unit.name))).all()
        unit = self.dice.choice(units[:4])
        held = session.scalars(
            select(Assignment).where(col(Assignment.task_id) == task.key, col(Assignment.unit_id) == unit.key)
        ).one_or_none()
        if held is None:
            session.add(
                Assignment(programme_id=programme_id, task_id=task.key, unit_id=unit.key, named_as=f"第{self.mark()}次")
            )
        else:
            session.delete(held)

    def send(self, side: Side, other: Side) -> None:
        """Make a package and lay it at the other's door."""
        other.mail.append((side.host.send(), dict(side.states)))

    def deliver(self, side: Side) -> None:
        """Take in some package that was ever sent here, perhaps an old one, perhaps twice."""
        data, sent = self.dice.choice(side.mail)
        self.take(side, data, sent, self.dice.choice(["", "ours", "theirs"]))

    def take(self, side: Side, data: bytes, sent: dict[str, State], choice: str) -> int:
        """Take a package in and hold the outcome to the oracle; gives how much stayed open."""
        before = side.host.rows()
        applied = side.host.take(data, choice)
        if choice == "":
            again = side.host.take(data)
            assert again.changed == 0, "a second time changes nothing"
        for heading, theirs in sent.items():
            side.states[heading] = self.expected(side.states.get(heading), theirs, choice)
        assert self.targets(side.host) == {heading: value for heading, (value, _) in side.states.items()}
        self.did["changed"] += before != side.host.rows()
        return applied.open

    def expected(self, ours: State | None, theirs: State, choice: str) -> State:
        """What has to stand after a package, and the history that it then has."""
        if ours is None or ours[1] < theirs[1]:
            return theirs
        both = ours[1] | theirs[1]
        if ours[0] == theirs[0]:
            return ours[0], both
        if theirs[1] <= ours[1]:
            return ours
        self.did["conflict"] += 1
        if not choice:
            return ours
        return (ours if choice == "ours" else theirs)[0], both | {self.mark()}

    def settle(self) -> None:
        """Exchange until nothing is open: the first keeps its own, the second then follows."""
        one, other = self.sides
        for _ in range(4):
            open_here = self.take(one, other.host.send(), dict(other.states), "ours")
            open_there = self.take(other, one.host.send(), dict(one.states), "theirs")
            if not (open_here or open_there) and one.host.rows() == other.host.rows():
                return
        assert one.host.rows() == other.host.rows()
        pytest.fail(f"something stays open: {open_here}, {open_there}")


def tell(stores: Stores, dice: random.Random, steps: int) -> None:
    """A story of some steps, then its end."""
    with two_hosts(stores) as hosts:
        story = Story(dice, hosts)
        for _ in range(steps):
            side, other = dice.sample(story.sides, 2)
            step = dice.choice([story.edit, story.edit, story.other_rows, story.other_rows, story.send, story.deliver])
            if step == story.send:
                story.send(side, other)
            elif step == story.deliver:
                if side.mail:
                    story.deliver(side)
            else:
                step(side)
        story.settle()


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(dice=st.randoms(use_true_random=False))
def test_two_installations_end_alike(stores: Stores, dice: random.Random) -> None:
    tell(stores, dice, 14)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(dice=st.randoms(use_true_random=False))
def test_two_installations_end_alike_after_long_stories(stores: Stores, dice: random.Random) -> None:
    tell(stores, dice, 50)
