"""The bell: a strike on one replica rings on the others, and after a break it rings by itself."""

import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from app.adapters.bell import Bell
from app.database import Database, listening
from app.settings import Settings

pytestmark = pytest.mark.parametrize("stores", ["postgresql"], indirect=True)
Hang = Callable[[threading.Event], Bell]


@pytest.fixture
def hang(settings: Settings) -> Iterator[Hang]:
    """Bells of several replicas on one store, taken down afterwards; each has rung once when it is up."""
    bells: list[Bell] = []
    connect = listening(settings)
    assert connect is not None

    def make(rung: threading.Event) -> Bell:
        bells.append(Bell(connect, rung.set))
        bells[-1].start()
        assert rung.wait(60)
        rung.clear()
        return bells[-1]

    yield make
    for bell in bells:
        bell.stop()


def test_a_strike_rings_on_the_other_replica_and_not_at_home(hang: Hang) -> None:
    here, there = threading.Event(), threading.Event()
    mine, _theirs = hang(here), hang(there)
    for _ in range(1000):
        mine.strike()
    assert there.wait(60)
    assert not here.is_set()


def test_rings_after_its_connection_was_cut(hang: Hang, database: Database) -> None:
    rung = threading.Event()
    hang(rung)
    with database.engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'duikou-live'"
                " AND datname = current_database()"
            )
        )
    assert rung.wait(60), "what was struck in the meantime has to be looked for"
    hang(other := threading.Event()).strike()
    assert rung.wait(60)
    assert not other.is_set()


def test_a_commit_strikes_it_and_a_reading_does_not(hang: Hang, database: Database, settings: Settings) -> None:
    struck: list[int] = []
    database.listeners.append(struck.append)
    with database.reading() as session:
        session.connection().execute(text("SELECT 1"))
    with database.transaction() as session:
        session.connection().execute(text("DELETE FROM throttles"))
    assert struck == [], "bookkeeping is nobody's news"


def test_stops_while_the_database_is_away(settings: Settings) -> None:
    connect = listening(settings.model_copy(update={"database_url": "postgresql+psycopg://nobody@127.0.0.1:1/none"}))
    assert connect is not None
    bell = Bell(connect, lambda: None)
    bell.start()
    bell.strike()
    bell.stop()
    assert not bell._thread.is_alive()
