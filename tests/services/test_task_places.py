"""The next marker of a place: never given twice, and found without reading the tasks that are there."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import insert
from sqlmodel import Session, col, select

from app.database import Database
from app.models import Task
from app.permissions import Actor
from app.recording import writing_events
from app.rules import paths
from app.schemas.task import TaskCreate
from app.services import actors, programmes, task_places, tasks
from tests.factories import NOW, SYSTEM, TODAY, World
from tests.queries import counting
from tests.waiting import until

WRITERS = 6


@pytest.fixture
def coordinator(database: Database, world: World) -> Actor:
    """Somebody who may create."""
    with database.reading() as session:
        found = actors.load(session, world.users["coordinator"], TODAY)
    assert found is not None
    return found


def create(session: Session, actor: Actor, world: World, **place: Any) -> str:
    """The path of a new task."""
    data = TaskCreate(programme_id=world.programmes["home"], heading="新任务", **place)
    return tasks.create(session, actor, data, now=NOW).path


def fill(session: Session, world: World, *found: str) -> None:
    """Tasks at these paths, past the services and their events."""
    template = Task(programme_id=world.programmes["home"], heading="旧").model_dump(exclude={"id"})
    rows = [template | {"path": path, "sort_key": paths.sort_key(path.split("/"), 1)} for path in found]
    with writing_events(session) as connection:
        connection.execute(insert(Task), rows)


@pytest.mark.parametrize("above", ["section", "parent", "both"])
def test_no_path_is_given_twice_to_those_who_create_at_once(
    database: Database, world: World, coordinator: Actor, above: str
) -> None:
    """ "both" names one place in two ways: the task, and the section whose path is the task's."""
    parent = {"parent_id": world.tasks["issued"]}
    places: list[dict[str, Any]] = {
        "section": [{"section": "三/（一）"}],
        "parent": [parent],
        "both": [parent, {"section": "三/（一）/2"}],
    }[above]
    start = Barrier(WRITERS)

    def work(number: int) -> list[str]:
        made = []
        start.wait()
        for turn in range(3):
            with database.transaction() as session:
                made.append(create(session, coordinator, world, **places[(number + turn) % len(places)]))
        return made

    with ThreadPoolExecutor(WRITERS) as pool:
        made = [path for some in pool.map(work, range(WRITERS)) for path in some]
    assert len(set(made)) == len(made) == WRITERS * 3


def test_waits_for_who_amends_the_plan(database: Database, world: World, coordinator: Actor) -> None:
    """An amendment and a package that is taken in hold the programme, and make tasks wherever they like."""

    def work() -> str:
        with database.transaction() as session:
            return create(session, coordinator, world, section="九")

    def waits() -> bool:
        asked = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        with database.reading() as session:
            return database.is_sqlite or session.connection().exec_driver_sql(asked).first() is not None

    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            programmes.get(session, SYSTEM, world.programmes["home"], lock=True)
            waiting = pool.submit(work)
            until(waits, "nobody waits for the programme")
            fill(session, world, "九/（一）")
        assert waiting.result() == "九/（二）"


@pytest.mark.parametrize("deep", ["", "/".join(["总则"] * 8)], ids=["shallow", "deep"])
def test_goes_on_whoever_made_what_is_there(database: Database, world: World, coordinator: Actor, deep: str) -> None:
    """Also where the siblings have tasks of their own only further down, or one marker in two spellings."""
    section = f"{deep}/九" if deep else "九"
    with database.transaction() as session:
        fill(session, world, *(f"{section}/{below}" for below in ("（二）", "（十一）/3/（1）", "其他", "（十二）/2")))
        assert [create(session, coordinator, world, section=section) for _ in range(2)] == [
            f"{section}/（十三）",
            f"{section}/（十四）",
        ]


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (["⑲"], ["⑳", "（21）", "（22）"]),
        (["5.1"], ["5.2", "5.3"]),
        (["2）", "（2）"], ["（3）", "（4）"]),
        (["（九百九十八）"], ["（九百九十九）", "（1000）", "（1001）"]),
        (["附件2", "3", "其他"], ["附件3", "附件4"]),
    ],
)
def test_gives_no_marker_twice_where_the_style_changes(
    database: Database, world: World, coordinator: Actor, there: list[str], expected: list[str]
) -> None:
    with database.transaction() as session:
        fill(session, world, *(f"九/{step}" for step in there))
        made = [create(session, coordinator, world, section="九") for _ in expected]
    assert made == [f"九/{step}" for step in expected]


def test_takes_a_section_as_it_is_meant(database: Database, world: World, coordinator: Actor) -> None:
    with database.transaction() as session:
        assert create(session, coordinator, world, section="/三/ （一） /") == "三/（一）/4"


def test_refuses_where_no_number_is_left(database: Database, world: World, coordinator: Actor) -> None:
    with database.transaction() as session:
        fill(session, world, "九/9999")
    with pytest.raises(task_places.PlaceFull), database.transaction() as session:
        create(session, coordinator, world, section="九")


def test_costs_as_much_beside_a_thousand_as_beside_ten(database: Database, world: World, coordinator: Actor) -> None:
    spent = []
    for section, siblings in (("七", 10), ("八", 1000)):
        with database.transaction() as session:
            fill(session, world, *(f"{section}/（{number}）" for number in range(1, siblings + 1)))
        with counting(database) as asked, database.transaction() as session:
            assert create(session, coordinator, world, section=section) == f"{section}/（{siblings + 1}）"
        spent.append((asked.count, asked.rows))
    assert spent[0] == spent[1]


def test_asks_an_index_alone(database: Database, world: World, coordinator: Actor) -> None:
    """Each largest key is one step in the index that lists are sorted by, on either engine."""
    with database.transaction() as session:
        fill(session, world, *(f"八/（{number}）" for number in range(1, 1001)))
    bounds = {"low0": "40008.1", "high0": "40008.8", "low1": "40008.8", "high1": "40008.9"}
    statement = task_places.LARGEST.params(
        programme_id=world.programmes["home"], **bounds, low2="40008.a", high2="40008.b"
    )
    text = str(statement.compile(database.engine, compile_kwargs={"literal_binds": True}))
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    with database.reading() as session:
        how = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF)"
        plan = [str(row[-1]) for row in session.connection().exec_driver_sql(f"{how} {text}")]
    seen = [step for step in plan if "tasks" in step]
    assert len(seen) == 3
    if database.is_sqlite:
        assert all("SEARCH tasks USING COVERING INDEX ix_tasks_programme_id_sort_key_id" in step for step in seen)
    else:
        assert all("Backward using ix_tasks_programme_id_sort_key_id" in step for step in seen)
        assert [step.partition("rows=")[2][:2] for step in seen] == ["1 ", "0 ", "0 "]


def test_counts_the_tasks_that_nobody_sees_any_more(database: Database, world: World, coordinator: Actor) -> None:
    with database.transaction() as session:
        first = create(session, coordinator, world, section="九")
        task = session.exec(select(Task).where(col(Task.path) == first)).one()
        tasks.withdraw(session, coordinator, task.key, 1, "重复", now=NOW)
        assert create(session, coordinator, world, section="九") == "九/（二）"
