"""The bench's own arithmetic, and that a row below its floor fails the run."""

from datetime import date

import pytest

from bench import __main__ as command
from bench import measuring, rows, table
from bench.measuring import Contestant, Round
from bench.rows import BY_KEY, ENGINES, Result


def contestant(*rounds: Round) -> Contestant:
    """Somebody who has had these rounds; no server is asked."""
    return Contestant("of the test", None, [b""], rounds=list(rounds))  # type: ignore[arg-type]


class TestRounds:
    def test_compare_round_by_round(self) -> None:
        ours = contestant(Round(100, 2.0, 1.0, []), Round(300, 2.0, 1.5, []))
        theirs = contestant(Round(1000, 2.0, 1.0, []), Round(1000, 2.0, 1.0, []))
        assert measuring.share(ours, theirs) == pytest.approx([10, 30])
        assert measuring.cost_ratio(ours, theirs) == pytest.approx([10, 5])
        assert measuring.processor_share(ours, theirs) == pytest.approx(15)

    def test_know_their_tail(self) -> None:
        latencies = [0.001] * 98 + [0.004, 0.009]
        assert measuring.tail(contestant(Round(100, 1, 1, latencies))) == pytest.approx([4])

    @pytest.mark.parametrize(("percent", "value"), [(1, 1), (50, 5), (51, 6), (99, 10), (100, 10)])
    def test_take_percentiles_by_nearest_rank(self, percent: float, value: float) -> None:
        assert measuring.percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], percent) == value


class TestRow:
    @pytest.mark.parametrize("engine", ENGINES)
    @pytest.mark.parametrize("row", rows.ROWS, ids=lambda row: row.key)
    def test_stands_on_its_floor_and_falls_below_it(self, row: rows.Row, engine: str) -> None:
        floor = row.bound(engine, row.floor)
        worse = floor * (0.99 if row.more else 1.01)
        assert row.stands(engine, floor)
        assert not row.stands(engine, worse)

    @pytest.mark.parametrize("row", rows.ROWS, ids=lambda row: row.key)
    def test_aims_no_lower_than_its_floor(self, row: rows.Row) -> None:
        assert all(row.stands(engine, row.bound(engine, row.aim)) for engine in ENGINES)

    def test_has_a_floor_for_each_engine(self) -> None:
        task = BY_KEY["task"]
        assert not task.stands("sqlite", 6)
        assert task.stands("postgresql", 6)


class TestVerdict:
    def test_is_by_the_median(self) -> None:
        assert Result("list", "sqlite", [1, 4.1, 9]).stands
        assert not Result("list", "sqlite", [3.9, 3.9, 9]).stands

    def test_of_one_row_below_its_floor_fails_the_run(self, capsys: pytest.CaptureFixture[str]) -> None:
        good, bad = Result("list", "sqlite", [5]), Result("tail", "postgresql", [8.5])
        assert command.verdict([good]) == 0
        assert command.verdict([good, bad]) == 1
        assert "8.50 ×, the floor is 8.00 ×" in capsys.readouterr().err

    def test_refuses_a_row_that_there_is_not(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert command.main(["--rows", "list,lisst"]) == 2
        assert "lisst" in capsys.readouterr().err


class TestTable:
    def test_says_what_stands_and_what_is_not_measured(self) -> None:
        results = [Result("list", "sqlite", [7, 8, 9]), Result("tail", "sqlite", [9.0], "p50 3 ms")]
        text = table.markdown(results, machine="a machine", today=date(2026, 11, 27), mode="quick")
        assert "Measured 2026-11-27 on a machine (quick)." in text
        assert "| SQLite | 8.00 % | 7.00 % to 9.00 % | 4.00 % | 6.00 % | aim |  |" in text
        assert "| **no** | p50 3 ms |" in text
        assert all(reason in text for reason in rows.NOT_YET.values())
