"""Pages, searches, counts and reads by key."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from shopify_shop import UPDATE, Shop

PAGE = """query ($first: Int, $after: String, $query: String, $sortKey: CustomerSortKeys, $reverse: Boolean) {
  customers(first: $first, after: $after, query: $query, sortKey: $sortKey, reverse: $reverse) {
    nodes { id email updatedAt } pageInfo { hasNextPage hasPreviousPage endCursor } } }"""
PRODUCTS = "query ($query: String) { products(first: 50, query: $query) { nodes { title } } }"
VARIANTS = "query ($query: String) { productVariants(first: 50, query: $query) { nodes { sku } } }"


def read_all(shop: Shop, size: int, **arguments: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    after = None
    while True:
        page = shop.data(PAGE, first=size, after=after, **arguments)["customers"]
        rows += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return rows
        after = page["pageInfo"]["endCursor"]


def emails(shop: Shop, query: str) -> list[str]:
    return [row["email"] for row in shop.data(PAGE, first=50, query=query)["customers"]["nodes"]]


@pytest.fixture(scope="module")
def filled() -> Shop:
    return Shop(records=130)


@pytest.mark.parametrize("sort_key", ["ID", "UPDATED_AT", "CREATED_AT", "NAME"])
@pytest.mark.parametrize("reverse", [False, True])
def test_pages_give_every_customer_once_in_the_order_asked_for(filled: Shop, sort_key: str, reverse: bool) -> None:
    small = read_all(filled, 7, sortKey=sort_key, reverse=reverse)
    assert [row["id"] for row in small] == [
        row["id"] for row in read_all(filled, 250, sortKey=sort_key, reverse=reverse)
    ]
    assert len({row["id"] for row in small}) == 130
    if sort_key == "UPDATED_AT":
        clocks = [row["updatedAt"] for row in small]
        assert clocks == sorted(clocks, reverse=reverse)


def test_pages_can_be_read_from_the_end(filled: Shop) -> None:
    document = """query ($before: String) { customers(last: 20, before: $before) {
      nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor } } }"""
    last = filled.data(document)["customers"]
    before = filled.data(document, before=last["pageInfo"]["startCursor"])["customers"]
    ids = [row["id"] for row in read_all(filled, 250)]
    assert [row["id"] for row in before["nodes"] + last["nodes"]] == ids[-40:]
    assert (last["pageInfo"]["hasNextPage"], before["pageInfo"]["hasNextPage"]) == (False, True)


def test_a_cursor_is_the_id_and_the_sort_value_and_survives_changes_in_between() -> None:
    shop = Shop(records=20)
    page = shop.data(PAGE, first=10)["customers"]
    number = int(page["nodes"][-1]["id"].split("/")[-1])
    cursor = page["pageInfo"]["endCursor"]
    assert orjson.loads(base64.b64decode(cursor)) == {"last_id": number, "last_value": str(number)}
    shop.simulator.store.remove_customer(shop.simulator.store.customers[number])
    rest = shop.data(PAGE, first=250, after=cursor)["customers"]["nodes"]
    assert len(rest) == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"first": 251},
            "first cannot exceed 250. To query larger amounts of data with fewer limits, bulk operations should be "
            "used instead.",
        ),
        ({"first": None}, "you must provide one of first or last"),
        ({"first": 1, "after": "???"}, "Invalid cursor for current pagination sort."),
    ],
)
def test_a_page_that_cannot_be_given_is_an_error_without_data(arguments: dict[str, Any], message: str) -> None:
    answer = Shop().ask(PAGE, arguments)
    assert answer["data"] is None
    assert [(error["message"], error["extensions"]["code"]) for error in answer["errors"]] == [(message, "BAD_REQUEST")]


@pytest.fixture
def three() -> Shop:
    """Three customers, made on the 20th at 10:00, the 21st at 10:00 and now."""
    shop = Shop()
    shop.pass_time(-3 * 86_400 - 7_200)
    shop.create_customer(email="kari@example.com", firstName="Kari", lastName="Berg", phone="99887766")
    shop.pass_time(86_400)
    shop.create_customer(email="kari.example@post.no", firstName="Kari Anne")
    shop.pass_time(2 * 86_400 + 7_200)
    shop.create_customer(email="ola@example.com", tags=["VIP"])
    return shop


@pytest.mark.parametrize(
    ("granularity", "query", "expected"),
    [
        ("day", "updated_at:>='2026-11-21T11:00:00Z'", ["kari.example@post.no", "ola@example.com"]),
        ("second", "updated_at:>='2026-11-21T11:00:00Z'", ["ola@example.com"]),
        ("day", "updated_at:'2026-11-21T23:00:00+01:00'", ["kari.example@post.no"]),
        ("second", "updated_at:'2026-11-21T23:00:00+01:00'", []),
        ("second", "updated_at:>'2026-11-21T10:00:00Z'", ["kari.example@post.no", "ola@example.com"]),
        ("second", "updated_at:<'2026-11-21T10:00:00Z'", ["kari@example.com", "kari.example@post.no"]),
        ("second", "updated_at:2026-11-20", ["kari@example.com"]),
    ],
)
def test_updated_at_of_customers_matches_whole_days_or_seconds_as_the_switch_says(
    three: Shop, granularity: str, query: str, expected: list[str]
) -> None:
    three.simulator.switches({"customers_updated_at": granularity})
    assert emails(three, query) == expected


def test_an_unquoted_timestamp_loses_its_end_and_only_a_warning_says_so(three: Shop) -> None:
    answer = three.ask(PAGE, {"first": 5, "query": "updated_at:>=2026-11-21T10:30:00Z"})
    assert len(answer["data"]["customers"]["nodes"]) == 2
    (found,) = answer["extensions"]["search"]
    assert found["path"] == ["customers"]
    assert found["warnings"] == [
        {"field": "30", "message": "Invalid search field for this query.", "code": "invalid_field"}
    ]


def test_an_unknown_filter_is_ignored_and_named_in_a_warning(three: Shop) -> None:
    answer = three.ask(PAGE, {"first": 5, "query": "metafields.gogo.number:7"})
    assert len(answer["data"]["customers"]["nodes"]) == 3
    assert answer["extensions"]["search"][0]["warnings"][0]["field"] == "metafields.gogo.number"
    assert "search" not in three.ask(PAGE, {"first": 5, "query": "first_name:Kari"})["extensions"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("email:kari@example.com", ["kari@example.com"]),
        ("email:kari@example", ["kari@example.com", "kari.example@post.no"]),
        ('email:"KARI@example.com"', ["kari@example.com"]),
        ('email:"kari@example"', []),
        ("first_name:Kari", ["kari@example.com"]),
        ("first_name:kari*", ["kari@example.com", "kari.example@post.no"]),
        ("tag:vip OR last_name:berg", ["kari@example.com", "ola@example.com"]),
        ("-tag:vip", ["kari@example.com", "kari.example@post.no"]),
        ("phone:+4799887766", ["kari@example.com"]),
        ("state:disabled NOT (first_name:kari* OR tag:VIP)", []),
    ],
)
def test_searches_read_terms_quotes_and_brackets(three: Shop, query: str, expected: list[str]) -> None:
    assert emails(three, query) == expected


@pytest.mark.parametrize(("lag", "seen"), [(0.0, True), (30.0, False)])
def test_the_search_index_lags_as_the_switch_says_and_reads_by_key_do_not(lag: float, seen: bool) -> None:
    shop = Shop(index_lag_seconds=lag)
    made = shop.create_customer(email="kari@example.com")
    assert bool(emails(shop, "email:kari@example.com")) is seen
    assert len(read_all(shop, 5)) == 1
    document = """query ($id: ID!) { nodes(ids: [$id]) { id }
      customerByIdentifier(identifier: {emailAddress: "KARI@example.com"}) { id } }"""
    read = shop.data(document, id=made["id"])
    assert read == {"nodes": [{"id": made["id"]}], "customerByIdentifier": {"id": made["id"]}}
    shop.pass_time(31)
    assert emails(shop, "email:kari@example.com") == ["kari@example.com"]


def test_a_lagging_index_finds_a_changed_customer_by_what_it_was_before() -> None:
    shop = Shop(index_lag_seconds=30.0)
    made = shop.create_customer(firstName="Kari", email="kari@example.com")
    shop.pass_time(60)
    shop.data(UPDATE, input={"id": made["id"], "firstName": "Anne"})
    assert (emails(shop, "first_name:Kari"), emails(shop, "first_name:Anne")) == (["kari@example.com"], [])
    shop.pass_time(60)
    assert (emails(shop, "first_name:Kari"), emails(shop, "first_name:Anne")) == ([], ["kari@example.com"])


def test_products_are_searched_by_status_sku_and_exact_time() -> None:
    shop = Shop()
    shop.create_product(title="Kopp", variants=[{"optionValues": [{"name": "Default Title"}], "sku": "HUS-1"}])
    shop.pass_time(10)
    shop.create_product(title="Skål", status="DRAFT")

    def titles(query: str) -> list[str]:
        return [row["title"] for row in shop.data(PRODUCTS, query=query)["products"]["nodes"]]

    assert titles("status:active,archived") == ["Kopp"]
    assert titles("sku:hus-1") == titles("sku:HUS*") == ["Kopp"]
    assert titles("updated_at:>='2026-11-23T12:00:10Z'") == ["Skål"]
    assert titles("updated_at:>='2026-11-23T12:00:00Z'") == ["Kopp", "Skål"]
    assert shop.data(VARIANTS, query="sku:HUS-1")["productVariants"]["nodes"] == [{"sku": "HUS-1"}]


def test_counts_take_few_filters_and_say_whether_they_are_exact(three: Shop) -> None:
    document = """query ($query: String, $limit: Int) { customersCount(query: $query, limit: $limit) { count precision }
      productVariantsCount(query: $query) { count } }"""
    answer = three.ask(document, {"query": "email:kari@example.com", "limit": 2})
    assert answer["data"]["customersCount"] == {"count": 2, "precision": "AT_LEAST"}
    assert answer["extensions"]["search"][0]["path"] == ["customersCount"]
    late = three.ask(document, {"query": "updated_at:>='2027-01-01T00:00:00Z'"})
    assert late["data"]["customersCount"] == {"count": 0, "precision": "EXACT"}
    assert "search" not in late["extensions"]


def test_nodes_answer_in_the_order_asked_and_null_for_what_is_gone(three: Shop) -> None:
    made = three.create_product(title="Kopp")
    customer = three.simulator.state()["customers"][0]["id"]
    ids = [made["id"], "gid://shopify/Customer/5", customer, made["variants"]["nodes"][0]["id"]]
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Customer { email } } }"
    assert three.data(document, ids=ids)["nodes"] == [
        {"__typename": "Product", "id": made["id"]},
        None,
        {"__typename": "Customer", "id": customer, "email": "kari@example.com"},
        {"__typename": "ProductVariant", "id": ids[3]},
    ]


def test_a_read_of_one_kind_by_an_id_of_another_is_refused(three: Shop) -> None:
    answer = three.ask('{ customer(id: "gid://shopify/Product/1") { id } }')
    assert answer["data"] == {"customer": None}
    assert answer["errors"][0]["extensions"]["code"] == "RESOURCE_NOT_FOUND"


def test_a_custom_id_without_its_definition_cannot_be_looked_up(three: Shop) -> None:
    identifier = {"customId": {"namespace": "gogo", "key": "number", "value": "7"}}
    for root, kind in (("product", "ProductIdentifierInput"), ("productVariant", "ProductVariantIdentifierInput")):
        document = f"query ($i: {kind}!) {{ {root}ByIdentifier(identifier: $i) {{ id }} }}"
        (error,) = three.ask(document, {"i": identifier})["errors"]
        assert error["message"] == "Metafield definition of type 'id' is required when using custom ids."


def test_the_shop_tells_its_currency_and_whether_prices_include_tax() -> None:
    document = "{ shop { currencyCode taxesIncluded myshopifyDomain } }"
    assert Shop().data(document)["shop"] == {
        "currencyCode": "NOK",
        "taxesIncluded": True,
        "myshopifyDomain": "fjordbutikken.myshopify.com",
    }
    other = Shop(currency="SEK", taxes_included=False).data(document)["shop"]
    assert (other["currencyCode"], other["taxesIncluded"]) == ("SEK", False)
