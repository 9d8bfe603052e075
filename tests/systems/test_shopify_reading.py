"""Whole reads, by id and by key: every record, and nothing taken for an end that is none."""

from __future__ import annotations

from typing import Any

import pytest
from scripted import Answer
from shop import (
    EVERY_PRODUCT_FIELD,
    FEW,
    Shop,
    World,
    count,
    creation,
    data,
    error,
    errors,
    first_page,
    node,
    only,
    page,
    rows,
)

from samklang.core.records import Scope
from samklang.errors import AccessError, ConfigurationError, ProtocolError
from samklang.systems.base import Description
from samklang.systems.shopify import ShopifyCustomers, ShopifyProducts

# --- records


def test_a_customer_is_read_as_stored() -> None:
    shop = Shop(
        ReadCustomers=first_page(
            node(
                7,
                samklangKey={"value": "c1-9"},
                defaultAddress={"id": "gid://shopify/MailingAddress/3?model_name=CustomerAddress", "city": " Oslo "},
            )
        )
    )
    (found,) = shop.customers(FEW).read_all()
    (record,) = found.records
    assert (record.id, record.key, record.scope) == ("7", "c1-9", Scope.ACTIVE)
    assert record.values == {
        "firstName": "Kari",
        "email": "kari@example.no",
        "phone": None,
        "addresses.city": " Oslo ",
    }
    assert record.facts == {"address_id": "gid://shopify/MailingAddress/3?model_name=CustomerAddress"}
    assert (record.created, record.clock) == ("2024-01-01T00:00:00.0000000Z", "2026-08-01T09:27:26.0000000Z")
    assert found.total == 2


def test_a_customer_without_an_address_has_empty_lines_and_no_address_id() -> None:
    (record,) = rows(Shop(ReadCustomers=first_page(node(7))).customers(FEW).read_all())
    assert record.values["addresses.city"] is None
    assert record.facts == {"address_id": None}


def test_a_field_that_is_missing_from_the_answer_is_unknown() -> None:
    bare = node(7)
    del bare["firstName"]
    (record,) = rows(Shop(ReadCustomers=first_page(bare)).customers(FEW).read_all())
    assert "firstName" not in record.values


def test_only_mapped_fields_and_what_tells_of_an_erasure_are_asked_for() -> None:
    shop = Shop(ReadCustomers=first_page(node(7)))
    list(shop.customers(["note"]).read_all())
    document = shop.sent[0]["query"]
    assert "note" in document
    for name in ("defaultAddress", "tags", "locale"):
        assert name not in document
    for name in ("firstName", "lastName", "emailAddress", "phoneNumber"):
        assert name in document


@pytest.mark.parametrize("kind", [ShopifyCustomers, ShopifyProducts])
def test_an_unknown_field_names_the_nearest_one(kind: Any) -> None:
    with pytest.raises(ConfigurationError, match="nearest name is"):
        kind(Shop().client(), ["adresses.zipp"], {})


@pytest.mark.parametrize("broken", [{"id": 7}, {"id": None}, {"updatedAt": None}, {"firstName": ["Kari"]}])
def test_a_malformed_customer_is_an_error(broken: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        rows(Shop(ReadCustomers=first_page({**node(7), **broken})).customers(FEW).read_all())


# --- protected fields


def denied(*path: str | int) -> dict[str, Any]:
    return error("ACCESS_DENIED", ["m1", "nodes", 0, *path], "This app is not approved to access the Customer object.")


def test_protected_fields_that_are_denied_are_unknown_and_reported() -> None:
    body = errors(
        denied("firstName"),
        denied("defaultEmailAddress", "emailAddress"),
        m0=count(1),
        m1=page(node(7, firstName=None, defaultEmailAddress={"emailAddress": None})),
    )
    (found,) = Shop(ReadCustomers=body).customers(FEW).read_all()
    assert set(found.records[0].values) == {"phone", "addresses.city"}
    assert set(found.denied) == {"firstName", "email"}


def test_a_whole_address_that_is_denied_is_not_a_missing_address() -> None:
    body = errors(denied("defaultAddress"), m0=count(1), m1=page(node(7)))
    (record,) = rows(Shop(ReadCustomers=body).customers(FEW).read_all())
    assert "addresses.city" not in record.values
    assert "address_id" not in record.facts


def test_our_own_key_that_is_denied_is_an_access_error() -> None:
    body = errors(denied("samklangKey", "value"), m0=count(1), m1=page(node(7)))
    with pytest.raises(AccessError):
        rows(Shop(ReadCustomers=body).customers(FEW).read_all())


def test_denied_fields_are_left_out_of_a_bulk_query_which_they_would_fail() -> None:
    world = World(60, switches={"denied_fields": ["Customer.firstName"]})
    big = count(100_000)
    shop = Shop(
        ReadCustomers=errors(denied("firstName"), m0=big, m1=page(node(7), more="x")),
        RunBulk=data(m0={"bulkOperation": {"id": "gid://shopify/BulkOperation/1"}, "userErrors": []}),
        PollBulk=data(m0={"status": "COMPLETED", "rootObjectCount": "0", "url": None}),
    )
    assert rows(shop.customers(FEW).read_all()) == []
    assert "firstName" not in shop.sent[1]["variables"]["m0_query"]
    found = list(world.customers().read_all())
    assert all("firstName" not in record.values and "email" in record.values for record in found[0].records)


# --- whole reads


def test_a_small_shop_is_read_by_pages_until_the_shop_says_that_there_are_no_more() -> None:
    shop = Shop(
        ReadCustomers=first_page(node(1), node(2), total=4, more="a"),
        ReadMoreCustomers=[data(m0=page(node(3), more="b")), data(m0=page(node(4)))],
    )
    assert [record.id for record in rows(shop.customers(FEW).read_all())] == ["1", "2", "3", "4"]
    assert [body["variables"] for body in shop.sent[1:]] == [{"m0_after": "a"}, {"m0_after": "b"}]


def paged(*pages: dict[str, Any]) -> Shop:
    answers: list[Any] = [data(m0=page_) for page_ in pages]
    return Shop(ReadCustomers=first_page(node(5), total=9, more="a"), ReadMoreCustomers=answers)


def test_a_short_page_does_not_end_a_read() -> None:
    shop = paged(page(node(6), more="b"), page(node(7)))
    assert len(rows(shop.customers(FEW).read_all())) == 3


def test_rows_already_seen_are_dropped() -> None:
    shop = paged(page(node(5), node(6)))
    assert [record.id for record in rows(shop.customers(FEW).read_all())] == ["5", "6"]


def test_ids_that_do_not_rise_are_an_error() -> None:
    with pytest.raises(ProtocolError, match="order"):
        rows(paged(page(node(4))).customers(FEW).read_all())


@pytest.mark.parametrize(
    "broken",
    [
        None,
        {},
        {"nodes": None, "pageInfo": {"hasNextPage": False}},
        {"nodes": [None], "pageInfo": {"hasNextPage": False}},
        {"nodes": []},
        {"nodes": [], "pageInfo": {"hasNextPage": None}},
        {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": "b"}},
        {"nodes": [node(8)], "pageInfo": {"hasNextPage": True, "endCursor": None}},
        page(node(8), more="a"),
    ],
)
def test_a_missing_or_malformed_page_is_an_error_and_never_an_end(broken: Any) -> None:
    shop = paged(broken, page(node(9), more="a"), page(node(10), more="a"))
    with pytest.raises(ProtocolError):
        rows(shop.customers(FEW).read_all())


def test_a_count_that_is_not_exact_is_no_total() -> None:
    shop = Shop(ReadCustomers=data(m0=count(10_000, "AT_LEAST"), m1=page(node(7))))
    assert [found.total for found in shop.customers(FEW).read_all()] == [None]


def test_ten_thousand_customers_are_read_with_one_bulk_operation() -> None:
    world = World(10_000, switches={"bulk_seconds": 4.0})
    world.start_log()
    found = list(world.customers().read_all())
    assert [len(one.records) for one in found] == [5000, 5000]
    assert {one.total for one in found} == {10_000}
    assert world.operations[0] == "ProbeCompanyContacts"
    assert world.operations[1:] == ["ReadCustomers", "RunBulk", "PollBulk", "PollBulk", "PollBulk", "bulk file"]


def test_pages_and_bulk_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(300)
    by_page = {
        system.entity: {record.id: record for record in rows(system.read_all())}
        for system in (world.customers(), world.products(EVERY_PRODUCT_FIELD))
    }
    assert "RunBulk" not in world.operations
    monkeypatch.setattr("samklang.systems.shopify.reading.BULK_FROM", 10)
    for system in (world.customers(), world.products(EVERY_PRODUCT_FIELD)):
        assert {record.id: record for record in rows(system.read_all())} == by_page[system.entity]
    assert world.operations.count("RunBulk") == 2


@pytest.mark.parametrize("counts", ["lines", "objects"])
def test_a_large_shop_is_read_whole_however_the_shop_counts_what_stands_within_a_record(
    counts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samklang.systems.shopify.reading.BULK_FROM", 10)
    world = World(300, switches={"bulk_counts": counts})
    for system, many in ((world.customers(), "customers"), (world.products(EVERY_PRODUCT_FIELD), "products")):
        assert len(rows(system.read_all())) >= len(world.sim.state()[many]) > 250
    assert world.operations.count("RunBulk") == 2


def test_a_bulk_file_that_holds_a_record_twice_is_an_error() -> None:
    line = b'{"id":"gid://shopify/Customer/7","createdAt":"2024-01-01T00:00:00Z","updatedAt":"2024-01-01T00:00:00Z"}\n'
    shop = Shop(
        **{
            "ReadCustomers": first_page(node(1), total=3000, more="a"),
            "RunBulk": data(m0={"bulkOperation": {"id": "gid://shopify/BulkOperation/1"}, "userErrors": []}),
            "PollBulk": data(
                m0={"status": "COMPLETED", "rootObjectCount": "2", "url": "https://storage.googleapis.com/1"}
            ),
            "/1": Answer(200, line * 2),
        }
    )
    with pytest.raises(ProtocolError, match="twice"):
        rows(shop.customers(FEW).read_all())


def test_an_empty_shop_has_no_records() -> None:
    assert rows(World().customers().read_all()) == []
    assert rows(World().products().read_all()) == []


# --- by id and by key


def test_records_are_read_by_id_and_unknown_ids_are_gone() -> None:
    world = World(250)
    ids = [record.id for record in rows(world.customers().read_all())]
    world.start_log()
    assert {record.id for record in rows(world.customers().read_ids([*ids, "12345", ids[0]]))} == set(ids)
    assert world.operations == ["ReadCustomersById", "ReadAddressBooks"] * 3


def test_an_id_that_is_no_number_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ConfigurationError):
        rows(Shop().customers(FEW).read_ids(["7) { id }"]))


@pytest.mark.parametrize("nodes", [None, [], [None, None], [node(8)]])
def test_an_answer_for_other_ids_is_an_error(nodes: Any) -> None:
    with pytest.raises(ProtocolError):
        rows(Shop(ReadCustomersById=data(m0=nodes)).customers(FEW).read_ids(["7"]))


@pytest.mark.parametrize("lookup", ["flat", "each", "sized"])
def test_lookups_stay_below_the_cost_of_a_single_query(lookup: str) -> None:
    world = World(120, switches={"nodes_cost": lookup})
    for system in (world.customers(), world.products(EVERY_PRODUCT_FIELD)):
        ids = [record.id for record in rows(system.read_all())]
        assert len(rows(system.read_ids(ids))) == len(ids)
        assert system.find_by_key([f"k{n}" for n in range(45)]) == {}


def test_a_key_without_a_definition_is_held_by_nobody() -> None:
    assert World().customers().find_by_key(["c1-1"]) == {}
    assert World().products().find_by_key(["c1-1"]) == {}


def test_keys_are_found_at_once_whatever_the_index_knows() -> None:
    world = World(switches={"index_lag_seconds": 3600.0})
    for system in (world.customers(), world.products()):
        values = {"firstName": "Kari"} if system.entity == "customers" else {"title": "Kopp"}
        made = only(system.create([creation("c1-1", **values)]))
        assert made.record is not None
        assert system.find_by_key(["c1-0", "c1-1"]) == {"c1-1": [made.record]}


def test_another_failure_of_a_lookup_is_not_an_absence() -> None:
    reply = errors(error("SOMETHING", ["m0"]), m0=None)
    with pytest.raises(Exception, match="SOMETHING"):
        Shop(FindCustomersByKey=reply).customers(FEW).find_by_key(["c1-1"])


def test_a_key_is_the_tenant_and_the_id_over_there() -> None:
    source = Description("b7c3", "Firma")
    assert World().customers().key_for("42", source, {}) == "b7c3-42"


# --- the shop


def test_the_shop_is_described_by_its_numeric_id_currency_and_tax() -> None:
    world = World(switches={"taxes_included": False, "currency": "SEK"})
    found = world.customers().describe()
    assert (found.id, found.name) == ("92891250994", "Fjordbutikken")
    assert found.facts == {"currency": "SEK", "prices_include_tax": False}


@pytest.mark.parametrize(
    "shop", [None, {}, {"id": "gid://shopify/Shop/1", "currencyCode": "NOK", "taxesIncluded": None}]
)
def test_a_shop_that_is_not_described_is_an_error(shop: Any) -> None:
    with pytest.raises(ProtocolError):
        Shop(Describe=data(m0=shop)).customers().describe()


# --- no default address


def test_a_default_address_that_is_gone_while_others_stand_in_the_book_is_unknown() -> None:
    world = World()
    records = [world.customer(email=f"k{n}@example.no", **{"addresses.city": "Oslo"}) for n in range(2)]
    nobody = world.customer(email="uten@example.no")
    customer = world.sim.store.customers[int(records[0].id)]
    customer.default_address = None

    world.start_log()
    odd, usual, bare = rows(world.customers().read_ids([records[0].id, records[1].id, nobody.id]))

    assert not any(name.startswith("addresses.") for name in odd.values)
    assert "address_id" not in odd.facts
    assert usual.values["addresses.city"] == "Oslo"
    assert (bare.values["addresses.city"], bare.facts) == (None, {"address_id": None})
    assert world.operations == ["ReadCustomersById", "ReadAddressBooks"]


def test_books_are_not_asked_for_where_everybody_has_a_default_address() -> None:
    world = World()
    record = world.customer(**{"addresses.city": "Oslo"})
    world.start_log()
    rows(world.customers().read_ids([record.id]))
    rows(world.customers(["email"]).read_ids([world.new_customer(email="k@example.no")]))
    assert world.operations == ["ReadCustomersById", "ReadCustomersById"]
