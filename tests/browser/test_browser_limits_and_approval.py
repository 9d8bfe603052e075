"""A plan beyond a limit waits for a person, who looks at it and answers in the Airflow UI."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from tests.browser.airflow_pages import DagPage, RequiredActionPage
from tests.browser.console_pages import Console
from tests.browser.site import CUSTOMERS, Site

_MANY = 40
"""More than a tenth of those that are linked."""


def test_the_page_of_a_dag_says_what_its_tasks_do(page: Page, screenshot) -> None:
    dag = DagPage(page, CUSTOMERS)
    dag.open()
    assert dag.tasks() == [
        "Read PowerOffice Go", "Read Shopify", "Match, merge, plan", "Check the limits, ask beyond one",
        "Write to PowerOffice Go", "Write to Shopify", "Close the run, sum up",
    ]  # fmt: skip
    docs = dag.open_docs()
    expect(docs.get_by_role("heading", name="Customers of PowerOffice Go and Shopify, kept in tune")).to_be_visible()
    expect(docs).to_contain_text("passes a plan within the mapping's limits")
    screenshot(page, "airflow-dag")


@pytest.fixture
def mass_edit(site: Site) -> Iterator[None]:
    """Of customers of PowerOffice Go that other tests may use: it is taken back in any case."""
    go = site.simulators.powerofficego
    before = {one["Id"]: one["MailAddress"]["AddressLine2"] for one, _ in site.twins(_MANY, keep=False)}
    for number in before:
        go.edit("customers", number, set={"MailAddress.AddressLine2": "c/o Feil"})
    yield
    for number, value in before.items():
        go.edit("customers", number, set={"MailAddress.AddressLine2": value})
    site.end_runs()
    site.run()


def test_a_mass_edit_is_caught_looked_at_and_rejected(site: Site, page: Page, screenshot, mass_edit: None) -> None:
    written = site.writes()
    run_id = site.parked()

    # the console names it first, and shows what the plan would write
    console = Console(page).open()
    console.link("Look at plan").click()
    expect(console.frame.get_by_role("main")).to_contain_text("linked records in Shopify updated; the limit is 10%")
    rows = console.rows("Writes, record by record and field by field")
    expect(rows).to_have_count(_MANY)
    expect(rows.first).to_contain_text("c/o Feil")
    screenshot(page, "console-plan-that-waits")

    # from there it is one step to Airflow's question
    console.link("Approve or reject it in Airflow").click()
    question = RequiredActionPage(page, CUSTOMERS, run_id)
    question.is_open()
    assert question.summary()["updates"] == ["0", str(_MANY)]
    screenshot(page, "airflow-required-action")
    question.answer(
        "Reject", "Feil i importen", heard=lambda: site.api.task_states(CUSTOMERS, run_id)["review"] == "success"
    )

    # nothing was written, and the run says who and why
    assert site.api.wait(CUSTOMERS, run_id) == "success"
    assert site.writes() == written
    assert site.api.result(CUSTOMERS, run_id, "settle")["state"] == "rejected"
    page.goto(f"/dags/{CUSTOMERS}/runs/{quote(run_id)}")
    expect(page.get_by_text("rejected by olga (Feil i importen)").first).to_be_visible()
    screenshot(page, "airflow-rejected-run")
    console.open(page="Runs")
    console.link(run_id).click()
    expect(console.frame.get_by_role("main")).to_contain_text("rejected (olga: Feil i importen)")
