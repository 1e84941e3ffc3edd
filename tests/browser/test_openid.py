"""Signing in at a real provider in a real browser: the content policy lets a link out, and the cookies come back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.database import Database
from app.services import identities
from app.settings import Settings
from tests import factories, openid_provider
from tests.browser.conftest import Person, served
from tests.conftest import missing

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripts", [True, False])
def test_goes_there_and_comes_back(
    settings: Settings,
    world: factories.World,
    tmp_path: Path,
    person: Callable[..., Person],
    monkeypatch: pytest.MonkeyPatch,
    scripts: bool,
) -> None:
    if openid_provider.node() is None:
        missing("the OpenID provider (node, and npm ci in tests/provider)")
    port = openid_provider.free_port()
    with openid_provider.running(f"http://127.0.0.1:{port}") as provider:
        chosen = settings.model_copy(update=provider.settings())
        store = Database(chosen)
        with store.transaction() as session:
            actor = factories.actor_of(store, world, "system_admin")
            identities.link(session, chosen, actor, world.users["handler"], 1, "7-handler", now=factories.NOW)
        store.dispose()
        for name, value in provider.environment().items():
            monkeypatch.setenv(name, value)
        with served(chosen, tmp_path, port=port) as address:
            _there_and_back(person(address, scripts=scripts), provider)


def _there_and_back(who: Person, provider: openid_provider.Running) -> None:
    page = who.go("/tasks")
    page.get_by_role("link", name="通过统一认证登录").click()
    page.wait_for_url(f"{provider.issuer}/interaction/**")
    page.locator("input[name=login]").fill("7-handler")
    page.locator("input[name=password]").fill("anything")
    page.locator("button[type=submit]").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{who.site}/tasks")
    assert page.locator(".person__name").inner_text() == "承办员"
    page.locator(".person summary").click()
    page.locator("form[data-sign-out] button").click()
    page.wait_for_url(f"{who.site}/sign-in?left=true")
    page.get_by_role("link", name="同时退出该平台").click()
    page.wait_for_url(f"{provider.issuer}/session/end**")
    # What the provider's own pages complain of is not ours.
    who.complaints.clear()
