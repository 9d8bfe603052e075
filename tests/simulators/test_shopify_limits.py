"""What a request costs, who may ask, and how a request that is refused is answered."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from shopify_shop import CREATE, SET, TOKEN, Shop

CUSTOMERS = "query ($first: Int!) { customers(first: $first) { nodes { id %s } } }"
GRAPHQL = "/admin/api/2026-10/graphql.json"


def cost(shop: Shop, document: str, **variables: Any) -> dict[str, Any]:
    found: dict[str, Any] = shop.ask(document, variables)["extensions"]["cost"]
    return found


@pytest.mark.parametrize(("first", "expected"), [(1, 3), (2, 4), (5, 5), (20, 7), (50, 9), (100, 11), (250, 13)])
def test_a_page_costs_what_was_observed(first: int, expected: int) -> None:
    assert cost(Shop(), CUSTOMERS % "email", first=first)["requestedQueryCost"] == expected


def test_a_page_within_a_page_multiplies() -> None:
    document = "{ products(first: 250) { nodes { options { name } variants(first: 250) { nodes { id } } } } }"
    assert cost(Shop(), document)["requestedQueryCost"] == 2 + 11 * (1 + 13 + 1)


def test_the_values_of_options_cost_more_than_options() -> None:
    """Recording: 2025-01 product-options-create-parity, `downstreamRead` and `mutation`."""
    shop = Shop()
    product = shop.create_product(title="A")["id"]
    document = """query ($id: ID!) { product(id: $id) { id
      options { id name position values optionValues { id name hasVariants } }
      variants(first: 10) { nodes { id title selectedOptions { name value } } } } }"""
    assert cost(shop, document, id=product)["requestedQueryCost"] == 13


def test_rows_that_are_asked_for_twice_are_paid_for_once() -> None:
    """Sheet, found since: `edges` and `nodes` together cost 4, not 6."""
    document = "{ customers(first: 2) { edges { cursor node { id } } nodes { id } } }"
    assert cost(Shop(), document)["requestedQueryCost"] == 4


@pytest.mark.parametrize(("mode", "expected"), [("flat", 2), ("each", 3 * 2), ("sized", 2 + 2 * 2)])
def test_nodes_cost_the_same_for_any_number_of_ids_unless_a_switch_says_otherwise(mode: str, expected: int) -> None:
    """Recording: 2025-01 metafields-set-owner-existence-atomicity, `upstreamCalls`: 1 for one id and for two."""
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { defaultEmailAddress { emailAddress } } } }"
    ids = [f"gid://shopify/Customer/{number}" for number in range(3)]
    assert cost(Shop(nodes_cost=mode), document, ids=ids)["requestedQueryCost"] == expected


def test_the_bucket_empties_with_what_was_used_and_fills_with_time() -> None:
    shop = Shop(throttle="on")
    assert cost(shop, CUSTOMERS % "", first=250) == {
        "requestedQueryCost": 13,
        "actualQueryCost": 13,
        "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 1987, "restoreRate": 100.0},
    }
    shop.pass_time(0.1)
    assert cost(shop, "{ shop { id } }")["throttleStatus"]["currentlyAvailable"] == 1996


def test_a_request_above_what_is_left_is_throttled_under_status_200_and_not_carried_out() -> None:
    shop = Shop(throttle="on", bucket_size=15.0, restore_rate=5.0)
    shop.ask(CREATE, {"input": {"firstName": "A"}})
    body = orjson.dumps({"query": CREATE, "variables": {"input": {"firstName": "B"}}})
    response = shop.send("POST", GRAPHQL, body, {"x-shopify-access-token": TOKEN})
    assert response.status == 200
    assert orjson.loads(response.body) == {
        "errors": [
            {
                "message": "Throttled",
                "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"},
            }
        ],
        "extensions": {
            "cost": {
                "requestedQueryCost": 10,
                "actualQueryCost": None,
                "throttleStatus": {"maximumAvailable": 15.0, "currentlyAvailable": 5, "restoreRate": 5.0},
            }
        },
    }
    shop.pass_time(1)
    assert "errors" not in shop.ask(CREATE, {"input": {"firstName": "B"}})
    assert len(shop.simulator.state()["customers"]) == 2


def test_without_throttle_nothing_is_ever_throttled() -> None:
    shop = Shop(throttle="off", bucket_size=5.0)
    answers = [shop.ask(CREATE, {"input": {"firstName": "A"}}) for _ in range(20)]
    assert not any("errors" in answer for answer in answers)


def test_a_query_above_the_highest_cost_is_refused_without_extensions() -> None:
    inner = "variants(first: 250) { nodes { metafields(first: 250) { nodes { id } } } }"
    document = f"{{ products(first: 250) {{ nodes {{ {inner} }} }} }}"
    answer = Shop().ask(document)
    assert set(answer) == {"errors"}
    extensions = answer["errors"][0]["extensions"]
    assert (extensions["code"], extensions["maxCost"]) == ("MAX_COST_EXCEEDED", 1000)
    assert extensions["cost"] > 1000
    assert "errors" not in Shop(max_query_cost=5000).ask(document)


def token_request(shop: Shop, **form: str) -> tuple[int, dict[str, Any]]:
    body = "&".join(f"{name}={value}" for name, value in form.items()).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    response = shop.send("POST", "/admin/oauth/access_token", body, headers)
    return response.status, orjson.loads(response.body)


def test_a_token_from_client_credentials_works_for_a_day_and_not_longer() -> None:
    shop = Shop()
    status, granted = token_request(shop, grant_type="client_credentials", client_id="client", client_secret="secret")
    assert (status, granted["expires_in"]) == (200, 86_399)
    assert granted["scope"] == "write_customers,write_products,write_inventory"
    shop.pass_time(86_398)
    assert "data" in shop.ask("{ shop { id } }", token=granted["access_token"])
    shop.pass_time(2)
    assert "Invalid API key" in shop.ask("{ shop { id } }", token=granted["access_token"])["errors"]


def test_wrong_credentials_and_tokens_are_refused() -> None:
    shop = Shop()
    assert token_request(shop, grant_type="client_credentials", client_id="client", client_secret="no")[0] == 401
    assert token_request(shop, grant_type="password")[0] == 400
    response = shop.send("POST", GRAPHQL, b'{"query": "{ shop { id } }"}', {"x-shopify-access-token": "other"})
    assert response.status == 401
    assert response.headers["X-Shopify-API-Version"] == "2026-10"


@pytest.mark.parametrize(
    ("asked", "used"),
    [("2026-10", "2026-10"), ("2026-04", "2026-04"), ("2023-01", "2026-01"), ("unstable", "unstable")],
)
def test_the_answer_names_the_version_that_was_used(asked: str, used: str) -> None:
    body, headers = b'{"query": "{ shop { id } }"}', {"x-shopify-access-token": TOKEN}
    response = Shop().send("POST", f"/admin/api/{asked}/graphql.json", body, headers)
    assert response.headers["X-Shopify-API-Version"] == used


def test_other_paths_and_bodies_that_are_no_query_are_refused() -> None:
    shop = Shop()
    assert shop.send("GET", "/admin/api/2026-10/shop.json").status == 404
    assert shop.send("POST", GRAPHQL, b"nonsense", {"x-shopify-access-token": TOKEN}).status == 400


@pytest.mark.parametrize(
    ("scopes", "document", "refused"),
    [
        (
            ["read_customers"],
            'mutation { customerCreate(input: {firstName: "A"}) { customer { id } } }',
            "write_customers",
        ),
        (["write_products"], '{ customer(id: "gid://shopify/Customer/1") { id } }', "read_customers"),
        (["read_customers"], "{ productsCount { count } }", "read_products"),
        (
            ["write_products"],
            'mutation { inventoryItemUpdate(id: "gid://shopify/InventoryItem/1", input: {}) { inventoryItem { id } } }',
            "write_inventory",
        ),
        (["write_products"], '{ nodes(ids: ["gid://shopify/Customer/1"]) { id } }', "read_customers"),
        (["write_customers"], "{ customersCount { count } }", None),
        (["write_products"], "{ productsCount { count } }", None),
    ],
)
def test_a_root_field_needs_its_scope_and_write_implies_read(
    scopes: list[str], document: str, refused: str | None
) -> None:
    answer = Shop(scopes=scopes).ask(document)
    if refused is None:
        assert "errors" not in answer
        return
    (error,) = answer["errors"]
    field = error["path"][0]
    assert error["message"] == f"Access denied for {field} field. Required access: `{refused}` access scope."
    assert error["extensions"]["code"] == "ACCESS_DENIED"
    assert not (answer["data"] or {}).get(field)


@pytest.mark.parametrize("denied", [[], ["Customer.phone", "MailingAddress.zip"]])
def test_a_denied_field_is_null_with_an_error_beside_the_other_data(denied: list[str]) -> None:
    shop = Shop(denied_fields=denied)
    made = shop.simulator.edit(
        {"entity": "customers", "create": {"phone": "99887766", "addresses.zip": "0155", "addresses.city": "Oslo"}}
    )
    document = "query ($id: ID!) { customer(id: $id) { phone addresses { city zip } } }"
    answer = shop.ask(document, {"id": made["id"]})
    customer = answer["data"]["customer"]
    assert customer["addresses"][0]["city"] == "Oslo"
    if not denied:
        assert "errors" not in answer
        assert (customer["phone"], customer["addresses"][0]["zip"]) == ("+4799887766", "0155")
        return
    assert (customer["phone"], customer["addresses"][0]["zip"]) == (None, None)
    assert [error["path"] for error in answer["errors"]] == [
        ["customer", "phone"],
        ["customer", "addresses", 0, "zip"],
    ]
    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert answer["errors"][0]["message"].startswith("This app is not approved to access the Customer object.")


def test_an_unknown_field_and_a_missing_argument_are_answered_as_recorded() -> None:
    document = "mutation Wrong { customerCreate { customer { id } userErrors { code } } }"
    answer = Shop().ask(document)
    assert set(answer) == {"errors"}
    assert [(error["message"], error["path"], error["extensions"]) for error in answer["errors"]] == [
        (
            "Field 'customerCreate' is missing required arguments: input",
            ["mutation Wrong", "customerCreate"],
            {
                "code": "missingRequiredArguments",
                "className": "Field",
                "name": "customerCreate",
                "arguments": "input",
            },
        ),
        (
            "Field 'code' doesn't exist on type 'UserError'",
            ["mutation Wrong", "customerCreate", "userErrors", "code"],
            {"code": "undefinedField", "typeName": "UserError", "fieldName": "code"},
        ),
    ]


def test_a_literal_null_for_a_required_argument_is_answered_as_recorded() -> None:
    (error,) = Shop().ask("mutation Wrong { customerCreate(input: null) { customer { id } } }")["errors"]
    assert error["message"] == (
        "Argument 'input' on Field 'customerCreate' has an invalid value (null). Expected type 'CustomerInput!'."
    )
    assert error["path"] == ["mutation Wrong", "customerCreate", "input"]
    assert error["extensions"] == {
        "code": "argumentLiteralsIncompatible",
        "typeName": "Field",
        "argumentName": "input",
    }


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "Variable $input of type CustomerSetInput! was provided invalid value"),
        (
            {"input": {"addresses": [{"countryCode": "QQ"}]}},
            'for addresses.0.countryCode (Expected "QQ" to be one of: AC, AD, AE',
        ),
        ({"input": {"firstName": 5}}, "for firstName (Could not coerce value 5 to String)"),
        ({"input": {"id": "17"}}, "for id (Invalid global id '17')"),
        (
            {"input": {}, "identifier": {"email": "a@b.no", "phone": "+4799887766"}},
            "was provided invalid value",
        ),
    ],
)
def test_a_variable_that_does_not_fit_is_answered_with_its_problems(variables: dict[str, Any], message: str) -> None:
    answer = Shop().ask(SET, variables)
    assert set(answer) == {"errors"}
    assert message in answer["errors"][0]["message"]
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_VARIABLE"


def test_an_identifier_takes_exactly_one_key() -> None:
    both = {"email": "a@b.no", "phone": "+4799887766"}
    for identifier, explanation in (
        (both, "'CustomerSetIdentifiers' requires exactly one argument, but 2 were provided."),
        ({}, "'CustomerSetIdentifiers' requires exactly one argument, but 0 were provided."),
        ({"email": None}, "'CustomerSetIdentifiers' requires exactly one argument, but 'email' was `null`."),
    ):
        (error,) = Shop().ask(SET, {"input": {}, "identifier": identifier})["errors"]
        assert error["extensions"]["problems"] == [{"path": [], "explanation": explanation}]
