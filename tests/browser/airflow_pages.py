"""Pages of the Airflow UI, as far as people who look after the sync use them."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect

from samklang.demo.processes import wait_until

_ANSWERS = 3
"""How often a person says the same."""


class LoginPage:
    def __init__(self, page: Page) -> None:
        self._page = page

    def sign_in(self, user: str, password: str) -> None:
        self._page.goto("/")
        self._page.get_by_label("Username").fill(user)
        self._page.get_by_label("Password").fill(password)
        self._page.get_by_role("button", name="Sign in").click()
        expect(self._page.get_by_role("link", name="Dags", exact=True)).to_be_visible()


class DagPage:
    """One DAG with its grid of runs and tasks."""

    def __init__(self, page: Page, dag_id: str) -> None:
        self.page = page
        self._dag_id = dag_id

    def open(self) -> None:
        self.page.goto(f"/dags/{self._dag_id}")
        expect(self.page.get_by_role("heading", name=self._dag_id)).to_be_visible()

    def tasks(self) -> list[str]:
        """From top to bottom."""
        links = self.page.locator(f'a[href^="/dags/{self._dag_id}/tasks/"]')
        expect(links.last).to_be_visible()
        return [text for text in links.all_inner_texts() if text]

    def open_docs(self) -> Locator:
        self.page.get_by_role("button", name="Dag Docs").click()
        return self.page.get_by_role("dialog")


class RequiredActionPage:
    """The question of a task that waits for a person."""

    def __init__(self, page: Page, dag_id: str, run_id: str) -> None:
        self.page = page
        self._address = f"/dags/{dag_id}/runs/{quote(run_id)}/tasks/review/required_actions"

    def open_from_list(self, subject: str) -> None:
        """By way of the list of all required actions."""
        self.page.goto("/required_actions?response_received=false")
        self.page.get_by_role("link", name=subject).click()
        self.is_open()

    def is_open(self) -> None:
        expect(self.page).to_have_url(re.compile(re.escape(self._address.replace("%2B", "+")) + "|" + self._address))
        expect(self.page.get_by_role("button", name="Reject")).to_be_visible()

    def summary(self) -> dict[str, list[str]]:
        """The table of the question: figures by kind, in the order of the columns."""
        rows = self.page.get_by_role("row").filter(has=self.page.get_by_role("cell"))
        expect(rows.first).to_be_visible()
        cells = [row.get_by_role("cell").all_inner_texts() for row in rows.all()]
        return {texts[0]: texts[1:] for texts in cells}

    def answer(self, option: str, reason: str, heard: Callable[[], bool]) -> None:
        """Answer until it is `heard`: Airflow asks again when its scheduler was too busy to note the question."""
        button = self.page.get_by_role("button", name=option)
        for _ in range(_ANSWERS):
            if button.is_enabled():
                self.page.locator("[name=element_reason]").fill(reason)  # Airflow ties no label to it
                button.click()
                expect(button).to_be_disabled()
            try:
                return wait_until(heard, "hearing the answer", seconds=60)
            except TimeoutError:
                self.page.reload()
        raise TimeoutError(f"{_ANSWERS} answers, none heard")
