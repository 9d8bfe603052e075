"""The page *Record*: find anybody, see why they are as they are, and put it right."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from tests.browser.console_pages import Console
from tests.browser.site import CUSTOMERS, Site

from samklang.demo.processes import wait_until


def test_a_customer_is_found_by_either_id_or_by_e_mail(site: Site, console: Console) -> None:
    ((one, other),) = site.twins()
    record = f"powerofficego:{one['Id']}"
    console.open(page="Record")
    for text in (record, f"shopify:{other['legacyResourceId']}", other["id"], str(one["Id"]), one["EmailAddress"]):
        console.search("nobody@example.com")
        expect(console.told()).to_contain_text("No record of customers")
        console.search(text)
        expect(console.pair(record)).to_contain_text(f"PowerOffice Go {one['Id']}")
        expect(console.field(record, "EmailAddress")).to_contain_text(one["EmailAddress"])


def test_a_product_is_found_by_its_code(site: Site, console: Console) -> None:
    ((one, _),) = site.twins(entity="products")
    console.open("Products", "Record")
    console.search(one["Code"])
    expect(console.field(f"powerofficego:{one['Id']}", "Code")).to_contain_text(one["Code"])


def test_what_somebody_searches_for_stays_out_of_the_address(site: Site, console: Console) -> None:
    ((one, _),) = site.twins()
    console.open(page="Record")
    with console.page.expect_request(lambda request: request.url.endswith("/customers/record")) as asked:
        console.search(one["EmailAddress"])
    assert asked.value.method == "POST"
    expect(console.pair(f"powerofficego:{one['Id']}")).to_be_visible()
    assert all("@" not in frame.url and "%40" not in frame.url for frame in console.page.frames)


def test_a_frozen_field_stays_behind_until_it_is_let_go(site: Site, console: Console) -> None:
    ((one, other),) = site.twins()
    record, shop_id = f"powerofficego:{one['Id']}", other["legacyResourceId"]
    console.open(page="Record").search(record)
    console.button("Freeze", console.field(record, "FirstName")).click()
    expect(console.told()).to_have_text(f"Frozen: {record} FirstName.")
    site.simulators.powerofficego.edit("customers", one["Id"], set={"FirstName": "Åslaug", "LastName": "Nyland"})
    site.run()
    assert site.shop_customer(shop_id)["firstName"] == other["firstName"]
    assert site.shop_customer(shop_id)["lastName"] == "Nyland"

    console.search(record)
    expect(console.field(record, "FirstName")).to_contain_text("held")
    console.button("Unfreeze", console.field(record, "FirstName")).click()
    expect(console.told()).to_have_text(f"Let go: {record} FirstName.")
    site.run()
    assert site.shop_customer(shop_id)["firstName"] == "Åslaug"
    assert site.actions(record) == [("unfreeze", "olga"), ("freeze", "olga")]


def test_two_records_are_taken_apart_only_after_a_question(site: Site, console: Console) -> None:
    ((one, other),) = site.twins()
    record = f"powerofficego:{one['Id']}"
    console.open(page="Record").search(record)
    console.button("Unlink").click()
    console.confirm("Cancel")
    assert site.actions(record) == []

    console.button("Unlink").click()
    console.confirm("Unlink")
    expect(console.told()).to_contain_text("Taken apart")
    assert site.actions(record) == [("unlink", "olga")]
    expect(console.pair(record)).to_contain_text("excluded")
    expect(console.button("Unlink")).to_have_count(0)

    site.simulators.powerofficego.edit("customers", one["Id"], set={"FirstName": "Alene"})
    site.run()
    assert site.shop_customer(other["legacyResourceId"])["firstName"] == other["firstName"]


def test_sync_now_starts_a_run_in_ones_own_name_that_carries_the_edit_over(site: Site, console: Console) -> None:
    ((one, other),) = site.twins()
    record = f"powerofficego:{one['Id']}"
    site.simulators.shopify.edit("customers", other["legacyResourceId"], set={"firstName": "Straks"})
    before = {run["dag_run_id"] for run in site.api.runs(CUSTOMERS)}
    console.open(page="Record").search(record)
    console.button("Sync now").click()
    expect(console.told()).to_contain_text("has been started")
    started = [run for run in site.api.runs(CUSTOMERS) if run["dag_run_id"] not in before]
    assert [run["triggering_user_name"] for run in started] == ["olga"]
    assert site.api.wait(CUSTOMERS, started[0]["dag_run_id"]) == "success"
    wait_until(lambda: site.customer(one["Id"])["FirstName"] == "Straks", "the edit", seconds=5)


def test_what_the_last_run_wrote_to_a_pair_is_undone_and_held_until_let_go(site: Site, console: Console) -> None:
    ((one, other),) = site.twins()
    record, shop_id = f"powerofficego:{one['Id']}", other["legacyResourceId"]
    site.simulators.powerofficego.edit("customers", one["Id"], set={"FirstName": "Feiltastet"})
    site.run()
    assert site.shop_customer(shop_id)["firstName"] == "Feiltastet"

    console.open(page="Record").search(record)
    run = max(site.api.runs(CUSTOMERS), key=lambda one: str(one["run_after"]))["dag_run_id"]
    console.link(re.compile("^Undo what")).click()
    expect(console.heading(f"Undo of {run} for {record}")).to_be_visible()
    console.button("Undo this run").click()
    console.confirm("Undo this run")
    expect(console.told()).to_contain_text("The next run puts back")
    site.run()
    assert site.shop_customer(shop_id)["firstName"] == other["firstName"]
    assert site.customer(one["Id"])["FirstName"] == "Feiltastet"

    console.search(record)
    expect(console.field(record, "FirstName")).to_contain_text("undone")
    console.button("Let go", console.field(record, "FirstName")).click()
    expect(console.told()).to_contain_text("Let go")
    site.run()
    assert site.shop_customer(shop_id)["firstName"] == "Feiltastet"


def test_an_id_that_nobody_has_is_answered_in_words(console: Console) -> None:
    console.open("Products", "Record").search("powerofficego:1")
    expect(console.told()).to_contain_text("A new one is known after the next run.")
