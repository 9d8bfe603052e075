"""The page *Quarantine*: what a system refused, why, and what a person does about it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from tests.browser.console_pages import Console
from tests.browser.site import Site

_TABLE = "What is held back"


@pytest.fixture(scope="module")
def refused(site: Site) -> list[str]:
    """Customers of the shop that PowerOffice Go has refused: they were said to lack something."""
    return site.quarantined(3, "A value is required.")


def test_one_record_is_retried_one_skipped_and_one_kept_out(
    site: Site, console: Console, refused: list[str], screenshot
) -> None:
    retried, skipped, excluded = refused
    console.open(page="Quarantine")
    row = console.rows(_TABLE).filter(has_text=retried)
    expect(row).to_contain_text("missing")
    expect(row).to_contain_text("PowerOffice Go")
    screenshot(console.page, "console-quarantine")

    console.chosen(_TABLE, retried)
    console.button("Retry").click()
    expect(console.told()).to_contain_text("Tried again by the next run")
    console.chosen(_TABLE, skipped)
    console.button("Skip").click()
    expect(console.told()).to_contain_text("Skipped until somebody edits")
    expect(console.rows(_TABLE).filter(has_text=skipped)).to_contain_text("skipped until it changes")
    console.chosen(_TABLE, excluded)
    console.button("Exclude").click()
    console.confirm("Exclude")
    expect(console.told()).to_contain_text("Kept out of the sync")

    site.run()
    assert site.has_twin(retried)
    assert not site.has_twin(skipped)
    assert not site.has_twin(excluded)
    assert [site.actions(f"shopify:{one}") for one in refused] == [
        [("retry", "olga")], [("skip", "olga")], [("exclude", "olga")],
    ]  # fmt: skip


def test_all_that_was_refused_for_one_reason_is_retried_at_once(site: Site, console: Console) -> None:
    new = site.quarantined(4, "A value is too long.")
    console.open(page="Quarantine")
    console.frame.get_by_role("navigation", name="By reason").get_by_role("link", name=re.compile("too long")).click()
    expect(console.rows(_TABLE)).to_have_count(len(new))
    console.button("Retry all").click()
    console.confirm("Retry all")
    expect(console.told()).to_contain_text(f"Tried again by the next run: {len(new)}")
    site.run()
    assert all(site.has_twin(one) for one in new)


def test_all_that_was_refused_for_one_reason_is_skipped_or_kept_out_at_once(site: Site, console: Console) -> None:
    new = site.quarantined(3, "A value is too long.")
    console.open(page="Quarantine")
    console.frame.get_by_role("navigation", name="By reason").get_by_role("link", name=re.compile("too long")).click()
    rows = console.rows(_TABLE)
    skipped = "Skipped until somebody edits one of the two records"
    for action, told in (("Skip all", skipped), ("Exclude all", "Kept out of the sync")):
        expect(rows).to_have_count(len(new))
        console.button(action).click()
        console.confirm(action)
        expect(console.told()).to_contain_text(f"{told}: {len(new)}")
        if action == "Skip all":
            expect(rows.filter(has_text="skipped until it changes")).to_have_count(len(new))
    expect(rows).to_have_count(0)
    site.run()
    assert not any(site.has_twin(one) for one in new)
    assert {tuple(site.actions(f"shopify:{one}")) for one in new} == {(("exclude", "olga"), ("skip", "olga"))}


def test_each_attempt_of_a_record_is_kept_with_its_reason(site: Site, console: Console, screenshot) -> None:
    (shop_id,) = site.quarantined(1, "The record was not found.")
    console.open(page="Quarantine")
    console.rows(_TABLE).filter(has_text=shop_id).get_by_role("link", name="1", exact=True).click()
    expect(console.heading("Attempts towards PowerOffice Go")).to_be_visible()
    expect(console.rows("Refused attempts, newest first")).to_contain_text(["not found"])
    screenshot(console.page, "console-attempts")


def test_held_fields_are_listed_with_reason_and_remedy(console: Console, screenshot) -> None:
    console.open(page="Quarantine")
    console.tab("Held fields")
    row = console.rows(_TABLE).filter(has_text="phone unparsable").first
    expect(row).to_contain_text("PhoneNumber")
    expect(row).to_contain_text("Shopify")
    screenshot(console.page, "console-held")
