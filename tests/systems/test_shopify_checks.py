"""What `doctor` says of a shop: each thing that a first run needs, and what to do when it is missing."""

from __future__ import annotations

from typing import Any

import pytest
from scripted import Answer
from shop import EVERY_PRODUCT_FIELD, HOST, Shop, World, data, error, errors

from samklang.systems.base import Check, System
from samklang.systems.shopify import ShopifyConfig, ShopifyCustomers


def failed(system: System) -> dict[str, Check]:
    return {check.name: check for check in system.check() if not check.ok}


@pytest.mark.parametrize("kind", ["customers", "products"])
def test_a_shop_that_has_everything_passes(kind: str) -> None:
    world = World(3)
    assert failed(getattr(world, kind)()) == {}
    assert failed(world.products(EVERY_PRODUCT_FIELD)) == {}


def test_a_refused_token_is_the_only_thing_said() -> None:
    shop = Shop(Scopes=Answer(401, {"errors": "no"}))
    found = shop.customers().check()
    assert [(check.name, check.ok) for check in found] == [("Shopify: token", False)]
    assert "static Admin API token" in found[0].remedy


def test_refused_client_credentials_are_told() -> None:
    shop = Shop(**{"/admin/oauth/access_token": Answer(400, {"error": "shop_not_permitted"})})
    client = shop.client(ShopifyConfig(HOST, client_id="id", client_secret="geheim"))
    (check,) = failed(ShopifyCustomers(client, ["email"], {})).values()
    assert "organisation" in check.remedy


@pytest.mark.parametrize(
    ("kind", "fields", "scopes", "missing"),
    [
        ("customers", ("email",), ["read_customers"], {"write_customers"}),
        ("customers", ("email",), ["write_products"], {"read_customers", "write_customers"}),
        ("products", ("title",), ["read_products"], {"write_products"}),
        ("products", ("title", "cost"), ["write_products"], {"write_inventory"}),
        ("products", ("title",), ["write_products"], set()),
    ],
)
def test_a_missing_scope_is_named_with_what_to_do(
    kind: str, fields: tuple[str, ...], scopes: list[str], missing: set[str]
) -> None:
    world = World(3, switches={"scopes": scopes})
    found = {name: check for name, check in failed(getattr(world, kind)(fields)).items() if "scope" in name}
    assert set(found) == {f"Shopify: scope {scope}" for scope in missing}
    assert all("access scopes" in check.remedy for check in found.values())


def test_protected_customer_data_that_is_denied_is_named() -> None:
    world = World(3, switches={"denied_fields": ["Customer.firstName", "CustomerEmailAddress.emailAddress"]})
    (check,) = failed(world.customers()).values()
    assert check.name == "Shopify: protected customer data"
    assert "emailAddress, firstName" in check.detail
    assert "protected customer data" in check.remedy


def test_protected_customer_data_that_is_denied_without_a_field_is_told() -> None:
    shop = Shop(
        Scopes=data(m0={"accessScopes": [{"handle": "read_customers"}, {"handle": "write_customers"}]}),
        Describe=data(m0={"id": "gid://shopify/Shop/1"}),
        ProbeProtectedData=errors(error("ACCESS_DENIED"), m0={"nodes": []}),
        ReadDefinition=data(m0=None),
    )
    (check,) = (check for check in shop.customers().check() if "protected" in check.name)
    assert not check.ok
    assert "protected customer data" in check.remedy


def test_a_definition_of_another_type_is_told_with_what_to_do() -> None:
    world = World(3)
    world.wrong_definition()
    (check,) = failed(world.customers()).values()
    assert "single_line_text_field" in check.detail
    assert "Delete the metafield definition" in check.remedy
    assert failed(world.products()) == {}


@pytest.mark.parametrize(
    "reply",
    [Answer(500), Answer(200, b"<html>"), Answer(200, {"data": {"m0": None}}), Answer(200, {"data": {"m0": []}})],
)
def test_a_check_never_raises(reply: Any) -> None:
    shop = Shop(Scopes=reply, ReadDefinition=reply, ProbeProtectedData=reply)
    assert not all(check.ok for check in shop.customers().check())
