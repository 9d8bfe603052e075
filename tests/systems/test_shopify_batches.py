"""Updates in batches: checked shortly before they are written, and clear about what became of each."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from scripted import Answer
from shop import FEW, HOST, Shop, World, change, customer_answer, data, error, errors, node, only, rows, update

from samklang.errors import AccessError, TemporaryError, ThrottledError, UnclearError
from samklang.systems.base import Update
from samklang.systems.shopify import ShopifyConfig, ShopifyCustomers


def many(world: World, number: int) -> list[Update]:
    for n in range(number):
        world.new_customer(email=f"k{n}@example.no")
    found = rows(world.customers().read_all())
    world.start_log()
    return [update(r, change("firstName", "Kari", "Karin"), ref=n) for n, r in enumerate(found)]


@pytest.mark.parametrize(("rate", "batches"), [(25.0, 5), (100.0, 3), (1000.0, 2)])
def test_as_many_records_are_checked_as_are_written_within_two_seconds(rate: float, batches: int) -> None:
    world = World(switches={"restore_rate": rate, "bucket_size": 20 * rate})
    updates = many(world, 25)
    customers = world.customers()
    customers.describe()  # teaches the rate
    world.start_log()
    assert {outcome.ref for outcome in customers.update(updates) if outcome.record} == set(range(25))
    assert world.operations == ["CheckCustomers", "UpdateCustomers"] * batches


def test_nothing_is_waited_for_between_check_and_write() -> None:
    world = World(switches={"bucket_size": 300.0, "restore_rate": 20.0})
    updates = many(world, 60)
    started: dict[str, Any] = {}
    gaps = []

    def note(operation: str) -> None:
        if operation == "UpdateCustomers":
            gaps.append((world.now - started["CheckCustomers"]).total_seconds())
        started[operation] = world.now

    world.before = note
    list(world.customers().update(updates))
    assert sum(world.slept) > 0
    assert max(gaps) == 0.0


def throttled(available: float = 0.0) -> dict[str, Any]:
    """Six seconds short of points."""
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 50.0}
    cost = {"requestedQueryCost": 300 + available, "actualQueryCost": None, "throttleStatus": status}
    return {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": {"cost": cost}}


WAITS = [
    {"status": 200, "body": throttled()},
    {"status": 429, "headers": {"Retry-After": "6.0"}},
]


@pytest.mark.parametrize("fault", WAITS)
def test_an_edit_made_while_a_write_has_to_wait_is_not_overwritten(fault: dict[str, Any]) -> None:
    world = World()
    record = world.customer()
    world.sim.switches({"fail_next": [{"match": "UpdateCustomers", **fault}]})
    customers = world.customers()
    world.before = lambda _: None if not world.slept else world.edit("customers", record.id, firstName="Kaja")
    outcome = only(customers.update([update(record, change("firstName", "Kari", "Karin"))]))
    assert outcome.moved
    assert world.slept[0] == 6.0
    assert world.stored(record).values["firstName"] == "Kaja"


@pytest.mark.parametrize("fault", WAITS)
def test_a_write_that_had_to_wait_goes_out_after_another_check(fault: dict[str, Any]) -> None:
    world = World()
    record = world.customer()
    world.sim.switches({"fail_next": [{"match": "UpdateCustomers", **fault}]})
    outcome = only(world.customers().update([update(record, change("firstName", "Kari", "Karin"))]))
    assert outcome.record is not None
    assert outcome.record.values["firstName"] == "Karin"
    assert world.operations == ["CheckCustomers", "UpdateCustomers"] * 2


def test_a_write_without_a_connection_goes_out_after_another_check() -> None:
    lost = requests.ConnectTimeout()
    shop = Shop(
        CheckCustomers=data(m0=[node(7)]), UpdateCustomers=[lost, data(m0=customer_answer(7, firstName="Karin"))]
    )
    outcome = only(shop.customers(FEW).update([Update(1, "7", (change("firstName", "Kari", "Karin"),))]))
    assert outcome.record is not None
    assert shop.operations == ["CheckCustomers", "UpdateCustomers"] * 2


def test_a_write_whose_token_has_ended_goes_out_after_another_check() -> None:
    shop = Shop(
        CheckCustomers=data(m0=[node(7)]),
        UpdateCustomers=[Answer(401), data(m0=customer_answer(7, firstName="Karin"))],
        **{"/admin/oauth/access_token": Answer(200, {"access_token": "t", "expires_in": 86399})},
    )
    config = ShopifyConfig(HOST, client_id="app", client_secret="hemmelig")
    customers = ShopifyCustomers(shop.client(config), FEW, {}, workers=1)
    outcome = only(customers.update([Update(1, "7", (change("firstName", "Kari", "Karin"),))]))
    assert outcome.record is not None
    assert shop.operations == ["CheckCustomers", "UpdateCustomers"] * 2


def test_a_shop_that_never_has_points_for_a_write_ends_as_throttled() -> None:
    shop = Shop(CheckCustomers=data(m0=[node(7)]), UpdateCustomers=Answer(200, throttled()))
    outcome = only(shop.customers(FEW).update([Update(1, "7", (change("firstName", "Kari", "Karin"),))]))
    assert isinstance(outcome.error, ThrottledError)
    assert outcome.record is None
    assert 3600.0 < sum(shop.time.slept) < 7200.0  # others use them up; a task of ours would be waited for


def test_what_is_left_after_a_refusal_is_checked_again() -> None:
    world = World()
    world.new_customer(email="opptatt@example.no")
    record = world.customer(email="kari@example.no", **{"addresses.city": "Oslo", "addresses.zip": "0155"})

    def interfere(operation: str) -> None:
        if operation == "CheckCustomers" and "UpdateCustomers" in world.operations:
            world.edit("customers", record.id, firstName="Kaja")

    world.before = interfere
    changes = (
        change("email", "kari@example.no", "opptatt@example.no"),
        change("firstName", "Kari", "Karin"),
        change("addresses.zip", "0155", "0156"),
    )
    outcome = only(world.customers().update([update(record, *changes)]))
    assert isinstance(outcome.error, UnclearError)
    now = world.stored(record).values
    assert (now["firstName"], now["addresses.zip"]) == ("Kaja", "0156")


def test_one_record_named_twice_is_written_in_two_batches() -> None:
    world = World()
    record = world.customer()
    updates = [
        update(record, change("firstName", "Kari", "Karin"), ref=1),
        update(record, change("lastName", None, "B"), ref=2),
    ]
    assert [outcome.moved for outcome in world.customers().update(updates)] == [False, False]
    assert world.stored(record).values["lastName"] == "B"


def test_a_lost_answer_makes_its_batch_unclear_and_nothing_is_sent_again() -> None:
    world = World()
    updates = many(world, 3)
    world.sim.switches({"lose_response_after_commit": 1})
    outcomes = list(world.customers().update(updates))
    assert all(isinstance(outcome.error, UnclearError) for outcome in outcomes)
    assert world.documents[-1]["operationName"] == "UpdateCustomers"
    assert len(world.documents) == 2


def test_an_internal_error_of_one_write_is_unclear_for_its_record_alone() -> None:
    reply = errors(error("INTERNAL_SERVER_ERROR", ["m0"]), m0=None, m1=customer_answer(8, firstName="Karin"))
    shop = Shop(CheckCustomers=data(m0=[node(7), node(8)]), UpdateCustomers=reply)
    updates = [Update(n, str(n), (change("firstName", "Kari", "Karin"),)) for n in (7, 8)]
    first, second = shop.customers(FEW).update(updates)
    assert isinstance(first.error, UnclearError)
    assert second.record is not None
    assert second.error is None


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Answer(500), TemporaryError),
        (errors(error("ACCESS_DENIED", ["m0"], requiredAccess="read_customers"), m0=None), AccessError),
    ],
)
def test_once_the_shop_is_out_of_reach_the_rest_is_not_sent(reply: Answer, kind: type[Exception]) -> None:
    shop = Shop(CheckCustomers=reply)
    updates = [Update(n, str(n), (change("firstName", "Kari", "Karin"),)) for n in range(30)]
    outcomes = list(shop.customers(FEW).update(updates))
    assert len(outcomes) == 30
    assert all(isinstance(outcome.error, kind) for outcome in outcomes)
    assert set(shop.operations) == {"CheckCustomers"}
    assert all(len(body["variables"]["m0_ids"]) == 10 for body in shop.sent)
    assert {body["variables"]["m0_ids"][0] for body in shop.sent} == {"gid://shopify/Customer/0"}


def test_a_write_whose_answer_says_nothing_usable_is_unclear() -> None:
    for payload in (None, {"customer": None, "userErrors": []}):
        shop = Shop(CheckCustomers=data(m0=[node(7)]), UpdateCustomers=data(m0=payload))
        outcome = only(shop.customers(FEW).update([Update(1, "7", (change("firstName", "Kari", "Karin"),))]))
        assert isinstance(outcome.error, UnclearError)
