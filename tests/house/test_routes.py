"""Who may call a route is said at the route, and what a page can do the API can do too."""

import pytest

from app.routers.dependencies import UNSAFE, api_actor, check_csrf, form_of, signed_in, upload_allowed
from app.routers.replay import ReplayRoute
from tests.house.routes import PUBLIC, Route, everything

ROUTES = everything()
# Page verbs without a twin, each with its reason: what they change lives in a browser.
ONLY_PAGES = {
    "sessions.open": "a program shows a token instead",
    "identities.link_own": "a program does not sign in at a provider",
    "sessions.close": "a program revokes its token",
    "sessions.prove": "a program shows a token, which asks for no second factor",
    "sessions.language": "a program sends Accept-Language",
    "sessions.theme": "a program has no theme",
}
ONE_OF_ITS_KIND = {"home", "api.me", "static", "styleguide"}
# A stored answer is kept for a day, so an answer that shows a secret is never stored; nor a password.
SECRETS = {
    "api.passwords.change",
    "api.resets.redeem",
    "api.second_factors.begin",
    "api.second_factors.confirm",
    "api.second_factors.remove",
    "api.second_factors.renew_codes",
    "api.second_factors.reset",
    "api.tokens.create",
    "api.tokens.revoke",
    "api.users.check_workbook",
    "api.users.create_from_workbook",
    "api.users.issue_reset_code",
}


def named(routes: list[Route]) -> dict[str, Route]:
    return {route.name: route for route in routes}


class TestPermissions:
    @pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
    def test_stand_at_every_route_that_is_not_public(self, route: Route) -> None:
        if route.name in PUBLIC:
            assert route.permissions == (), "a public route asks for no right"
        else:
            assert route.permissions, f"{route.name} has no needs(...) and is not on the public list"

    def test_public_list_names_no_route_that_is_gone(self) -> None:
        assert set(PUBLIC) <= {route.name for route in ROUTES}

    @pytest.mark.parametrize(
        "route", [route for route in ROUTES if route.name not in PUBLIC], ids=lambda route: route.name
    )
    def test_come_with_an_actor(self, route: Route) -> None:
        if route.is_api:
            assert route.asks(api_actor), "an API handler takes ApiActor, which holds tokens and form tokens"
        else:
            assert route.asks(signed_in), "a page handler takes PageActor, or Form or Uploader, which bring it"


class TestForms:
    @pytest.mark.parametrize(
        "route",
        [r for r in ROUTES if r.methods & UNSAFE and not r.is_api and r.name not in PUBLIC],
        ids=lambda route: route.name,
    )
    def test_hold_their_token(self, route: Route) -> None:
        assert route.asks(form_of) or route.asks(upload_allowed), f"{route.name} does not check the form's token"

    def test_token_is_compared_in_one_place(self) -> None:
        assert check_csrf.__module__ == "app.routers.dependencies"


class TestNames:
    def test_are_given_once(self) -> None:
        names = [route.name for route in ROUTES]
        assert sorted(names) == sorted(set(names))

    @pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
    def test_say_noun_and_verb(self, route: Route) -> None:
        if route.name not in ONE_OF_ITS_KIND:
            prefix = "api." if route.is_api else ""
            assert route.name.startswith(prefix)
            assert route.name.removeprefix(prefix).count(".") == 1, "noun.verb, or api.noun.verb"

    @pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
    def test_have_one_method_each(self, route: Route) -> None:
        assert len(route.methods) == 1


class TestTwins:
    @pytest.mark.parametrize(
        "route", [r for r in ROUTES if not r.is_api and r.methods & UNSAFE], ids=lambda route: route.name
    )
    def test_every_page_verb_has_one_in_the_api(self, route: Route) -> None:
        if route.name in ONLY_PAGES:
            return
        twin = named(ROUTES).get(f"api.{route.name}")
        assert twin is not None, f"a page can {route.name}, a program cannot: api.{route.name} is missing"
        assert set(twin.permissions) == set(route.permissions), "both ask for the same right"

    def test_exceptions_are_still_there(self) -> None:
        assert set(ONLY_PAGES) <= {route.name for route in ROUTES}


class TestApi:
    @pytest.mark.parametrize("route", [r for r in ROUTES if r.is_api], ids=lambda route: route.name)
    def test_documents_itself(self, route: Route) -> None:
        source = route.source
        assert (route.endpoint.__doc__ or "").strip(), "say what goes in, what comes out and which errors"
        documented = {int(status) for status in source.responses}
        if route.name in PUBLIC:
            return
        assert 401 in documented, "nobody in particular gets a 401"
        assert 403 in documented, "somebody without the right gets a 403"
        if "{" in route.path:
            assert 404 in documented
        if "GET" not in route.methods or "{" in route.path:
            assert 422 in documented or not source.dependant.path_params

    @pytest.mark.parametrize(
        "route", [r for r in ROUTES if r.is_api and r.method == "POST"], ids=lambda route: route.name
    )
    def test_takes_idempotency_keys(self, route: Route) -> None:
        replays = isinstance(route.source, ReplayRoute)
        assert replays is (route.name not in SECRETS), (
            "route_class=ReplayRoute on its router, or a secret in its answer"
        )
