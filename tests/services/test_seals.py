"""Sealing: every settled event once, in commit order, by one chain."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, col, func, select

from app.database import Database, RowConflict
from app.models import Event, Seal
from app.rules import seals as rules
from app.services import events, seals
from app.settings import Settings
from tests import factories
from tests.tampering import forged, tamper

NOW = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)


def clock() -> datetime:
    return NOW


def write(database: Database, number: int) -> None:
    """Some entries in transactions of their own."""
    for place in range(number):
        with database.transaction() as session:
            events.record(session, factories.SYSTEM, "demo.say", name=f"第{place}条")


def seal_all(database: Database, settings: Settings, size: int = rules.BATCH, at: datetime = NOW) -> int:
    """Seal what there is. Transactions are numbered across the cluster: another test's may hold the sealer back."""
    sealed = 0
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        sealed += seals.seal(database, settings, lambda: at, size=size)
        with database.reading() as session:
            last = chain(session)[-1:]
            if last and last[0].events >= session.exec(select(func.count()).select_from(Event)).one():
                break
        time.sleep(0.05)
    return sealed


def chain(session: Session) -> list[Seal]:
    return list(session.exec(select(Seal).order_by(col(Seal.ordinal))))


class TestSealing:
    def test_seals_every_event_once_in_commit_order(self, database: Database, settings: Settings) -> None:
        write(database, 5)
        with database.reading() as session:
            order = list(session.exec(select(Event.id).order_by(col(Event.transaction_id), col(Event.id))))
        assert seal_all(database, settings, size=7) == len(order)
        assert seal_all(database, settings) == 0
        with database.reading() as session:
            made = chain(session)
        assert [key for seal in made for key in rules.unpack_ids(seal.ids)] == order
        assert [seal.ordinal for seal in made] == list(range(1, len(made) + 1))
        assert made[-1].events == len(order)
        assert [seal.previous for seal in made] == [rules.GENESIS, *(seal.hash for seal in made[:-1])]

    def test_goes_on_where_it_stopped(self, database: Database, settings: Settings) -> None:
        seal_all(database, settings)
        write(database, 3)
        assert seal_all(database, settings, size=2) == 3
        with database.reading() as session:
            assert max(seal.count for seal in chain(session)[1:]) <= 2

    def test_marks_what_the_product_did_not_write(self, database: Database, settings: Settings) -> None:
        seal_all(database, settings)
        tamper(settings, forged())
        with database.reading() as session:
            newest = session.exec(select(Event.id).order_by(col(Event.id).desc())).first()
        write(database, 1)
        assert seal_all(database, settings) == 2
        with database.reading() as session:
            assert [key for seal in chain(session) for key in rules.unpack_ids(seal.foreign_ids)] == [newest]

    def test_a_second_sealer_cannot_fork_the_chain(self, database: Database, settings: Settings) -> None:
        seal_all(database, settings)
        with database.reading() as session:
            last = chain(session)[-1]
        twin = last.model_dump() | {"hash": bytes(32)}
        for changed in ({"ordinal": last.ordinal}, {"ordinal": last.ordinal + 1}):
            with pytest.raises(RowConflict), database.transaction() as session:
                session.add(Seal(**twin | changed))

    def test_a_clock_that_jumps_back_changes_nothing(self, database: Database, settings: Settings) -> None:
        seal_all(database, settings)
        write(database, 1)
        assert seal_all(database, settings, at=NOW - timedelta(days=400)) == 1

    def test_a_replaced_key_never_seals_again(self, database: Database, settings: Settings) -> None:
        seal_all(database, settings)
        write(database, 1)
        newer = settings.model_copy(update={"seal_key": type(settings.secret_key)("11" * 32)})
        assert seal_all(database, newer) == 1
        with pytest.raises(seals.SealKeyRetired):
            seal_all(database, settings)
