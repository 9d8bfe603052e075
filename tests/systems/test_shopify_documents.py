"""Every GraphQL document that is sent fits the Admin API's own schema, with its variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate
from graphql.execution.values import get_variable_values
from shop import World, change, creation, rows, update

from samklang.core.records import Record
from samklang.systems.shopify.countries import COUNTRIES
from samklang.systems.shopify.documents import Call, addresses_of, compose, selection, variants_of
from samklang.systems.shopify.fields import CUSTOMER, PRODUCT

SINCE = "2000-01-01T00:00:00.0000000Z"
CUSTOMER_VALUES = {
    "email": "ny@example.no",
    "phone": "+4799887766",
    "locale": "nb",
    "taxExempt": "true",
    "addresses.country": "NO",
    "addresses.provinceCode": "",
    "addresses.phone": "+4799887766",
}
PRODUCT_VALUES = {"price": "10.00", "compareAtPrice": "12.00", "cost": "5"}


@pytest.fixture(scope="session")
def schema(shared_apis: Path) -> GraphQLSchema:
    return build_schema((shared_apis / "shopify-admin-2026-10.graphql").read_text("utf-8"))


@pytest.fixture(scope="module")
def sent() -> list[dict[str, Any]]:
    """What both systems send when every field is mapped and every verb is used."""
    world = World(700, switches={"b2b": True})
    for system, known, values in (
        (world.customers(tuple(CUSTOMER)), CUSTOMER, CUSTOMER_VALUES),
        (world.products(tuple(PRODUCT)), PRODUCT, PRODUCT_VALUES),
    ):
        system.describe()
        system.check()
        found = rows(system.read_all())
        rows(system.read_changes(SINCE))
        rows(system.read_ids([record.id for record in found[:3]]))
        new = {name: values.get(name, "x") for name in known}
        list(system.create([creation("c1-1", **{n: v for n, v in new.items() if v}), creation("c1-1", title="Y")]))
        list(system.update([_everything(record, values) for record in found[:12]]))
    return world.documents


def _everything(record: Record, values: dict[str, str]) -> Any:
    return update(record, *(change(n, v, values.get(n, "y") or None) for n, v in record.values.items()))


def bulk_queries(sent: list[dict[str, Any]]) -> list[str]:
    return [body["variables"]["m0_query"] for body in sent if body["operationName"] == "RunBulk"]


OPERATIONS = {
    "Describe", "Scopes", "ProbeCompanyContacts", "ProbeProtectedData", "ReadDefinition", "MakeDefinition",
    "ReadCustomers", "ReadMoreCustomers", "ReadChangedCustomers", "ReadCustomersById", "FindCustomersByKey",
    "CheckCustomers", "UpdateCustomers", "CreateCustomer",
    "ReadProductVariants", "ReadMoreProductVariants", "ReadChangedProducts", "ReadProductVariantsById",
    "FindProductVariantsByKey", "CheckProductVariants", "UpdateProductVariants", "CreateProductVariant",
    "RunBulk", "PollBulk",
}  # fmt: skip


def test_every_operation_is_among_those_that_are_checked(sent: list[dict[str, Any]]) -> None:
    assert {body["operationName"] for body in sent} == OPERATIONS


def test_every_document_is_valid(sent: list[dict[str, Any]], schema: GraphQLSchema) -> None:
    for text in {body["query"] for body in sent}:
        assert validate(schema, parse(text)) == []


def test_every_variable_fits_its_type(sent: list[dict[str, Any]], schema: GraphQLSchema) -> None:
    for body in sent:
        (operation,) = [d for d in parse(body["query"]).definitions if isinstance(d, OperationDefinitionNode)]
        found = get_variable_values(schema, operation.variable_definitions or (), body["variables"])
        assert not isinstance(found, list), found


def test_every_bulk_query_is_valid(sent: list[dict[str, Any]], schema: GraphQLSchema) -> None:
    queries = bulk_queries(sent)
    assert len(queries) >= 2
    for text in queries:
        assert validate(schema, parse(text)) == []
        assert "nodes" not in text
        assert "..." not in text


@pytest.mark.parametrize("name", ["addressesV2", "variants"])
def test_rare_documents_are_valid_too(name: str, schema: GraphQLSchema) -> None:
    call = {"addressesV2": addresses_of("gid://shopify/Customer/1", "id"), "variants": variants_of("g", "id", None)}
    text, variables = compose([call[name]], operation="Rare")
    assert name in text
    assert validate(schema, parse(text)) == []
    assert len(variables) >= 1


def test_countries_are_those_of_the_schema_but_for_the_unknown_one(schema: GraphQLSchema) -> None:
    kind: Any = schema.type_map["CountryCode"]
    assert set(kind.values) - {"ZZ"} == COUNTRIES


def test_no_value_of_a_record_stands_in_a_document(sent: list[dict[str, Any]]) -> None:
    for body in sent:
        assert "ny@example.no" not in body["query"]
        assert "c1-1" not in body["query"]


def test_calls_have_aliases_and_variables_of_their_own() -> None:
    calls = [
        Call("a", "b(after: $after) { c }", {"id": ("ID!", "1")}, "first: 2", {"after": ("String", None)}),
        Call("a", "...F", {"id": ("ID!", "2")}),
    ]
    text, variables = compose(calls, operation="Two", fragments={"F": "on X { y }", "G": "on X { z }"})
    assert text.splitlines() == [
        "query Two($m0_id: ID!, $m0_after: String, $m1_id: ID!) {",
        "  m0: a(first: 2, id: $m0_id) { b(after: $m0_after) { c } }",
        "  m1: a(id: $m1_id) { ...F }",
        "}",
        "fragment F on X { y }",
    ]
    assert variables == {"m0_id": "1", "m0_after": None, "m1_id": "2"}


def test_paths_that_start_alike_share_their_start() -> None:
    assert selection([("a",), ("b", "c"), ("d",), ("b", "e")]) == "a b { c e } d"
