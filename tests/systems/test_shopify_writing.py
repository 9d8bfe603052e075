"""Creating and updating: never twice for one key, never over a value that moved, never more than was asked for."""

from __future__ import annotations

from typing import Any

import pytest
from scripted import Answer
from shop import (
    EVERY_PRODUCT_FIELD,
    Shop,
    World,
    change,
    creation,
    data,
    error,
    errors,
    only,
    problems,
    rows,
    update,
)

from samklang.core.records import Record
from samklang.errors import AccessError, ConfigurationError, TemporaryError, UnclearError
from samklang.systems.base import Outcome, Update

ADDRESS = {
    "addresses.address1": "Storgata 1",
    "addresses.city": "Oslo",
    "addresses.zip": "0155",
    "addresses.countryCode": "NO",
}


def customer(world: World, **values: Any) -> Record:
    """A customer that a person made in the shop, as it was read."""
    made = world.new_customer(**values)
    (record,) = rows(world.customers().read_ids([made]))
    world.later(minutes=1)
    world.start_log()
    return record


def variant(world: World, **values: Any) -> Record:
    _, made = world.new_product(**values)
    (record,) = rows(world.products(EVERY_PRODUCT_FIELD).read_ids([made]))
    world.later(minutes=1)
    world.start_log()
    return record


def stored(world: World, record: Record) -> Record:
    system = world.customers() if "email" in record.values else world.products(EVERY_PRODUCT_FIELD)
    (found,) = rows(system.read_ids([record.id]))
    return found


# --- updates of customers


def test_only_the_changed_field_is_sent() -> None:
    world = World()
    record = customer(world, email="kari@example.no", **ADDRESS)
    outcome = only(world.customers().update([update(record, change("firstName", "Kari", "Karin"))]))
    assert [write["fields"] for write in world.sim.writes()] == [["firstName"]]
    assert outcome.record == stored(world, record)
    assert outcome.record is not None
    assert outcome.record.values["firstName"] == "Karin"
    assert outcome.record.clock > record.clock
    assert world.operations[:2] == ["CheckCustomers", "UpdateCustomers"]


def test_an_emptied_value_is_sent_as_null() -> None:
    world = World()
    record = customer(world, email="kari@example.no", phone="+4799887766")
    only(world.customers().update([update(record, change("phone", "+4799887766", None))]))
    assert stored(world, record).values["phone"] is None
    assert world.documents[1]["variables"]["m0_input"] == {"id": f"gid://shopify/Customer/{record.id}", "phone": None}


def test_the_default_address_is_updated_in_place_and_the_others_stay() -> None:
    world = World()
    record = customer(world, email="kari@example.no", **ADDRESS)
    outcome = only(world.customers().update([update(record, change("addresses.city", "Oslo", "Bergen"))]))
    assert outcome.record is not None
    assert outcome.record.values == {
        **{n: v for n, v in record.values.items() if "addresses" in n},
        "addresses.city": "Bergen",
    }
    assert outcome.record.facts == record.facts
    assert [write["fields"] for write in world.sim.writes()] == [["addresses.city"]]
    assert stored(world, record).values["addresses.address1"] == "Storgata 1"


def test_the_list_of_addresses_is_never_sent_with_an_update() -> None:
    world = World()
    record = customer(world, **ADDRESS)
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
    record = customer(world)
    outcome = only(
        world.customers().update(
            [update(record, change("addresses.city", None, "Oslo"), change("addresses.country", None, "NO"))]
        )
    )
    assert outcome.record is not None
    assert outcome.record.facts["address_id"] is not None
    assert stored(world, record).values["addresses.city"] == "Oslo"
    assert stored(world, record).facts == outcome.record.facts


def test_an_address_that_exists_already_becomes_the_default() -> None:
    world = World()
    record = customer(world, **ADDRESS)
    first = stored(world, record).facts["address_id"]
    gid = f"gid://shopify/Customer/{record.id}"
    client = world.client()
    document = """mutation A($id: ID!, $address: MailingAddressInput!) {
      customerAddressCreate(customerId: $id, address: $address, setAsDefault: true) { address { id } }
    }"""
    address = {"address1": "Lillegata 2", "city": "Oslo", "zip": "0155", "countryCode": "NO"}
    client.execute(document, {"id": gid, "address": address}, operation="A", safe=False)
    now = stored(world, record)
    assert now.facts["address_id"] != first
    outcome = only(world.customers().update([update(now, change("addresses.address1", "Lillegata 2", "Storgata 1"))]))
    assert outcome.problems == ()
    assert outcome.record is not None
    assert outcome.record.facts["address_id"] == first
    assert stored(world, record) == outcome.record


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


def test_scalars_and_address_go_into_one_document_and_both_are_answered() -> None:
    world = World()
    record = customer(world, email="kari@example.no", **ADDRESS)
    changes = (change("addresses.zip", "0155", "0156"), change("email", "kari@example.no", "k@example.no"))
    outcome = only(world.customers().update([update(record, *changes)]))
    assert world.operations == ["CheckCustomers", "UpdateCustomers"]
    assert outcome.record == stored(world, record)


# --- expectations


def test_a_record_that_moved_is_given_back_and_nothing_is_written() -> None:
    world = World()
    record = customer(world, email="kari@example.no")
    world.edit("customers", record.id, firstName="Kaia")
    world.start_log()
    outcome = only(world.customers().update([update(record, change("firstName", "Kari", "Karin"))]))
    assert outcome.moved
    assert outcome.record == stored(world, record)
    assert world.sim.writes() == []


def test_an_edit_of_another_field_does_not_stand_in_the_way() -> None:
    world = World()
    record = customer(world, email="kari@example.no")
    world.edit("customers", record.id, note="ring først")
    outcome = only(world.customers().update([update(record, change("firstName", "Kari", "Karin"))]))
    assert not outcome.moved


def test_another_default_address_is_an_edit_of_all_its_fields() -> None:
    world = World()
    record = customer(world, **ADDRESS)
    before = Update(
        1, record.id, (change("addresses.city", "Oslo", "Bergen"),), {"address_id": "gid://shopify/MailingAddress/1"}
    )
    assert only(world.customers().update([before])).moved


def test_the_same_address_under_another_spelling_of_its_id_is_the_same() -> None:
    world = World()
    record = customer(world, **ADDRESS)
    bare = {"address_id": record.facts["address_id"].partition("?")[0]}
    outcome = only(
        world.customers().update([Update(1, record.id, (change("addresses.city", "Oslo", "Bergen"),), bare)])
    )
    assert not outcome.moved


def test_a_value_that_cannot_be_seen_any_more_is_not_written_over() -> None:
    world = World()
    record = customer(world, email="kari@example.no")
    world.sim.switches({"denied_fields": ["Customer.firstName"]})
    outcome = only(world.customers().update([update(record, change("firstName", "Kari", "Karin"))]))
    assert outcome.moved
    assert world.sim.writes() == []


def test_a_record_that_is_gone_is_told_as_gone() -> None:
    world = World()
    record = customer(world)
    world.sim.edit({"entity": "customers", "id": record.id, "delete": True})
    assert only(world.customers().update([update(record, change("firstName", "Kari", "Karin"))])).gone


def test_a_record_that_goes_between_check_and_write_is_told_as_gone() -> None:
    world = World()
    record = customer(world)

    def delete(operation: str) -> None:
        if operation == "UpdateCustomers":
            world.sim.edit({"entity": "customers", "id": record.id, "delete": True})

    world.before = delete
    assert only(world.customers().update([update(record, change("firstName", "Kari", "Karin"))])).gone


def test_an_address_that_goes_between_check_and_write_is_a_problem_of_its_fields() -> None:
    reply = errors(error("RESOURCE_NOT_FOUND", ["m0"], "invalid id"), m0=None, m1=customer_answer(7, firstName="Karin"))
    shop = Shop(CheckCustomers=data(m0=[node(7, address="Oslo")]), UpdateCustomers=reply)
    changes = (change("addresses.city", "Oslo", "Bergen"), change("firstName", "Kari", "Karin"))
    outcome = only(shop.customers(FEW).update([Update(1, "7", changes)]))
    assert problems(outcome) == {("addresses.city", "not_found")}
    assert outcome.record is not None
    assert outcome.record.values["firstName"] == "Karin"


# --- refusals


def test_a_refused_field_is_left_out_and_the_rest_is_written() -> None:
    world = World()
    world.new_customer(email="opptatt@example.no")
    record = customer(world, email="kari@example.no", **ADDRESS)
    changes = (
        change("email", "kari@example.no", "opptatt@example.no"),
        change("firstName", "Kari", "Karin"),
        change("addresses.city", "Oslo", "<b>By</b>"),
        change("addresses.zip", "0155", "0156"),
    )
    outcome = only(world.customers().update([update(record, *changes)]))
    assert problems(outcome) == {("email", "taken"), ("addresses.city", "invalid")}
    now = stored(world, record).values
    assert (now["email"], now["firstName"], now["addresses.city"]) == ("kari@example.no", "Karin", "Oslo")
    assert now["addresses.zip"] == "0156"
    assert outcome.record is not None
    assert outcome.record.values == now


def test_when_everything_is_refused_nothing_is_stored() -> None:
    world = World()
    record = customer(world)
    outcome = only(world.customers().update([update(record, change("phone", None, "12"))]))
    assert problems(outcome) == {("phone", "invalid")}
    assert outcome.record is None


def test_the_last_identity_cannot_be_cleared() -> None:
    world = World()
    record = customer(world)
    outcome = only(world.customers().update([update(record, change("firstName", "Kari", None))]))
    assert problems(outcome) == {("firstName", "missing")}


def test_a_value_that_the_schema_does_not_take_holds_back_its_field_alone() -> None:
    world = World()
    one, other = customer(world, **ADDRESS), customer(world, email="o@example.no")
    updates = [
        update(one, change("addresses.country", "NO", "Norge"), change("addresses.city", "Oslo", "Bergen"), ref=1),
        update(other, change("firstName", "Kari", "Ola"), ref=2),
    ]
    first, second = world.customers().update(updates)
    assert problems(first) == {("addresses.country", "invalid")}
    assert stored(world, one).values["addresses.city"] == "Bergen"
    assert second.problems == ()
    assert stored(world, other).values["firstName"] == "Ola"


def test_messages_do_not_carry_values() -> None:
    refusal = {"field": ["email"], "message": "hemmelig@example.no is invalid"}
    shop = Shop(CheckCustomers=data(m0=[node(7)]), UpdateCustomers=data(m0={"customer": None, "userErrors": [refusal]}))
    outcome = only(
        shop.customers(FEW).update([Update(1, "7", (change("email", "k@example.no", "hemmelig@example.no"),))])
    )
    assert outcome.problems[0].message == "… is invalid"


# --- batches


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
    # the first documents teach what they cost
    assert max(gaps[2:]) <= 2.0


def test_one_record_named_twice_is_written_in_two_batches() -> None:
    world = World()
    record = customer(world)
    updates = [
        update(record, change("firstName", "Kari", "Karin"), ref=1),
        update(record, change("lastName", None, "B"), ref=2),
    ]
    assert [outcome.moved for outcome in world.customers().update(updates)] == [False, False]
    assert stored(world, record).values["lastName"] == "B"


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
    assert len({id(body) for body in shop.sent}) <= 7


def test_a_write_whose_answer_says_nothing_usable_is_unclear() -> None:
    for payload in (None, {"customer": None, "userErrors": []}):
        shop = Shop(CheckCustomers=data(m0=[node(7)]), UpdateCustomers=data(m0=payload))
        outcome = only(shop.customers(FEW).update([Update(1, "7", (change("firstName", "Kari", "Karin"),))]))
        assert isinstance(outcome.error, UnclearError)


# --- creations of customers


def test_a_new_customer_carries_our_key_and_its_address() -> None:
    world = World()
    made = only(
        world.customers().create(
            [
                creation(
                    "c1-9", firstName="Kari", email="Kari@Example.no", addresses__city="Oslo", addresses__country="NO"
                )
            ]
        )
    )
    assert made.record is not None
    assert made.record == stored(world, made.record)
    assert made.record.key == "c1-9"
    assert made.record.values["addresses.city"] == "Oslo"


def test_the_definition_of_our_key_is_made_once_per_store() -> None:
    world = World()
    for number in range(3):
        only(world.customers().create([creation(f"c1-{number}", firstName="Kari")]))
    only(world.products().create([creation("c1-1", title="Kopp")]))
    assert world.operations.count("MakeDefinition") == 2
    assert world.memory == {"shopify.key_definition.customer": "yes", "shopify.key_definition.product": "yes"}


def test_a_definition_that_exists_is_taken_as_it_is() -> None:
    world = World()
    only(world.customers().create([creation("c1-1", firstName="Kari")]))
    world.memory.clear()
    assert only(world.customers().create([creation("c1-2", firstName="Ola")])).record is not None
    assert world.operations.count("ReadDefinition") == 1


def test_a_definition_that_was_deleted_is_made_again() -> None:
    world = World()
    world.memory["shopify.key_definition.customer"] = "yes"
    assert only(world.customers().create([creation("c1-1", firstName="Kari")])).record is not None
    assert world.operations.count("MakeDefinition") == 1


def wrong_definition(world: World, owner: str = "CUSTOMER") -> None:
    document = """mutation D($definition: MetafieldDefinitionInput!) {
      metafieldDefinitionCreate(definition: $definition) { userErrors { message } }
    }"""
    definition = {
        "name": "Ours",
        "namespace": "samklang",
        "key": "powerofficego_id",
        "ownerType": owner,
        "type": "single_line_text_field",
    }
    world.client().execute(document, {"definition": definition}, operation="D", safe=False)


def test_a_definition_of_another_type_stops_with_a_remedy_before_anything_is_made() -> None:
    world = World()
    wrong_definition(world)
    with pytest.raises(ConfigurationError, match="Delete the metafield definition"):
        list(world.customers().create([creation("c1-1", firstName="Kari")]))
    assert rows(world.customers().read_all()) == []


def test_a_key_that_is_held_is_taken_and_its_holder_is_not_touched() -> None:
    world = World()
    only(world.customers().create([creation("c1-1", firstName="Kari")]))
    world.start_log()
    outcome = only(world.customers().create([creation("c1-1", firstName="Ola")]))
    assert problems(outcome) == {(None, "taken")}
    assert world.sim.writes() == []


def test_one_key_twice_in_a_batch_makes_one_record() -> None:
    world = World()
    outcomes = list(world.customers().create([creation("c1-1", n, firstName="Kari") for n in (1, 2)]))
    assert sorted(outcome.record is not None for outcome in outcomes) == [False, True]
    assert len(rows(world.customers().read_all())) == 1


def test_a_creation_whose_answer_is_lost_is_unclear_and_found_by_its_key() -> None:
    world = World()
    customers = world.customers()
    only(customers.create([creation("c1-0", firstName="Kari")]))
    world.sim.switches({"lose_response_after_commit": 1})
    world.start_log()
    outcome = only(customers.create([creation("c1-1", firstName="Kari")]))
    assert isinstance(outcome.error, UnclearError)
    assert world.operations.count("CreateCustomer") == 1
    assert list(customers.find_by_key(["c1-1"])) == ["c1-1"]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"email": "opptatt@example.no"}, ("email", "taken")),
        ({"email": "ikke-epost"}, ("email", "invalid")),
        ({"firstName": "K", "phone": "12"}, ("phone", "invalid")),
        ({"firstName": "x" * 256}, ("firstName", "too_long")),
        ({"firstName": "K", "addresses__city": "https://by.no"}, ("addresses.city", "invalid")),
        ({"firstName": "K", "addresses__country": "Norge"}, ("addresses.country", "invalid")),
    ],
)
def test_a_refused_creation_names_the_field_and_makes_nothing(values: dict[str, str], found: tuple[str, str]) -> None:
    world = World()
    world.new_customer(email="opptatt@example.no")
    before = rows(world.customers().read_all())
    outcome = only(world.customers().create([creation("c1-1", **values)]))
    assert found in problems(outcome)
    assert outcome.record is None
    assert rows(world.customers().read_all()) == before


def test_creations_run_side_by_side() -> None:
    world = World()
    customers = world.customers(workers=4)
    made = list(customers.create([creation(f"c1-{n}", n, firstName="Kari") for n in range(45)]))
    assert {outcome.ref for outcome in made if outcome.record} == set(range(45))
    assert len(rows(customers.read_all())) == 45


def test_creations_stop_once_access_is_refused() -> None:
    world = World(switches={"scopes": ["read_customers"]})
    world.memory["shopify.key_definition.customer"] = "yes"
    outcomes: list[Outcome] = list(
        world.customers().create([creation(f"c1-{n}", n, firstName="Kari") for n in range(30)])
    )
    assert len(outcomes) == 30
    assert all(isinstance(outcome.error, AccessError) for outcome in outcomes)
    assert world.operations.count("CreateCustomer") <= 1


def test_a_creation_that_the_server_failed_is_unclear() -> None:
    shop = Shop(
        MakeDefinition=data(m0={"createdDefinition": {"id": "x"}, "userErrors": []}),
        FindCustomersByKey=data(m0=None),
        CreateCustomer=errors(error("INTERNAL_SERVER_ERROR", ["m0"]), m0=None),
    )
    assert isinstance(only(shop.customers(FEW).create([creation("c1-1", firstName="K")])).error, UnclearError)


# --- products


def test_a_new_product_has_one_variant_a_status_and_our_key() -> None:
    world = World()
    new = creation("c1-9", title="Kopp", sku="A-1", price="79.90", cost="30", barcode="123", descriptionHtml="<p>K</p>")
    made = only(world.products(EVERY_PRODUCT_FIELD).create([new]))
    assert made.record is not None
    assert made.record == stored(world, made.record)
    assert made.record.facts["status"] == "DRAFT"
    assert made.record.key == "c1-9"
    assert {made.record.values[name] for name in ("title", "sku", "price", "barcode")} == {
        "Kopp",
        "A-1",
        "79.90",
        "123",
    }
    assert rows(world.products().read_all())[0].id == made.record.id


def test_a_product_without_a_price_is_made_all_the_same() -> None:
    world = World()
    assert only(world.products().create([creation("c1-9", title="Kopp")])).record is not None


def test_a_product_without_a_title_is_refused() -> None:
    world = World()
    outcome = only(world.products().create([creation("c1-9", sku="A")]))
    assert ("title", "missing") in problems(outcome)


def test_product_and_variant_are_written_with_one_document() -> None:
    world = World()
    record = variant(world, sku="A-1", price="10.00")
    changes = (
        change("title", "Kopp", "Krus"),
        change("sku", "A-1", "A-2"),
        change("price", "10.00", "12.50"),
        change("cost", None, "5"),
        change("barcode", None, "123"),
        change("descriptionHtml", "", "<p>Krus</p>"),
    )
    outcome = only(world.products(EVERY_PRODUCT_FIELD).update([update(record, *changes)]))
    assert world.operations == ["CheckProductVariants", "UpdateProductVariants"]
    assert outcome.record == stored(world, record)
    assert outcome.record is not None
    assert outcome.record.values["sku"] == "A-2"


def test_a_title_alone_answers_the_products_fields_alone() -> None:
    world = World()
    record = variant(world)
    outcome = only(world.products().update([update(record, change("title", "Kopp", "Krus"))]))
    assert outcome.record is not None
    assert outcome.record.values == {"title": "Krus"}
    assert outcome.record.clock == stored(world, record).clock


def test_a_refused_price_does_not_hold_back_the_sku() -> None:
    world = World()
    record = variant(world, sku="A-1", price="10.00")
    changes = (change("price", "10.00", "-1"), change("sku", "A-1", "A-2"), change("title", "Kopp", "Krus"))
    outcome = only(world.products().update([update(record, *changes)]))
    assert problems(outcome) == {("price", "invalid")}
    now = stored(world, record).values
    assert (now["price"], now["sku"], now["title"]) == ("10.00", "A-2", "Krus")


def test_a_price_that_is_no_number_is_refused_without_its_value() -> None:
    world = World()
    record = variant(world, price="10.00")
    outcome = only(world.products().update([update(record, change("price", "10.00", "gratis"))]))
    assert problems(outcome) == {("price", "invalid")}
    assert "gratis" not in outcome.problems[0].message


def test_a_title_is_not_written_once_the_product_has_several_variants() -> None:
    several = variant_node(9, variants=2)
    shop = Shop(CheckProductVariants=data(m0=[several]))
    outcome = only(shop.products(["title", "sku"]).update([Update(1, "9", (change("title", "Kopp", "Krus"),))]))
    assert outcome.moved
    assert shop.operations == ["CheckProductVariants"]


def test_a_product_that_goes_between_check_and_write_is_told_as_gone() -> None:
    for name, expected in (("title", "Kopp"), ("price", "10.00")):
        world = World()
        record = variant(world, price="10.00")
        product = record.facts["product_id"]

        def delete(operation: str, world: World = world, product: str = product) -> None:
            if operation == "UpdateProductVariants":
                world.sim.edit({"entity": "products", "id": product, "delete": True})

        world.before = delete
        assert only(world.products().update([update(record, change(name, expected, "12.00"))])).gone


# --- hand-written nodes

FEW = ("firstName", "email", "addresses.city")


def node(number: int, address: str | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/Customer/{number}",
        "createdAt": "2024-01-01T00:00:00Z",
        "updatedAt": "2026-08-01T09:27:26Z",
        "samklangKey": None,
        "firstName": "Kari",
        "defaultEmailAddress": {"emailAddress": "k@example.no"},
        "defaultAddress": {"id": "gid://shopify/MailingAddress/3", "city": address} if address else None,
        **fields,
    }


def customer_answer(number: int, **fields: Any) -> dict[str, Any]:
    return {"customer": node(number, **fields), "userErrors": []}


def variant_node(number: int, variants: int = 1) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/ProductVariant/{number}",
        "createdAt": "2024-01-01T00:00:00Z",
        "updatedAt": "2026-08-01T00:00:00Z",
        "position": 1,
        "taxable": True,
        "inventoryItem": {"id": "gid://shopify/InventoryItem/5"},
        "sku": "A",
        "product": {
            "id": "gid://shopify/Product/1",
            "status": "ACTIVE",
            "updatedAt": "2026-08-02T00:00:00Z",
            "variantsCount": {"count": variants},
            "samklangKey": None,
            "title": "Kopp",
        },
    }
