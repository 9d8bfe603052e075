"""What the soak calls a violation."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from samklang.simulators.powerofficego import PowerOfficeGoSimulator
from samklang.simulators.shopify import ShopifySimulator
from soak import edits, judge

PERSON = {"FirstName": "Kari", "LastName": "Lie", "EmailAddress": "kari@post.example", "IsPerson": True}


@pytest.fixture
def go() -> PowerOfficeGoSimulator:
    return PowerOfficeGoSimulator()


@pytest.fixture
def shop() -> ShopifySimulator:
    return ShopifySimulator()


def customer(shop: ShopifySimulator, go_id: int, name: str, email: str) -> str:
    """A customer as a sync would have made it, with our key."""
    made = shop.edit({"entity": "customers", "create": {"firstName": name, "lastName": "Lie", "email": email}})
    found: Any = shop.store.find(made["id"])
    found.fields["samklang", "powerofficego_id"] = SimpleNamespace(value=f"client-{go_id}")
    return str(made["legacyResourceId"])


def typed(origin: str, twin: str, name: str) -> list[edits.Demand]:
    """A person typed a first name in PowerOffice Go."""
    field = next(f for f in edits.FIELDS["customers"] if f.name == "first name")
    edit = edits.Edit(
        0, "customers", "powerofficego", {"FirstName": name}, [field], ["powerofficego", origin], twin, made=True
    )
    return edits.demands([edit])


def test_a_value_that_people_typed_has_to_stand_on_both_sides(
    go: PowerOfficeGoSimulator, shop: ShopifySimulator
) -> None:
    number = go.edit({"entity": "customers", "create": PERSON})["Id"]
    twin = customer(shop, number, "Kari", "kari@post.example")

    assert list(judge.lost(typed(str(number), "", "Kari"), go.state(), shop.state())) == []
    assert list(judge.lost(typed(str(number), twin, "Karin"), go.state(), shop.state())) == [
        f"lost in {side}: first name of customers {number} / {twin}, typed in powerofficego"
        for side in ("powerofficego", "shopify")
    ]


def test_of_two_values_typed_in_the_same_field_either_may_stand() -> None:
    field = edits.FIELDS["customers"][2]
    both = [
        edits.Edit(
            0, "customers", "powerofficego", {"LastName": "Berg"}, [field], ["powerofficego", "1"], "2", made=True
        ),
        edits.Edit(1, "customers", "shopify", {"lastName": "Dahl"}, [field], ["shopify", "2"], "1", made=True),
        edits.Edit(2, "customers", "shopify", {"lastName": "Holm"}, [field], ["shopify", "2"], "1", made=True),
    ]

    (demand,) = edits.demands(both)

    assert demand.accepted == ["Berg", "Holm"]


def test_a_record_that_was_made_twice_for_one_origin_is_seen(
    go: PowerOfficeGoSimulator, shop: ShopifySimulator
) -> None:
    ids = [customer(shop, 7, "Kari", email) for email in ("kari@post.example", "kari.lie@post.example")]
    writes = [{"action": "create", "entity": "customers", "id": i} for i in ids]
    place = cast("Any", SimpleNamespace(writes=lambda: {"powerofficego": [], "shopify": writes}))

    assert list(judge.doubled(place, go.state(), shop.state())) == ["made twice in shopify: client-7"]


def test_what_was_made_beside_another_with_the_same_address_is_seen(
    go: PowerOfficeGoSimulator, shop: ShopifySimulator
) -> None:
    go.edit({"entity": "customers", "create": PERSON})
    number = go.edit({"entity": "customers", "create": {**PERSON, "ExternalImportReference": "shopify:1:5"}})["Id"]
    writes = [{"action": "create", "entity": "customers", "id": str(number)}]
    place = cast("Any", SimpleNamespace(writes=lambda: {"powerofficego": writes, "shopify": []}))

    assert list(judge.doubled(place, go.state(), shop.state())) == [
        f"made in powerofficego beside another with the same e-mail: {number}"
    ]
