"""Products: the upsert and the update. (sheet 3; recorded: product-set-parity)"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from samklang.simulators.shopify import metafields, variants
from samklang.simulators.shopify.goods import DEFAULT_OPTION, DEFAULT_VALUE, Option, OptionValue, Product
from samklang.simulators.shopify.naming import camel, number_of, words
from samklang.simulators.shopify.problems import Problem, problem, under
from samklang.simulators.shopify.store import Store
from samklang.simulators.shopify.texts import MAX_TEXT, clean, clean_tags, too_long

LIMITED = ("title", "handle", "vendor", "product_type")
NO_PRODUCT = "Product does not exist"
SET_PATHS: dict[str, tuple[list[str], str]] = {
    "title": (["title"], ""),
    "handle": ([], "Handle"),
    "vendor": ([], "Vendor"),
    "product_type": ([], "Product type"),
    "custom_product_type": ([], "Custom product type"),
}
"""productSet tells texts that are too long at the input itself (recorded: product-set-input-length-validation)."""

Values = dict[str, Any]
Payload = dict[str, Any]


def find(store: Store, identifier: Values) -> Product | None:
    """By id, handle or custom id. :raises GraphQLError: a custom id without its definition."""
    if "custom_id" in identifier:
        found = metafields.by_custom_id(store, "PRODUCT", identifier["custom_id"])
        return found if isinstance(found, Product) else None
    if "handle" in identifier:
        return store.handles.get(identifier["handle"])
    return by_id(store, identifier["id"])


def by_id(store: Store, text: str | None) -> Product | None:
    """A product by global id."""
    return store.products.get(number_of("Product", text) or 0)


def upsert(store: Store, values: Values, identifier: Values | None = None) -> Payload:
    """`productSet`: lists replace what was there, what is not sent stays."""
    if identifier and values.get("id"):
        message = "The id field is not allowed if identifier is provided."
        return _refused([problem(["input"], message, "ID_NOT_ALLOWED")])
    key = identifier or ({"id": values["id"]} if values.get("id") else {})
    product = find(store, key) if key else None
    if "id" in key and product is None:  # recorded: product-set-shape-validator-parity, `unknownProduct`
        path = ["input"] if identifier else ["input", "id"]
        return _refused([problem(path, NO_PRODUCT, "PRODUCT_DOES_NOT_EXIST")])
    problems = [*_check(store, product, values, SET_PATHS), *_check_identifier(key, values)]
    if values.get("product_options") is not None and values.get("variants") is None:
        message = "Variants input is required when updating product options"
        problems.append(problem(["variants"], message, "VARIANTS_INPUT_MISSING"))
    problems += variants.check_set(store, product, values)
    if problems:
        return _refused(under(["input"], problems))
    new = product is None
    target = product or Product(**store.fresh("Product"), vendor=store.shop.name)
    store.remember(target, new=new)
    _write(store, target, {"handle": key["handle"], **values} if "handle" in key else values)
    variants.replace(store, target, values)
    if "custom_id" in key:
        metafields.write_custom_id(store, target, key["custom_id"])
    store.products[target.number] = target
    store.touch(target)
    store.log("create" if new else "update", "products", target.id, _names(values))
    return {"product": target, "userErrors": []}


def update(store: Store, values: Values, identifier: Values | None = None) -> Payload:
    """`productUpdate`: errors have no code here."""
    product = find(store, identifier or {"id": values.get("id")})
    if product is None:
        return _refused([problem(["id"], NO_PRODUCT)])
    problems = _check(store, product, values, {})
    if problems:  # recorded: product-update-blank-title-parity and others answer the product as it stands
        return {"product": product, "userErrors": problems}
    store.remember(product)
    _write(store, product, values)
    store.touch(product)
    store.log("update", "products", product.id, _names(values))
    return {"product": product, "userErrors": []}


def new_handle(store: Store, text: str, product: Product) -> str:
    """Letters and digits with hyphens between; a number at the end counts up until it is free (recorded)."""
    handle = re.sub(r"[^\w]+|_", "-", text.lower()).strip("-") or "product"
    while store.handles.get(handle) not in (None, product):
        counted = re.fullmatch(r"(.*-)(\d+)", handle)
        handle = f"{counted[1]}{int(counted[2]) + 1}" if counted else f"{handle}-1"
    return handle


def _refused(problems: Sequence[Problem]) -> Payload:
    return {"product": None, "userErrors": list(problems)}


def _names(values: Values) -> list[str]:
    names = [camel(name) for name in values if name not in ("id", "variants", "product_options")]
    return sorted({*names, *(f"variants.{camel(name)}" for row in values.get("variants") or () for name in row)})


def _check(
    store: Store, product: Product | None, values: Values, paths: Mapping[str, tuple[list[str], str]]
) -> list[Problem]:
    """:param paths: where a text that is too long is told otherwise than under its own name: path and words."""
    problems = []
    if (product is None or "title" in values) and not clean(values.get("title")):
        problems.append(problem(["title"], "Title can't be blank", "INVALID_PRODUCT"))
    for name in _too_long(values, paths):
        path, label = paths.get(name, ([name], words(name)))
        problems.append(problem(path, too_long(label, MAX_TEXT).strip(), "INVALID_PRODUCT"))
    for at, row in enumerate(values.get("metafields") or ()):
        problems += under(["metafields", at], metafields.check(store, product, "PRODUCT", row)[1])
    return problems


def _too_long(values: Values, paths: Mapping[str, tuple[list[str], str]]) -> list[str]:
    """Fields of which something is too long; a product type is told twice, and in productSet so is a title."""
    long = []
    for name in LIMITED:
        if len(values.get(name) or "") > MAX_TEXT:
            more = {"product_type": ["custom_product_type"], "title": ["handle"] if paths else []}.get(name, [])
            long += [name, *more]
    return list(dict.fromkeys(long))


def _check_identifier(key: Values, values: Values) -> list[Problem]:
    """With a custom id and metafields, the identifying one must be among them, without its type. (sheet 3)"""
    if "custom_id" not in key or values.get("metafields") is None:
        return []
    wanted = (key["custom_id"].get("namespace"), key["custom_id"]["key"], key["custom_id"]["value"])
    for row in values["metafields"]:
        if (row.get("namespace"), row.get("key"), row.get("value")) == wanted and "type" not in row:
            return []
    message = "The identifier value does not match the value of the corresponding field in the input."
    return [problem(["metafields"], message, "METAFIELD_MISMATCH")]


def _write(store: Store, product: Product, values: Values) -> None:
    for name in ("status", "vendor", "product_type", "description_html"):
        if values.get(name) is not None:
            setattr(product, name, values[name])
    if values.get("title") is not None:
        product.title = values["title"].strip()
    if values.get("tags") is not None:
        product.tags = clean_tags(values["tags"])
    product.is_gift_card = bool(values.get("gift_card", product.is_gift_card))
    product.combined_listing_role = values.get("combined_listing_role", product.combined_listing_role)
    wanted = values.get("handle") or product.handle or product.title
    store.handles.pop(product.handle, None)
    product.handle = new_handle(store, wanted, product)
    store.handles[product.handle] = product
    if not product.option_list:
        product.option_list = [store.new_option(DEFAULT_OPTION, [DEFAULT_VALUE], 1)]
    if values.get("product_options") is not None:
        product.option_list = [_option(store, product, at, row) for at, row in enumerate(values["product_options"], 1)]
    for row in values.get("metafields") or ():
        read, _ = metafields.check(store, product, "PRODUCT", row)
        store.set_metafield(product, read["namespace"], read["key"], read["type"], read["value"])


def _option(store: Store, product: Product, position: int, row: Values) -> Option:
    names = [value["name"] for value in row.get("values") or () if value.get("name")]
    known = next((one for one in product.option_list if row.get("id") == one.id or row.get("name") == one.name), None)
    if known is None:
        return store.new_option(row.get("name") or "", names, row.get("position") or position)
    known.name, known.position = row.get("name") or known.name, row.get("position") or position
    by_name = {value.name: value for value in known.option_values}
    known.option_values = [
        by_name.get(name) or OptionValue(**store.fresh("ProductOptionValue"), name=name) for name in names
    ]
    return known
