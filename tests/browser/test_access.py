"""Every page in both languages: WCAG 2.2 AA by axe, and no sideways scroll on a phone."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe

from app.services import demo
from tests.browser.conftest import Person

OPTIONS = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
PAGES = {
    "coordinator": (
        "/",
        "/programmes",
        "/programmes/1",
        "/programmes/1/edit",
        "/programmes/1/parties",
        "/tasks",
        "/tasks?q=没有这样的任务",
        "/tasks/3",
        "/tasks/3/edit",
        "/tasks/new?programme=1",
        "/plan-imports",
        "/plan-imports/1",
        "/plan-imports/1/head",
        "/plan-imports/1/units",
        "/plan-imports/1/text",
        "/units",
        "/units/2",
        "/users",
        "/memberships",
        "/memberships/new?q=古丽",
        "/tokens",
        "/password",
        "/second-factor",
        "/styleguide",
        "/exchange-packages",
        "/tasks/999999",
    ),
    "system": ("/", "/users", "/users/new", "/users/1", "/units", "/status", "/jobs"),
    "security": ("/memberships", "/tokens", "/second-factors/resets"),
    "audit": ("/audit", "/audit/seals"),
    "inspector": ("/audit",),
}


@pytest.mark.browser
@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("login", list(PAGES))
def test_pages_are_accessible_and_fit_a_phone(
    shown: str, person: Callable[..., Person], login: str, language: str
) -> None:
    one = person(shown)
    one.sign_in(login, demo.PASSWORD)
    one.page.context.add_cookies([{"name": "language", "value": language, "url": shown}])
    found: list[str] = []
    for path in PAGES[login]:
        one.page.set_viewport_size({"width": 1366, "height": 768})
        page = one.go(path)
        for violation in Axe().run(page, options=OPTIONS).response["violations"]:
            places = ", ".join(node["html"][:90] for node in violation["nodes"][:3])
            found.append(f"{path}: {violation['id']}: {places}")
        page.set_viewport_size({"width": 390, "height": 844})
        if page.evaluate("document.documentElement.scrollWidth") > 390:
            found.append(f"{path}: scrolls sideways at 390 px")
    assert not found, "\n".join(found)


@pytest.mark.browser
def test_signing_in_is_accessible(shown: str, person: Callable[..., Person]) -> None:
    one = person(shown, width=390)
    found: list[str] = []
    for path in ("/sign-in", "/reset"):
        page = one.go(path)
        found += [f"{path}: {violation['id']}" for violation in Axe().run(page, options=OPTIONS).response["violations"]]
    assert not found, "\n".join(found)
