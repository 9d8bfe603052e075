"""The page *Runs*: what each run did, and its undo."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from playwright.sync_api import Page, expect
from tests.browser.console_pages import Console
from tests.browser.site import CUSTOMERS, Site

_MANY = 12


def test_a_mass_edit_that_went_through_is_undone_but_for_what_has_changed_since(
    site: Site, console: Console, screenshot
) -> None:
    pairs = site.twins(_MANY)
    shop_ids = [other["legacyResourceId"] for _, other in pairs]
    for one, _ in pairs:
        site.simulators.powerofficego.edit("customers", one["Id"], set={"MailAddress.AddressLine2": "c/o Feil"})
    run_id = site.run()
    assert {_line_2(site, shop_id) for shop_id in shop_ids} == {"c/o Feil"}
    kept = shop_ids[0]
    site.simulators.shopify.edit("customers", kept, set={"addresses.address2": "c/o Rettet"})
    site.run()  # which sees that

    console.open(page="Runs")
    console.link(run_id).click()
    expect(console.heading(run_id)).to_be_visible()
    screenshot(console.page, "console-run")
    console.link("Look at what an undo would do").click()
    put_back = console.rows("Put back")
    expect(put_back).to_have_count(_MANY - 1)
    expect(put_back.first).to_contain_text("c/o Feil")
    left = console.rows("Left alone")
    expect(left).to_have_count(1)
    expect(left).to_contain_text("changed since")
    screenshot(console.page, "console-undo-preview")
    written = site.writes()
    console.button("Undo this run").click()
    console.confirm("Undo this run")
    expect(console.told()).to_contain_text(f"The next run puts back, or keeps apart: {_MANY - 1}")
    assert site.writes() == written  # it is the next run that writes

    site.run()
    assert [_line_2(site, shop_id) for shop_id in shop_ids[1:]] == [_before(other) for _, other in pairs[1:]]
    assert _line_2(site, kept) == "c/o Rettet"
    assert {site.customer(one["Id"])["MailAddress"]["AddressLine2"] for one, _ in pairs[1:]} == {"c/o Feil"}
    written = site.writes()
    site.run()  # does not do it all over
    assert site.writes() == written

    console.go("Runs")
    what_people_did = console.rows("Actions, newest first")
    expect(what_people_did.first).to_contain_text("olga")
    expect(what_people_did.first).to_contain_text("undo")


def test_an_undo_lists_what_the_run_made_as_csv_and_would_delete_nothing(site: Site, console: Console) -> None:
    first = site.first_runs[CUSTOMERS]
    console.open(page="Runs")
    console.link(first).click()
    console.link("Look at what an undo would do").click()
    main = console.frame.get_by_role("main")
    expect(main).to_contain_text("Nothing is deleted.")
    with console.page.expect_download() as download:
        console.link("Download the list (CSV)").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    assert list(rows[0]) == ["powerofficego_id", "shopify_id", "origin"]
    assert {row["origin"] for row in rows} == {"created", "matched"}


def test_each_page_is_loaded_once_whatever_its_address(site: Site, console: Console) -> None:
    console.open(page="Runs")
    asked: list[str] = []
    console.page.on("request", lambda request: asked.append(request.url) if request.is_navigation_request() else None)
    console.link(site.first_runs[CUSTOMERS]).click()
    console.link("Look at what an undo would do").click()
    expect(console.heading(re.compile("^Undo of"))).to_be_visible()
    console.go("Matches")
    console.link("Next page").click()
    expect(console.link("First page")).to_be_visible()
    console.page.wait_for_timeout(1_000)  # the frame follows its page's address by and by
    assert len(asked) == 4


def test_a_run_leads_to_airflow_and_to_its_plan(site: Site, console: Console) -> None:
    first = site.first_runs[CUSTOMERS]
    console.open(page="Runs")
    console.link(first).click()
    plan = site.first_plan()
    console.link(f"Plan {plan}").click()
    expect(console.heading(f"Plan {plan}")).to_be_visible()
    console.link(first).click()
    console.link("Open it in Airflow").click()
    expect(console.page.get_by_role("link", name="Write to Shopify").first).to_be_visible()
    assert "/plugin/" not in console.page.url


def test_a_run_that_has_just_begun_is_listed(site: Site, page: Page) -> None:
    run_id = site.api.trigger(CUSTOMERS, dry_run=True)
    site.api.wait_for_task(CUSTOMERS, run_id, "extract_shopify", "success")
    console = Console(page).open(page="Runs")
    expect(console.link(run_id)).to_be_visible()
    assert site.api.wait(CUSTOMERS, run_id) == "success"


def _line_2(site: Site, shop_id: str) -> str | None:
    return _before(site.shop_customer(shop_id))


def _before(customer: dict) -> str | None:
    default = customer["defaultAddress"]["id"]
    return next(a["address2"] for a in customer["addresses"] if a["id"] == default)
