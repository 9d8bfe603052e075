"""What a shop stores of its goods: products, their options and variants, and the stock item of each variant."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

from samklang.simulators.shopify.paging import Connection, connection
from samklang.simulators.shopify.records import Identified, Owner, Shop

DEFAULT_OPTION, DEFAULT_VALUE = "Title", "Default Title"


@dataclass(eq=False)
class OptionValue(Identified):
    """One choice; it may stay in the list without a variant that has it."""

    typename = "ProductOptionValue"
    name: str = ""
    has_variants: bool = False


@dataclass(eq=False)
class Option(Identified):
    """`Color`, `Size` …, or `Title` of a product with a single variant."""

    typename = "ProductOption"
    name: str = ""
    position: int = 1
    option_values: list[OptionValue] = field(default_factory=list)

    @property
    def values(self) -> list[str]:
        """Only values that a variant has (recorded: product-variants-bulk-update)."""
        return [value.name for value in self.option_values if value.has_variants]


@dataclass(eq=False)
class Product(Owner):
    """A product has at least one variant."""

    typename = "Product"
    owner_type = "PRODUCT"
    title: str = ""
    handle: str = ""
    status: str = "ACTIVE"
    vendor: str = ""
    product_type: str = ""
    tags: list[str] = field(default_factory=list)
    description_html: str = ""
    is_gift_card: bool = False
    combined_listing_role: str | None = None
    option_list: list[Option] = field(default_factory=list)
    variant_list: list[Variant] = field(default_factory=list)

    @property
    def has_only_default_variant(self) -> bool:
        return [value.title for value in self.variant_list] == [DEFAULT_VALUE]

    @property
    def variants_count(self) -> dict[str, Any]:
        return {"count": len(self.variant_list), "precision": "EXACT"}

    def options(self, first: int | None = None) -> list[Option]:
        return self.option_list[:first]

    def variants(self, sort_key: str | None = "POSITION", **page: Any) -> Connection:
        return connection(self.variant_list, order=VARIANT_ORDERS[sort_key or "POSITION"], **page)

    def snapshot(self) -> Self:
        """As a search index keeps it."""
        kept = copy.copy(self)
        kept.variant_list = [copy.copy(variant) for variant in self.variant_list]
        return kept


@dataclass(eq=False)
class Variant(Owner):
    """:param choices: one value name per option of the product; :param price: two decimals, shop currency."""

    typename = "ProductVariant"
    owner_type = "PRODUCTVARIANT"
    product: Product = field(default_factory=lambda: Product(0, "", ""))
    choices: list[str] = field(default_factory=lambda: [DEFAULT_VALUE])
    position: int = 1
    sku: str | None = None
    barcode: str | None = None
    price: str = "0.00"
    compare_at_price: str | None = None
    taxable: bool = True
    inventory_policy: str = "DENY"
    inventory_item: InventoryItem = field(default_factory=lambda: InventoryItem(0, "", ""))

    @property
    def title(self) -> str:
        return " / ".join(self.choices)

    @property
    def display_name(self) -> str:
        return f"{self.product.title} - {self.title}"

    @property
    def selected_options(self) -> list[dict[str, str]]:
        pairs = zip(self.product.option_list, self.choices, strict=True)
        return [{"name": option.name, "value": choice} for option, choice in pairs]


@dataclass(eq=False)
class InventoryItem(Identified):
    """:param cost: in the shop's currency."""

    typename = "InventoryItem"
    shop: Shop | None = None
    variant: Variant | None = None
    cost: Decimal | None = None
    tracked: bool = False
    requires_shipping: bool = True

    @property
    def sku(self) -> str | None:
        return self.variant.sku if self.variant else None

    @property
    def unit_cost(self) -> dict[str, str] | None:
        return self.shop.money(self.cost) if self.shop and self.cost is not None else None


def _position(variant: Variant) -> int:
    return variant.position


def _number(variant: Variant) -> int:
    return variant.number


def _sku(variant: Variant) -> str:
    return variant.sku or ""


def _title(variant: Variant) -> str:
    return variant.display_name


VARIANT_ORDERS: dict[str, Callable[[Any], str | int]] = {
    "ID": _number,
    "RELEVANCE": _number,
    "POPULAR": _number,
    "INVENTORY_LEVELS_AVAILABLE": _number,
    "INVENTORY_MANAGEMENT": _number,
    "INVENTORY_POLICY": _number,
    "INVENTORY_QUANTITY": _number,
    "POSITION": _position,
    "SKU": _sku,
    "NAME": _title,
    "TITLE": _title,
    "FULL_TITLE": _title,
}
