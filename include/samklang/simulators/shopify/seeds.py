"""Believable customers and products for a fresh shop: the clean people and goods of the seed, as a shop has them.

Shared persons keep their e-mail, so that both systems can be linked; some miss a phone or an address or differ in
earnest. Persons that only the shop has include guests with nothing but a phone number or a name.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

from samklang.simulators.people import GROUPS, Good, Person, chance, good, person
from samklang.simulators.shopify import addresses, variants
from samklang.simulators.shopify.goods import DEFAULT_OPTION, DEFAULT_VALUE, Product
from samklang.simulators.shopify.products import new_handle
from samklang.simulators.shopify.records import Customer
from samklang.simulators.shopify.store import Store

TAX = Decimal("1.25")
SIZES = ("S", "M", "L")
HISTORY = timedelta(days=700)
QUIET = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class _Range:
    """Which numbers of the seed stand in the shop. :param shared: numbers below this stand in the other system too."""

    seed: int
    first: int
    count: int
    shared: int

    def __iter__(self) -> Any:
        return iter(range(self.first, self.first + self.count))


def fill(store: Store, records: int, seed: int, overlap: float) -> None:
    """Fill an empty store with `records` customers and as many products.

    :param overlap: the part of them that the other system has too.
    """
    numbers = _Range(seed, round(records * (1 - overlap)), records, records)
    for number in numbers:
        _customer(store, numbers, number)
    for number in numbers:
        _product(store, numbers, number)


def _customer(store: Store, numbers: _Range, number: int) -> None:
    pick, who = chance(numbers.seed, "shopify customer", number), person(numbers.seed, number)
    created, updated = _times(store, numbers, number, pick)
    customer = Customer(
        store.number("Customer"),
        created,
        updated,
        currency=store.shop.currency_code,
        first_name=who.first_name,
        last_name=who.last_name,
        email=who.email,
        phone=who.phone,
    )
    kind = pick.random()
    if number >= numbers.shared and kind < 0.05:
        customer.first_name = customer.last_name = customer.email = None
    elif number >= numbers.shared and kind < 0.08:
        customer.email = customer.phone = None
    else:
        _dirty(store, customer, who, pick)
    customer.orders = pick.choice((0, 0, 0, 0, 1, 1, 2, 5))
    customer.tags = sorted(pick.sample(["nyhetsbrev", "VIP", "butikk"], pick.choice((0, 0, 0, 1, 2))), key=str.casefold)
    customer.state = pick.choice(("DISABLED", "DISABLED", "DISABLED", "ENABLED", "INVITED"))
    store.customers[customer.number] = customer
    if customer.email:
        store.emails[customer.email.lower()] = customer
    if customer.phone:
        store.phones[customer.phone] = customer
    for address in customer.address_book:
        address.created_at = address.updated_at = created


def _dirty(store: Store, customer: Customer, who: Person, pick: Random) -> None:
    """What a shop's copy of a person looks like; in about nine of ten it still says the same."""
    if pick.random() < 0.04:
        customer.phone = None
    if pick.random() < 0.02 and customer.email:
        local, _, domain = customer.email.partition("@")
        customer.email = f"{local.title()}@{domain}"
    if pick.random() < 0.01:
        customer.last_name = unicodedata.normalize("NFD", who.last_name)
    if pick.random() < 0.015:
        customer.last_name = f"{who.last_name}-Lunde"
    if pick.random() < 0.05:
        return  # a guest without an address
    place = {
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "company": "Berg Handel AS" if pick.random() < 0.04 else None,
        "address1": who.address1,
        "address2": who.address2 or None,
        "city": who.city,
        "zip": who.zip,
        "country_code": who.country,
        "phone": customer.phone if pick.random() < 0.4 else None,
    }
    if pick.random() < 0.02:
        place["address1"] = f"Nyveien {pick.randint(1, 99)}"
    addresses.add(store, customer, place)
    for extra in range(pick.choice((0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2))):
        addresses.add(
            store, customer, {**place, "address1": f"Hytteveien {pick.randint(1, 99)}", "company": f"{extra}"}
        )


def _product(store: Store, numbers: _Range, number: int) -> None:
    pick, what = chance(numbers.seed, "shopify product", number), good(numbers.seed, number)
    created, updated = _times(store, numbers, number, pick)
    product = Product(
        store.number("Product"),
        created,
        updated,
        title=what.name,
        status=pick.choice(("ACTIVE",) * 16 + ("DRAFT", "DRAFT", "ARCHIVED", "UNLISTED")),
        vendor=store.shop.name,
        product_type=GROUPS[what.group],
        description_html=f"<p>{what.description}</p>",
    )
    product.handle = new_handle(store, what.name, product)
    store.handles[product.handle] = product
    store.products[product.number] = product
    sizes = what.group == "200" and pick.random() < 0.5
    choices = SIZES if sizes else (DEFAULT_VALUE,)
    product.option_list = [store.new_option("Størrelse" if sizes else DEFAULT_OPTION, choices, 1)]
    for position, choice in enumerate(choices, 1):
        _variant(store, product, position, choice, what, pick)
    for value in product.option_list[0].option_values:
        value.has_variants = True


def _variant(store: Store, product: Product, position: int, choice: str, what: Good, pick: Random) -> None:
    variant = variants.add(store, product)
    variant.created_at, variant.updated_at = product.created_at, product.updated_at
    variant.position, variant.choices = position, [choice]
    product.variant_list.append(variant)
    variant.sku = what.code if choice == DEFAULT_VALUE else f"{what.code}-{choice}"
    odd = pick.random()
    if odd < 0.02:
        variant.sku = pick.choice(("", None))
    elif odd < 0.03 and product.number != next(iter(store.products)):
        variant.sku = next(iter(store.products.values())).variant_list[0].sku  # not unique (sheet 3)
    variant.barcode = what.gtin if pick.random() < 0.7 else None
    gross = (what.price_net * TAX).quantize(Decimal("0.01"), ROUND_HALF_UP)
    if pick.random() < 0.03:
        gross += pick.choice((Decimal(10), Decimal("0.90")))
    variant.price = f"{gross:f}"
    if pick.random() < 0.5:
        variant.inventory_item.cost = (what.price_net * Decimal("0.6")).quantize(Decimal("0.01"))
    variant.inventory_item.tracked = pick.random() < 0.7


def _times(store: Store, numbers: _Range, number: int, pick: Random) -> tuple[str, str]:
    """Made in the order of their ids, changed at any time since, but not lately."""
    end = store.now().astimezone(UTC) - QUIET
    created = end - HISTORY + HISTORY * 0.9 * ((number - numbers.first) / max(numbers.count, 1))
    updated = created + (end - created) * pick.random()
    return _stamp(created), _stamp(updated)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
