"""Dates stand where they belong along the line, and labels inside the picture."""

from datetime import date

from app.papers.time_strip import MAX_LANES, WIDTH, Point, lay_out

TODAY = date(2023, 7, 2)
PERIOD = (date(2021, 1, 1), date(2025, 12, 31))


def point(number: int, day: date | None, what: str = "开展中期评估") -> Point:
    """A step of one day."""
    return Point(number, "step", what, day, day)


class TestLayOut:
    def test_runs_over_the_whole_years_of_the_period(self) -> None:
        strip = lay_out([point(1, date(2023, 12, 31))], PERIOD, TODAY)
        assert strip is not None
        assert [year.label for year in strip.years] == ["2021", "2022", "2023", "2024", "2025"]
        assert strip.today_x is not None
        assert abs(strip.today_x - WIDTH / 2) < 3

    def test_keeps_order_tells_past_from_coming_and_turns_late_labels(self) -> None:
        strip = lay_out([point(1, date(2021, 3, 1)), point(2, date(2025, 11, 1))], PERIOD, TODAY)
        assert strip is not None
        early, late = strip.marks
        assert (early.past, late.past) == (True, False)
        assert (early.anchor, late.anchor) == ("start", "end")
        assert early.x < late.x
        assert early.y < late.y

    def test_shortens_labels_and_stops_at_thirty(self) -> None:
        points = [point(number, date(2022, 1, 1), "长" * 60) for number in range(50)]
        strip = lay_out(points, PERIOD, TODAY)
        assert strip is not None
        assert len(strip.marks) == MAX_LANES
        assert len(strip.marks[0].label) == 24

    def test_says_nothing_without_a_date(self) -> None:
        assert lay_out([point(1, None)], PERIOD, TODAY) is None

    def test_bears_the_ends_of_the_calendar(self) -> None:
        strip = lay_out([Point(1, "step", "始", date.min, date.max)], (None, None), TODAY)
        assert strip is not None
        assert len(strip.years) <= 13
