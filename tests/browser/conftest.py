"""A real server and a real Chromium: what a person does, with scripts and without."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from app import clock, migrating
from app.adapters import storage
from app.database import Database
from app.services import demo
from app.settings import Settings, load
from tests.conftest import SECRET, Stores, missing
from tests.prepare import chromium

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# A refused form is a 4xx, which Chromium writes to the console as if it were a mistake of the page.
_EXPECTED = "Failed to load resource"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium per worker."""
    path = chromium()
    if path is None:
        missing("Chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def stores(_stores: Callable[[str], Stores]) -> Stores:
    """What a person does is the same on both engines; here it is SQLite."""
    return _stores("sqlite")


@pytest.fixture
def site(settings: Settings, tmp_path: Path) -> Iterator[str]:
    """The address of a server process on a fresh copy of the world."""
    with served(settings, tmp_path) as address:
        yield address


@pytest.fixture(scope="session")
def _demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store with the demonstration, built once and copied for each test."""
    folder = tmp_path_factory.mktemp("demonstration") / "data"
    settings = load(mode="test", secret_key=SECRET, data=folder)
    migrating.migrate(settings)
    store = Database(settings)
    demo.build(store, storage.from_settings(settings), settings, clock.now())
    store.dispose()
    return folder


@pytest.fixture
def demonstration(_demonstration: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a server process on a fresh copy of the demonstration."""
    folder = tmp_path / "data"
    shutil.copytree(_demonstration, folder)
    with served(load(mode="test", secret_key=SECRET, data=folder), tmp_path) as address:
        yield address


@pytest.fixture(scope="session")
def shown(_demonstration: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one server on the demonstration, for tests that only look at it."""
    folder = tmp_path_factory.mktemp("shown")
    shutil.copytree(_demonstration, folder / "data")
    with served(load(mode="test", secret_key=SECRET, data=folder / "data"), folder) as address:
        yield address


@contextmanager
def served(settings: Settings, tmp_path: Path, port: int | None = None) -> Iterator[str]:
    """A server process on ``settings``' store, ended with the block."""
    if port is None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
    environment = {
        **os.environ,
        "DUIKOU_MODE": "test",
        "DUIKOU_SECRET_KEY": SECRET,
        "DUIKOU_DATA": str(settings.data),
    }
    log = tmp_path / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "uvicorn",
                "app.main:create_app",
                "--factory",
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
            ],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(address, server, log)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait_until_ready(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(200):
        if server.poll() is not None:
            break
        try:
            if httpx.get(f"{address}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the server did not start:\n{log.read_text()[-2000:]}")


class Person:
    """A browser window of one person; whatever the page complains of is kept in ``complaints``."""

    def __init__(self, context: BrowserContext, site: str) -> None:
        self.site = site
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and _EXPECTED not in message.text:
            self.complaints.append(message.text)

    def go(self, path: str) -> Page:
        """Open a path of the site."""
        self.page.goto(f"{self.site}{path}")
        return self.page

    def sign_in(self, login: str, password: str) -> None:
        """Sign in by the form."""
        page = self.go("/sign-in")
        page.locator("input[name=login]").fill(login)
        page.locator("input[name=password]").fill(password)
        page.locator("form:has(input[name=password]) button[type=submit]").click()
        page.wait_for_url(lambda url: "/sign-in" not in url)


@pytest.fixture
def person(browser: Browser) -> Iterator[Callable[..., Person]]:
    """Opens windows: ``person(site)``, ``person(site, scripts=False)``, ``person(site, width=390)``."""
    contexts: list[BrowserContext] = []
    people: list[Person] = []

    def open_window(
        address: str, *, scripts: bool = True, width: int = 1366, height: int = 768, **options: object
    ) -> Person:
        context = browser.new_context(
            java_script_enabled=scripts,
            viewport={"width": width, "height": height},
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            **options,  # type: ignore[arg-type]
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        people.append(Person(context, address))
        return people[-1]

    yield open_window
    for context in contexts:
        context.close()
    complaints = [complaint for one in people for complaint in one.complaints]
    assert complaints == [], "the page complained in the console"
