"""Codes of a generator and codes for paper."""

from datetime import UTC, datetime

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules import one_time_codes

# RFC 6238, appendix B: the secret and, at these seconds, the last six of its eight figures.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}
NOW = datetime(2026, 11, 23, 2, 0, 10, tzinfo=UTC)
PRESENT = int(NOW.timestamp()) // 30


@pytest.mark.parametrize("second", RFC)
def test_are_those_of_the_standard(second: int) -> None:
    at = datetime.fromtimestamp(second, UTC)
    assert one_time_codes.step_of(RFC_SECRET, RFC[second], at, after=0) == second // 30


@pytest.mark.parametrize(("away", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_are_taken_one_step_around(away: int, taken: bool) -> None:
    code = pyotp.TOTP(RFC_SECRET).generate_otp(PRESENT + away)
    assert one_time_codes.step_of(RFC_SECRET, code, NOW, after=0) == (PRESENT + away if taken else None)


@pytest.mark.parametrize("typed", ["{} {}", "{}-{}", " {}{} ", "{}\u3000{}"])
def test_are_read_however_they_are_typed(typed: str) -> None:
    code = pyotp.TOTP(RFC_SECRET).generate_otp(PRESENT)
    spaced = typed.format(code[:3], code[3:])
    wide = spaced.translate({ord("0") + k: 0xFF10 + k for k in range(10)})
    for given_code in (spaced, wide):
        assert one_time_codes.is_generated(given_code)
        assert one_time_codes.step_of(RFC_SECRET, given_code, NOW, after=0) == PRESENT


@pytest.mark.parametrize("wrong", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "\x00", "0" * 40])
def test_nonsense_is_no_code(wrong: str) -> None:
    assert one_time_codes.step_of(RFC_SECRET, wrong, NOW, after=0) is None


@given(st.lists(st.tuples(st.integers(0, 70), st.integers(-2, 2)), max_size=30))
def test_no_step_is_taken_twice_and_none_before_one_that_was(tries: list[tuple[int, int]]) -> None:
    """Whatever somebody who reads over a shoulder sends, and when: each code opens at most once."""
    generator, second, last = pyotp.TOTP(RFC_SECRET), int(NOW.timestamp()), 0
    taken: list[int] = []
    for waited, away in tries:
        second += waited
        step = second // 30 + away
        at = datetime.fromtimestamp(second, UTC)
        found = one_time_codes.step_of(RFC_SECRET, generator.generate_otp(step), at, after=last)
        if found is not None:
            last = found
            taken.append(found)
        # Two steps may by chance have the same figures, so only the obvious is claimed.
        elif abs(away) <= 1:
            assert step <= last
    assert taken == sorted(set(taken))


def test_printed_codes_differ_and_avoid_look_alikes() -> None:
    codes = {one_time_codes.new_printed() for _ in range(200)}
    assert len(codes) == 200
    assert not set("01OILUV") & set("".join(codes))
    assert not any(one_time_codes.is_generated(code) for code in codes)
