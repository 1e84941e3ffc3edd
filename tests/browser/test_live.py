"""A page says by itself that somebody else has changed what it shows, and changes only when asked to."""

from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import Person
from tests.factories import World

NEW = "每年培训六十人次"


@pytest.mark.browser
def test_a_change_by_somebody_else_is_announced(site: str, person: Callable[..., Person], world: World) -> None:
    task = world.tasks["issued"]
    by_stream, by_asking, author = person(site), person(site), person(site)
    # As if a proxy on the way did not let streams through.
    by_asking.page.route(
        "**/live?*",
        lambda route: (
            route.fulfill(status=503) if "event-stream" in route.request.headers["accept"] else route.continue_()
        ),
    )
    # It asks every half minute, which the browser's clock is set forward by.
    by_asking.page.clock.install()
    for one, login in ((by_stream, "handler"), (by_asking, "recipient"), (author, "coordinator")):
        one.sign_in(login, factories.PASSWORD)
        one.go(f"/tasks/{task}")
        expect(one.page.locator(".live")).to_be_empty()
    lists = person(site)
    lists.sign_in("inspector", factories.PASSWORD)
    lists.go("/tasks")
    _change(site, task)
    by_asking.page.clock.fast_forward(31_000)
    for one in (by_stream, by_asking, lists):
        expect(one.page.locator(".live[role=status]")).to_contain_text("这一页已有他人的更新", timeout=60_000)
        expect(one.page.locator("main")).not_to_contain_text(NEW)
    by_stream.page.get_by_role("button", name="查看").click()
    expect(by_stream.page.locator("main")).to_contain_text(NEW)
    expect(by_stream.page.locator(".live")).to_be_empty()
    expect(author.page.locator(".live")).to_be_empty()


def _change(site: str, task: int) -> None:
    with httpx.Client(base_url=f"{site}/api/v1", trust_env=False, timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {factories.bearer_token('coordinator')}"
        version = client.get(f"/tasks/{task}").headers["etag"]
        answer = client.patch(f"/tasks/{task}", json={"target": NEW}, headers={"If-Match": version})
        assert answer.status_code == 200, answer.text
