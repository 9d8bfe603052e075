"""The console for everybody: by keyboard alone, in a narrow window, with a screen reader, by day and by night."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Frame, Page, expect
from tests.browser.conftest import Opened
from tests.browser.console_pages import Console
from tests.browser.site import CUSTOMERS, Site

from samklang.demo.processes import wait_until

_PAGES = (
    "overview", "matches", "matches?show=ambiguous", "matches?show=excluded", "matches/file", "plans", "plans/{plan}",
    "plans/{plan}?part=conflicts", "plans/{plan}?part=ambiguous", "conflicts", "conflicts?show=decided", "quarantine",
    "quarantine?show=held", "record", "record/{record}", "runs", "runs/{run}", "runs/{run}/undo",
)  # fmt: skip
_SERIOUS = ("serious", "critical")
# a wide font, with the spacing that readers may set (WCAG 1.4.12)
_WIDE = "* { font-family: monospace !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }"
_SET_STYLE = "css => { const s = new CSSStyleSheet(); s.replaceSync(css); document.adoptedStyleSheets = [s]; }"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_shuts_anybody_out(site: Site, opened: Opened, scheme: str) -> None:
    page = opened(color_scheme=scheme)
    found = {}
    for path in (*_paths(site), "nowhere"):
        for violation in Axe().run(_open(page, path)).response["violations"]:
            if violation["impact"] in _SERIOUS:
                found[path, violation["id"]] = [node["html"][:200] for node in violation["nodes"][:3]]
    assert found == {}


def test_a_field_is_frozen_and_let_go_by_keyboard_alone(site: Site, page: Page) -> None:
    ((one, _),) = site.twins()
    record = f"powerofficego:{one['Id']}"
    frame = _open(page, "overview")
    frame.evaluate("window.focus()")
    page.keyboard.press("Tab")
    expect(frame.get_by_role("link", name="Skip to content")).to_be_focused()
    _tab_to(frame, "link", "Record")
    page.keyboard.press("Enter")
    expect(frame.get_by_role("heading", name="Find a record of customers", level=1)).to_be_visible()
    _tab_to(frame, "textbox", "Id, e-mail or code")
    page.keyboard.type(record)
    page.keyboard.press("Enter")
    expect(frame.get_by_role("article", name=record)).to_be_visible()
    _tab_to(frame, "button", "Freeze the pair")
    page.keyboard.press("Space")
    expect(frame.get_by_role("status").filter(has_text="Frozen")).to_be_visible()
    _tab_to(frame, "button", "Unlink")
    page.keyboard.press("Enter")
    question = frame.get_by_role("dialog")
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(frame.get_by_role("button", name="Unlink")).to_be_focused()
    _tab_to(frame, "button", "Unfreeze the pair")
    page.keyboard.press("Enter")
    expect(frame.get_by_role("status").filter(has_text="Let go")).to_be_visible()
    assert site.actions(record) == [("unfreeze", "olga"), ("freeze", "olga")]


def test_in_a_narrow_window_nothing_runs_over_the_edge_in_whatever_font(site: Site, opened: Opened) -> None:
    page = opened(viewport={"width": 390, "height": 844})
    for path in _paths(site):
        frame = _open(page, path)
        wait_until(lambda frame=frame: _fits(frame), f"{path} fitting into the window", seconds=10)
        frame.evaluate(_SET_STYLE, _WIDE)
        wait_until(lambda frame=frame: _fits(frame), f"{path} fitting into the window in a wide font", seconds=10)
        frame.evaluate(_SET_STYLE, "")
        page.screenshot(path=f".artifacts/screenshots/narrow/{re.sub(r'[^a-z]+', '-', path)}.png")


@pytest.mark.parametrize("page_name", ["Overview", "Matches", "Plans", "Conflicts", "Quarantine", "Record", "Runs"])
def test_pages_by_day_and_by_night(site: Site, console: Console, screenshot, page_name: str) -> None:
    console.open(page=page_name)
    if page_name == "Record":
        ((one, _),) = site.twins(keep=False)
        console.search(str(one["Id"]))
        expect(console.pair(f"powerofficego:{one['Id']}")).to_be_visible()
    screenshot(console.page, f"console-{page_name.lower()}")


def test_the_console_follows_the_look_that_is_chosen_in_airflow(console: Console) -> None:
    console.open()
    body = console.frame.locator("html")
    expect(body).to_have_attribute("data-theme", "light")
    console.page.emulate_media(color_scheme="dark")
    expect(body).to_have_attribute("data-theme", "dark")


def _paths(site: Site) -> list[str]:
    ((one, _),) = site.twins(keep=False)
    names = {"plan": site.first_plan(), "run": site.first_runs[CUSTOMERS], "record": f"powerofficego:{one['Id']}"}
    return [path.format(**names) for path in _PAGES]


def _open(page: Page, path: str) -> Frame:
    """A page by its own address, which shows it within Airflow's."""
    page.goto(f"/samklang/customers/{path}")
    frame = page.locator("iframe").element_handle().content_frame()
    assert frame
    expect(frame.get_by_role("heading", level=1)).to_be_visible()
    return frame


def _fits(frame: Frame) -> bool:
    """Neither the page scrolls sideways, nor does a figure run over its card."""
    return bool(
        frame.evaluate(
            """document.documentElement.scrollWidth <= window.innerWidth
            && [...document.querySelectorAll(".figure *")].every(one => one.scrollWidth <= one.clientWidth
                || getComputedStyle(one).display === "inline")"""
        )
    )


def _tab_to(frame: Frame, role: str, name: str) -> None:
    """Press Tab until this has the focus."""
    wanted = frame.get_by_role(role, name=name, exact=True).first  # type: ignore[arg-type]
    for _ in range(80):
        frame.page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"no way to {name} by keyboard")
