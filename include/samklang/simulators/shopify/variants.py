"""Variants and their stock items: replaced by productSet, changed by productVariantsBulkUpdate and inventoryItemUpdate.

Sheet 3; recorded: product-set-parity, product-variants-bulk-update-parity.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from samklang.simulators.shopify import metafields
from samklang.simulators.shopify.goods import DEFAULT_VALUE, InventoryItem, OptionValue, Product, Variant
from samklang.simulators.shopify.naming import camel, number_of
from samklang.simulators.shopify.problems import Problem, problem, under
from samklang.simulators.shopify.store import Store
from samklang.simulators.shopify.texts import MAX_TEXT, too_long

NOT_NEGATIVE = "must be greater than or equal to 0"
# recorded: product-set-shape-validator-parity, `inventoryItemCost`
TOO_MUCH = 10**18
SET_CODE = "INVALID_VARIANT"
NO_ITEM = "The product couldn't be updated because it does not exist."  # sheet 3, recorded

Values = dict[str, Any]
Payload = dict[str, Any]


def check(values: Values) -> list[Problem]:
    """Why the fields of a variant are refused."""
    problems = []
    item = values.get("inventory_item") or {}
    for name, label in (("price", "Price"), ("compare_at_price", "Compare at price")):
        if _number(values.get(name)) < 0:
            problems.append(problem([name], f"{label} {NOT_NEGATIVE}", "GREATER_THAN_OR_EQUAL_TO"))
    cost = _number(item.get("cost"))
    if cost < 0:
        problems.append(problem(["inventory_item", "cost"], f"Cost {NOT_NEGATIVE}", "GREATER_THAN_OR_EQUAL_TO"))
    elif cost >= TOO_MUCH:
        problems.append(problem(["inventory_item", "cost"], f"Cost must be less than {TOO_MUCH}", "INVALID_INPUT"))
    for path, text in (
        (["barcode"], values.get("barcode")),
        (["sku"], values.get("sku")),
        (["inventory_item", "sku"], item.get("sku")),
    ):
        if len(text or "") > MAX_TEXT:
            label = "SKU" if path[-1] == "sku" else "Barcode"
            problems.append(problem(path, too_long(label, MAX_TEXT), "TOO_LONG"))
    return problems


def _number(value: Any) -> Decimal:
    try:
        return Decimal(str(value)) if value is not None else Decimal(0)
    except InvalidOperation:
        return Decimal(0)


def check_set(store: Store, product: Product | None, values: Values) -> list[Problem]:
    """Why the list of variants of a productSet is refused."""
    rows = values.get("variants")
    if rows is None:
        return []
    problems = _check_doubled(rows)
    own = {variant.number for variant in product.variant_list} if product else set()
    for at, row in enumerate(rows):
        wrong = [{**found, "code": SET_CODE, "message": _in_set(found["message"])} for found in check(row)]
        if row.get("id") and number_of("ProductVariant", row["id"]) not in own:
            wrong.append(problem(["id"], "Product variant does not exist", "PRODUCT_VARIANT_DOES_NOT_EXIST"))
        problems += under(["variants", at], wrong + _check_metafields(store, row))
    return problems


def _in_set(message: str) -> str:
    return message.replace("Cost must", "Cost per item must")


def _check_doubled(rows: Sequence[Values]) -> list[Problem]:
    """Two with the same choices (recorded: product-set-duplicate-variants-parity)."""
    problems, seen = [], set()
    for at, row in enumerate(rows):
        choices = tuple(choice.get("name") for choice in row["option_values"])
        if choices in seen:
            named = " / ".join(map(str, choices))
            message = f"The variant '{named}' already exists. Please change at least one option value."
            problems.append(problem(["variants", at], message, SET_CODE))
        seen.add(choices)
    return problems


def _check_metafields(store: Store, row: Values) -> list[Problem]:
    variant = store.variants.get(number_of("ProductVariant", row.get("id")) or 0)
    return [
        found
        for at, field in enumerate(row.get("metafields") or ())
        for found in under(["metafields", at], metafields.check(store, variant, "PRODUCTVARIANT", field)[1])
    ]


def replace(store: Store, product: Product, values: Values) -> None:
    """productSet: the variants listed, and no others; one that is not given by id is found by its option values.

    That option values find a variant is a guess. A new product without a list has one default variant.
    """
    rows = values.get("variants")
    if rows is None:
        rows = [] if product.variant_list else [{"option_values": [{"name": DEFAULT_VALUE}]}]
        keep = list(product.variant_list)
    else:
        keep = []
    known = {variant.id: variant for variant in product.variant_list}
    by_choices = {tuple(variant.choices): variant for variant in product.variant_list}
    for row in rows:
        choices = [choice.get("name") or "" for choice in row["option_values"]]
        variant = known.get(row.get("id", "")) or by_choices.get(tuple(choices)) or add(store, product)
        variant.choices = choices
        keep.append(variant)
        write(store, variant, row)
    for variant in product.variant_list:
        if variant not in keep:
            store.remove_variant(variant)
    product.variant_list = keep
    for position, variant in enumerate(keep, 1):
        variant.position = position
    _settle_options(store, product)


def _settle_options(store: Store, product: Product) -> None:
    """Every choice stands in its option, and each option value knows whether a variant has it."""
    for at, option in enumerate(product.option_list):
        used = [variant.choices[at] for variant in product.variant_list if at < len(variant.choices)]
        for name in dict.fromkeys(used):
            if name not in [value.name for value in option.option_values]:
                option.option_values.append(OptionValue(**store.fresh("ProductOptionValue"), name=name))
        for value in option.option_values:
            value.has_variants = value.name in used


def add(store: Store, product: Product) -> Variant:
    """A new variant with its stock item, not yet in the product's list. The first ones are as old as the product."""
    item = InventoryItem(**store.fresh("InventoryItem"), shop=store.shop)
    variant = Variant(**store.fresh("ProductVariant"), product=product, inventory_item=item)
    if not product.variant_list:
        variant.created_at = product.created_at
    item.variant = variant
    store.variants[variant.number] = variant
    store.inventory_items[item.number] = item
    store.remember(variant, new=True)
    return variant


def write(store: Store, variant: Variant, values: Values) -> None:
    """Write the fields that an input names; a null of a required one is no change."""
    for name in ("taxable", "inventory_policy"):
        if values.get(name) is not None:
            setattr(variant, name, values[name])
    for name in ("sku", "barcode"):
        if name in values:
            setattr(variant, name, values[name])
    if values.get("price") is not None:
        variant.price = _money(values["price"])
    if "compare_at_price" in values:
        price = values["compare_at_price"]
        variant.compare_at_price = None if price is None else _money(price)
    for row in values.get("metafields") or ():
        read, _ = metafields.check(store, variant, variant.owner_type, row)
        store.set_metafield(variant, read["namespace"], read["key"], read["type"], read["value"])
    if values.get("inventory_item"):
        write_item(store, variant.inventory_item, values["inventory_item"])
    store.touch(variant)


def write_item(store: Store, item: InventoryItem, values: Values) -> None:
    """Write the fields of a stock item; its sku is the variant's."""
    if "cost" in values:
        item.cost = None if values["cost"] is None else Decimal(str(values["cost"]))
    for name in ("tracked", "requires_shipping"):
        if values.get(name) is not None:
            setattr(item, name, values[name])
    if "sku" in values and item.variant is not None:
        item.variant.sku = values["sku"]
    store.touch(item)


def _money(value: Any) -> str:
    return f"{Decimal(str(value)).quantize(Decimal('0.01')):f}"


def update_many(
    store: Store, product_id: str, variants: Sequence[Values], allow_partial_updates: bool = False
) -> Payload:
    """`productVariantsBulkUpdate`: all or nothing unless partial updates are allowed. (sheet 3)

    A partial one answers all variants that were named, refused ones as they stand (recorded:
    product-variants-bulk-update-allow-partial-and-error-order, `partialUpdate`).
    """
    product = store.products.get(number_of("Product", product_id) or 0)
    if product is None:
        missing = problem(["product_id"], "Product does not exist", "PRODUCT_DOES_NOT_EXIST")
        return {"product": None, "productVariants": None, "userErrors": [missing]}
    own = {variant.number: variant for variant in product.variant_list}
    plan: list[tuple[Variant, Values]] = []
    named: list[Variant] = []
    problems: list[Problem] = []
    for at, row in enumerate(variants):
        variant = own.get(number_of("ProductVariant", row.get("id")) or 0)
        wrong = check(row) + _check_metafields(store, row)
        if not row.get("id"):
            wrong = [problem(["id"], "Product variant is missing ID attribute", "PRODUCT_VARIANT_ID_MISSING")]
        elif variant is None:
            wrong = [problem(["id"], "Product variant does not exist", "PRODUCT_VARIANT_DOES_NOT_EXIST")]
        if variant is not None:
            named.append(variant)
            plan += [] if wrong else [(variant, row)]
        problems += under(["variants", at], wrong)
    if not plan or (problems and not allow_partial_updates):
        return {"product": product, "productVariants": None, "userErrors": problems}
    store.remember(product)
    for variant, row in plan:
        store.remember(variant)
        write(store, variant, row)
    store.touch(product)
    store.log("update", "products", product.id, {f"variants.{name}" for _, row in plan for name in _names(row)})
    return {"product": product, "productVariants": named, "userErrors": problems}


def _names(row: Values) -> list[str]:
    item = [f"inventoryItem.{camel(name)}" for name in row.get("inventory_item") or ()]
    return [*item, *(camel(name) for name in row if name not in ("id", "inventory_item"))]


def update_item(store: Store, item_id: str, values: Values, moves_product: bool) -> Payload:
    """`inventoryItemUpdate`. :param moves_product: whether a cost moves the product's clock too (sheet 7.10)."""
    item = store.inventory_items.get(number_of("InventoryItem", item_id) or 0)
    if item is None or item.variant is None:
        return {"inventoryItem": None, "userErrors": [problem(["id"], NO_ITEM)]}
    if _number(values.get("cost")) < 0:
        return {"inventoryItem": None, "userErrors": [problem(["input", "cost"], f"Cost {NOT_NEGATIVE}")]}
    variant = item.variant
    store.remember(variant.product)
    store.remember(variant)
    write_item(store, item, values)
    if moves_product or "sku" in values:
        store.touch(variant, variant.product)
    store.log("update", "products", variant.product.id, [f"variants.inventoryItem.{camel(name)}" for name in values])
    return {"inventoryItem": item, "userErrors": []}
