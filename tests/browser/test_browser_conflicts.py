"""The page *Conflicts*: what both sides say, what was decided, and a person's last word."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from playwright.sync_api import expect
from tests.browser.console_pages import Console
from tests.browser.site import Site

_TABLE = "Conflicts, newest first"


@dataclass(frozen=True)
class Clash:
    """A customer whose field both sides have changed, to `here` in PowerOffice Go and to `there` in Shopify."""

    id: str
    shop_id: str
    here: str
    there: str


@pytest.fixture(scope="module")
def clashes(site: Site) -> dict[str, list[Clash]]:
    """Of last names, which wait for a person, and of first names, which the rule has decided."""
    found: dict[str, list[Clash]] = {"LastName": [], "FirstName": []}
    for number, (one, other) in enumerate(site.twins(6)):
        field, shop_field = ("LastName", "lastName") if number < 2 else ("FirstName", "firstName")
        clash = Clash(str(one["Id"]), other["legacyResourceId"], f"Her{number}", f"Der{number}")
        site.simulators.powerofficego.edit("customers", clash.id, set={field: clash.here})
        site.simulators.shopify.edit("customers", clash.shop_id, set={shop_field: clash.there})
        found[field].append(clash)
    site.run()
    return found


def test_an_open_conflict_shows_both_values_and_waits_for_a_persons_choice(
    site: Site, console: Console, clashes: dict[str, list[Clash]], screenshot
) -> None:
    first, second = clashes["LastName"]
    console.open(page="Conflicts")
    row = console.rows(_TABLE).filter(has_text=first.id)
    for text in (first.here, first.there, "LastName", "a person decides"):
        expect(row).to_contain_text(text)
    screenshot(console.page, "console-conflicts-open")
    stands = console.button("Let Shopify stand")
    expect(stands).to_be_disabled()
    console.chosen(_TABLE, first.id)
    stands.click()
    expect(console.told()).to_contain_text("Taken, and written by the next run")
    expect(row).to_have_count(0)
    console.chosen(_TABLE, second.id)
    console.button("Let PowerOffice Go stand").click()
    expect(console.told()).to_contain_text("Taken, and written by the next run")

    site.run()
    assert _last_names(site, first) == {first.there}
    assert _last_names(site, second) == {second.here}
    assert site.actions(f"powerofficego:{first.id}") == [("take", "olga")]


def test_the_value_that_lost_is_taken_after_all(
    site: Site, console: Console, clashes: dict[str, list[Clash]], screenshot
) -> None:
    clash = clashes["FirstName"][0]
    (won,) = _first_names(site, clash)
    console.open(page="Conflicts")
    console.tab("Decided")
    row = console.rows(_TABLE).filter(has_text=clash.id)
    expect(row).to_contain_text("won")
    screenshot(console.page, "console-conflicts-decided")
    console.chosen(_TABLE, clash.id)
    console.button("Take the other").click()
    console.confirm("Take the other")
    expect(console.told()).to_contain_text("Taken")
    site.run()
    site.run()  # the second carries on what the first has put back
    assert _first_names(site, clash) == {clash.here, clash.there} - {won}


def test_many_decisions_are_kept_at_once_and_leave_the_list_of_what_to_look_at(
    site: Site, console: Console, clashes: dict[str, list[Clash]]
) -> None:
    kept = clashes["FirstName"][1:]
    written = site.writes()
    console.open(page="Conflicts")
    console.tab("Decided")
    console.chosen(_TABLE, *(clash.id for clash in kept))
    console.button("Keep").click()
    expect(console.told()).to_contain_text(f"Kept as decided: {len(kept)}")
    for clash in kept:
        expect(console.rows(_TABLE).filter(has_text=clash.id)).to_have_count(0)
    console.tab("Looked at")
    for clash in kept:
        expect(console.rows(_TABLE).filter(has_text=clash.id)).to_contain_text("olga")
    assert site.writes() == written


def _last_names(site: Site, clash: Clash) -> set[str]:
    return {site.customer(clash.id)["LastName"], site.shop_customer(clash.shop_id)["lastName"]}


def _first_names(site: Site, clash: Clash) -> set[str]:
    return {site.customer(clash.id)["FirstName"], site.shop_customer(clash.shop_id)["firstName"]}
