"""Verifying: whatever is changed behind the product's back is found and named, on both engines."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from sqlmodel import col, select

from app.database import Database
from app.models import Event, Seal
from app.rules import seals as rules
from app.rules.seal_checks import Finding, Wrong
from app.rules.seals import Head
from app.services import seals, verification
from app.services.seal_heads import Kept
from app.services.verification import Report
from app.settings import Settings
from tests.services.test_seals import seal_all, write
from tests.tampering import forged, tamper

SIZE = 7


@pytest.fixture
def sealed(database: Database, settings: Settings) -> list[int]:
    """A log in several seals with an unsealed tail of two; returns the sealed ids in their order."""
    write(database, 12)
    seal_all(database, settings, size=SIZE)
    write(database, 2)
    with database.reading() as session:
        packed = session.exec(select(Seal.ids).order_by(col(Seal.ordinal))).all()
    return [key for ids in packed for key in rules.unpack_ids(ids)]


def verify(database: Database, settings: Settings, **options: Any) -> Report:
    return verification.verify(database, seals.trusted_keys(settings, database.vault), **options)


def named(report: Report) -> set[tuple[Wrong, int | None]]:
    return {(finding.kind, finding.event_id) for finding in report.findings.named}


def head(database: Database, settings: Settings) -> Head:
    with database.reading() as session:
        return seals.newest_head(session, settings)


class TestWholeLog:
    def test_is_whole_with_an_unsealed_tail(self, database: Database, settings: Settings, sealed: list[int]) -> None:
        report = verify(database, settings)
        assert (report.whole, report.events, report.unsealed) == (True, len(sealed), 2)
        assert report.findings.named == []

    def test_is_whole_where_nothing_was_sealed(self, database: Database, settings: Settings) -> None:
        report = verify(database, settings)
        assert (report.whole, report.seals) == (True, 0)
        assert report.unsealed > 0

    def test_is_whole_in_small_chunks(
        self, database: Database, settings: Settings, sealed: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.services.verification_walk.CHUNK", 1)
        told: list[tuple[int, int]] = []
        report = verify(database, settings, progress=lambda *both: told.append(both))
        assert report.whole
        assert told[-1] == (len(sealed), len(sealed))

    @pytest.mark.parametrize("number", ["0", "transaction_id - 1000000000000"])
    def test_stays_whole_after_a_restore(
        self, database: Database, settings: Settings, sealed: list[int], number: str
    ) -> None:
        """Transactions begin anew in a restored cluster; a restore moves those of old events (decision 2)."""
        tamper(settings, f"UPDATE events SET transaction_id = {number}")
        report = verify(database, settings)
        assert (report.whole, report.unsealed) == (True, 2)
        assert seal_all(database, settings, size=1) == 2
        write(database, 3)
        assert seal_all(database, settings, size=2) == 3
        report = verify(database, settings)
        assert (report.whole, report.unsealed) == (True, 0)
        with database.reading() as session:
            assert session.exec(select(Seal.last_transaction).order_by(col(Seal.ordinal).desc())).first() != -1

    def test_can_begin_behind_a_seal(self, database: Database, settings: Settings, sealed: list[int]) -> None:
        tamper(settings, f"UPDATE events SET reason = 'x' WHERE id = {sealed[0]}")
        assert verify(database, settings, since=2).whole
        assert not verify(database, settings, since=0).whole


class TestTamperedEvents:
    def test_a_changed_row_is_named(self, database: Database, settings: Settings, sealed: list[int]) -> None:
        tamper(settings, f"UPDATE events SET reason = 'other' WHERE id = {sealed[3]}")
        assert verify(database, settings).findings.named == [Finding(Wrong.CHANGED, sealed[3], 4, 1)]

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("at", "'2020-01-01 00:00:00.000000'"),
            ("actor_id", "99"),
            ("before", "'{\"a\": 1}'"),
            ("cause_id", "NULL"),
            ("kind", "'access'"),
            ("programme_id", "77"),
            ("subject_id", "77"),
            ("address", "'10.0.0.1'"),
        ],
    )
    def test_every_column_counts(
        self, database: Database, settings: Settings, sealed: list[int], column: str, value: str
    ) -> None:
        with database.reading() as session:
            key = session.exec(select(Event.id).where(col(Event.cause_id).is_not(None))).first()
        tamper(settings, f'UPDATE events SET "{column}" = {value} WHERE id = {key}')
        assert named(verify(database, settings)) == {(Wrong.CHANGED, key)}

    def test_a_missing_row_is_named(self, database: Database, settings: Settings, sealed: list[int]) -> None:
        tamper(settings, f"DELETE FROM events WHERE id = {sealed[-2]}")
        assert named(verify(database, settings)) == {(Wrong.MISSING, sealed[-2])}

    def test_a_row_inserted_among_sealed_ones_is_named(
        self, database: Database, settings: Settings, sealed: list[int]
    ) -> None:
        tamper(settings, f"DELETE FROM events WHERE id = {sealed[-1]}", forged(sealed[-1]))
        kinds = named(verify(database, settings))
        assert (Wrong.CHANGED, sealed[-1]) in kinds

    def test_a_row_in_a_gap_is_named(self, database: Database, settings: Settings, sealed: list[int]) -> None:
        tamper(settings, forged(-5), "UPDATE events SET transaction_id = 0 WHERE id = -5")
        assert named(verify(database, settings)) == {(Wrong.INSERTED, -5)}

    def test_a_row_added_at_the_end_is_named(self, database: Database, settings: Settings, sealed: list[int]) -> None:
        tamper(settings, forged())
        with database.reading() as session:
            newest = session.exec(select(Event.id).order_by(col(Event.id).desc())).first()
        assert named(verify(database, settings)) == {(Wrong.FOREIGN, newest)}
        seal_all(database, settings)
        assert named(verify(database, settings)) == {(Wrong.FOREIGN, newest)}

    def test_a_copied_row_is_named(self, database: Database, settings: Settings, sealed: list[int]) -> None:
        columns = ", ".join(f'"{name}"' for name in Event.model_fields if name not in ("id", "transaction_id"))
        tamper(
            settings, f"INSERT INTO events (id, {columns}) SELECT 900000, {columns} FROM events WHERE id = {sealed[3]}"
        )
        assert named(verify(database, settings)) == {(Wrong.FOREIGN, 900000)}

    def test_two_swapped_rows_are_named(self, database: Database, settings: Settings, sealed: list[int]) -> None:
        one, other = sealed[-4], sealed[-3]
        tamper(
            settings,
            "UPDATE events SET cause_id = NULL",
            f"UPDATE events SET id = -1 WHERE id = {one}",
            f"UPDATE events SET id = {one} WHERE id = {other}",
            f"UPDATE events SET id = {other} WHERE id = -1",
        )
        found = [finding for finding in verify(database, settings).findings.named if finding.kind is Wrong.SWAPPED]
        assert {(finding.event_id, finding.other) for finding in found} == {(one, other), (other, one)}

    def test_a_row_moved_in_the_order_is_named(self, database: Database, settings: Settings, sealed: list[int]) -> None:
        tamper(settings, f"UPDATE events SET transaction_id = 900000000000 WHERE id = {sealed[4]}")
        assert (Wrong.REORDERED, sealed[5]) in named(verify(database, settings))

    def test_nonsense_in_a_row_is_named_and_stops_nothing(
        self, database: Database, settings: Settings, sealed: list[int]
    ) -> None:
        if database.is_sqlite:
            tamper(
                settings,
                f"UPDATE events SET at = 'never', \"before\" = '{{nonsense' WHERE id = {sealed[2]}",
                f"UPDATE events SET reason = CAST(x'ff41' AS TEXT), actor_id = x'00' WHERE id = {sealed[3]}",
            )
        else:
            tamper(
                settings,
                f"UPDATE events SET at = 'infinity' WHERE id = {sealed[2]}",
                f"UPDATE events SET \"before\" = '[1e300]' WHERE id = {sealed[3]}",
            )
        assert named(verify(database, settings)) == {(Wrong.CHANGED, sealed[2]), (Wrong.CHANGED, sealed[3])}


class TestTamperedSeals:
    @pytest.mark.parametrize(
        ("statement", "kind"),
        [
            ("UPDATE seals SET hash = body WHERE ordinal = 2", Wrong.SEAL_CHANGED),
            ("UPDATE seals SET sealed_at = '2020-01-01 00:00:00.000000' WHERE ordinal = 2", Wrong.SEAL_CHANGED),
            ("UPDATE seals SET events = events + 1 WHERE ordinal = 2", Wrong.LINK_BROKEN),
            ("UPDATE seals SET ids = leaves WHERE ordinal = 2", Wrong.SEAL_CHANGED),
            ("UPDATE seals SET leaves = ids WHERE ordinal = 2", Wrong.SEAL_CHANGED),
            ("UPDATE seals SET signature = hash WHERE ordinal = 2", Wrong.SIGNATURE_WRONG),
            ("UPDATE seals SET key_id = 'another' WHERE ordinal = 2", Wrong.KEY_UNKNOWN),
            ("DELETE FROM seals WHERE ordinal = 2", Wrong.SEAL_MISSING),
            ("DELETE FROM seals WHERE ordinal = 1", Wrong.SEAL_MISSING),
            ("UPDATE seals SET ordinal = 1000000000000 WHERE ordinal = 2", Wrong.SEAL_MISSING),
        ],
    )
    def test_is_named(
        self, database: Database, settings: Settings, sealed: list[int], statement: str, kind: Wrong
    ) -> None:
        tamper(settings, statement)
        assert any(finding.kind is kind for finding in verify(database, settings).findings.named)

    def test_a_row_that_was_changed_together_with_its_digest_is_named(
        self, database: Database, settings: Settings, sealed: list[int]
    ) -> None:
        """The digests of the seal no longer prove anything; the row's mac does."""
        tamper(settings, f"UPDATE events SET reason = 'other' WHERE id = {sealed[3]}")
        with database.reading() as session:
            seal = session.exec(select(Seal).where(col(Seal.ordinal) == 1)).one()
        leaves = seal.leaves[: 3 * 32] + bytes(32) + seal.leaves[4 * 32 :]
        tamper(settings, "UPDATE seals SET leaves = :leaves WHERE ordinal = 1", leaves=leaves)
        assert (Wrong.CHANGED, sealed[3]) in named(verify(database, settings))

    def test_the_end_cut_off_both_tables_is_told_by_a_head(
        self, database: Database, settings: Settings, sealed: list[int]
    ) -> None:
        kept = head(database, settings)
        with database.reading() as session:
            # Another test's open transaction may have cut the batches elsewhere than after SIZE events.
            last = session.exec(select(Seal.count).order_by(col(Seal.ordinal).desc())).first() or 0
        tamper(
            settings,
            "DELETE FROM seals WHERE ordinal = (SELECT max(ordinal) FROM seals)",
            f"DELETE FROM events WHERE id >= {sealed[-last]}",
        )
        assert verify(database, settings).whole
        found = verify(database, settings, heads=Kept((kept,), ())).findings.named
        assert [(finding.kind, finding.ordinal) for finding in found] == [(Wrong.HEAD_MISSING, kept.ordinal)]

    def test_a_head_with_another_number_is_refused(
        self, database: Database, settings: Settings, sealed: list[int]
    ) -> None:
        bent = Head.from_line(head(database, settings).line().replace('"ordinal": ', '"ordinal": 1'))
        found = verify(database, settings, heads=Kept((bent,), ())).findings.named
        assert [finding.kind for finding in found] == [Wrong.HEAD_WRONG]

    def test_an_older_key_verifies_where_it_is_known(
        self, database: Database, settings: Settings, sealed: list[int]
    ) -> None:
        newer = settings.model_copy(update={"seal_key": type(settings.secret_key)("11" * 32)})
        seal_all(database, newer)
        kinds = {finding.kind for finding in verify(database, newer).findings.named}
        assert kinds == {Wrong.KEY_UNKNOWN}
        keys = seals.trusted_keys(newer, database.vault) | seals.trusted_keys(settings, database.vault)
        assert verification.verify(database, keys).whole


def test_a_trigger_that_does_nothing_is_named(database: Database, settings: Settings) -> None:
    name = "events_no_update" if database.is_sqlite else "events_no_change"
    engine = create_engine(settings.resolved_database_url, poolclass=NullPool)
    with engine.begin() as connection:
        if database.is_sqlite:
            connection.execute(text(f"DROP TRIGGER {name}"))
            connection.execute(text(f"CREATE TRIGGER {name} BEFORE UPDATE ON events BEGIN SELECT 1; END"))
        else:
            connection.execute(text(f"ALTER TABLE events DISABLE TRIGGER {name}"))
    engine.dispose()
    assert verify(database, settings).findings.named == [Finding(Wrong.TRIGGER_MISSING, name=name)]


ACTS = st.tuples(
    st.sampled_from(["change", "delete", "insert", "swap", "leaf", "seal"]),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)


def test_a_trigger_that_drops_new_entries_is_named(database: Database, settings: Settings) -> None:
    if database.is_sqlite:
        drop = "CREATE TRIGGER quiet BEFORE INSERT ON events BEGIN SELECT RAISE(IGNORE); END"
        tamper(settings, drop)
    else:
        tamper(settings, "CREATE RULE quiet AS ON INSERT TO events WHERE NEW.verb = 'x' DO INSTEAD NOTHING")
    assert verify(database, settings).findings.named == [Finding(Wrong.TRIGGER_FOREIGN, name="quiet")]
    tamper(settings, "DROP TRIGGER IF EXISTS quiet" if database.is_sqlite else "DROP RULE quiet ON events")


@pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE seals SET ordinal = 'abc' WHERE ordinal = 2",
        "UPDATE seals SET ordinal = 1.5 WHERE ordinal = 2",
        "UPDATE seals SET count = 'many', events = x'00' WHERE ordinal = 2",
        "UPDATE seals SET sealed_at = 'never', key_id = x'00' WHERE ordinal = 1",
        "UPDATE seals SET last_id = 'abc', highest_id = 'abc', last_transaction = 'abc' WHERE ordinal = 2",
        "UPDATE events SET transaction_id = 'abc' WHERE id = 3",
    ],
)
def test_values_of_another_kind_are_found_and_stop_nothing(
    database: Database, settings: Settings, sealed: list[int], statement: str
) -> None:
    """SQLite stores anything anywhere."""
    tamper(settings, statement)
    assert not verify(database, settings).whole


RANDOMLY: dict[str, Any] = {"suppress_health_check": [HealthCheck.function_scoped_fixture], "deadline": None}


@hypothesis_settings(max_examples=10, **RANDOMLY)
@given(act=ACTS)
def test_nothing_done_at_random_stays_unseen(
    database: Database, settings: Settings, sealed: list[int], act: tuple[str, int, int]
) -> None:
    tamper_at_random(database, settings, sealed, act)


@pytest.mark.soak
@hypothesis_settings(max_examples=1000, **RANDOMLY)
@given(act=ACTS)
def test_nothing_done_at_random_stays_unseen_for_long(
    database: Database, settings: Settings, sealed: list[int], act: tuple[str, int, int]
) -> None:
    tamper_at_random(database, settings, sealed, act)


def tamper_at_random(database: Database, settings: Settings, sealed: list[int], act: tuple[str, int, int]) -> None:
    """One act behind the product's back is found, its row is named, and undone it leaves no trace."""
    kind, one, two = act
    first, second = sealed[one % len(sealed)], sealed[two % len(sealed)]
    columns = ("reason", "verb", "address", "subject_name")
    column = columns[two % len(columns)]
    tamper(settings, "DROP TABLE IF EXISTS kept_events", "CREATE TABLE kept_events AS SELECT * FROM events")
    tamper(settings, "DROP TABLE IF EXISTS kept_seals", "CREATE TABLE kept_seals AS SELECT * FROM seals")
    expected = {first}
    if kind == "change":
        tamper(settings, f"UPDATE events SET {column} = {column} || 'x' WHERE id = {first}")
    elif kind == "delete":
        tamper(
            settings,
            f"UPDATE events SET cause_id = NULL WHERE cause_id = {first}",
            f"DELETE FROM events WHERE id = {first}",
        )
    elif kind == "insert":
        tamper(settings, forged(-one - 1), f"UPDATE events SET transaction_id = 0 WHERE id = {-one - 1}")
        expected = {-one - 1}
    elif kind == "swap" and first != second:
        tamper(
            settings,
            f"UPDATE events SET cause_id = NULL WHERE cause_id IN ({first}, {second})",
            f"UPDATE events SET id = -1 WHERE id = {first}",
            f"UPDATE events SET id = {first} WHERE id = {second}",
            f"UPDATE events SET id = {second} WHERE id = -1",
        )
        expected = {first, second}
    else:
        name = ("ids", "leaves", "body", "hash")[two % 4]
        tamper(settings, f"UPDATE seals SET {name} = signature WHERE ordinal = {one % 2 + 1}")
        expected = set()
    report = verify(database, settings)
    assert not report.whole
    assert expected <= {finding.event_id for finding in report.findings.named}
    tamper(
        settings,
        "DELETE FROM events",
        "INSERT INTO events SELECT * FROM kept_events",
        "DELETE FROM seals",
        "INSERT INTO seals SELECT * FROM kept_seals",
        "DROP TABLE kept_events",
        "DROP TABLE kept_seals",
    )
    assert verify(database, settings).whole
