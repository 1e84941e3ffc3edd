"""The path that the page draws is the code, module by module."""

import re

import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from app.papers import qr_code


@settings(max_examples=30)
@given(st.text(min_size=1, max_size=200))
def test_draws_every_dark_module_and_no_other(text: str) -> None:
    drawn = qr_code.draw(text)
    dark = set()
    for x, y, width, back in re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", drawn.path):
        assert width == back
        dark |= {(int(x) + step, int(y)) for step in range(int(width))}
    rows = list(segno.make(text, error="m", micro=False).matrix_iter(border=4))
    assert drawn.size == len(rows)
    assert dark == {(x, y) for y, row in enumerate(rows) for x, module in enumerate(row) if module}
