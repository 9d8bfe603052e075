"""Answers that hold something else than the API promises are protocol errors, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from shop import FEW, Shop, creation, data, node, page, product_node, update
from shop import change as changed

from samklang.core.records import Record
from samklang.errors import ProtocolError, RemoteError
from samklang.systems.shopify.bulk import read_bulk

QUERY = "{ customers { edges { node { id } } } }"


@pytest.mark.parametrize("nodes", [[[]], ["x"], [1], {}, None, "x"])
def test_records_that_are_no_objects(nodes: Any) -> None:
    shop = Shop(ReadCustomersById=data(m0=nodes))
    with pytest.raises(ProtocolError):
        list(shop.customers(FEW).read_ids(["1"]))


@pytest.mark.parametrize("found", [[], "x", 1, True])
def test_a_holder_that_is_no_object(found: Any) -> None:
    with pytest.raises(ProtocolError):
        Shop(FindCustomersByKey=data(m0=found)).customers(FEW).find_by_key(["c1-9"])


@pytest.mark.parametrize("variants", [{"nodes": ["x"]}, {"nodes": 3}, {"nodes": [None]}, {}, "x"])
def test_a_holder_whose_variants_are_no_list_of_objects(variants: Any) -> None:
    shop = Shop(FindProductVariantsByKey=data(m0={**product_node(1), "variants": variants}))
    with pytest.raises(ProtocolError):
        shop.products().find_by_key(["c1-9"])


@pytest.mark.parametrize("variants", [{"nodes": ["x"]}, {"nodes": 3}])
def test_variants_that_come_with_a_changed_product_and_are_no_objects(variants: Any) -> None:
    product = {**product_node(1), "variants": {**variants, "pageInfo": {"hasNextPage": False}}}
    with pytest.raises(ProtocolError):
        list(Shop(ReadChangedProducts=data(m0=page(product))).products().read_changes("2026-01-01"))


@pytest.mark.parametrize("payload", [[], "x", True, {"userErrors": True}, {"userErrors": "x"}, {"userErrors": [None]}])
def test_a_definition_or_a_bulk_operation_that_is_not_answered(payload: Any) -> None:
    shop = Shop(MakeDefinition=data(m0=payload), RunBulk=data(m0=payload))
    with pytest.raises(ProtocolError):
        list(read_bulk(shop.client(), QUERY))
    (outcome,) = shop.customers(FEW).create([creation("c1-9", firstName="Kari")])
    assert isinstance(outcome.error, ProtocolError)


@pytest.mark.parametrize("status", [[], {}, 1, None, "Kari Nordmann"])
def test_a_bulk_operation_in_a_state_that_there_is_not(status: Any) -> None:
    started = data(m0={"bulkOperation": {"id": "gid://shopify/BulkOperation/1"}, "userErrors": []})
    shop = Shop(RunBulk=started, PollBulk=data(m0={"status": status, "errorCode": "Kari Nordmann"}))
    with pytest.raises(RemoteError) as failed:
        list(read_bulk(shop.client(), QUERY))
    assert "Kari" not in str(failed.value)


@pytest.mark.parametrize("addresses", [{"nodes": ["x"]}, {"nodes": 1}, [], "x"])
def test_addresses_that_are_no_objects_when_one_exists_already(addresses: Any) -> None:
    record = Record("1", {"addresses.city": "Moss"}, facts={"address_id": "gid://shopify/MailingAddress/3"})
    taken = {"userErrors": [{"field": ["address"], "message": "Address already exists"}]}
    shop = Shop(
        CheckCustomers=data(m0=[node(1, city="Moss")]),
        UpdateCustomers=data(m0=taken),
        ReadAddresses=data(m0={"addressesV2": addresses}),
    )
    (outcome,) = shop.customers(FEW).update([update(record, changed("addresses.city", "Moss", "Oslo"))])
    assert isinstance(outcome.error, ProtocolError) or outcome.problems


@pytest.mark.parametrize("scopes", [1, True, "x", {}, ["x"], [None]])
def test_scopes_that_are_no_list_of_objects_are_not_granted(scopes: Any) -> None:
    shop = Shop(Scopes=data(m0={"accessScopes": scopes}), ReadDefinition=data(m0=None))

    assert not all(check.ok for check in shop.customers(FEW).check())
