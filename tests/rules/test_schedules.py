"""Occurrences follow from the rule alone, on the calendar of Asia/Shanghai."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clock import SHANGHAI
from app.rules.schedules import Daily, Every, Monthly, Weekly, When, following, latest

TIMES = st.times().map(lambda at: at.replace(microsecond=0))
RULES: st.SearchStrategy[When] = st.one_of(
    st.sampled_from([n for n in range(1, 1441) if 1440 % n == 0]).map(Every),
    TIMES.map(Daily),
    st.builds(Weekly, st.integers(0, 6), TIMES),
    st.builds(Monthly, st.integers(1, 28), TIMES),
)
# Since 1992 the clocks of China have not been changed.
FIRST = datetime(2000, 1, 1, tzinfo=UTC)
INSTANTS = st.timedeltas(timedelta(), timedelta(days=36_500)).map(lambda past: FIRST + past)
STEP = timedelta(microseconds=1)


@given(RULES, INSTANTS)
def test_the_latest_is_not_after_now_and_the_following_is(when: When, now: datetime) -> None:
    assert latest(when, now) <= now < following(when, now)


@given(RULES, INSTANTS)
def test_nothing_lies_between_the_latest_and_the_following(when: When, now: datetime) -> None:
    after = following(when, now)
    assert latest(when, after - STEP) == latest(when, now)
    assert latest(when, after) == after


@given(RULES, INSTANTS)
def test_every_occurrence_is_an_instant_of_the_rule(when: When, now: datetime) -> None:
    local = latest(when, now).astimezone(SHANGHAI)
    match when:
        case Every(minutes):
            assert (local.hour * 60 + local.minute) % minutes == 0
        case Daily(at):
            assert local.time() == at
        case Weekly(weekday, at):
            assert (local.weekday(), local.time()) == (weekday, at)
        case Monthly(day, at):
            assert (local.day, local.time()) == (day, at)


def test_half_past_two_in_the_night_is_the_evening_before_in_utc() -> None:
    now = datetime(2026, 11, 26, 18, 29, 59, tzinfo=UTC)
    assert latest(Daily(time(2, 30)), now) == datetime(2026, 11, 25, 18, 30, tzinfo=UTC)
    assert following(Daily(time(2, 30)), now) == datetime(2026, 11, 26, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "make", [lambda: Every(0), lambda: Every(7), lambda: Weekly(7, time()), lambda: Monthly(29, time())]
)
def test_a_rule_that_not_every_day_or_month_has_is_refused(make: object) -> None:
    with pytest.raises(ValueError, match=r"\d"):
        make()  # type: ignore[operator]
