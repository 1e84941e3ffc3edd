"""When somebody leaves, nothing of theirs stays open and no work is in nobody's hands."""

import pytest
from sqlmodel import select

from app.database import Database
from app.errors import Forbidden
from app.models import Assignment, AssignmentState, Event, Membership, Token, User, UserSession
from app.schemas.user import HandOver, UserCreate
from app.services import actors, events, handovers, users
from tests.factories import NOW, SYSTEM, TODAY, World, actor_of


@pytest.fixture
def _at_work(database: Database, world: World) -> None:
    """The handler has one open and one finished assignment in hand."""
    with database.transaction() as session:
        session.get_one(Assignment, world.assignments["issued"]).handler_id = world.users["handler"]
        finished = session.get_one(Assignment, world.assignments["running"])
        finished.handler_id, finished.state = world.users["handler"], AssignmentState.DONE
        events.record(session, SYSTEM, "assignment.update")


def hand_over(
    database: Database, world: World, successor: str | None, *, login: str = "handler", by: str = "system_admin"
) -> handovers.Summary:
    return hand_over_to(database, world, world.users[successor] if successor else None, login=login, by=by)


def hand_over_to(
    database: Database, world: World, successor_id: int | None, *, login: str = "handler", by: str = "system_admin"
) -> handovers.Summary:
    data = HandOver(successor_id=successor_id, reason="退休")
    with database.transaction() as session:
        version = session.get_one(User, world.users[login]).version
        return handovers.hand_over(session, actor_of(database, world, by), world.users[login], version, data, now=NOW)


@pytest.mark.usefixtures("_at_work")
class TestHandOver:
    def test_moves_ends_and_closes_in_one_step(self, database: Database, world: World) -> None:
        done = hand_over(database, world, "deputy")
        leaver = world.users["handler"]
        assert (done.assignments, done.memberships, done.tokens) == (1, 1, 1)
        with database.reading() as session:
            open_work = session.get_one(Assignment, world.assignments["issued"])
            finished = session.get_one(Assignment, world.assignments["running"])
            assert (open_work.handler_id, finished.handler_id) == (world.users["deputy"], leaver)
            assert session.get_one(User, leaver).active is False
            assert actors.load(session, leaver, TODAY) is None
            ends = session.exec(select(Membership.ends_on).where(Membership.user_id == leaver)).all()
            assert all(day is not None and day < TODAY for day in ends)
            assert session.exec(select(Token.revoked_at).where(Token.user_id == leaver)).all() == [NOW]
            assert session.exec(select(UserSession.revoked_at).where(UserSession.user_id == leaver)).all() == [NOW]

    def test_names_every_changed_row_under_one_verb(self, database: Database, world: World) -> None:
        hand_over(database, world, "deputy")
        with database.reading() as session:
            verb = session.exec(select(Event).where(Event.verb == "user.hand_over")).one()
            rows = session.exec(select(Event.subject_type).where(Event.cause_id == verb.id)).all()
        assert verb.reason == "退休"
        assert sorted(rows) == ["assignments", "memberships", "tokens", "users"]

    def test_needs_a_successor_for_open_work(self, database: Database, world: World) -> None:
        with pytest.raises(handovers.SuccessorNeeded):
            hand_over(database, world, None)
        assert hand_over(database, world, None, login="treasurer").assignments == 0

    @pytest.mark.parametrize("successor", ["handler", "coordinator", "system_admin", "outsider"])
    def test_refuses_somebody_who_cannot_take_over(self, database: Database, world: World, successor: str) -> None:
        with pytest.raises(handovers.SuccessorUnfit):
            hand_over(database, world, successor)

    def test_gives_no_right_to_the_successor(self, database: Database, world: World) -> None:
        data = UserCreate(login="newcomer", name="新人", unit_id=world.units["监测处（应急处）"])
        with database.transaction() as session:
            user = users.create(session, actor_of(database, world, "system_admin"), data, now=NOW)
        with pytest.raises(handovers.SuccessorWithoutRole):
            hand_over_to(database, world, user.key)

    @pytest.mark.parametrize("by", ["security_admin", "coordinator", "unit_head"])
    def test_belongs_to_the_system_administrator(self, database: Database, world: World, by: str) -> None:
        with pytest.raises(Forbidden):
            hand_over(database, world, "deputy", by=by)

    def test_leaves_no_seat_empty(self, database: Database, world: World) -> None:
        with pytest.raises(users.LastAdministrator):
            hand_over(database, world, None, login="audit_admin")
        with pytest.raises(users.OwnAccount):
            hand_over(database, world, None, login="system_admin")

    def test_offers_the_people_of_the_unit(self, database: Database, world: World) -> None:
        with database.reading() as session:
            actor = actor_of(database, world, "system_admin")
            found = handovers.successors(session, actor, world.users["handler"])
        assert {row.name for row in found} == {"处长", "替补员"}
