"""An address goes whole or waits whole: half a move is an address that nobody has."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.sync.test_decisions import BOTH_WAYS
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, World, customers

from samklang.store.schema import holds

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
OLD = {"line1": "Storgata 1", "city": "Oslo", "zip": "0155", "country": "NO"}
NEW = {"line1": "Kirkegata 5", "city": "Bergen", "zip": "5003"}
NewWorld = Callable[..., World]
COUNTRY, CITY, LINE1 = "MailAddress.CountryCode", "MailAddress.City", "MailAddress.AddressLine1"


@pytest.fixture
def both(new_world: NewWorld) -> World:
    return new_world(customers(NO_LIMITS, BOTH_WAYS))


def held(world: World, side: str = RIGHT) -> dict[str, str]:
    return {row["field"]: row["reason"] for row in world.rows(holds) if row["side"] == side}


def address(world: World, record_id: str, side: str = RIGHT) -> dict[str, str]:
    system = world.right if side == RIGHT else world.left
    return {name: value for name, value in system.show(record_id).items() if name in (*OLD, "line2")}


def test_a_move_to_a_country_that_the_shop_lacks_waits_whole(both: World) -> None:
    a, b = both.pair(**KARI, **OLD)
    both.left.edit(a, line1="Rruga B 5", city="Prishtina", zip="10000", country="XK", phone="+4722334455")

    both.run()

    assert address(both, b) == OLD
    assert both.right.value(b, "phone") == "+4722334455"  # what is no part of the address goes
    waits = f"waits_for_{COUNTRY}"
    assert held(both) == {COUNTRY: "country_unknown", LINE1: waits, CITY: waits, "MailAddress.ZipCode": waits}

    both.left.edit(a, country="SE")
    both.run()

    assert address(both, b) == {"line1": "Rruga B 5", "city": "Prishtina", "zip": "10000", "country": "SE"}
    assert held(both) == {}


def test_a_line_that_the_shop_refuses_when_it_is_written_holds_the_whole_move(both: World) -> None:
    a, b = both.pair(**KARI, **OLD)
    both.right.refuses.add("Kirkegata 5")
    both.left.edit(a, **NEW, phone="+4722334455")

    both.run()

    assert address(both, b) == OLD
    assert both.right.value(b, "phone") == "+4722334455"
    expected = {LINE1: "invalid", CITY: f"waits_for_{LINE1}", "MailAddress.ZipCode": f"waits_for_{LINE1}"}
    assert held(both) == expected
    both.run()  # the next plan says the same
    assert (address(both, b), held(both)) == (OLD, expected)

    both.right.refuses.clear()
    both.left.edit(a, line1="Kirkegata 6")
    both.run()

    assert address(both, b) == OLD | NEW | {"line1": "Kirkegata 6"}
    assert held(both) == {}


def test_a_system_that_writes_the_rest_of_a_record_leaves_the_whole_address(both: World) -> None:
    a, b = both.pair(**KARI, **OLD)
    both.right.refuses.add("Kirkegata 5")
    both.right.writes_the_rest = True
    both.left.edit(a, **NEW, phone="+4722334455")

    both.run()

    assert address(both, b) == OLD
    assert both.right.value(b, "phone") == "+4722334455"
    assert held(both)[CITY] == f"waits_for_{LINE1}"


@pytest.mark.parametrize("problem", ["planned", "refused"])
def test_a_new_customer_gets_no_half_address(both: World, problem: str) -> None:
    if problem == "planned":
        a = both.left.add(**KARI, **OLD | {"country": "XK"})
    else:
        both.right.refuses.add("Storgata 1")
        a = both.left.add(**KARI, **OLD)
    for _ in range(2):
        both.run()
    (b,) = both.right.records

    assert both.right.show(b) == KARI
    culprit = COUNTRY if problem == "planned" else LINE1
    assert held(both)[CITY] == f"waits_for_{culprit}"

    both.left.edit(a, line1="Storgata 2", country="NO")
    both.run()
    assert address(both, b) == OLD | {"line1": "Storgata 2"}


def test_edits_that_can_be_written_still_go_field_by_field(both: World) -> None:
    a, b = both.pair(**KARI, **OLD)
    both.left.edit(a, line1="Kirkegata 5")
    both.right.edit(b, city="Bergen")

    both.run()

    assert address(both, a, LEFT) == address(both, b) == OLD | {"line1": "Kirkegata 5", "city": "Bergen"}


def test_one_line_that_a_person_wants_to_be_asked_about_is_not_overruled_by_another(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, zip="policy: ask"))
    a, b = world.pair(**KARI, **OLD)
    world.left.edit(a, line1="Kirkegata 5", zip="0156")
    world.right.edit(b, line1="Kirkegata 7", zip="0157")

    world.run()

    assert address(world, a, LEFT) == OLD | {"line1": "Kirkegata 5", "zip": "0156"}
    assert address(world, b) == OLD | {"line1": "Kirkegata 7", "zip": "0157"}
    assert world.status()["conflicts"] == 2


def test_a_line_to_be_asked_about_that_only_one_side_changed_is_not_taken_back_unasked(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, zip="policy: ask"))
    a, b = world.pair(**KARI, **OLD)
    world.left.edit(a, line1="Kirkegata 5", zip="0156")
    world.right.edit(b, line1="Kirkegata 7")

    world.run()

    assert address(world, a, LEFT)["zip"] == "0156"
    assert address(world, b) == OLD | {"line1": "Kirkegata 7"}


# --- a country alone, towards a system that takes no address without city and postal code -----------------------------


def test_a_country_alone_is_no_address_that_waits(both: World) -> None:
    b = both.right.add(**KARI, country="SE")
    a = both.left.add(**KARI)
    for _ in range(2):
        both.run()

    assert held(both, LEFT) == {}
    assert both.left.value(a, "country") is None
    assert both.status()["in_sync"] == 1

    both.right.edit(b, city="Lund", zip="22100")
    both.run()

    assert address(both, a, LEFT) == {"city": "Lund", "zip": "22100", "country": "SE"}


def test_a_customer_with_nothing_but_a_country_is_made_without_an_address(both: World) -> None:
    b = both.right.add(**KARI, country="SE")
    for _ in range(2):
        both.run()
    (a,) = both.left.records

    assert held(both, LEFT) == {}
    assert address(both, a, LEFT) == {}
    assert both.status()["in_sync"] == 1

    both.right.edit(b, country="DK")
    both.run()
    assert (held(both, LEFT), both.status()["in_sync"]) == ({}, 1)

    both.right.edit(b, line1="Bredgade 1", city="Aarhus", zip="8000")
    both.run()
    assert address(both, a, LEFT) == {"line1": "Bredgade 1", "city": "Aarhus", "zip": "8000", "country": "DK"}


# --- a default address that is gone, while others stand in the book ---------------------------------------------------


def test_an_address_that_the_shop_does_not_show_empty_by_id_is_not_emptied(both: World) -> None:
    a, b = both.pair(**KARI, **OLD)
    both.right.edit(b, **dict.fromkeys(OLD))
    both.right.unsure = {both.right.names[name] for name in OLD}
    for _ in range(3):
        both.run(mode="changes")

    assert address(both, a, LEFT) == OLD
    assert both.writes() == 0

    both.right.unsure = set()
    both.right.edit(b, **NEW)
    both.run()
    assert address(both, a, LEFT) == NEW
