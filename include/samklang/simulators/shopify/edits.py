"""Edits as a human makes them in the admin, by way of the same rules as the API's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samklang.simulators.shopify import addresses, customers, products, variants
from samklang.simulators.shopify.goods import Product
from samklang.simulators.shopify.naming import gid, snake
from samklang.simulators.shopify.records import Customer
from samklang.simulators.shopify.store import Store

CUSTOMER_FIELDS = frozenset(["email", "phone", "firstName", "lastName", "note", "locale", "tags", "taxExempt"])
ADDRESS_FIELDS = frozenset(
    ["address1", "address2", "city", "zip", "company", "phone", "firstName", "lastName", "countryCode", "provinceCode"]
)
PRODUCT_FIELDS = frozenset(["title", "status", "vendor", "productType", "descriptionHtml", "handle", "tags"])
ONLY_NEW = frozenset(["giftCard", "combinedListingRole"])
VARIANT_FIELDS = frozenset(["price", "compareAtPrice", "barcode", "taxable"])
ITEM_FIELDS = frozenset(["sku", "cost", "tracked"])

Values = dict[str, Any]


def edit(store: Store, order: Mapping[str, Any]) -> str | None:
    """Carry out one order; gives the id of the record, or None after a deletion.

    Fields of an address are written `addresses.city`: they go to the default address. Fields of a variant are
    written `price`: they go to the first variant, or to the one that `variant` names by id. A list under `variants` is
    all variants of a product in their new order, each with the `name` of its choice: one with `variant` stays, one
    without it is added, and what is not listed is removed.

    `company` says whether a customer buys for a company.

    :raises ValueError: no such entity or field, or the shop refuses the value.
    :raises KeyError: no such record.
    """
    match order.get("entity"):
        case "customers":
            return _edit_customer(store, order)
        case "products":
            return _edit_product(store, order)
    raise ValueError(f"there is no entity {order.get('entity')}; known are customers and products")


def _edit_customer(store: Store, order: Mapping[str, Any]) -> str | None:
    if "create" in order:
        values = dict(order["create"])
        place = _take(values, "addresses.", ADDRESS_FIELDS)
        made = customers.create(store, _snaked(values, CUSTOMER_FIELDS) | ({"addresses": [place]} if place else {}))
        return str(_checked(made)["customer"].id)
    customer = customers.by_id(store, _gid("Customer", order["id"]))
    if customer is None:
        raise KeyError(order["id"])
    if order.get("delete"):
        _checked(customers.delete(store, customer.id))
        return None
    if order.get("redact"):
        customers.redact(store, customer)
        return customer.id
    if order.get("archive"):
        raise ValueError("a customer cannot be archived")
    if "company" in order:
        customers.set_company(store, customer, bool(order["company"]))
        return customer.id
    values = dict(order["set"])
    place = _take(values, "addresses.", ADDRESS_FIELDS)
    values = _snaked(values, CUSTOMER_FIELDS)
    if values:
        _checked(customers.update(store, {"id": customer.id, **values}))
    if place:
        _checked(_edit_address(store, customer, place))
    return customer.id


def _edit_address(store: Store, customer: Customer, place: Values) -> Values:
    if customer.default_address is None:
        return addresses.create(store, customer.id, place, set_as_default=True)
    return addresses.update(store, customer.id, customer.default_address.id, place)


def _edit_product(store: Store, order: Mapping[str, Any]) -> str | None:
    if "create" in order:
        values = dict(order["create"])
        variant = _variant_values(values)
        row = {**variant, "option_values": [{"option_name": "Title", "name": "Default Title"}]}
        made = products.upsert(store, {**_snaked(values, PRODUCT_FIELDS | ONLY_NEW), "variants": [row]})
        return str(_checked(made)["product"].id)
    product = products.by_id(store, _gid("Product", order["id"]))
    if product is None:
        raise KeyError(order["id"])
    if order.get("delete"):
        store.remove_product(product)
        store.log("delete", "products", product.id, [])
        return None
    if "variants" in order:
        _checked(_set_variants(store, product, order["variants"]))
        return product.id
    values = {"status": "ARCHIVED"} if order.get("archive") else dict(order["set"])
    variant_id = values.pop("variant", product.variant_list[0].id)
    variant = _variant_values(values)
    values = _snaked(values, PRODUCT_FIELDS)
    if values:
        _checked(products.update(store, {"id": product.id, **values}))
    if variant:
        _checked(variants.update_many(store, product.id, [{"id": variant_id, **variant}]))
    return product.id


def _set_variants(store: Store, product: Product, listed: Sequence[Mapping[str, Any]]) -> Values:
    option = product.option_list[0]
    rows = []
    for one in listed:
        values = dict(one)
        name, kept = values.pop("name"), values.pop("variant", None)
        row = {**_variant_values(values), "option_values": [{"option_name": option.name, "name": name}]}
        rows.append(row | ({"id": _gid("ProductVariant", kept)} if kept else {}))
        _snaked(values, frozenset())
    for row in rows:  # a choice that went to another variant must not find the one that had it
        known = next((one for one in product.variant_list if one.id == row.get("id")), None)
        if known is not None:
            known.choices = [choice["name"] for choice in row["option_values"]]
    names = [{"name": row["option_values"][0]["name"]} for row in rows]
    options = [{"id": option.id, "values": names}]
    return products.upsert(store, {"id": product.id, "product_options": options, "variants": rows})


def _variant_values(values: Values) -> Values:
    row: Values = {snake(name): values.pop(name) for name in list(values) if name in VARIANT_FIELDS}
    item = {snake(name): values.pop(name) for name in list(values) if name in ITEM_FIELDS}
    return row | ({"inventory_item": item} if item else {})


def _take(values: Values, prefix: str, known: frozenset[str]) -> Values:
    found = {name.removeprefix(prefix): values.pop(name) for name in list(values) if name.startswith(prefix)}
    return _snaked(found, known)


def _snaked(values: Values, known: frozenset[str]) -> Values:
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"there is no field {unknown[0]}; known are {', '.join(sorted(known))}")
    return {snake(name): value for name, value in values.items()}


def _checked(payload: Values) -> Values:
    if payload["userErrors"]:
        raise ValueError("; ".join(error["message"] for error in payload["userErrors"]))
    return payload


def _gid(kind: str, text: str) -> str:
    return text if str(text).startswith("gid:") else gid(kind, int(text))
