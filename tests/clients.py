"""Clients of the application, one for the API and one for pages."""

from typing import Any

import httpx
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.routers.dependencies import mask
from tests import factories, page_checks
from tests.personas import NOBODY


class ApiClient:
    """Speaks to /api/v1 as a persona, with that persona's token."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.client = TestClient(app, follow_redirects=False, raise_server_exceptions=True)

    def as_(self, persona: str) -> "ApiClient":
        """The same application, another person."""
        other = ApiClient(self.app)
        if persona != NOBODY:
            other.client.headers["Authorization"] = f"Bearer {factories.bearer_token(persona)}"
        return other

    def request(self, method: str, path: str, *, version: int | None = None, **options: Any) -> httpx.Response:
        """One call; ``version`` becomes If-Match."""
        headers = dict(options.pop("headers", {}))
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return self.client.request(method, f"/api/v1{path}", headers=headers, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """POST."""
        return self.request("POST", path, **options)

    def patch(self, path: str, **options: Any) -> httpx.Response:
        """PATCH."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        """DELETE."""
        return self.request("DELETE", path, **options)


class PageClient:
    """A browser without scripts, signed in as a persona; checks every page of HTML it is shown."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.client = TestClient(app, follow_redirects=False, raise_server_exceptions=True)

    def as_(self, persona: str) -> "PageClient":
        """The same application, another person's open session."""
        other = PageClient(self.app)
        if persona != NOBODY:
            other.client.cookies.set("session", factories.session_token(persona))
        return other

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET; follow a redirect by hand, so that a test sees it."""
        return self._checked(self.client.get(path, **options))

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> httpx.Response:
        """A form, with its token."""
        fields = {"csrf": mask(factories.CSRF), **(data or {})}
        return self._checked(self.client.post(path, data=fields, **options))

    def upload(self, path: str, files: dict[str, Any], data: dict[str, Any] | None = None) -> httpx.Response:
        """A form with a file, its token in the address."""
        return self._checked(
            self.client.post(path, params={"csrf": mask(factories.CSRF)}, files=files, data=data or {})
        )

    def htmx(self, method: str, path: str, data: dict[str, Any] | None = None) -> httpx.Response:
        """What htmx would send for a part of the page."""
        headers = {"HX-Request": "true", "HX-Request-Type": "partial"}
        fields = None if method == "GET" else {"csrf": mask(factories.CSRF), **(data or {})}
        response = self.client.request(method, path, data=fields, headers=headers)
        if response.headers.get("content-type", "").startswith("text/html") and response.text:
            page_checks.check_fragment(response.text)
        return response

    def _checked(self, response: httpx.Response) -> httpx.Response:
        if response.headers.get("content-type", "").startswith("text/html"):
            page_checks.check_page(response.text)
        return response
