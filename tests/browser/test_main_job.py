"""The main job, as people of both sides do it: a published plan becomes a workspace."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.services import demo
from tests.browser.conftest import Person

SEED = "00-seed.txt"
HEADING = "继续安排专项经费并争取地方资金"
Windows = Callable[..., Person]


def _address(person: Person, pattern: str) -> str:
    person.page.wait_for_url(re.compile(pattern))
    return person.page.url.removeprefix(person.site).partition("?")[0].partition("#")[0]


def _upload(person: Person, plan: Path) -> str:
    page = person.go("/plan-imports")
    page.locator("input[type=file]").set_input_files(plan)
    page.locator("form:has(input[type=file]) button[type=submit]").click()
    return _address(person, r"/plan-imports/\d+")


def _correct_first_task(person: Person, review: str) -> None:
    page = person.go(f"{review}?view=tasks")
    item = page.locator("article.item").first
    expect(item).to_contain_text("保障资金援疆")
    item.locator("a[href*='edit=1']").click()
    heading = page.locator("[name=heading]").first
    heading.fill(HEADING)
    page.locator("form:has([name=heading]) button[type=submit]").first.click()
    expect(page.locator("article.item").first).to_contain_text(HEADING)


def _accept(person: Person, review: str) -> str:
    page = person.go(f"{review}/accept")
    page.locator("#accept-form button[type=submit]").click()
    return _address(person, r"/programmes/\d+")


def _give_role(person: Person, name: str, programme: str) -> None:
    page = person.go(f"/memberships/new?q={name}")
    page.locator("#person-rows a").first.click()
    page.locator("[name=programme_id]").select_option(programme.rsplit("/", 1)[1])
    page.locator("[name=role]").select_option("recipient")
    units = page.locator("[name=unit_id]")
    if units.count():
        units.select_option(index=1)
    page.locator("#grant button[type=submit]").click()
    expect(page.locator(".flash")).not_to_be_empty()


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_published_plan_becomes_a_workspace_of_both_sides(
    demonstration: str, person: Windows, shared_plans: Path, scripts: bool
) -> None:
    coordinator = person(demonstration, scripts=scripts)
    coordinator.sign_in("coordinator", demo.PASSWORD)
    review = _upload(coordinator, shared_plans / SEED)
    _correct_first_task(coordinator, review)
    programme = _accept(coordinator, review)
    number = programme.rsplit("/", 1)[1]
    page = coordinator.go(f"/tasks?programme={number}")
    expect(page.locator("main")).to_contain_text(HEADING)
    expect(page.locator("main")).to_contain_text("开展业务人员培训")
    _give_role(coordinator, "古丽娜尔", programme)

    recipient = person(demonstration, scripts=scripts)
    recipient.sign_in("recipient", demo.PASSWORD)
    page = recipient.go(f"/tasks?programme={number}")
    page.get_by_role("link", name=re.compile("开展业务人员培训")).first.click()
    task = _address(recipient, r"/tasks/\d+$")
    page = recipient.go(f"{task}/edit")
    page.locator("[name=target]").fill("每年培训六十人次")
    page.locator("form:has([name=target]) button[type=submit]").first.click()
    expect(page.locator("main")).to_contain_text("每年培训六十人次")

    page = coordinator.go(task)
    expect(page.locator("main")).to_contain_text("每年培训六十人次")
