"""Tracks are named and ordered by the programme, and stay while they are used."""

import pytest

from app.database import Database
from app.errors import DomainError, Forbidden, NotFound, StaleVersion
from app.schemas.programme import TrackCreate, TrackUpdate
from app.services import tracks
from tests.factories import NOW, World, actor_of


class TestTracks:
    def test_are_added_behind_and_put_in_another_order(self, database: Database, world: World) -> None:
        actor, home = actor_of(database, world, "coordinator"), world.programmes["home"]
        with database.transaction() as session:
            added = tracks.create(session, actor, home, TrackCreate(name="科技援疆"), NOW)
            tracks.update(session, actor, added.key, added.version, TrackUpdate(name="科技", position=1), now=NOW)
        with database.reading() as session:
            rows = tracks.of_programme(session, actor, home)
        assert [(row.name, row.position) for row in rows] == [
            ("资金援疆", 0),
            ("科技", 1),
            ("项目援疆", 2),
            ("智力援疆", 3),
        ]
        assert rows[1].code == "track_4"

    def test_refuse_a_name_twice_and_removal_while_used(self, database: Database, world: World) -> None:
        actor, home = actor_of(database, world, "coordinator"), world.programmes["home"]
        with pytest.raises(tracks.TrackTaken), database.transaction() as session:
            tracks.create(session, actor, home, TrackCreate(name="资金 援疆"), NOW)
        with pytest.raises(tracks.TrackInUse), database.transaction() as session:
            tracks.remove(session, actor, world.tracks["home/funding"], 1, now=NOW)
        with database.transaction() as session:
            spare = tracks.create(session, actor, home, TrackCreate(name="科技", code="science"), NOW)
            session.flush()
            tracks.remove(session, actor, spare.key, spare.version, now=NOW)

    @pytest.mark.parametrize(
        ("login", "version", "refusal"),
        [("recipient", 1, Forbidden), ("outsider", 1, NotFound), ("coordinator", 2, StaleVersion)],
    )
    def test_are_changed_by_the_coordinator_alone(
        self, database: Database, world: World, login: str, version: int, refusal: type[DomainError]
    ) -> None:
        actor, track = actor_of(database, world, login), world.tracks["home/funding"]
        with pytest.raises(refusal), database.transaction() as session:
            tracks.update(session, actor, track, version, TrackUpdate(name="别的"), now=NOW)
