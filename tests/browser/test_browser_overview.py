"""The page *Overview*: how the sync stands, and what needs a person."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from tests.browser.console_pages import Console
from tests.browser.site import CUSTOMERS, PRODUCTS, Site

from samklang.demo.processes import wait_until

_HAS_INK = """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"""
_FIGURES = ("linked", "held", "conflicts", "quarantined", "ambiguous", "excluded")


def test_the_console_is_one_click_away_in_airflows_navigation(site: Site, page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Samklang", exact=True).click()
    expect(Console(page).heading("Customers")).to_be_visible()


def test_the_overview_says_what_samklang_status_says(site: Site, console: Console) -> None:
    for entity, dag_id in (("Customers", CUSTOMERS), ("Products", PRODUCTS)):
        site.run(dag_id)  # the figures are those of the last run
        console.open(entity)
        status = site.status(entity.lower())
        figures = console.figures()
        assert {name: figures[name] for name in _FIGURES} == {name: f"{status[name]}" for name in _FIGURES}
        assert figures["in sync"] == f"{status['in_sync']}"


def test_what_needs_a_person_comes_first_and_leads_there(site: Site, console: Console, screenshot) -> None:
    console.open()
    needs = console.frame.get_by_role("region", name="Needs a person")
    status = site.status()
    for name, text, page in (
        ("conflicts", "wait", "Conflicts"), ("quarantined", "quarantined", "Quarantine"),
    ):  # fmt: skip
        if status[name]:
            needs.get_by_role("link", name=re.compile(f"{status[name]} .*{text}")).click()
            expect(console.heading(page)).to_be_visible()
            console.go("Overview")
    expect(needs.get_by_role("link").first).to_be_visible()
    screenshot(console.page, "console-overview")


def test_the_last_runs_are_drawn_and_listed(site: Site, console: Console) -> None:
    console.open("Products")
    drawn = console.frame.get_by_role("img", name=re.compile("by run|of each run"))
    expect(drawn).to_have_count(3)
    for chart in drawn.all():
        wait_until(lambda chart=chart: chart.evaluate(_HAS_INK), "a chart being drawn", seconds=10)
    console.frame.get_by_text("The same as a table").click()
    row = console.rows("The last runs").first
    expect(row).to_contain_text("success")
