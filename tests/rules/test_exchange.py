"""Version vectors: what follows what, whatever is delivered how often and in which order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.exchange import Standing, State, compare, decided, holds, merged, moved, stamped

VECTORS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 4), max_size=3)


@given(VECTORS, VECTORS)
def test_a_merger_holds_both_and_nothing_more(one: dict[str, int], other: dict[str, int]) -> None:
    both = merged(one, other)
    assert holds(both, one)
    assert holds(both, other)
    assert all(count in (one.get(place), other.get(place)) for place, count in both.items())


@given(VECTORS, st.sampled_from(["a", "b"]))
def test_a_change_follows_what_it_was_made_of(vector: dict[str, int], place: str) -> None:
    assert holds(moved(vector, place), vector)
    assert not holds(vector, moved(vector, place))


@given(VECTORS, VECTORS)
def test_both_sides_see_the_same_pair_from_their_own_side(one: dict[str, int], other: dict[str, int]) -> None:
    mirrored = {
        Standing.THEIRS: Standing.OURS,
        Standing.OURS: Standing.THEIRS,
        Standing.CONFLICT: Standing.CONFLICT,
        Standing.SAME: Standing.SAME,
    }
    ours, theirs = State("x", one), State("y", other)
    assert compare(theirs, ours) is mirrored[compare(ours, theirs)]


def test_a_row_that_was_never_here_is_new_and_one_that_was_deleted_unseen_is_nothing() -> None:
    assert compare(None, State("x", {"a": 1})) is Standing.NEW
    assert compare(None, State("", {"a": 2})) is Standing.SAME


def test_a_deletion_follows_like_a_change_and_meets_a_change_as_a_conflict() -> None:
    assert compare(State("x", {"a": 1}), State("", {"a": 2})) is Standing.GONE
    assert compare(State("y", {"a": 1, "b": 1}), State("", {"a": 2})) is Standing.CONFLICT
    assert compare(State("", {"a": 2}), State("x", {"a": 1})) is Standing.OURS
    assert compare(State("", {"a": 2}), State("x", {"a": 2, "b": 1})) is Standing.NEW


def test_an_installation_that_was_set_back_and_went_on_is_a_conflict() -> None:
    assert compare(State("x", {"a": 2}), State("y", {"a": 2})) is Standing.CONFLICT


def test_a_row_is_stamped_once_however_often_it_is_looked_at() -> None:
    first = stamped(None, "x", "a")
    assert first == State("x", {"a": 1})
    assert stamped(first, "x", "a") is first
    assert stamped(first, "y", "a") == State("y", {"a": 2})


@pytest.mark.parametrize("taken", ["ours", "theirs"])
def test_a_decision_is_taken_without_question_by_the_other_side(taken: str) -> None:
    ours, theirs = State("x", {"a": 2}), State("y", {"a": 1, "b": 1})
    outcome = State("x" if taken == "ours" else "y", decided(ours, theirs, "a"))
    assert compare(theirs, outcome) in (Standing.THEIRS, Standing.SAME)


def test_two_crossing_decisions_do_not_pass_for_one() -> None:
    ours, theirs = State("x", {"a": 2}), State("y", {"a": 1, "b": 1})
    here = State("y", decided(ours, theirs, "a"))
    there = State("x", decided(theirs, ours, "b"))
    assert compare(here, there) is Standing.CONFLICT
