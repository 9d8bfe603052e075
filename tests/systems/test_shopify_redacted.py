"""A customer whose personal data the shop has erased is known as such, whatever is mapped and shown; nothing is written
to it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from shop import Shop, World, change, error, errors, first_page, node, only, page, rows, update

from samklang.core.records import Record, Scope
from samklang.systems.base import Update

SPECIFICATION = ("email", "phone", "addresses.address1", "addresses.city", "addresses.zip", "addresses.country")
FIELDS: tuple[Sequence[str], ...] = (SPECIFICATION, ("addresses.city",), ("firstName",), ("email", "note"))


def redact(world: World, record: Record) -> None:
    world.sim.edit({"entity": "customers", "id": record.id, "redact": True})


@pytest.mark.parametrize("fields", FIELDS)
def test_a_redacted_customer_is_erased_whichever_fields_are_mapped(fields: Sequence[str]) -> None:
    world = World()
    record = world.customer(email="kari@example.no")
    system = world.customers(fields)
    assert {one.scope for one in rows(system.read_ids([record.id]))} == {Scope.ACTIVE}

    redact(world, record)

    for found in (system.read_all(), system.read_ids([record.id]), system.read_changes("")):
        assert {one.scope for one in rows(found)} == {Scope.ERASED}


@pytest.mark.parametrize("name", ["firstName", "lastName", "email", "phone"])
def test_one_thing_that_identifies_is_enough(name: str) -> None:
    value = {"email": "kari@example.no", "phone": "+4799887766"}.get(name, "Kari")
    world = World()
    record = world.customer(**{"firstName": None, name: value})
    assert [one.scope for one in rows(world.customers(["addresses.city"]).read_ids([record.id]))] == [Scope.ACTIVE]


def test_only_mapped_fields_are_told() -> None:
    world = World()
    record = world.customer(email="kari@example.no")
    (found,) = rows(world.customers(["phone"]).read_ids([record.id]))
    assert found.values == {"phone": None}


def test_whom_nothing_that_we_may_see_identifies_may_be_erased() -> None:
    nobody = {"firstName": None, "lastName": None, "defaultEmailAddress": None, "defaultPhoneNumber": None}
    refused = errors(
        error("ACCESS_DENIED", ["m1", "nodes", 0, "defaultPhoneNumber", "phoneNumber"]),
        m0={"count": 2, "precision": "EXACT"},
        m1=page(node(7, **nobody), node(8, **nobody | {"lastName": "Lie"})),
    )
    shop = Shop(ReadCustomers=refused)

    (found,) = shop.customers(["email"]).read_all()

    assert [record.scope for record in found.records] == [Scope.ERASED, Scope.ACTIVE]
    assert set(found.denied) == {"phone"}  # when it is shown again, the side is read whole


def test_a_large_shop_is_read_without_what_it_does_not_show() -> None:
    world = World(3000, switches={"denied_fields": ["CustomerPhoneNumber.phoneNumber"]})
    records = rows(world.customers(["email"]).read_all())
    assert len(records) == 3000
    assert Scope.ACTIVE in {record.scope for record in records}


@pytest.mark.parametrize("fields", FIELDS)
def test_nothing_is_written_to_a_customer_who_was_redacted_since_it_was_read(fields: Sequence[str]) -> None:
    world = World()
    record = world.customer(**{"addresses.address1": "Storgata 1", "addresses.city": "Oslo", "addresses.zip": "0155"})
    (seen,) = rows(world.customers((*fields, "addresses.address2")).read_ids([record.id]))
    redact(world, record)
    world.start_log()

    changes = (change("addresses.address2", None, "2. etasje"),)  # the one value that has not moved
    outcome = only(world.customers((*fields, "addresses.address2")).update([Update(1, seen.id, changes, seen.facts)]))

    assert outcome.erased
    assert not outcome.moved
    assert outcome.record is not None
    assert outcome.record.scope is Scope.ERASED
    assert world.sim.writes() == []


def test_what_is_left_of_a_customer_redacted_under_our_write_does_not_identify_it() -> None:
    world = World()
    record = world.customer(email="kari@example.no")

    def redact_before(operation: str) -> None:
        if operation == "UpdateCustomers":
            redact(world, record)

    world.before = redact_before
    outcome = only(world.customers().update([update(record, change("phone", None, "+4799887766"))]))

    assert outcome.record is not None
    assert outcome.record.scope is Scope.ERASED


def test_a_customer_who_changes_its_only_name_is_not_erased() -> None:
    world = World()
    record = world.customer(firstName="Kari")
    outcome = only(world.customers().update([update(record, change("firstName", "Kari", "Karin"))]))
    assert outcome.record is not None
    assert outcome.record.scope is Scope.ACTIVE


def test_the_rest_of_a_batch_is_written() -> None:
    world = World()
    records = [world.customer(email=f"k{n}@example.no") for n in range(3)]
    redact(world, records[1])
    updates = [update(one, change("lastName", None, "Lie"), ref=n) for n, one in enumerate(records)]
    outcomes = {outcome.ref: outcome for outcome in world.customers().update(updates)}
    assert [outcomes[n].erased for n in range(3)] == [False, True, False]
    assert [one.scope for one in rows(world.customers().read_ids([records[0].id]))] == [Scope.ACTIVE]


def test_an_answer_without_anything_that_identifies_is_an_erased_customer() -> None:
    nobody = {"firstName": None, "lastName": None, "defaultEmailAddress": None, "defaultPhoneNumber": None}
    shop = Shop(ReadCustomers=first_page(node(7, **nobody), total=1))
    (found,) = shop.customers(["addresses.city"]).read_all()
    assert [record.scope for record in found.records] == [Scope.ERASED]
