"""Updating customers: never over a value that moved, never more than was asked for."""

from __future__ import annotations

from scripted import Answer
from shop import FEW, Shop, World, change, customer_answer, data, error, errors, node, only, problems, rows, update

from samklang.core.records import Record
from samklang.errors import TemporaryError
from samklang.systems.base import Change, Update

ADDRESS = {
    "addresses.address1": "Storgata 1",
    "addresses.city": "Oslo",
    "addresses.zip": "0155",
    "addresses.countryCode": "NO",
}


def test_only_the_changed_field_is_sent() -> None:
    world = World()
    record = world.customer(email="kari@example.no", **ADDRESS)
    outcome = only(world.customers().update([update(record, change("firstName", "Kari", "Karin"))]))
    assert [write["fields"] for write in world.sim.writes()] == [["firstName"]]
    assert outcome.record == world.stored(record)
    assert outcome.record is not None
    assert outcome.record.values["firstName"] == "Karin"
    assert outcome.record.clock > record.clock
    assert world.operations[:2] == ["CheckCustomers", "UpdateCustomers"]


def test_an_emptied_value_is_sent_as_null() -> None:
    world = World()
    record = world.customer(email="kari@example.no", phone="+4799887766")
    only(world.customers().update([update(record, change("phone", "+4799887766", None))]))
    assert world.stored(record).values["phone"] is None
    assert world.documents[1]["variables"]["m0_input"] == {"id": f"gid://shopify/Customer/{record.id}", "phone": None}


def test_the_default_address_is_updated_in_place_and_the_others_stay() -> None:
    world = World()
    record = world.customer(email="kari@example.no", **ADDRESS)
    outcome = only(world.customers().update([update(record, change("addresses.city", "Oslo", "Bergen"))]))
    assert outcome.record is not None
    assert outcome.record.values == {
        **{n: v for n, v in record.values.items() if "addresses" in n},
        "addresses.city": "Bergen",
    }
    assert outcome.record.facts == record.facts
    assert [write["fields"] for write in world.sim.writes()] == [["addresses.city"]]
    assert world.stored(record).values["addresses.address1"] == "Storgata 1"


def test_the_list_of_addresses_is_never_sent_with_an_update() -> None:
    world = World()
    record = world.customer(**ADDRESS)
    only(
        world.customers().update(
            [update(record, change("addresses.city", "Oslo", "Bergen"), change("lastName", None, "B"))]
        )
    )
    for document in world.documents:
        assert "addresses:" not in document["query"]
        assert "addresses" not in str(document["variables"].get("m1_input", {}))


def test_a_customer_without_an_address_gets_one_as_its_default() -> None:
    world = World()
    record = world.customer()
    outcome = only(
        world.customers().update(
            [update(record, change("addresses.city", None, "Oslo"), change("addresses.country", None, "NO"))]
        )
    )
    assert outcome.record is not None
    assert outcome.record.facts["address_id"] is not None
    assert world.stored(record).values["addresses.city"] == "Oslo"
    assert world.stored(record).facts == outcome.record.facts


def test_an_address_that_exists_already_becomes_the_default() -> None:
    world = World()
    record = world.customer(**ADDRESS)
    first = world.stored(record).facts["address_id"]
    gid = f"gid://shopify/Customer/{record.id}"
    client = world.client()
    document = """mutation A($id: ID!, $address: MailingAddressInput!) {
      customerAddressCreate(customerId: $id, address: $address, setAsDefault: true) { address { id } }
    }"""
    address = {"address1": "Lillegata 2", "city": "Oslo", "zip": "0155", "countryCode": "NO"}
    client.execute(document, {"id": gid, "address": address}, operation="A", safe=False)
    now = world.stored(record)
    assert now.facts["address_id"] != first
    outcome = only(world.customers().update([update(now, change("addresses.address1", "Lillegata 2", "Storgata 1"))]))
    assert outcome.problems == ()
    assert outcome.record is not None
    assert outcome.record.facts["address_id"] == first
    assert world.stored(record) == outcome.record


def test_an_address_that_exists_already_and_is_not_found_is_a_problem() -> None:
    taken = data(m0={"address": None, "userErrors": [{"field": ["address"], "message": "Address already exists"}]})
    shop = Shop(
        CheckCustomers=data(m0=[node(7)]),
        UpdateCustomers=taken,
        ReadAddresses=data(m0={"addressesV2": {"nodes": [{"id": "gid://shopify/MailingAddress/1", "city": "Bergen"}]}}),
    )
    outcome = only(shop.customers(FEW).update([Update(1, "7", (change("addresses.city", None, "Oslo"),))]))
    assert problems(outcome) == {("addresses.city", "taken")}
    assert outcome.record is None


def test_addresses_that_cannot_be_looked_through_fail_their_record_alone() -> None:
    taken = {"address": None, "userErrors": [{"field": ["address"], "message": "Address already exists"}]}
    shop = Shop(
        CheckCustomers=data(m0=[node(7), node(8)]),
        UpdateCustomers=data(m0=taken, m1=customer_answer(8, firstName="Karin")),
        ReadAddresses=Answer(502),
    )
    updates = [
        Update(1, "7", (change("addresses.city", None, "Oslo"),)),
        Update(2, "8", (change("firstName", "Kari", "Karin"),)),
    ]
    first, second = shop.customers(FEW).update(updates)
    assert isinstance(first.error, TemporaryError)
    assert second.record is not None


def test_scalars_and_address_go_into_one_document_and_both_are_answered() -> None:
    world = World()
    record = world.customer(email="kari@example.no", **ADDRESS)
    changes = (change("addresses.zip", "0155", "0156"), change("email", "kari@example.no", "k@example.no"))
    outcome = only(world.customers().update([update(record, *changes)]))
    assert world.operations == ["CheckCustomers", "UpdateCustomers"]
    assert outcome.record == world.stored(record)


# --- expectations


def test_a_record_that_moved_is_given_back_and_nothing_is_written() -> None:
    world = World()
    record = world.customer(email="kari@example.no")
    world.edit("customers", record.id, firstName="Kaia")
    world.start_log()
    outcome = only(world.customers().update([update(record, change("firstName", "Kari", "Karin"))]))
    assert outcome.moved
    assert outcome.record == world.stored(record)
    assert world.sim.writes() == []


def test_an_edit_of_another_field_does_not_stand_in_the_way() -> None:
    world = World()
    record = world.customer(email="kari@example.no")
    world.edit("customers", record.id, note="ring først")
    outcome = only(world.customers().update([update(record, change("firstName", "Kari", "Karin"))]))
    assert not outcome.moved


def test_another_default_address_is_an_edit_of_all_its_fields() -> None:
    world = World()
    record = world.customer(**ADDRESS)
    before = Update(
        1, record.id, (change("addresses.city", "Oslo", "Bergen"),), {"address_id": "gid://shopify/MailingAddress/1"}
    )
    assert only(world.customers().update([before])).moved


def test_the_same_address_under_another_spelling_of_its_id_is_the_same() -> None:
    world = World()
    record = world.customer(**ADDRESS)
    bare = {"address_id": record.facts["address_id"].partition("?")[0]}
    outcome = only(
        world.customers().update([Update(1, record.id, (change("addresses.city", "Oslo", "Bergen"),), bare)])
    )
    assert not outcome.moved


def test_a_value_that_cannot_be_seen_any_more_is_not_written_over() -> None:
    world = World()
    record = world.customer(email="kari@example.no")
    world.sim.switches({"denied_fields": ["Customer.firstName"]})
    outcome = only(world.customers().update([update(record, change("firstName", "Kari", "Karin"))]))
    assert outcome.moved
    assert world.sim.writes() == []


def test_a_record_that_is_gone_is_told_as_gone() -> None:
    world = World()
    record = world.customer()
    world.sim.edit({"entity": "customers", "id": record.id, "delete": True})
    assert only(world.customers().update([update(record, change("firstName", "Kari", "Karin"))])).gone


def test_a_record_that_goes_between_check_and_write_is_told_as_gone() -> None:
    world = World()
    record = world.customer()

    def delete(operation: str) -> None:
        if operation == "UpdateCustomers":
            world.sim.edit({"entity": "customers", "id": record.id, "delete": True})

    world.before = delete
    assert only(world.customers().update([update(record, change("firstName", "Kari", "Karin"))])).gone


def test_an_address_that_goes_between_check_and_write_is_a_problem_of_its_fields() -> None:
    reply = errors(error("RESOURCE_NOT_FOUND", ["m0"], "invalid id"), m0=None, m1=customer_answer(7, firstName="Karin"))
    shop = Shop(CheckCustomers=data(m0=[node(7, city="Oslo")]), UpdateCustomers=reply)
    changes = (change("addresses.city", "Oslo", "Bergen"), change("firstName", "Kari", "Karin"))
    outcome = only(shop.customers(FEW).update([Update(1, "7", changes)]))
    assert problems(outcome) == {("addresses.city", "not_found")}
    assert outcome.record is not None
    assert outcome.record.values["firstName"] == "Karin"


# --- refusals


def test_a_refused_field_is_left_out_and_the_rest_is_written() -> None:
    world = World()
    world.new_customer(email="opptatt@example.no")
    record = world.customer(email="kari@example.no", **ADDRESS)
    changes = (
        change("email", "kari@example.no", "opptatt@example.no"),
        change("firstName", "Kari", "Karin"),
        change("addresses.city", "Oslo", "<b>By</b>"),
        change("addresses.zip", "0155", "0156"),
    )
    outcome = only(world.customers().update([update(record, *changes)]))
    assert problems(outcome) == {("email", "taken"), ("addresses.city", "invalid")}
    now = world.stored(record).values
    assert (now["email"], now["firstName"], now["addresses.city"]) == ("kari@example.no", "Karin", "Oslo")
    assert now["addresses.zip"] == "0156"
    assert outcome.record is not None
    assert outcome.record.values == now


def test_when_everything_is_refused_nothing_is_stored() -> None:
    world = World()
    record = world.customer()
    outcome = only(world.customers().update([update(record, change("phone", None, "12"))]))
    assert problems(outcome) == {("phone", "invalid")}
    assert outcome.record is None


def test_the_last_identity_cannot_be_cleared() -> None:
    world = World()
    record = world.customer()
    outcome = only(world.customers().update([update(record, change("firstName", "Kari", None))]))
    assert problems(outcome) == {("firstName", "missing")}


def test_a_value_that_the_schema_does_not_take_holds_back_its_field_alone() -> None:
    world = World()
    one, other = world.customer(**ADDRESS), world.customer(email="o@example.no")
    updates = [
        update(one, change("addresses.country", "NO", "Norge"), change("addresses.city", "Oslo", "Bergen"), ref=1),
        update(other, change("firstName", "Kari", "Ola"), ref=2),
    ]
    first, second = world.customers().update(updates)
    assert problems(first) == {("addresses.country", "invalid")}
    assert world.stored(one).values["addresses.city"] == "Bergen"
    assert second.problems == ()
    assert world.stored(other).values["firstName"] == "Ola"


def test_messages_do_not_carry_values() -> None:
    refusal = {"field": ["email"], "message": "hemmelig@example.no is invalid"}
    shop = Shop(CheckCustomers=data(m0=[node(7)]), UpdateCustomers=data(m0={"customer": None, "userErrors": [refusal]}))
    outcome = only(
        shop.customers(FEW).update([Update(1, "7", (change("email", "kari@example.no", "hemmelig@example.no"),))])
    )
    assert outcome.problems[0].message == "… is invalid"


# --- a province belongs to the address that it was typed with

NEW_YORK = {
    "addresses.address1": "1 Main St",
    "addresses.city": "New York",
    "addresses.zip": "10001",
    "addresses.countryCode": "US",
    "addresses.provinceCode": "NY",
}


def province(world: World, record: Record) -> str | None:
    (found,) = rows(world.customers(["addresses.provinceCode"]).read_ids([record.id]))
    return found.values["addresses.provinceCode"]


def test_a_province_goes_with_the_country_that_it_belongs_to_and_is_told() -> None:
    world = World()
    record = world.customer(**NEW_YORK)
    moved = (change("addresses.country", "US", "CA"), change("addresses.city", "New York", "Ottawa"))

    outcome = only(world.customers().update([update(record, *moved)]))

    assert (outcome.emptied, outcome.doubts) == ({"addresses.provinceCode": "NY"}, ())
    assert province(world, record) is None
    assert len([one for one in world.operations if one.startswith("Update")]) == 1


def test_a_move_within_a_country_leaves_the_province_to_be_looked_at() -> None:
    world = World()
    record = world.customer(**NEW_YORK)
    moved = (change("addresses.zip", "10001", "02108"), change("addresses.city", "New York", "Boston"))

    outcome = only(world.customers().update([update(record, *moved)]))

    assert (outcome.emptied, outcome.doubts) == ({}, ("check_province",))
    assert province(world, record) == "NY"


def test_another_street_says_nothing_about_the_province() -> None:
    world = World()
    record = world.customer(**NEW_YORK)
    outcome = only(world.customers().update([update(record, change("addresses.address1", "1 Main St", "2 Main St"))]))
    assert (outcome.emptied, outcome.doubts) == ({}, ())


def test_a_province_that_is_mapped_is_written_as_it_is_sent() -> None:
    world = World()
    record = world.customer(**NEW_YORK)
    system = world.customers(("addresses.country", "addresses.provinceCode"))
    moved = (change("addresses.country", "US", "CA"), change("addresses.provinceCode", "NY", "ON"))

    outcome = only(system.update([Update(1, record.id, moved)]))

    assert (outcome.emptied, province(world, record)) == ({}, "ON")


# --- a group goes whole


def test_an_address_of_which_one_line_is_refused_is_left_whole() -> None:
    world = World()
    record = world.customer(email="kari@example.no", **ADDRESS)
    moved = (
        Change("addresses.address1", "Storgata 1", "Kirkegata 5 😀", "address"),
        Change("addresses.city", "Oslo", "Bergen", "address"),
        change("lastName", None, "Lie"),
    )

    outcome = only(world.customers().update([update(record, *moved)]))

    assert problems(outcome) == {("addresses.address1", "invalid")}
    now = world.stored(record).values
    assert (now["addresses.address1"], now["addresses.city"], now["lastName"]) == ("Storgata 1", "Oslo", "Lie")


def test_a_province_that_the_shop_refuses_is_told_as_that() -> None:
    """Messages say `province` where the input is called `provinceCode`."""
    world = World()
    made = world.new_customer(firstName="Kari", **{"addresses.city": "Chicago", "addresses.countryCode": "US"})
    fields = ("firstName", "addresses.city", "addresses.country", "addresses.provinceCode")
    (record,) = rows(world.customers(fields).read_ids([made]))
    outcome = only(world.customers(fields).update([update(record, change("addresses.provinceCode", None, "ON"))]))
    assert problems(outcome) == {("addresses.provinceCode", "invalid")}
