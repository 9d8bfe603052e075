"""The console, framed by the Airflow UI as its users see it."""

from __future__ import annotations

import re

from playwright.sync_api import FrameLocator, Locator, Page, expect


class Console:
    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def frame(self) -> FrameLocator:
        return self.page.frame_locator("iframe")

    def open(self, entity: str = "Customers", page: str = "Overview") -> Console:
        """By the entry in Airflow's navigation, then by the console's own."""
        if "/plugin/samklang" not in self.page.url:
            self.page.goto("/")
            self.page.get_by_role("link", name="Samklang", exact=True).click()
        entities = self.frame.get_by_role("navigation", name="What is synchronised")
        entities.get_by_role("link", name=entity).click()
        expect(self.heading(entity)).to_be_visible()
        if page != "Overview":
            self.go(page)
        return self

    def go(self, page: str) -> None:
        link = self.frame.get_by_role("navigation", name="Pages").get_by_role("link", name=page, exact=True)
        link.click()
        expect(link).to_have_attribute("aria-current", "page")

    def heading(self, text: str | re.Pattern[str]) -> Locator:
        return self.frame.get_by_role("heading", level=1, name=text)

    def link(self, text: str | re.Pattern[str]) -> Locator:
        return self.frame.get_by_role("main").get_by_role("link", name=text)

    def button(self, name: str, within: Locator | None = None) -> Locator:
        return (within or self.frame.get_by_role("main")).get_by_role("button", name=name, exact=True)

    def rows(self, table: str) -> Locator:
        """The rows of a table but for its head. :param table: its caption."""
        found = self.frame.get_by_role("table", name=table).get_by_role("row")
        return found.filter(has=self.frame.get_by_role("cell"))
