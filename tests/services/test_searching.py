"""Searching by words: the index finds exactly what LIKE finds, whatever was done to the rows before."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select, text, update
from sqlmodel import Session, col

from app import indexing
from app.adapters import search
from app.database import Database
from app.models import Task
from app.permissions import Actor
from app.recording import bulk_update
from app.rules import terms
from app.schemas.task import TaskCreate, TaskFilters, TaskUpdate
from app.services import events, task_words, tasks
from tests.factories import NOW, SYSTEM, World, actor_of
from tests.queries import counting, plan

# Few characters, so that words meet; every kind of them: wildcards, quotes, operators, marks, width, case.
LETTERS = "地震会商局AaÉé19 （）%_/\\'\"*:&|-\n０Ａİıß"
TEXT = st.text(LETTERS, max_size=14)
WORD = st.text(LETTERS, min_size=1, max_size=4)
PER_STORE = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)


def found(session: Session, actor: Actor, word: str, **filters: Any) -> set[int]:
    page = tasks.page(session, actor, TaskFilters(q=word, **filters), limit=200, cursor=None)
    return {row.id for row in page.rows}


def by_like(session: Session, actor: Actor, word: str) -> set[int]:
    statement = tasks.visible_to(actor).where(task_words.matching(word)).with_only_columns(col(Task.id))
    return set(session.connection().scalars(statement))


def entries(session: Session) -> dict[int, set[str]]:
    """The index as it stands: task > terms."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT rowid, terms FROM search_index"))
        return {row[0] // 64: set(row[1].split()) for row in rows}
    rows = connection.execute(text("SELECT id, tsvector_to_array(terms) FROM search_index"))
    return {row[0] // 64: set(row[1]) for row in rows}


def wanted(session: Session) -> dict[int, set[str]]:
    """The index as it should stand."""
    rows = session.connection().execute(
        select(col(Task.id), col(Task.programme_id), col(Task.heading), col(Task.text), col(Task.path))
    )
    return {
        row.id: terms.of([row.heading, row.text, row.path.replace("/", ""), row.path])
        | {terms.scope(1, row.programme_id)}
        for row in rows
    }


def add(session: Session, world: World, **values: Any) -> Task:
    task = Task(**{"programme_id": world.programmes["home"], "heading": "新", **values})
    session.add(task)
    events.record(session, SYSTEM, "task.create", task)
    return task


@pytest.fixture
def actor(database: Database, world: World) -> Actor:
    return actor_of(database, world, "coordinator")


class TestIndex:
    @PER_STORE
    @example(texts=["%x", "_", "a_b"], words=["%", "_", "a_"])
    @example(texts=["会"], words=["会", "会商", "商"])
    @example(texts=["İstanbul ISTANBUL", "ıı"], words=["i", "İ", "ist", "ıı"])
    @given(texts=st.lists(TEXT, min_size=1, max_size=4), words=st.lists(WORD, min_size=1, max_size=4))
    def test_finds_what_like_finds(
        self, database: Database, world: World, actor: Actor, texts: list[str], words: list[str]
    ) -> None:
        with database.transaction() as session:
            for number, one in enumerate(texts):
                add(session, world, heading=one, text=texts[-1], path=f"三/{number}")
        with database.reading() as session:
            for word in [*words, *(one[:3] for one in texts), *(one[-1:] for one in texts)]:
                if word.strip():
                    assert found(session, actor, word) == by_like(session, actor, word), word
            assert entries(session) == wanted(session)

    def test_narrows_by_the_programmes_that_are_seen(
        self, database: Database, world: World, actor: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with database.reading() as session:
            home, outside = world.programmes["home"], world.programmes["outside"]
            few = indexing.candidates(session, indexing.TASKS, "会商", [home])
            assert set(few or ()) == set(world.tasks.values())
            seen = {world.tasks[name] for name in ("draft", "issued", "running")}
            assert found(session, actor, "会商") == seen
            assert found(session, actor, "会商", programme=outside) == set()
            monkeypatch.setattr(indexing, "FEW", 0)
            mine = indexing.candidates(session, indexing.TASKS, "会商", [home])
            assert set(mine or ()) == {world.tasks[name] for name in ("draft", "issued", "running")}
            both = indexing.candidates(session, indexing.TASKS, "会商", [home, outside])
            assert set(both or ()) == set(world.tasks.values())
            assert found(session, actor, "会商") == set(mine or ())
            assert found(session, actor, "会商", programme=outside) == set()

    def test_lets_like_decide_where_too_much_matches(
        self, database: Database, world: World, actor: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(indexing, "MOST", 2)
        with database.reading() as session:
            assert indexing.candidates(session, indexing.TASKS, "会商", [world.programmes["home"]]) is None
            assert len(found(session, actor, "会商")) == 3

    @pytest.mark.parametrize("stores", ["postgresql"], indirect=True)
    def test_folds_the_case_of_what_has_case_alone(self, database: Database) -> None:
        """Words without case are looked for as they are."""
        numbers = "generate_series(1, 1114111) AS number WHERE number NOT BETWEEN 55296 AND 57343"
        changed = f"SELECT chr(number), lower(chr(number)) FROM {numbers} AND lower(chr(number)) <> chr(number)"
        with database.reading() as session:
            rows = session.connection().execute(text(changed)).all()
        assert len(rows) > 1000
        assert [row for row in rows if not (terms.has_case(row[0]) and terms.has_case(row[1]))] == []

    @pytest.mark.parametrize("stores", ["postgresql"], indirect=True)
    def test_plans_each_look_into_the_index(self, database: Database, world: World, actor: Actor) -> None:
        """How a rare word is found is a bad way to find a common one, and PostgreSQL keeps one plan for both."""
        with database.reading() as session:
            for _ in range(8):
                found(session, actor, "会商")
            kept = session.connection().scalars(text("SELECT statement FROM pg_prepared_statements")).all()
        assert [statement for statement in kept if "FROM search_index" in statement] == []
        assert any("FROM tasks" in statement for statement in kept)

    def test_asks_once_more_and_then_as_often_for_many_as_for_one(
        self, database: Database, world: World, actor: Actor
    ) -> None:
        with database.transaction() as session:
            for number in range(20):
                add(session, world, heading=f"稀有{number}", path=f"四/{number}", sort_key=f"{number:04}")
        asked = []
        for word in ("稀有7", "稀有"):
            with counting(database) as queries, database.reading() as session:
                tasks.page(session, actor, TaskFilters(q=word), limit=5, cursor=None)
            asked.append(queries.count)
        assert asked[0] == asked[1]

    @pytest.mark.parametrize("sort", sorted(tasks.SORTS))
    @pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
    def test_looks_at_the_proposed_rows_alone(self, database: Database, world: World, actor: Actor, sort: str) -> None:
        """By their ids: an index of the list would be walked from end to end."""
        filters = TaskFilters(q="会商", state="issued", programme=world.programmes["home"])
        with counting(database) as asked, database.reading() as session:
            tasks.page(session, actor, filters, sort=sort, limit=5, cursor=None)
            tasks.count(session, actor, filters)
        with database.reading() as session:
            steps = [step for one in asked.statements for step in plan(session, one) if " tasks " in step]
        assert steps
        assert set(steps) == {"SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"}

    def test_goes_through_pages_in_every_order(self, database: Database, world: World, actor: Actor) -> None:
        with database.transaction() as session:
            for number in range(7):
                changed = NOW + timedelta(minutes=number)
                add(session, world, heading=f"稀有{number}", path=f"四/{number}", updated_at=changed)
        for sort in tasks.SORTS:
            seen: list[int] = []
            cursor = None
            with database.reading() as session:
                while True:
                    filters = TaskFilters(q="稀有")
                    page = tasks.page(session, actor, filters, sort=sort, limit=3, cursor=cursor)
                    seen += [row.id for row in page.rows]
                    cursor = page.next_cursor
                    if cursor is None:
                        break
            assert len(seen) == len(set(seen)) == 7


class TestRebuild:
    def test_mends_what_was_written_past_the_product(
        self, database: Database, world: World, actor: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(indexing, "_BATCH", 2)
        with database.transaction() as session:
            connection = session.connection()
            search.remove(connection, [indexing.TASKS.entry(world.tasks["issued"])])
            search.add(connection, [(indexing.TASKS.entry(99), ["会商"]), (indexing.TASKS.entry(2), ["没有"])][:1])
        with database.reading() as session:
            assert world.tasks["issued"] not in found(session, actor, "会商")
        with database.transaction() as session:
            indexing.rebuild(session.connection())
        with database.reading() as session:
            assert world.tasks["issued"] in found(session, actor, "会商")
            assert entries(session) == wanted(session)


class Life(RuleBasedStateMachine):
    """Tasks come, change by every way that there is, and go; a transaction may fail at its end."""

    database: Database
    world: World

    def __init__(self) -> None:
        super().__init__()
        with self.database.reading() as session:
            self.ids = list(session.connection().scalars(select(col(Task.id)).order_by(col(Task.id))))

    @rule(heading=TEXT, body=TEXT)
    def create(self, heading: str, body: str) -> None:
        with self.database.transaction() as session:
            task = add(session, self.world, heading=heading, text=body)
            session.flush()
            self.ids.append(task.key)

    @rule(heading=TEXT, pick=st.randoms(use_true_random=False))
    def change(self, heading: str, pick: Any) -> None:
        with self.database.transaction() as session:
            task = session.get_one(Task, pick.choice(self.ids))
            task.heading = heading
            task.target = heading
            events.record(session, SYSTEM, "task.update", task)

    @rule(body=TEXT, below=st.integers(1, 12))
    def change_in_bulk(self, body: str, below: int) -> None:
        with self.database.transaction() as session:
            if bulk_update(session, update(Task).where(col(Task.id) < below).values(text=body)):
                events.record(session, SYSTEM, "task.update")

    @rule(aim=TEXT)
    def change_what_is_not_indexed(self, aim: str) -> None:
        with self.database.transaction() as session:
            if bulk_update(session, update(Task).values(target=aim)):
                events.record(session, SYSTEM, "task.update")

    @rule(heading=TEXT)
    def undo(self, heading: str) -> None:
        def fail() -> None:
            with self.database.transaction() as session:
                add(session, self.world, heading=heading)
                session.flush()
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()

    @rule(heading=TEXT, pick=st.randoms(use_true_random=False))
    def undo_a_part(self, heading: str, pick: Any) -> None:
        with self.database.transaction() as session:
            nested = session.begin_nested()
            session.get_one(Task, pick.choice(self.ids)).heading = heading
            session.flush()
            nested.rollback()
            session.info.pop("noted", None)

    @rule(heading=TEXT)
    def undo_a_part_that_inserts(self, heading: str) -> None:
        with self.database.transaction() as session:
            nested = session.begin_nested()
            add(session, self.world, heading=heading)
            session.flush()
            nested.rollback()
            session.info.pop("noted", None)

    @rule(heading=TEXT, again=TEXT)
    def create_and_change(self, heading: str, again: str) -> None:
        with self.database.transaction() as session:
            task = add(session, self.world, heading=heading)
            session.flush()
            self.ids.append(task.key)
            task.heading = again
            events.record(session, SYSTEM, "task.update", task)

    @rule()
    def delete(self) -> None:
        made = [key for key in self.ids if key not in self.world.tasks.values()]
        if made:
            with self.database.transaction() as session:
                session.delete(session.get_one(Task, made[-1]))
                events.record(session, SYSTEM, "task.delete")
            self.ids.remove(made[-1])

    @invariant()
    def stands_as_it_should(self) -> None:
        with self.database.reading() as session:
            assert entries(session) == wanted(session)


def _live(database: Database, world: World, examples: int, steps: int) -> None:
    machine = type("Machine", (Life,), {"database": database, "world": world})
    given = settings(PER_STORE, max_examples=examples, stateful_step_count=steps)
    run_state_machine_as_test(machine, settings=given)


def test_the_index_follows_the_rows_through_their_lives(database: Database, world: World) -> None:
    _live(database, world, examples=6, steps=12)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_the_index_follows_the_rows_for_long(database: Database, world: World) -> None:
    _live(database, world, examples=300, steps=40)


def test_services_keep_it(database: Database, world: World, actor: Actor) -> None:
    with database.transaction() as session:
        data = TaskCreate(programme_id=world.programmes["home"], section="四", heading="稀有词")
        key = tasks.create(session, actor, data, now=NOW).id
    with database.transaction() as session:
        assert found(session, actor, "稀有") == {key}
        tasks.update(session, actor, key, 1, TaskUpdate(heading="改过"), now=NOW)
    with database.reading() as session:
        assert found(session, actor, "稀有") == set()
        assert found(session, actor, "改过") == {key}
