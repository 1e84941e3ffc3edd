"""Milestones belong to their programme; what was removed stays in the log."""

import pytest
from sqlmodel import col, select

from app.database import Database
from app.errors import Forbidden, NotFound, StaleVersion
from app.models import Event, EventKind, Milestone
from app.periods import PeriodReversed
from app.schemas.milestone import MilestoneCreate, MilestoneUpdate
from app.services import milestones
from tests.factories import NOW, World, actor_of


class TestCreate:
    def test_stands_behind_the_others(self, database: Database, world: World) -> None:
        actor, home = actor_of(database, world, "recipient"), world.programmes["home"]
        data = MilestoneCreate(programme_id=home, what="开展终期评估", when_text="2025年底", kind="goal")
        with database.transaction() as session:
            milestones.create(session, actor, data, NOW)
        with database.reading() as session:
            rows = milestones.of_programme(session, actor, home)
        assert [(row.what, row.position) for row in rows] == [("开展中期评估", 0), ("开展终期评估", 1)]


class TestUpdate:
    def test_empties_what_is_sent_empty_and_keeps_the_rest(self, database: Database, world: World) -> None:
        actor, milestone = actor_of(database, world, "coordinator"), world.milestones["home"]
        data = MilestoneUpdate.model_validate({"starts_on": None, "when_text": None, "what": None})
        with database.transaction() as session:
            changed = milestones.update(session, actor, milestone, 1, data, now=NOW)
        assert (changed.starts_on, changed.when_text, changed.what) == (None, "", "开展中期评估")

    def test_refuses_reversed_stale_unentitled_and_unseen(self, database: Database, world: World) -> None:
        milestone = world.milestones["home"]
        for login, values, version, refusal in (
            ("coordinator", {"starts_on": "2024-01-01"}, 1, PeriodReversed),
            ("coordinator", {}, 2, StaleVersion),
            ("handler", {}, 1, Forbidden),
            ("outsider", {}, 1, NotFound),
        ):
            actor = actor_of(database, world, login)
            data = MilestoneUpdate.model_validate(values)
            with pytest.raises(refusal), database.transaction() as session:
                milestones.update(session, actor, milestone, version, data, now=NOW)


class TestRemove:
    def test_leaves_its_text_in_the_log(self, database: Database, world: World) -> None:
        actor, milestone = actor_of(database, world, "coordinator"), world.milestones["home"]
        with database.transaction() as session:
            milestones.remove(session, actor, milestone, 1, now=NOW)
        with database.reading() as session:
            assert session.get(Milestone, milestone) is None
            verb = session.exec(select(Event).where(col(Event.verb) == "milestone.remove")).one()
            row = session.exec(select(Event).where(Event.cause_id == verb.id, Event.kind == EventKind.ROW)).one()
        assert verb.subject_name == "开展中期评估"
        assert (row.before or {})["when_text"] == "2023年底"
