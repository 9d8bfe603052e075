"""A browser on a real Airflow. Everything is started once; nothing but this machine can be reached."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from tests.browser.airflow_pages import LoginPage
from tests.browser.console_pages import Console
from tests.browser.site import Site, password_of

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / ".artifacts" / "screenshots"
FAILURES = ROOT / ".artifacts" / "failures"
_FAILED = pytest.StashKey[bool]()
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]
_SIZE = {"width": 1400, "height": 900}
_STARTED = ExitStack()
_PATIENCE = 30_000
"""Milliseconds that a page may take on a busy machine."""


class Opened(Protocol):
    """Opens a page for a user; None: nobody has signed in. :param options: of the browser's context."""

    def __call__(self, user: str | None = "olga", **options: Any) -> Page: ...


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In whatever order, one right after the other: the site ends with the last of them, since an idle Airflow would
    slow down what comes after."""
    items.sort(key=lambda item: not _is_ours(item))
    for item in filter(_is_ours, items):
        item.add_marker(pytest.mark.scheduler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


@pytest.fixture(scope="session")
def chromium_path() -> str:
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        told = f"there is no browser: none of {', '.join(_NAMES)} is on the path (Debian: apt-get install chromium)"
        if os.environ.get("SAMKLANG_BROWSER"):
            pytest.fail(told)
        pytest.skip(told)
    return found


@pytest.fixture(scope="session")
def site(chromium_path: str) -> Iterator[Site]:
    # not one of pytest's folders: those are closed to the user that PostgreSQL runs as
    folder = Path(tempfile.mkdtemp(prefix="samklang-browser-"))
    _STARTED.callback(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    yield _STARTED.enter_context(Site(folder))
    _STARTED.close()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    if nextitem is None or not _is_ours(nextitem):
        _STARTED.close()


@pytest.fixture(autouse=True)
def _no_run_is_left(site: Site) -> Iterator[None]:
    yield
    site.end_runs()


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    # for a module, not longer: while it is up, no other test of this process could start an event loop
    with sync_playwright() as playwright:
        sandbox = os.geteuid() != 0  # root gets none from Chromium
        browser = playwright.chromium.launch(
            executable_path=chromium_path, args=_ARGUMENTS, chromium_sandbox=sandbox, timeout=60_000
        )
        expect.set_options(timeout=_PATIENCE)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def sessions() -> dict[str, Any]:
    """What the browser keeps of somebody who has signed in, by user."""
    return {}


@pytest.fixture
def opened(site: Site, browser: Browser, sessions: dict[str, Any], request: pytest.FixtureRequest) -> Iterator[Opened]:
    """A request to another host fails, and fails the test; so does an error in a page's own script."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_page(user: str | None = "olga", **options: Any) -> Page:
        context = browser.new_context(
            **{"base_url": site.url, "viewport": _SIZE, "accept_downloads": True, **options},
            storage_state=sessions.get(user or ""),
        )
        contexts.append(context)
        context.set_default_timeout(_PATIENCE)
        context.on("request", lambda request: _note_stranger(request.url, site.url, faults))
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"a script failed: {error}"))
        if user is not None and user not in sessions:
            LoginPage(page).sign_in(user, password_of(user))
            sessions[user] = context.storage_state()
        return page

    yield open_page
    for context in contexts:
        if request.node.stash.get(_FAILED, False):
            context.pages[0].screenshot(path=FAILURES / f"{request.node.name}.png")
        context.close()
    assert faults == []


@pytest.fixture
def page(opened: Opened) -> Page:
    """Of somebody who may edit DAGs."""
    return opened("olga")


@pytest.fixture
def console(page: Page) -> Console:
    """The console inside the Airflow UI, for somebody who may act."""
    return Console(page)


@pytest.fixture(scope="session")
def screenshot() -> Callable[[Page, str], None]:
    """Keeps what a page looks like as a build artefact, once as it is and once in the other of light and dark."""

    def keep(page: Page, name: str) -> None:
        for frame in page.frames:
            frame.wait_for_load_state()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.screenshot(path=SCREENSHOTS / scheme / f"{name}.png", animations="disabled")
        page.emulate_media(color_scheme="light")

    return keep


def _is_ours(item: pytest.Item) -> bool:
    return Path(__file__).parent in item.path.parents


def _note_stranger(url: str, own: str, faults: list[str]) -> None:
    if not url.startswith((f"{own}/", "data:", "blob:")):
        faults.append(f"a request to another host: {url}")
