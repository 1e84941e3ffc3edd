"""Each check says what is wrong when it is wrong, and one that breaks hides nothing else."""

import time
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pytest
from sqlalchemy import text

from app import clock, workdays
from app.database import Database
from app.logs.files import file_name
from app.services import checks, figures
from app.services.checks import Check, Finding, Line, State, clocks, configuration, machine
from app.settings import Settings
from app.workdays import CalendarUnreadable

NOW = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)


def lines(settings: Settings, database: Database, now: datetime = NOW) -> dict[str, Line]:
    return {line.name: line for line in checks.run(checks.Context(settings, database, now))}


def _only(settings: Settings, database: Database, name: str, now: datetime = NOW) -> Finding:
    return lines(settings, database, now)[name].finding


class TestStore:
    def test_that_is_well_is_in_order(self, settings: Settings, database: Database) -> None:
        found = lines(settings, database)
        for name in ("store", "migration", "log_triggers", "clock"):
            assert found[name].state is State.OK, found[name]

    def test_that_is_away_leaves_the_rest_to_be_seen(self, settings: Settings, tmp_path: Path) -> None:
        away = settings.model_copy(
            update={"database_url": "postgresql+psycopg://nobody@127.0.0.1:1/none", "data": tmp_path}
        )
        store = Database(away)
        found = lines(away, store)
        store.dispose()
        assert found["store"].state is State.BAD
        assert found["migration"].state is State.UNKNOWN
        assert found["disk_data"].state in (State.OK, State.WARN, State.BAD)

    @pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
    def test_that_was_never_made_is_not_made_by_looking(self, settings: Settings, tmp_path: Path) -> None:
        none = settings.model_copy(update={"data": tmp_path})
        store = Database(none)
        assert lines(none, store)["store"].state is State.BAD
        store.dispose()
        assert list(tmp_path.glob("*.sqlite3*")) == []

    def test_whose_log_can_be_changed_is_named(self, settings: Settings, database: Database) -> None:
        on = "" if database.is_sqlite else " ON events"
        name = "events_no_update" if database.is_sqlite else "events_no_change"
        with database.engine.begin() as connection:
            connection.execute(text(f"DROP TRIGGER {name}{on}"))
        found = _only(settings, database, "log_triggers")
        assert found.state is State.BAD
        assert found.values["names"] == name

    def test_at_another_schema_is_bad(self, settings: Settings, database: Database) -> None:
        with database.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = 'another'"))
            connection.execute(text("DELETE FROM runnable_revisions"))
        assert _only(settings, database, "migration").state is State.BAD

    def test_that_forgets_is_told_apart(self, settings: Settings, database: Database) -> None:
        """The suite's PostgreSQL runs without fsync; SQLite is never told to."""
        found = lines(settings, database).get("durability")
        if database.is_sqlite:
            assert found is None
        else:
            assert found is not None
            assert found.state is State.BAD
            assert "fsync" in found.finding.values["names"]


@pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
class TestMachine:
    @pytest.mark.parametrize(("free_mb", "state"), [(100, State.BAD), (3000, State.WARN), (90_000, State.OK)])
    def test_room_is_measured(
        self, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, free_mb: int, state: State
    ) -> None:
        usage = (100_000 * 1024**2, 0, free_mb * 1024**2)
        monkeypatch.setattr(
            machine.shutil,
            "disk_usage",
            lambda _: type("U", (), dict(zip(("total", "used", "free"), usage, strict=True))),
        )
        assert _only(settings, database, "disk_data").state is state

    def test_a_bucket_is_not_a_disk(self, settings: Settings) -> None:
        elsewhere = settings.model_copy(update={"storage_url": "s3://bucket"})
        assert [name for name, _ in figures.places(elsewhere)] == ["data"]


class TestClock:
    def test_that_was_set_back_is_seen_in_the_log(
        self, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(clock, "now", lambda: datetime(2026, 1, 1, tzinfo=UTC))
        assert _only(settings, database, "clock").state is State.BAD

    @pytest.mark.parametrize(("moved", "state"), [(0, State.OK), (10, State.WARN), (-300, State.BAD)])
    def test_that_jumps_while_we_run_is_noticed(
        self, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, moved: float, state: State
    ) -> None:
        wall, steady = time.time(), clocks._steady()
        monkeypatch.setattr(clocks, "_STARTED", (wall - moved, steady))
        assert _only(settings, database, "clock").state is state


@pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
class TestWorkingDays:
    @pytest.mark.parametrize(
        ("day", "state"),
        [(date(2026, 10, 31), State.OK), (date(2026, 11, 1), State.WARN), (date(2027, 1, 1), State.BAD)],
    )
    def test_of_next_year_are_missed_from_november_on(
        self, settings: Settings, database: Database, day: date, state: State
    ) -> None:
        noon = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
        assert _only(settings, database, "working_days", noon).state is state

    def test_can_be_brought_by_the_installation(self, settings: Settings, database: Database) -> None:
        folder = settings.data / workdays.FOLDER
        folder.mkdir()
        given = {"source": "通知", "days_off": ["2027-01-01"], "days_worked": ["2027-01-03"]}
        (folder / "2027.json").write_bytes(orjson.dumps(given))
        assert _only(settings, database, "working_days").state is State.OK

    @pytest.mark.parametrize(
        "given",
        [
            "nonsense",
            "[]",
            '{"source": "", "days_off": ["2026-01-01"], "days_worked": []}',
            '{"source": "", "days_off": ["2027-01-01"], "days_worked": ["2027-01-04"]}',
            '{"source": "", "days_off": ["2027-01-02"], "days_worked": ["2027-01-02"]}',
            '{"source": "", "days_off": [], "days_worked": []}',
        ],
    )
    def test_that_cannot_be_meant_are_refused(self, settings: Settings, database: Database, given: str) -> None:
        folder = settings.data / workdays.FOLDER
        folder.mkdir()
        (folder / "2027.json").write_text(given)
        with pytest.raises(CalendarUnreadable, match=r"2027\.json"):
            workdays.of(2027, settings.data)
        assert _only(settings, database, "working_days").state is State.BAD


@pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
class TestConfiguration:
    @pytest.mark.parametrize(
        ("key", "state"),
        [
            ("k" * 40, State.BAD),
            ("only-for-tests-only-for-tests-only-for-tests", State.BAD),
            ("0123456789abcdef" * 3, State.BAD),
            ("3f8c1d27b94e60a5d2c7f1e8836b40a9", State.OK),
            ("vT3x0Zq9LmB7rKpW5sYhD1nGcE8uJfA2oQi4", State.OK),
        ],
    )
    def test_a_key_that_only_looks_long_is_bad(
        self, settings: Settings, database: Database, key: str, state: State
    ) -> None:
        real = settings.model_copy(update={"mode": "production", "secret_key": type(settings.secret_key)(key)})
        assert _only(real, database, "secret_key").state is state

    def test_a_file_of_a_secret_is_nobody_elses(
        self, settings: Settings, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "key"
        path.write_text("x")
        monkeypatch.setenv("DUIKOU_SECRET_KEY_FILE", str(path))
        for mode, state in ((0o600, State.OK), (0o644, State.WARN), (0o620, State.WARN)):
            path.chmod(mode)
            assert _only(settings, database, "secret_files").state is state
        monkeypatch.setattr(configuration, "_GIVEN_BY_THE_PLATFORM", str(tmp_path))
        path.chmod(0o444)
        assert _only(settings, database, "secret_files").state is State.OK

    def test_a_way_in_without_tls_or_through_an_unknown_proxy_is_said(
        self, settings: Settings, database: Database
    ) -> None:
        real = settings.model_copy(update={"mode": "production"})
        assert _only(real, database, "address").state is State.WARN
        https = real.model_copy(update={"public_url": "https://duikou.example"})
        assert _only(https, database, "address").state is State.WARN
        known = https.model_copy(update={"trusted_proxies": "10.0.0.1"})
        assert _only(known, database, "address").state is State.OK

    def test_a_data_folder_that_is_gone_is_bad(self, settings: Settings, database: Database, tmp_path: Path) -> None:
        gone = settings.model_copy(update={"data": tmp_path / "none", "database_url": settings.resolved_database_url})
        assert _only(gone, database, "data_folder").state is State.WARN


@pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
class TestLogFiles:
    def test_that_nobody_keeps_here_are_not_known(self, settings: Settings, database: Database) -> None:
        assert _only(settings, database, "log_files").state is State.UNKNOWN

    def test_are_counted_and_must_be_fresh(self, settings: Settings, database: Database, tmp_path: Path) -> None:
        kept = settings.model_copy(update={"log_folder": str(tmp_path)})
        assert _only(kept, database, "log_files").state is State.BAD
        (tmp_path / file_name(date(2026, 11, 20))).write_text("x")
        assert _only(kept, database, "log_files").state is State.WARN
        (tmp_path / file_name(date(2026, 11, 27))).write_text("x")
        found = _only(kept, database, "log_files")
        assert found.state is State.OK
        assert found.values["number"] == 2


@pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
class TestTheWhole:
    def test_a_check_that_breaks_is_unknown_and_hides_nothing(
        self, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def break_down(_: object) -> Finding:
            raise RuntimeError

        broken = ("Group", (Check("broken", "Broken", break_down),))
        monkeypatch.setattr(checks, "GROUPS", (*checks.GROUPS, broken))
        found = lines(settings, database)
        assert found["broken"].state is State.UNKNOWN
        assert found["migration"].state is State.OK

    def test_names_are_given_once(self, settings: Settings, database: Database) -> None:
        names = [line.name for line in checks.run(checks.Context(settings, database, NOW))]
        assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    ("states", "worst"),
    [("", "ok"), ("unknown", "ok"), ("ok unknown", "ok"), ("ok warn unknown", "warn"), ("warn bad ok", "bad")],
)
def test_the_whole_is_as_its_worst_line(states: str, worst: str) -> None:
    made = [Line("", "", "", Finding(State(state), "")) for state in states.split()]
    assert checks.worst(made) == worst


def test_the_working_days_of_2026_are_those_of_the_notice(tmp_path: Path) -> None:
    year = workdays.of(2026, tmp_path)
    assert year is not None
    assert date(2026, 2, 23) in year.days_off
    assert date(2026, 10, 10) in year.days_worked
    assert (len(year.days_off), len(year.days_worked)) == (33, 6)
