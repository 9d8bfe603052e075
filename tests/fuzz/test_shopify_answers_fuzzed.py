"""Whatever Shopify answers: records, or a typed error that quotes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from garbage import BYTES, CANARY, FEWER, JSON, fits, mutated, typed
from hypothesis import given
from hypothesis import strategies as st
from scripted import Answer
from shop import (
    COST,
    CUSTOMER_FIELDS,
    EVERY_PRODUCT_FIELD,
    Shop,
    count,
    customer_answer,
    node,
    page,
    product_node,
    variant_node,
)

from samklang.core.records import Page, Record
from samklang.errors import SamklangError
from samklang.systems.base import Change, Creation, Outcome, Update
from samklang.systems.shopify.bulk import read_bulk

SENT = "zqxsent"
WHO = {
    "firstName": f"{CANARY}Kari",
    "lastName": f"{CANARY}N",
    "phone": None,
    "defaultEmailAddress": {"emailAddress": f"{CANARY}@example.no"},
    "defaultAddress": {"id": "gid://shopify/MailingAddress/3", "address1": f"{CANARY} 1", "city": None,
                       "address2": None, "zip": "0155", "countryCodeV2": "NO"},
}  # fmt: skip
CUSTOMER = node(1, **WHO)
GOODS = {
    "inventoryItem": {"id": "gid://shopify/InventoryItem/5", "updatedAt": "2026-08-01T00:00:00Z",
                      "unitCost": {"amount": "10.0"}},
    "barcode": f"{CANARY}1",
}  # fmt: skip
PRODUCT = {**product_node(1), "title": f"{CANARY}Kopp", "descriptionHtml": None}
VARIANT = {**variant_node(1), **GOODS, "product": PRODUCT}
WITH_VARIANTS = {**PRODUCT, "variants": page({**variant_node(1), **GOODS})}
SHOP = {"id": "gid://shopify/Shop/1", "name": f"{CANARY} AS", "taxesIncluded": True, "currencyCode": "NOK"}
NO = {"field": ["input", "firstName"], "message": f"The value {SENT} is bad", "code": "INVALID"}
FAULTS = [
    {
        "message": f"{CANARY} denied",
        "path": ["m0"],
        "extensions": {"code": "ACCESS_DENIED", "requiredAccess": "read_x"},
    },
    {"message": CANARY, "extensions": {"code": "THROTTLED"}},
    {
        "message": "Variable $m0_input",
        "extensions": {"code": "INVALID_VARIABLE", "problems": [{"path": ["a"]}]},
    },
    {"message": f"{CANARY} internal error"},
    {"message": CANARY, "path": ["m1", "nodes", 0, "firstName"], "extensions": {"code": "ACCESS_DENIED"}},
]
BULK = {
    "id": "gid://shopify/BulkOperation/1",
    "status": "COMPLETED",
    "rootObjectCount": "1",
    "url": "https://files.example/1",
}
VALID: dict[str, list[dict[str, Any]]] = {
    "Describe": [{"m0": SHOP}],
    "Scopes": [{"m0": {"accessScopes": [{"handle": "read_customers"}, {"handle": "write_customers"}]}}],
    "ReadCustomers": [{"m0": count(1), "m1": page(CUSTOMER)}, {"m0": count(9000), "m1": page(CUSTOMER, more="c")}],
    "ReadMoreCustomers": [{"m0": page(CUSTOMER)}],
    "ReadChangedCustomers": [{"m0": page(CUSTOMER)}, {"m0": page(CUSTOMER, more="c")}],
    "ReadCustomersById": [{"m0": [CUSTOMER]}],
    "FindCustomersByKey": [{"m0": CUSTOMER}, {"m0": None}],
    "CheckCustomers": [{"m0": [CUSTOMER]}],
    "UpdateCustomers": [{"m0": {**customer_answer(1), "customer": CUSTOMER}}, {"m0": {"userErrors": [NO]}}],
    "CreateCustomer": [{"m0": {"customer": CUSTOMER, "userErrors": []}}, {"m0": {"userErrors": [NO]}}],
    "ReadProductVariants": [{"m0": count(1), "m1": page(VARIANT)}],
    "ReadChangedProducts": [{"m0": page(WITH_VARIANTS)}],
    "ReadVariantsOfProduct": [{"m0": WITH_VARIANTS}],
    "ReadProductVariantsById": [{"m0": [VARIANT]}],
    "FindProductVariantsByKey": [{"m0": WITH_VARIANTS}, {"m0": None}],
    "CheckProductVariants": [{"m0": [VARIANT]}],
    "UpdateProductVariants": [{"m0": {"productVariants": [VARIANT], "product": PRODUCT, "userErrors": []}}],
    "CreateProductVariant": [{"m0": {"product": WITH_VARIANTS, "userErrors": []}}],
    "MakeDefinition": [{"m0": {"createdDefinition": {"id": "1"}, "userErrors": []}}],
    "ReadDefinition": [{"m0": {"type": {"name": "id"}}}, {"m0": None}],
    "RunBulk": [{"m0": {"bulkOperation": {"id": "gid://shopify/BulkOperation/1"}, "userErrors": []}}],
    "PollBulk": [{"m0": BULK}],
}
OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "describe": lambda system: system.describe(),
    "check": lambda system: system.check(),
    "read all": lambda system: list(system.read_all()),
    "read changes": lambda system: list(system.read_changes("2026-01-01T00:00:00.0000000Z")),
    "read these": lambda system: list(system.read_ids(["1"])),
    "find": lambda system: system.find_by_key(["c1-9"]),
    "create": lambda system: list(system.create([Creation(1, "c1-9", {_name(system): SENT}, {})])),
    "update": lambda system: list(system.update([Update(1, "1", (_change(system),), {})])),
}


def _name(system: Any) -> str:
    return "firstName" if system.entity == "customers" else "title"


def _change(system: Any) -> Change:
    return Change(_name(system), f"{CANARY}{'Kari' if system.entity == 'customers' else 'Kopp'}", SENT)


class AnyShop(dict[str, Any]):
    """Answers to every operation that is asked for, drawn when it is."""

    def __init__(self, data: st.DataObject) -> None:
        super().__init__()
        self.data = data
        self.left = 4

    def __missing__(self, operation: str) -> Answer:
        draw = self.data.draw
        self.left -= 1
        if self.left < 0:
            return Answer(403)
        valid = VALID.get(operation, [{}])
        whole = {"data": draw(st.sampled_from(valid)), "extensions": {"cost": COST}}
        match draw(st.integers(0, 9)):
            case 0:
                return Answer(200, draw(BYTES))
            case 1:
                return Answer(200, draw(JSON.filter(fits)))
            case 2:
                return Answer(draw(st.sampled_from([302, 400, 401, 402, 403, 404, 423, 429, 500, 503])), draw(BYTES))
            case 3 | 4:
                whole["errors"] = draw(st.lists(st.sampled_from(FAULTS), min_size=1, max_size=2))
                return Answer(200, draw(mutated(whole).filter(fits)))
            case 5 | 6:
                return Answer(200, whole)
            case _:
                return Answer(200, draw(mutated(whole).filter(fits)))


def shop_of(data: st.DataObject) -> Shop:
    shop = Shop()
    shop.answers = AnyShop(data)
    return shop


@pytest.mark.parametrize("entity", ["customers", "products"])
@pytest.mark.parametrize("operation", list(OPERATIONS))
@FEWER
@given(data=st.data())
def test_any_answer_is_read_or_is_an_error_without_values(entity: str, operation: str, data: st.DataObject) -> None:
    shop = shop_of(data)
    system = shop.customers(CUSTOMER_FIELDS) if entity == "customers" else shop.products(EVERY_PRODUCT_FIELD)

    found = typed(lambda: OPERATIONS[operation](system))
    for outcome in found if isinstance(found, list) else []:
        check_outcome(outcome)


def check_outcome(found: Any) -> None:
    if isinstance(found, Page):
        for record in found.records:
            check_record(record)
    elif isinstance(found, Outcome):
        for problem in found.problems:
            assert SENT not in problem.message
        assert found.error is None or isinstance(found.error, SamklangError)
        assert SENT not in str(found.error)
        assert CANARY not in str(found.error)
        if found.record is not None:
            check_record(found.record)


def check_record(record: Record) -> None:
    assert record.id.isdigit()
    assert all(value is None or isinstance(value, str) for value in record.values.values())
    assert len(record.clock) == len("2026-08-01T09:27:26.0000000Z")


LINES = st.lists(
    st.one_of(BYTES, JSON.filter(fits).map(orjson.dumps), mutated(CUSTOMER).filter(fits).map(orjson.dumps)), max_size=4
).map(b"\n".join)


@given(st.data())
def test_any_bulk_operation_and_file_is_read_or_refused(data: st.DataObject) -> None:
    shop = shop_of(data)
    inner = shop.server.handler
    content = data.draw(LINES)
    shop.server.handler = lambda request: (
        Answer(200, content) if request.base_url == "https://files.example" else inner(request)
    )

    typed(lambda: list(read_bulk(shop.client(), "{ customers { edges { node { id } } } }")))


@given(st.one_of(BYTES, JSON.filter(fits), mutated({"access_token": "t", "expires_in": 86399}).filter(fits)))
def test_any_answer_to_a_sign_in_is_a_token_or_an_error(body: Any) -> None:
    from samklang.systems.shopify import ShopifyConfig

    shop = Shop(**{"/admin/oauth/access_token": Answer(200, body)})
    typed(shop.client(ShopifyConfig("https://fjord.myshopify.com", client_id="i", client_secret="s")).sign_in)


@given(st.data())
def test_any_cost_is_learned_from_or_ignored(data: st.DataObject) -> None:
    shop = Shop()
    shop.answers = {
        "Describe": [
            Answer(
                200,
                {"data": {"m0": SHOP}, "extensions": {"cost": data.draw(st.one_of(JSON, mutated(COST)).filter(fits))}},
            )
            for _ in range(3)
        ]
    }
    system = shop.customers()
    for _ in range(3):
        typed(system.describe)
    assert all(0 <= seconds <= 30 for seconds in shop.time.slept)
