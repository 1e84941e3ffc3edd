"""Packages between two installations: what is taken, what is asked, and that nothing is lost."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.models import Event, Milestone, Programme, Task, Track, Unit
from app.rules.exchange import Standing
from tests.conftest import Stores
from tests.services.exchange_world import Host, two_hosts


@pytest.fixture
def hosts(stores: Stores):
    """Two hosts with one programme on the first."""
    with two_hosts(stores) as made:
        yield made


def tasks(host: Host) -> dict[str, Task]:
    """The programme's tasks by heading."""
    with host.database.reading() as session:
        rows = session.scalars(select(Task).where(col(Task.programme_id) == host.programme_id))
        return {row.heading: row for row in rows}


def change(host: Host, number: int, **values: object) -> None:
    """Change the task whose heading has a number."""
    with host.changing() as session:
        key = next(task.key for heading, task in tasks(host).items() if heading.startswith(f"任务{number}"))
        task = session.get_one(Task, key)
        for name, value in values.items():
            setattr(task, name, value)


def test_a_first_package_makes_the_programme_with_all_of_its_rows(hosts: tuple[Host, Host]) -> None:
    here, there = hosts
    units = there.count(Unit)
    applied = there.take(here.send())
    assert there.programme_id != there.world.programmes["home"]
    assert applied.open == 0
    assert there.rows() == here.rows()
    assert there.count(Unit) == units, "every unit was found by its name"


def test_the_same_package_again_changes_nothing(hosts: tuple[Host, Host]) -> None:
    here, there = hosts
    package = here.send()
    there.take(package)
    before = there.rows(), there.count(Programme)
    again = there.take(package)
    assert (again.changed, again.open) == (0, 0)
    assert (there.rows(), there.count(Programme)) == before


def test_a_package_that_comes_back_knows_its_own_rows(hosts: tuple[Host, Host]) -> None:
    here, there = hosts
    there.take(here.send())
    back = here.take(there.send())
    assert (back.changed, back.open) == (0, 0)


def test_a_change_there_is_taken_and_one_here_is_kept(hosts: tuple[Host, Host]) -> None:
    here, there = hosts
    there.take(here.send())
    change(there, 1, target="每年两次")
    change(here, 2, target="三所学校")
    checked = here.look(there.send())
    assert checked.counts["tasks"] == {"theirs": 1, "ours": 1, "same": 1}
    here.take(there.send())
    there.take(here.send())
    assert here.rows() == there.rows()
    assert {task.target for task in tasks(here).values()} == {"每年两次", "三所学校", ""}


@pytest.mark.parametrize(("side", "stands"), [("ours", "这边"), ("theirs", "那边")])
def test_a_change_on_both_sides_waits_for_a_person(hosts: tuple[Host, Host], side: str, stands: str) -> None:
    here, there = hosts
    there.take(here.send())
    change(here, 1, target="这边")
    change(there, 1, target="那边")
    package = there.send()
    checked = here.look(package)
    (conflict,) = [found for found in checked.differences if found.standing is Standing.CONFLICT]
    assert (conflict.ours, conflict.theirs) == ({"target": "这边"}, {"target": "那边"})
    left = here.take(package)
    assert (left.changed, left.open) == (0, 1)
    assert {task.target for task in tasks(here).values()} == {"这边", ""}
    here.take(package, side)
    assert here.take(package).open == 0
    there.take(here.send())
    assert here.rows() == there.rows()
    assert {task.target for task in tasks(there).values()} == {stands, ""}


def test_a_deletion_is_carried_over_and_meets_a_change_as_a_conflict(hosts: tuple[Host, Host]) -> None:
    here, there = hosts
    with here.changing() as session:
        session.add(Milestone(programme_id=here.programme_id, what="到期节点", ends_on=date(2024, 1, 1)))
    there.take(here.send())
    with here.changing() as session:
        for row in session.scalars(select(Milestone).where(col(Milestone.programme_id) == here.programme_id)):
            session.delete(row)
    with there.changing() as session:
        row = session.scalars(select(Milestone).where(col(Milestone.what) == "到期节点")).one()
        row.what = "改期节点"
    applied = there.take(here.send())
    assert (applied.done["deleted"], applied.open) == (1, 1)
    there.take(here.send(), "ours")
    here.take(there.send())
    assert here.rows() == there.rows()
    assert [row["what"] for row in here.rows()["milestones"]] == ["改期节点"]


def test_an_id_that_sqlite_gives_twice_is_two_rows(hosts: tuple[Host, Host]) -> None:
    here, there = hosts
    there.take(here.send())
    with here.changing() as session:
        for row in session.scalars(select(Milestone).order_by(col(Milestone.id).desc())):
            session.delete(row)
    with here.changing() as session:
        session.add(Milestone(programme_id=here.programme_id, what="另一个节点"))
    applied = there.take(here.send())
    assert (applied.done["new"], applied.done["deleted"], applied.open) == (1, 1, 0)
    assert here.rows() == there.rows()


def test_the_same_track_made_on_both_sides_is_one(hosts: tuple[Host, Host]) -> None:
    here, there = hosts
    there.take(here.send())
    for host, name in ((here, "科技援疆"), (there, "科技支援")):
        with host.changing() as session:
            session.add(Track(programme_id=host.programme_id, code="science", name=name, position=5))
    package = here.send()
    assert there.take(package).open == 1
    there.take(package, "theirs")
    here.take(there.send())
    assert here.rows() == there.rows()


def test_a_deletion_on_which_something_here_hangs_stays_open(hosts: tuple[Host, Host]) -> None:
    here, there = hosts
    with here.changing() as session:
        session.add(Track(programme_id=here.programme_id, code="science", name="科技援疆", position=5))
    there.take(here.send())
    with there.changing() as session:
        track = session.scalars(
            select(Track).where(col(Track.code) == "science", col(Track.programme_id) == there.programme_id)
        ).one()
    change(there, 1, track_id=track.key)
    with here.changing() as session:
        session.delete(session.scalars(select(Track).where(col(Track.code) == "science")).one())
    assert there.take(here.send()).open == 1
    assert any(row["code"] == "science" for row in there.rows()["tracks"])


def test_every_row_taken_in_has_an_event_that_names_the_package(hosts: tuple[Host, Host]) -> None:
    here, there = hosts
    package = here.send()
    applied = there.take(package)
    with there.database.reading() as session:
        verb = session.scalars(select(Event).where(col(Event.verb) == "programme.receive")).one()
        rows = session.scalars(select(Event).where(col(Event.cause_id) == verb.id)).all()
    assert len(rows) == applied.changed
    assert (verb.after or {})["installation"] == here.name
    assert verb.at <= datetime.now(UTC)
