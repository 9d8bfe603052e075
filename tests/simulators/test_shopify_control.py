"""The simulator's own controls: fresh data, the state, human edits, logs and switches."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from shopify_shop import CREATE, Shop

from samklang.simulators.http import ResponseLost
from samklang.simulators.people import person

EDIT = {"entity": "customers"}


def control(shop: Shop, method: str, verb: str, body: Any = None) -> tuple[int, Any]:
    response = shop.send(method, f"/_control/{verb}", orjson.dumps(body) if body is not None else b"")
    return response.status, orjson.loads(response.body)


def test_the_same_seed_gives_the_same_shop_and_another_seed_another() -> None:
    one, same, other = Shop(records=50).simulator, Shop(records=50).simulator, Shop(records=50, seed=2).simulator
    assert one.state() == same.state()
    assert one.state() != other.state()


def test_the_overlap_is_the_part_of_persons_that_the_other_system_has_too() -> None:
    shop = Shop()
    shop.simulator.reset(records=200, seed=3, overlap=0.25)
    emails = {(row["email"] or "").lower() for row in shop.simulator.state()["customers"]}
    shared = sum(person(3, number).email in emails for number in range(200))
    assert shared == 50


def test_fresh_data_is_believable() -> None:
    state = Shop(records=1500).simulator.state()
    customers, products = state["customers"], state["products"]
    assert len(customers) == len(products) == 1500
    assert any(row["phone"] and not row["email"] and not row["firstName"] for row in customers)
    assert any(row["firstName"] and not row["email"] and not row["phone"] for row in customers)
    assert any(len(row["addresses"]) > 1 for row in customers)
    assert any(not row["addresses"] for row in customers)
    assert {row["status"] for row in products} == {"ACTIVE", "DRAFT", "ARCHIVED", "UNLISTED"}
    assert any(len(row["variants"]) > 1 for row in products)
    skus = [variant["sku"] for row in products for variant in row["variants"]]
    assert "" in skus
    assert None in skus
    assert len(set(skus)) < len(skus) - skus.count("") - skus.count(None)
    phones = [row["phone"] for row in customers if row["phone"]]
    assert len(set(phones)) == len(phones)
    assert max(row["updatedAt"] for row in customers) < "2026-11-23"


def test_a_human_edit_of_a_customer_is_a_write_by_a_human_and_moves_the_clock() -> None:
    shop = Shop(records=5)
    target = next(row for row in shop.simulator.state()["customers"] if row["addresses"])
    order = {**EDIT, "id": target["id"], "set": {"email": "ny@example.com", "addresses.city": "Bodø"}}
    status, after = control(shop, "POST", "edit", order)
    assert status == 200
    assert (after["email"], after["updatedAt"]) == ("ny@example.com", "2026-11-23T12:00:00Z")
    default = next(row for row in after["addresses"] if row["id"] == after["defaultAddress"]["id"])
    assert default["city"] == "Bodø"
    writes = shop.simulator.writes()
    assert {(row["who"], row["action"], row["id"]) for row in writes} == {("human", "update", target["id"])}
    assert [row["fields"] for row in writes] == [["email"], ["addresses.city"]]


def test_a_human_makes_edits_and_deletes_customers() -> None:
    shop = Shop()
    made = shop.simulator.edit({**EDIT, "create": {"firstName": "Kari", "addresses.city": "Oslo"}})
    assert (made["firstName"], made["addresses"][0]["city"]) == ("Kari", "Oslo")
    number = made["legacyResourceId"]
    assert shop.simulator.edit({**EDIT, "id": number, "set": {"note": "x"}})["note"] == "x"
    assert shop.simulator.edit({**EDIT, "id": number, "delete": True}) == {}
    assert shop.simulator.state()["customers"] == []
    assert [row["action"] for row in shop.simulator.writes()] == ["create", "update", "delete"]


def test_a_human_makes_edits_archives_and_deletes_products() -> None:
    shop = Shop()
    create = {"title": "Kopp", "sku": "HUS-1", "price": "129", "cost": "60"}
    made = shop.simulator.edit({"entity": "products", "create": create})
    variant = made["variants"][0]
    assert (variant["sku"], variant["price"], variant["inventoryItem"]["unitCost"]["amount"]) == (
        "HUS-1",
        "129.00",
        "60.0",
    )
    changed = shop.simulator.edit({"entity": "products", "id": made["id"], "set": {"title": "Skål", "price": "99"}})
    assert (changed["title"], changed["variants"][0]["price"]) == ("Skål", "99.00")
    archived = shop.simulator.edit({"entity": "products", "id": made["id"], "archive": True})
    assert archived["status"] == "ARCHIVED"
    assert shop.simulator.edit({"entity": "products", "id": made["id"], "delete": True}) == {}
    assert shop.simulator.state()["products"] == []


@pytest.mark.parametrize(
    ("order", "status", "message"),
    [
        ({"entity": "orders"}, 400, "known are customers and products"),
        ({**EDIT, "create": {"colour": "red"}}, 400, "there is no field colour; known are"),
        ({**EDIT, "create": {"email": "nonsense"}}, 400, "Email is invalid"),
        ({**EDIT, "id": "5", "set": {"note": "x"}}, 404, "there is no record"),
        ({"entity": "products", "id": "5", "set": {"title": "x"}}, 404, "there is no record"),
    ],
)
def test_an_edit_that_cannot_be_made_says_why(order: dict[str, Any], status: int, message: str) -> None:
    answered, body = control(Shop(), "POST", "edit", order)
    assert answered == status
    assert message in body["error"]


def test_writes_by_the_api_are_logged_with_their_fields() -> None:
    shop = Shop()
    shop.create_customer(firstName="Kari", addresses=[{"city": "Oslo", "countryCode": "NO"}])
    (write,) = control(shop, "GET", "log/writes")[1]
    assert (write["who"], write["action"], write["entity"]) == ("api", "create", "customers")
    assert write["fields"] == ["addresses.city", "addresses.countryCode", "firstName"]
    control(shop, "DELETE", "log")
    assert control(shop, "GET", "log/writes")[1] == control(shop, "GET", "log/requests")[1] == []


def test_requests_are_logged_by_the_name_of_their_operation_or_first_field() -> None:
    shop = Shop()
    shop.ask("query Named { shop { id } }")
    shop.ask("{ customersCount { count } }")
    shop.ask("{ nonsense")
    operations = [row["operation"] for row in control(shop, "GET", "log/requests")[1]]
    assert operations == ["Named", "customersCount", "POST /admin/api/2026-10/graphql.json"]


def test_a_request_can_be_made_to_fail_before_or_after_it_is_carried_out() -> None:
    for after, made in ((False, 0), (True, 1)):
        fault = {"match": "customerCreate", "status": 503, "after_commit": after, "body": {"errors": "gone"}}
        shop = Shop(fail_next=[fault])
        assert shop.ask(CREATE, {"input": {"firstName": "Kari"}}) == {"errors": "gone"}
        assert len(shop.simulator.state()["customers"]) == made
        assert "data" in shop.ask(CREATE, {"input": {"firstName": "Anne"}})


def test_an_answer_can_be_lost_after_the_write() -> None:
    shop = Shop(lose_response_after_commit=1)
    assert "data" in shop.ask("{ shop { id } }")
    with pytest.raises(ResponseLost):
        shop.ask(CREATE, {"input": {"firstName": "Kari"}})
    assert len(shop.simulator.state()["customers"]) == 1


def test_switches_are_read_and_set_and_an_unknown_one_is_refused() -> None:
    shop = Shop()
    assert control(shop, "PUT", "switches", {"bulk_seconds": 5.0})[1]["bulk_seconds"] == 5.0
    status, body = control(shop, "PUT", "switches", {"nonsense": 1})
    assert status == 400
    assert "customers_updated_at" in body["error"]
    assert control(shop, "PUT", "switches", {"customers_updated_at": "hour"})[0] == 400


def test_a_reset_starts_over() -> None:
    shop = Shop(records=5)
    shop.ask("{ shop { id } }")
    assert control(shop, "POST", "reset", {"records": 3, "seed": 2, "overlap": 0.5})[0] == 200
    assert len(control(shop, "GET", "state")[1]["customers"]) == 3
    assert shop.simulator.requests() == []
