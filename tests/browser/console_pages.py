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
        """In Airflow's frame."""
        if "/plugin/samklang" not in self.page.url:
            self.page.goto("/plugin/samklang")
        entities = self.frame.get_by_role("navigation", name="What is synchronised")
        for link, current in ((self._link_to(page), "page"), (entities.get_by_role("link", name=entity), "true")):
            if link.get_attribute("aria-current") != current:
                link.click()
                expect(link).to_have_attribute("aria-current", current)
        return self

    def go(self, page: str) -> None:
        """Also where that page is open already: then it is shown anew."""
        document = self.frame.locator("html")
        document.evaluate("element => element.dataset.before = ''")
        self._link_to(page).click()
        expect(document).not_to_have_attribute("data-before", "")
        expect(self._link_to(page)).to_have_attribute("aria-current", "page")

    def _link_to(self, page: str) -> Locator:
        return self.frame.get_by_role("navigation", name="Pages").get_by_role("link", name=page, exact=True)

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

    def told(self) -> Locator:
        """What came of an action."""
        return self.frame.get_by_role("main").get_by_role("status")

    def confirm(self, answer: str) -> None:
        """Answer the question that an action asks first. :param answer: the title of the action, or `Cancel`."""
        dialog = self.frame.get_by_role("dialog")
        dialog.get_by_role("button", name=answer, exact=True).click()
        expect(dialog).to_be_hidden()

    def search(self, text: str) -> None:
        """On the page *Record*."""
        self.frame.get_by_label("Id, e-mail or code").fill(text)
        self.button("Search").click()

    def pair(self, record: str) -> Locator:
        """What the page *Record* tells of a pair. :param record: `side:id` of its PowerOffice Go record."""
        return self.frame.get_by_role("article", name=record)

    def field(self, record: str, name: str) -> Locator:
        """The line of a field on the page *Record*."""
        table = self.pair(record).get_by_role("table", name="Fields")
        return table.get_by_role("row").filter(has=self.frame.get_by_role("rowheader", name=name, exact=True))

    def figures(self) -> dict[str, str]:
        """Of the page *Overview*, by name."""
        region = self.frame.get_by_role("region", name="How it stands")
        expect(region).to_be_visible()
        names, values = region.get_by_role("term"), region.get_by_role("definition")
        return dict(zip(names.all_inner_texts(), values.all_inner_texts(), strict=True))

    def filter(self, **choices: str) -> None:
        """On the page of a plan: `side`, `write`, `field`, `reason` and `outcome` by what one reads; `record` by id."""
        titles = {"side": "written to"}
        for name, choice in choices.items():
            if name == "record":
                self.frame.get_by_role("textbox", name="record id").fill(choice)
            else:
                title = titles.get(name, name)
                self.frame.get_by_role("combobox", name=re.compile(f"^{title}$", re.I)).select_option(label=choice)
        self.button("Filter").click()

    def open_plan(self, number: int) -> None:
        """From the page *Plans*."""
        self.frame.get_by_role("rowheader").get_by_role("link", name=f"Plan {number}", exact=True).click()
        expect(self.heading(f"Plan {number}")).to_be_visible()

    def chosen(self, table: str, *records: str) -> None:
        """Tick the rows of these records, by an id. :param table: its caption."""
        for record in records:
            self.rows(table).filter(has_text=record).get_by_role("checkbox").check()
        expect(self.frame.get_by_text(f"{len(records)} chosen", exact=True)).to_be_visible()

    def tab(self, name: str) -> None:
        """Another part of a list. :param name: what its title begins with."""
        tab = self.frame.get_by_role("navigation").get_by_role("link", name=re.compile(f"^{name}", re.I))
        if tab.get_attribute("aria-current") != "page":  # else whatever is done next may meet the page that leaves
            tab.click()
            expect(tab).to_have_attribute("aria-current", "page")

    def find_in_list(self, text: str) -> None:
        """On the page *Matches*: show only what is about a record."""
        self.frame.get_by_role("search").get_by_label("Id, e-mail or code").fill(text)
        self.button("Search this list").click()

    def link_two(self, here: str, there: str, *, anyway: bool = False) -> None:
        """On the page *Matches*, once the form for it is open. :param anyway: also where one has another twin."""
        self.frame.get_by_role("textbox", name="PowerOffice Go").fill(here)
        self.frame.get_by_role("textbox", name="Shopify").fill(there)
        self.frame.get_by_label("Also where one of them has another twin").set_checked(anyway)
        self.button("Link").click()
