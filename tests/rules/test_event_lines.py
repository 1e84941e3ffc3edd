"""The line of an event: the same bytes for the same values, however an engine writes them."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rules import event_lines
from app.rules.event_lines import COLUMNS

Values = dict[str, Any]
BASE: Values = {
    "actor_id": 7,
    "address": "10.0.0.1",
    "after": None,
    "at": "2026-11-27 02:00:00.000001",
    "before": None,
    "cause_id": None,
    "channel": "web",
    "id": 5,
    "kind": "verb",
    "programme_id": 1,
    "reason": "按方案调整",
    "request_id": "r",
    "subject_id": 3,
    "subject_name": "培训\n",
    "subject_type": "tasks",
    "token_id": None,
    "verb": "task.update",
}
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**80), 2**80),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)


def row(**values: object) -> list[object]:
    return [(BASE | values)[name] for name in COLUMNS]


def line(**values: object) -> bytes:
    return event_lines.line(row(**values))


def by_value(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


@settings(max_examples=60)
@given(value=st.dictionaries(st.text(max_size=5), JSON, max_size=5))
def test_holds_the_values_and_nothing_of_their_form(value: dict[str, Any]) -> None:
    text = json.dumps(value)
    other = json.dumps(dict(reversed(value.items())), ensure_ascii=False, indent=2)
    found = line(after=text)
    assert found == line(after=other)
    assert by_value(found.decode())["after"] == by_value(text)
    assert b"\n" not in found


@settings(max_examples=60)
@given(value=st.dictionaries(st.text(max_size=5), JSON, max_size=5))
def test_is_the_same_fast_and_slow(value: dict[str, Any]) -> None:
    given_row = row(before=json.dumps(value))
    assert event_lines.line(given_row) == event_lines.exact_line(given_row)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1e16", "10000000000000000"),
        ("1.0", "1"),
        ("1e-7", "0.0000001"),
        ("0.10", "0.1"),
        ("-0.0", "0"),
        ("18446744073709551616", "18446744073709551616.0"),
    ],
)
def test_knows_numbers_by_their_value(one: str, other: str) -> None:
    assert line(after=f'{{"n": {one}}}') == line(after=f'{{"n": {other}}}')


def test_does_not_mistake_a_text_for_a_number() -> None:
    assert line(after='{"n": "1.0"}') != line(after='{"n": 1}')
    assert line(after='{"n": "见:1.5e3"}') != line(after='{"n": "见:1500"}')


@pytest.mark.parametrize(
    "text", ["2026-11-27 02:00:00.000001+00", "2026-11-27T02:00:00.000001", "2026-11-27 10:00:00.000001+08"]
)
def test_knows_an_instant_in_every_form(text: str) -> None:
    assert line(at=text) == line()


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_is_in_it(name: str) -> None:
    other = {"at": "2026-11-27 02:00:00.000002", "before": "{}", "after": "{}"}.get(name, "other")
    assert line(**{name: other}) != line()


@pytest.mark.parametrize(
    "bad", [{"at": "never"}, {"after": "{nonsense"}, {"after": "[NaN]"}, {"reason": "\udcff"}, {"address": b"x"}]
)
def test_of_nonsense_is_a_line_too(bad: dict[str, object]) -> None:
    found = line(**bad)
    assert json.loads(found)["id"] == 5
    assert found != line()
