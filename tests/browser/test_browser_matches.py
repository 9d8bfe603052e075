"""The page *Matches*: who is whose twin, who cannot be told apart, who has nobody; and a person's word on it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect
from tests.browser.console_pages import Console
from tests.browser.site import PRODUCTS, Site

_AMBIGUOUS = "tvilling@post.example"


@dataclass(frozen=True)
class Strangers:
    """New people, before any run but a dry one. :param twice: two ids of PowerOffice Go with the e-mail of `once`."""

    twice: tuple[str, str]
    once: str
    alike: tuple[str, str]


@pytest.fixture(scope="module")
def strangers(site: Site) -> Strangers:
    go, shop = site.simulators.powerofficego, site.simulators.shopify
    new = {"IsPerson": True, "FirstName": "Tora", "LastName": "Tvilling", "EmailAddress": _AMBIGUOUS}
    twice = [str(go.edit("customers", create={**new, "FirstName": name})["Id"]) for name in ("Tora", "Tore")]
    once = shop.edit("customers", create={"firstName": "Tora", "lastName": "T.", "email": _AMBIGUOUS})
    alike = go.edit("customers", create={**new, "FirstName": "Lik", "EmailAddress": "lik@post.example"})
    other = shop.edit("customers", create={"firstName": "Lik", "lastName": "Tvilling", "email": "lik@post.example"})
    site.run(dry_run=True)
    return Strangers((twice[0], twice[1]), once["legacyResourceId"], (str(alike["Id"]), other["legacyResourceId"]))


def test_before_anything_is_written_proposed_twins_are_seen_and_kept_apart_and_ambiguous_ones_are_linked(
    site: Site, console: Console, strangers: Strangers, screenshot
) -> None:
    """One story, since the first run after it ends what was proposed."""
    console.open(page="Matches")
    planned = console.frame.get_by_role("navigation", name="What the plan would do")
    planned.get_by_role("link", name="To link").click()
    console.find_in_list(strangers.alike[0])
    expect(console.rows("To link")).to_have_count(1)
    expect(console.rows("To link")).to_contain_text(strangers.alike[1])
    screenshot(console.page, "console-matches-proposed")
    console.chosen("To link", strangers.alike[0])
    console.button("Exclude").click()
    console.confirm("Exclude")
    expect(console.told()).to_contain_text("Left alone from now on")

    planned.get_by_role("link", name="Ambiguous").click()
    card = console.frame.get_by_role("form").filter(has=console.frame.get_by_text(strangers.once))
    for text in ("Tora", "Tore", "Tvilling", "T."):
        expect(card).to_contain_text(text)
    screenshot(console.page, "console-matches-ambiguous")
    link = console.button("Link", card)
    expect(link).to_be_disabled()
    for side, record in (("PowerOffice Go", strangers.twice[1]), ("Shopify", strangers.once)):
        card.get_by_role("checkbox", name=f"Choose {side} {record}").check()
    link.click()
    expect(console.told()).to_contain_text("Linked")

    before = site.writes()
    site.run()
    assert site.writes() > before
    shop = site.shop_customer(strangers.once)
    assert {shop["firstName"], site.customer(strangers.twice[1])["FirstName"]} in ({"Tore"}, {"Tora"})
    site.simulators.powerofficego.edit("customers", strangers.alike[0], set={"FirstName": "Ulik"})
    site.run()
    assert site.shop_customer(strangers.alike[1])["firstName"] == "Lik"


def test_many_links_are_taken_apart_at_once_and_judged_anew_later(site: Site, console: Console) -> None:
    console.open("Products", "Matches")
    console.tab("Linked")
    ids = [_id_of(row) for row in console.rows("Linked").all()[-2:]]
    console.chosen("Linked", *ids)
    console.button("Unlink").click()
    console.confirm("Unlink")
    expect(console.told()).to_contain_text("Taken apart: 2")
    linked = site.status("products")["linked"]
    console.tab("Kept apart")
    for record in ids:
        expect(console.rows("Kept apart").filter(has_text=record)).to_have_count(1)

    console.chosen("Kept apart", *ids)
    console.button("Include").click()
    console.confirm("Include")
    expect(console.told()).to_contain_text("Let in again: 2")
    site.run(PRODUCTS)
    assert site.status("products")["linked"] == linked + 2


def test_a_list_is_taken_out_as_csv_edited_looked_at_and_read_back_in(
    site: Site, console: Console, tmp_path: Path, screenshot
) -> None:
    ((one, _), (two, _)) = site.twins(2)
    console.open(page="Matches")
    console.tab("Linked")
    with console.page.expect_download() as download:
        console.link("Download this list (CSV)").click()
    with Path(download.value.path()).open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    decisions = {f"powerofficego:{one['Id']}": "unlink", f"powerofficego:{two['Id']}": "exclude"}
    for row in rows:
        row["decision"] = decisions.get(row["powerofficego"], "")
    edited = tmp_path / "edited.csv"
    with edited.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)

    console.link("Read a file in").click()
    console.frame.get_by_label("CSV file").set_input_files(edited)
    console.button("Look at it").click()
    expect(console.frame.get_by_role("heading", name="Would be carried out 2")).to_be_visible()
    screenshot(console.page, "console-matches-file")
    assert [site.actions(record) for record in decisions] == [[], []]
    console.button("Carry out 2 lines").click()
    expect(console.frame.get_by_role("heading", name="Carried out 2", exact=True)).to_be_visible()
    assert [site.actions(record) for record in decisions] == [[("import", "olga")], [("import", "olga")]]


def test_two_records_are_linked_whatever_their_keys_say_but_nobody_loses_a_twin_unasked(
    site: Site, console: Console
) -> None:
    ((one, _), (_, other)) = site.twins(2)
    ends = f"powerofficego:{one['Id']}", f"shopify:{other['legacyResourceId']}"
    console.open(page="Matches")
    console.frame.get_by_text("Link two records, whatever their keys say").click()
    console.link_two(*ends)
    expect(console.told()).to_contain_text("would lose that twin")
    assert site.actions(ends[0]) == []

    console.frame.get_by_text("Link two records, whatever their keys say").click()
    console.link_two(*ends, anyway=True)
    expect(console.told()).to_contain_text("Linked")
    assert site.actions(ends[0]) == [("link", "olga")]
    console.go("Record")
    console.search(ends[0])
    expect(console.pair(ends[0])).to_contain_text(other["legacyResourceId"])


def test_who_has_no_twin_is_listed_with_the_reason(site: Site, console: Console, screenshot) -> None:
    console.open(page="Matches")
    console.tab("Excluded")
    expect(console.rows("Excluded").filter(has_text="lacks").first).to_be_visible()
    console.tab("Only in Shopify")
    expect(console.rows("Only in Shopify").first).to_be_visible()
    screenshot(console.page, "console-matches-only-there")


def _id_of(row: Locator) -> str:
    """Of the record that a row is about."""
    value = row.get_by_role("checkbox").get_attribute("value") or ""
    return value.rpartition(":")[2]
