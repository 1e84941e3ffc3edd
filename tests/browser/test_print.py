"""On paper: what a sheet says has to be true for whoever reads it next year."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from app.services import demo
from tests.browser.conftest import Person

pytestmark = pytest.mark.browser


def test_moments_are_printed_in_full(demonstration: str, person: Callable[..., Person]) -> None:
    one = person(demonstration)
    one.sign_in("coordinator", demo.PASSWORD)
    page = one.go("/tasks/3")
    words = page.locator("time[data-moment]").first
    exact = page.locator("time[data-moment] + .tip__detail").first
    expect(words).to_be_visible()
    expect(exact).to_be_hidden()
    page.emulate_media(media="print")
    expect(words).to_be_hidden()
    expect(exact).to_be_visible()
    expect(exact).to_contain_text("年")
