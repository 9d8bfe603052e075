"""The page *Plans*: what each run would write, or wrote, field by field, and what came back."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.browser.console_pages import Console
from tests.browser.site import Site

_WRITES = "Writes, record by record and field by field"


def test_a_plan_is_filtered_by_side_write_field_and_record(site: Site, console: Console, screenshot) -> None:
    ((one, other), (two, _), (three, _)) = site.twins(3)
    go = site.simulators.powerofficego
    go.edit("customers", one["Id"], set={"FirstName": "Filtrert", "PhoneNumber": "90 00 00 91"})
    go.edit("customers", two["Id"], set={"FirstName": "Siktet"})
    go.edit("customers", three["Id"], set={"LastName": "Utelatt"})
    site.run(dry_run=True)
    console.open(page="Plans")
    console.rows("Plans, newest first").first.get_by_role("rowheader").get_by_role("link").click()
    rows = console.rows(_WRITES)
    expect(rows).to_have_count(4)

    console.filter(field="FirstName")
    expect(rows).to_have_count(3)  # one record has two lines
    expect(rows.filter(has_text="Utelatt")).to_have_count(0)
    console.filter(record=str(two["Id"]))
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Siktet")
    console.filter(side="PowerOffice Go")
    expect(console.frame.get_by_text("No row fits these filters.")).to_be_visible()
    console.link("Clear filters").click()
    expect(rows).to_have_count(4)
    line = rows.filter(has=console.frame.get_by_role("cell", name="Filtrert", exact=True))
    expect(line).to_contain_text(one["FirstName"])  # what it was
    expect(line).to_contain_text("edit")
    screenshot(console.page, "console-plan")

    site.run()  # leaves nothing behind
    assert site.shop_customer(other["legacyResourceId"])["firstName"] == "Filtrert"


def test_after_a_run_its_plan_says_what_was_applied_and_what_came_back(site: Site, console: Console) -> None:
    console.open(page="Plans")
    console.open_plan(site.first_plan())
    console.filter(outcome="refused")
    refused = console.rows(_WRITES)
    expect(refused.first).to_contain_text("invalid")
    console.filter(outcome="created")
    expect(refused.first).to_contain_text("create")


def test_what_a_plan_does_not_write_is_listed_with_reasons(site: Site, console: Console) -> None:
    console.open(page="Plans")
    console.open_plan(site.first_plan())
    parts = console.frame.get_by_role("navigation", name="Parts of the plan")
    for part, table, reason in (
        ("links", "Records that become twins", "EmailAddress"),
        ("held", "Values that the other side cannot take", "phone unparsable"),
        ("excluded", "Records that are left alone", "lacks"),
        ("conflicts", "Fields that both sides changed", "a person decides"),
    ):
        parts.get_by_role("link", name=part).click()
        expect(console.rows(table).filter(has_text=reason).first).to_be_visible()
    parts.get_by_role("link", name="ambiguous").click()
    expect(console.frame.get_by_role("heading", level=3, name="Shopify").first).to_be_visible()
