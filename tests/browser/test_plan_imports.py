"""The review with scripts: items are settled and corrected in their place, and lead to their lines."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.factories import PASSWORD
from tests.plan_texts import PLAN

pytestmark = pytest.mark.browser
Windows = Callable[..., Person]


@pytest.fixture
def review(site: str, person: Windows, tmp_path: Path) -> Page:
    """A coordinator's window on the review of the suite's plan."""
    path = tmp_path / "方案.txt"
    path.write_text(PLAN, encoding="utf-8")
    coordinator = person(site)
    coordinator.sign_in("coordinator", PASSWORD)
    page = coordinator.go("/plan-imports")
    page.locator("input[type=file]").set_input_files(str(path))
    page.locator("#plan-upload button[type=submit]").click()
    page.wait_for_url(lambda url: "/plan-imports/" in url)
    return page


class TestReview:
    def test_settles_and_leaves_out_in_place_and_counts_what_is_left(self, review: Page) -> None:
        doubts = review.locator(".item--doubtful")
        expect(doubts).to_have_count(2)
        doubts.first.get_by_role("button", name="核对无误").click()
        expect(doubts).to_have_count(1)
        expect(review.locator("#review-counts")).to_contain_text("待核对 1")
        doubts.first.get_by_role("button", name="不采用").click()
        expect(review.locator(".item--dropped")).to_have_count(1)
        review.locator(".item--dropped").get_by_role("button", name="恢复采用").click()
        expect(review.locator(".item--dropped")).to_have_count(0)

    def test_corrects_in_place_and_keeps_what_was_typed_when_it_is_refused(self, review: Page) -> None:
        place = f"#{review.locator('.item--doubtful').first.get_attribute('id')}"
        item = review.locator(place)
        item.get_by_role("link", name="更正").click()
        item.locator("input[name=open_ended]").check()
        item.locator("select[name=role]").first.select_option("lead")
        item.get_by_role("button", name="保存").click()
        expect(item.locator(".error-summary")).to_be_visible()
        expect(item.locator("select[name=role]").first).to_have_value("lead")
        item.locator("input[name=open_ended]").uncheck()
        item.get_by_role("button", name="保存").click()
        expect(item).to_contain_text("牵头")
        expect(item.locator("form.form")).to_have_count(0)

    def test_shows_both_texts_of_two_windows(self, review: Page) -> None:
        place = f"#{review.locator('.item--doubtful').first.get_attribute('id')}"
        other = review.context.new_page()
        for page, heading in ((review, "甲改的标题"), (other, "乙改的标题")):
            page.goto(f"{review.url.partition('?')[0].partition('#')[0]}?view=check")
            page.locator(place).get_by_role("link", name="更正").click()
            page.locator(f"{place} textarea[name=heading]").fill(heading)
        review.locator(place).get_by_role("button", name="保存").click()
        expect(review.locator(place)).to_contain_text("甲改的标题")
        other.locator(place).get_by_role("button", name="保存").click()
        expect(other.locator(f"{place} .conflict")).to_contain_text("甲改的标题")
        expect(other.locator(f"{place} .conflict")).to_contain_text("乙改的标题")
        other.locator(place).get_by_role("button", name="保存").click()
        expect(other.locator(place)).to_contain_text("乙改的标题")

    def test_leads_to_the_line_of_the_original(self, review: Page) -> None:
        review.locator(".item a[href^='#line-']").last.click()
        expect(review.locator(".lines__line:target")).to_be_in_viewport()
