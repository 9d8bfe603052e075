"""The fields of Shopify's customers and variants that a mapping may name, and where each is read and written."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from samklang.core.rules import Accepts
from samklang.errors import ConfigurationError
from samklang.systems.shopify.countries import COUNTRIES

LINE = Accepts(max_length=255)
"""Names, lines of an address, titles (sheet: Shopify 2.4 and 3)."""
ANYTHING = Accepts()


@dataclass(frozen=True, slots=True)
class Field:
    """:param part: what is written at once: `customer`, `address`; `product`, `variant`.

    :param read: the way from the record's node to the value.
    :param write: the way into the part's input.
    :param boolean: whether the value is a truth value, which as text is `true` or `false`.
    """

    part: str
    read: tuple[str, ...]
    write: tuple[str, ...]
    accepts: Accepts = ANYTHING
    boolean: bool = False


def _customer(name: str, accepts: Accepts = ANYTHING, boolean: bool = False) -> Field:
    return Field("customer", (name,), (name,), accepts, boolean)


def _address(name: str) -> Field:
    return Field("address", ("defaultAddress", name), (name,), LINE)


def _product(name: str, accepts: Accepts = LINE) -> Field:
    return Field("product", ("product", name), (name,), accepts)


def _variant(name: str, accepts: Accepts = ANYTHING) -> Field:
    return Field("variant", (name,), (name,), accepts)


_EMAIL = Accepts(form="email", max_length=255, unique=True)
_PHONE = Accepts(form="phone", max_length=255, unique=True)
_FIXED = Accepts(clearable=False)

CUSTOMER: dict[str, Field] = {
    "email": Field("customer", ("defaultEmailAddress", "emailAddress"), ("email",), _EMAIL),
    "phone": Field("customer", ("defaultPhoneNumber", "phoneNumber"), ("phone",), _PHONE),
    "firstName": _customer("firstName", LINE),
    "lastName": _customer("lastName", LINE),
    "note": _customer("note", Accepts(max_length=5000)),
    "locale": _customer("locale", _FIXED),
    "taxExempt": _customer("taxExempt", _FIXED, boolean=True),
    **{
        f"addresses.{name}": _address(name)
        for name in ("address1", "address2", "city", "company", "zip", "provinceCode", "firstName", "lastName", "phone")
    },
    "addresses.country": Field(
        "address",
        ("defaultAddress", "countryCodeV2"),
        ("countryCode",),
        Accepts(form="country", choices=COUNTRIES),
    ),
}

PRODUCT: dict[str, Field] = {
    "title": _product("title", Accepts(max_length=255, clearable=False)),
    "descriptionHtml": _product("descriptionHtml", Accepts(form="html")),
    "handle": _product("handle", Accepts(max_length=255, clearable=False)),
    "productType": _product("productType"),
    "vendor": _product("vendor"),
    # written through the inventory item: the variant's own input has no sku (sheet: Shopify 3)
    "sku": Field("variant", ("sku",), ("inventoryItem", "sku"), LINE),
    "price": _variant("price", Accepts(form="money", clearable=False)),
    "compareAtPrice": _variant("compareAtPrice", Accepts(form="money")),
    "barcode": _variant("barcode", LINE),
    "cost": Field("variant", ("inventoryItem", "unitCost", "amount"), ("inventoryItem", "cost"), Accepts(form="money")),
}


def select(known: Mapping[str, Field], names: Iterable[str], entity: str) -> dict[str, Field]:
    """The fields that a mapping names.

    :raises ConfigurationError: there is no such field, or it cannot be synchronised.
    """
    chosen: dict[str, Field] = {}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise ConfigurationError(
                f"Shopify {entity} have no field {name} that can be synchronised.",
                remedy=f"The nearest name is {near}.",
            )
        chosen[name] = known[name]
    return chosen
