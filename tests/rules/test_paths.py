"""Paths sort as the plan counts, under any collation."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.paths import (
    MAX_LENGTH,
    next_below,
    next_step,
    number_of,
    numeral,
    sort_key,
    span_around,
    spans_below,
    spoken,
)

NUMBERS = st.integers(min_value=1, max_value=999)
SPELLINGS = (
    numeral,
    lambda n: f"（{numeral(n)}）",
    str,
    lambda n: f"（{n}）",
)
STEPS = st.one_of(
    st.builds(lambda spell, n: spell(n), st.sampled_from(SPELLINGS), NUMBERS),
    st.text(max_size=12).filter(lambda text: "/" not in text),
    st.sampled_from(["附件1", "附件", "通知", "附表二", "第三章", "2.1", "2.1.3", "①", "⑳"]),
)
PATHS = st.lists(STEPS, max_size=6)


class TestSortKey:
    def test_follows_the_plan(self) -> None:
        plan = [
            (["通知"], 1),
            (["通知", "一"], 1),
            (["一"], 1),
            (["二"], 1),
            (["二"], 2),
            (["二", "（一）"], 1),
            (["二", "（二）", "1"], 1),
            (["二", "（二）", "2"], 1),
            (["二", "（二）", "2"], 2),
            (["二", "（二）", "2"], 11),
            (["二", "（二）", "10"], 1),
            (["二", "（十）"], 1),
            (["二", "（十一）"], 1),
            (["二", "（二十）"], 1),
            (["二", "（一百零二）"], 1),
            (["十"], 1),
            (["附件1", "三"], 1),
            (["附件2"], 1),
            (["附件10"], 1),
        ]
        keys = [sort_key(path, part) for path, part in plan]
        assert keys == sorted(keys)
        assert len(set(keys)) == len(keys)

    @given(PATHS, st.integers(min_value=1, max_value=9999))
    def test_is_plain_and_bounded(self, path: list[str], part: int) -> None:
        key = sort_key(path, part)
        assert re.fullmatch(r"[0-9a-f.]+", key)
        assert len(key) <= MAX_LENGTH
        assert key == sort_key(list(path), part)

    @given(PATHS, NUMBERS, NUMBERS, st.sampled_from(SPELLINGS))
    def test_counts_siblings(self, path: list[str], one: int, other: int, spell: object) -> None:
        first, second = (sort_key([*path[:4], spell(n)], 1) for n in (one, other))  # type: ignore[operator]
        assert (first < second) == (one < other)
        assert (first == second) == (one == other)

    @given(PATHS, st.integers(min_value=1, max_value=9999), NUMBERS)
    def test_puts_all_parts_of_an_item_before_its_children(self, path: list[str], part: int, number: int) -> None:
        assert sort_key(path[:4], part) < sort_key([*path[:4], str(number)], 1)

    @given(PATHS, st.integers(min_value=1, max_value=99998))
    def test_counts_parts(self, path: list[str], part: int) -> None:
        assert sort_key(path, part) < sort_key(path, part + 1)

    @given(PATHS, PATHS)
    def test_does_not_depend_on_the_weight_of_punctuation(self, one: list[str], other: list[str]) -> None:
        first, second = sort_key(one, 1), sort_key(other, 1)
        assert (first < second) == (first.replace(".", "") < second.replace(".", ""))

    def test_keeps_deep_paths_apart(self) -> None:
        deep = [str(number) for number in range(1, 90)]
        first, second = sort_key([*deep, "1"], 1), sort_key([*deep, "2"], 1)
        assert first != second
        assert max(len(first), len(second)) <= MAX_LENGTH

    @pytest.mark.parametrize("step", ["", " ", "🙂", "\ud800", "第零章", "九" * 40, "9" * 40, "（）", "附件99999"])
    def test_takes_any_text(self, step: str) -> None:
        assert sort_key([step], 1)


class TestNextStep:
    @pytest.mark.parametrize(
        ("parent", "siblings", "expected"),
        [
            ([], [], "一"),
            (["三"], [], "（一）"),
            (["三", "（一）"], [], "1"),
            (["三", "（一）", "1"], [], "（1）"),
            (["三", "（一）", "1", "（1）"], [], "①"),
            (["附件1"], [], "一"),
            (["三"], ["（一）", "（九）", "（十）"], "（十一）"),
            (["三"], ["2", "10", "9"], "11"),
            (["三"], ["①", "⑳"], "（21）"),
            (["三"], ["其他"], "（一）"),
        ],
    )
    def test_goes_on_in_the_style_of_its_siblings(self, parent: list[str], siblings: list[str], expected: str) -> None:
        assert next_step(parent, siblings) == expected

    @given(NUMBERS, st.sampled_from(SPELLINGS))
    def test_sorts_behind_them(self, number: int, spell: object) -> None:
        step = spell(number)  # type: ignore[operator]
        assert sort_key([next_step(["三"], [step])], 1) > sort_key([step], 1)

    @pytest.mark.parametrize(
        ("siblings", "expected"),
        [(["⑳", "（21）"], "（22）"), (["5.1"], "5.2"), (["2.3.9"], "2.3.10"), (["2.9", "3"], "4")],
    )
    def test_is_none_of_them(self, siblings: list[str], expected: str) -> None:
        assert next_step(["三"], siblings) == expected

    @pytest.mark.parametrize("last", ["9999", "（9999）", "2.9999", "第9999章", "附件9999"])
    def test_counts_nothing_after_the_largest_number(self, last: str) -> None:
        assert number_of(next_step(["三"], [last])) is None


class TestSpansBelow:
    @given(PATHS, st.lists(STEPS), PATHS, st.integers(min_value=1, max_value=9))
    def test_need_their_largest_keys_alone(
        self, path: list[str], siblings: list[str], deeper: list[str], part: int
    ) -> None:
        """Whatever lies beneath the siblings, and whatever else is in the plan."""
        path, siblings = ([step for step in steps if step.strip()] for steps in (path, siblings))
        spans = spans_below(path)
        if spans is None:
            return
        keys = [sort_key([*path, step, *deeper], part) for step in siblings]
        elsewhere = [sort_key(path, part), *(sort_key([*path[:-1], step], part) for step in siblings if path)]
        found = [max((key for key in keys if low <= key < high), default=None) for low, high in spans]
        assert next_below(path, [key for key in found if key]) == next_step(path, siblings)
        assert not any(low <= key < high for key in elsewhere for low, high in spans)

    @given(PATHS, PATHS, st.integers(min_value=1, max_value=9))
    def test_lie_in_the_span_around(self, path: list[str], deeper: list[str], part: int) -> None:
        low, high = span_around(path)
        assert low <= sort_key([*path, *deeper], part) < high

    def test_are_unknown_deep_down(self) -> None:
        assert spans_below(["三"] * 20) is not None
        assert spans_below(["三"] * 21) is None


class TestNumeral:
    @given(NUMBERS)
    def test_is_read_back(self, number: int) -> None:
        assert number_of(numeral(number)) == number


class TestSpoken:
    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("三/（三）/2", "三（三）2"),
            ("附件1/三/（一）", "附件1 三（一）"),
            ("2/2.1", "2 2.1"),
            ("三/2", "三2"),
            ("", ""),
        ],
    )
    def test_runs_markers_together_where_they_stay_apart(self, path: str, text: str) -> None:
        assert spoken(path) == text
