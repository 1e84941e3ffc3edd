"""Sealing as the worker does it: every minute, and the head once a day."""

from app.clock import now
from app.database import Database
from app.rules.schedules import Daily, Every
from app.services import jobs, seal_heads, seals
from app.services.work import KINDS, SCHEDULES
from app.settings import Settings
from tests.services.test_seals import seal_all
from tests.worker.test_loop import do_all


def put(database: Database, kind: str) -> None:
    with database.transaction() as session:
        jobs.enqueue(session, kind, {}, now=now())


def test_comes_every_minute_and_the_head_every_day() -> None:
    rules = {schedule.name: schedule.when for schedule in SCHEDULES}
    assert rules["events.seal"] == Every(minutes=1)
    assert isinstance(rules["events.export_head"], Daily)


def test_seals_what_is_settled(settings: Settings, database: Database) -> None:
    put(database, "events.seal")
    do_all(settings, database, KINDS["events.seal"])
    with database.reading() as session:
        assert database.is_sqlite <= (seals.newest(session) is not None)


def test_keeps_the_head_once(settings: Settings, database: Database) -> None:
    put(database, "events.export_head")
    do_all(settings, database, KINDS["events.export_head"])
    assert seal_heads.kept_here(settings) == []
    seal_all(database, settings)
    for _ in range(2):
        put(database, "events.export_head")
        do_all(settings, database, KINDS["events.export_head"])
    kept = seal_heads.read(seal_heads.kept_here(settings))
    with database.reading() as session:
        assert kept.heads == (seals.newest_head(session, settings),)


def test_ends_a_torn_line_and_goes_on_below_it(settings: Settings, database: Database) -> None:
    seal_all(database, settings)
    path = seal_heads.export(database, settings, now())
    path.write_text('{"format": 1, "ordi', encoding="utf-8")
    seal_heads.export(database, settings, now())
    kept = seal_heads.read([path])
    assert (len(kept.heads), kept.unreadable) == (1, (f"{path.name}:1",))
