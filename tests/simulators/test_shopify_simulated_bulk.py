"""Bulk queries: what is refused, what the file holds, and how an operation goes on."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from shopify_shop import Shop

RUN = """mutation ($query: String!, $group: Boolean!) { bulkOperationRunQuery(query: $query, groupObjects: $group) {
  bulkOperation { id status objectCount url } userErrors { field message code } } }"""
POLL = """query ($id: ID!) { bulkOperation(id: $id) {
  id status errorCode objectCount rootObjectCount fileSize url completedAt } }"""
CUSTOMERS = """{ customers { edges { node { id email mail: defaultEmailAddress { emailAddress }
  addressesV2 { edges { node { id city } } } } } } }"""


def run(shop: Shop, query: str = CUSTOMERS, group: bool = False) -> str:
    payload = shop.data(RUN, query=query, group=group)["bulkOperationRunQuery"]
    assert payload["userErrors"] == []
    assert payload["bulkOperation"]["status"] == "CREATED"
    return str(payload["bulkOperation"]["id"])


def poll(shop: Shop, operation: str) -> dict[str, Any]:
    found: dict[str, Any] = shop.data(POLL, id=operation)["bulkOperation"]
    return found


def rows(shop: Shop, operation: str) -> list[dict[str, Any]]:
    url = poll(shop, operation)["url"]
    response = shop.send("GET", url.removeprefix("http://127.0.0.1:9102"))
    assert response.status == 200
    return [orjson.loads(line) for line in response.body.splitlines()]


def test_the_file_holds_every_record_and_each_address_names_its_parent() -> None:
    shop = Shop(records=40)
    operation = run(shop)
    found = rows(shop, operation)
    state = shop.simulator.state()["customers"]
    customers = [row for row in found if "__parentId" not in row]
    assert [row["id"] for row in customers] == [row["id"] for row in state]
    assert set(customers[0]) == {"id", "email", "mail"}
    below = [(row["__parentId"], row["id"]) for row in found if "__parentId" in row]
    assert below == [(row["id"], address["id"]) for row in state for address in row["addresses"]]
    done = poll(shop, operation)
    assert (done["status"], done["rootObjectCount"], done["objectCount"]) == ("COMPLETED", "40", str(len(found)))
    assert done["url"].startswith("http://127.0.0.1:9102/bulk/")


def test_slashes_in_the_file_are_escaped_as_recorded() -> None:
    """Recording: 2026-04 bulk-operation-run-mutation-created-status, `result`."""
    shop = Shop()
    shop.create_customer(firstName="Ola", note="a/b \\ c")
    url = poll(shop, run(shop, "{ customers { edges { node { id note } } } }"))["url"]
    body = shop.send("GET", url.removeprefix("http://127.0.0.1:9102")).body
    assert rb"gid:\/\/shopify\/Customer\/" in body
    assert rb'"a\/b \\ c"' in body
    assert orjson.loads(body)["note"] == "a/b \\ c"


def test_objects_within_a_row_count_only_where_the_switch_says_so() -> None:
    query = "{ customers { edges { node { id defaultEmailAddress { emailAddress } } } } }"
    counted = {}
    for counts in ("lines", "objects"):
        shop = Shop(bulk_counts=counts)
        shop.create_customer(email="ola@example.com")
        done = poll(shop, run(shop, query))
        counted[counts] = (done["rootObjectCount"], done["objectCount"])
    assert counted == {"lines": ("1", "1"), "objects": ("1", "2")}


@pytest.mark.parametrize("group", [True, False])
def test_children_follow_their_parent_only_when_grouped(group: bool) -> None:
    shop = Shop(records=40)
    found = rows(shop, run(shop, group=group))
    last, together = "", True
    for row in found:
        together &= row.get("__parentId", last) == last
        last = row["id"] if "__parentId" not in row else last
    assert together is group


def test_a_query_in_bulk_is_filtered_and_gives_what_a_page_would_give() -> None:
    shop = Shop(records=30)
    selection = "id title updatedAt status variants(first: 10) { edges { node { id sku price } } }"
    query = f'{{ products(query: "status:draft") {{ edges {{ node {{ {selection} }} }} }} }}'
    page = shop.data(f'{{ products(first: 50, query: "status:draft") {{ nodes {{ {selection} }} }} }}')["products"]
    found = rows(shop, run(shop, query))
    parents = [row for row in found if "__parentId" not in row]
    assert parents == [{k: v for k, v in row.items() if k != "variants"} for row in page["nodes"]]
    children = [{k: v for k, v in row.items() if k != "__parentId"} for row in found if "__parentId" in row]
    assert children == [edge["node"] for row in page["nodes"] for edge in row["variants"]["edges"]]


def test_no_rows_make_no_file() -> None:
    shop = Shop()
    done = poll(shop, run(shop))
    assert (done["status"], done["url"], done["objectCount"]) == ("COMPLETED", None, "0")


def test_a_slow_operation_runs_for_as_long_as_the_switch_says() -> None:
    shop = Shop(records=3, bulk_seconds=60.0)
    operation = run(shop)
    shop.pass_time(59)
    running = poll(shop, operation)
    assert (running["status"], running["url"], running["completedAt"]) == ("RUNNING", None, None)
    shop.pass_time(1)
    assert poll(shop, operation)["status"] == "COMPLETED"
    quick = Shop(records=3)
    assert poll(quick, run(quick))["status"] == "COMPLETED"


def test_an_operation_fails_as_the_switch_says() -> None:
    shop = Shop(records=3, bulk_error="TIMEOUT")
    done = poll(shop, run(shop))
    assert (done["status"], done["errorCode"], done["url"]) == ("FAILED", "TIMEOUT", None)


@pytest.mark.parametrize("switches", [{"denied_fields": ["Customer.email"]}, {"scopes": ["write_products"]}])
def test_a_field_or_scope_that_is_missing_fails_the_operation(switches: dict[str, Any]) -> None:
    shop = Shop(records=3, **switches)
    done = poll(shop, run(shop))
    assert (done["status"], done["errorCode"]) == ("FAILED", "ACCESS_DENIED")


def test_a_sixth_operation_at_a_time_is_refused() -> None:
    shop = Shop(records=3, bulk_seconds=10.0)
    ids = [run(shop) for _ in range(5)]
    (error,) = shop.data(RUN, query=CUSTOMERS, group=False)["bulkOperationRunQuery"]["userErrors"]
    assert (error["field"], error["code"]) == (None, "OPERATION_IN_PROGRESS")
    assert error["message"].endswith(f"already in progress: {', '.join(ids)}.")
    shop.pass_time(10)
    assert run(shop)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ customers { edges { node { id nonsense } } } }", "Field 'nonsense' doesn't exist on type 'Customer'"),
        ("{ shop { id } }", "Bulk queries must contain at least one connection."),
        ("{ customers {", "Invalid bulk query: Syntax Error"),
    ],
)
def test_a_bulk_query_that_cannot_run_is_refused(query: str, message: str) -> None:
    (error,) = Shop().data(RUN, query=query, group=False)["bulkOperationRunQuery"]["userErrors"]
    assert (error["field"], error["code"]) == (["query"], "INVALID")
    assert message in error["message"]


def test_the_log_tells_whether_a_file_was_fetched_with_the_token() -> None:
    shop = Shop(records=3)
    path = poll(shop, run(shop))["url"].removeprefix("http://127.0.0.1:9102")
    shop.send("GET", path)
    shop.send("GET", path, headers={"x-shopify-access-token": "shpat_simulated"})
    assert [row["operation"] for row in shop.simulator.requests()[-2:]] == ["bulk file", "bulk file, token sent"]
    assert shop.send("GET", "/bulk/1.jsonl").status == 404


def test_ten_thousand_customers_come_in_one_file() -> None:
    shop = Shop(records=10_000)
    assert len(rows(shop, run(shop, "{ customers { edges { node { id email updatedAt } } } }"))) == 10_000
