"""Which fields of customers, products and variants can be searched, and what a value means there.

Names: the schema's descriptions of `query:` (sheet 2.1, 3); meaning of dates: sheet 7.1, 7.3, 7.4.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from samklang.simulators.shopify.goods import Product, Variant
from samklang.simulators.shopify.records import Customer, full_namespace
from samklang.simulators.shopify.search import Filter, Predicate, Term, Unsearchable

Granularity = Literal["day", "second"]
_PART = re.compile(r"[^\W_]+")


def customer_filters(timezone: str, granularity: Granularity) -> Mapping[str, Filter]:
    """:param granularity: what `updated_at` compares: whole days, or seconds (sheet 7.3: open)."""
    return {
        "id": _number(lambda customer: customer.number),
        "email": _email,
        "phone": _phone,
        "first_name": _text(lambda customer: customer.first_name),
        "last_name": _text(lambda customer: customer.last_name),
        "country": _country,
        "state": _choice(lambda customer: customer.state),
        "tag": _tag,
        "tag_not": _not(_tag),
        "orders_count": _number(lambda customer: customer.orders),
        "customer_date": _date(lambda customer: customer.created_at, timezone, "second"),
        "updated_at": _date(lambda customer: customer.updated_at, timezone, granularity),
    }


def customer_count_filters(timezone: str, granularity: Granularity) -> Mapping[str, Filter]:
    """customersCount takes only three fields and warns of others. (sheet 2.1)"""
    known = customer_filters(timezone, granularity)
    return {"id": known["id"], "updated_at": known["updated_at"], "created_at": known["customer_date"]}


def free_customer(term: Term) -> Predicate:
    """A free word: an e-mail address in full, or a part of a name, note or tag."""
    wanted = term.value.casefold()

    def matches(customer: Customer) -> bool:
        if (customer.email or "").casefold() == wanted:
            return True
        texts = (customer.first_name, customer.last_name, customer.note, *customer.tags)
        return any(wanted in part.casefold() for text in texts for part in (text or "").split())

    return matches


def product_filters(timezone: str) -> Mapping[str, Filter]:
    """Products: dates are exact to the second, `>=` is inclusive. (sheet 7.3)"""
    return _MetafieldFilters(
        {
            "id": _number(lambda product: product.number),
            "title": _text(lambda product: product.title),
            "handle": _text(lambda product: product.handle),
            "status": _choice(lambda product: product.status),
            "vendor": _text(lambda product: product.vendor),
            "product_type": _text(lambda product: product.product_type),
            "tag": _tag,
            "tag_not": _not(_tag),
            "sku": _any_variant(_text(lambda variant: variant.sku)),
            "barcode": _any_variant(_text(lambda variant: variant.barcode)),
            "variant_id": _any_variant(_number(lambda variant: variant.number)),
            "created_at": _date(lambda product: product.created_at, timezone, "second"),
            "updated_at": _date(lambda product: product.updated_at, timezone, "second"),
        }
    )


def variant_filters(timezone: str) -> Mapping[str, Filter]:
    """Variants, with some fields of their product."""
    return {
        "id": _number(lambda variant: variant.number),
        "product_id": _number(lambda variant: variant.product.number),
        "product_status": _choice(lambda variant: variant.product.status),
        "sku": _text(lambda variant: variant.sku),
        "barcode": _text(lambda variant: variant.barcode),
        "title": _text(lambda variant: variant.title),
        "vendor": _text(lambda variant: variant.product.vendor),
        "tag": lambda term: lambda variant: _tag(term)(variant.product),
        "taxable": _choice(lambda variant: str(variant.taxable)),
        "updated_at": _date(lambda variant: variant.updated_at, timezone, "second"),
    }


def free_product(term: Term) -> Predicate:
    """A free word: a part of the title, or a sku."""
    wanted = term.value.casefold()

    def matches(product: Product) -> bool:
        parts = [
            *product.title.casefold().split(),
            *((variant.sku or "").casefold() for variant in product.variant_list),
        ]
        return any(wanted in part for part in parts)

    return matches


def free_variant(term: Term) -> Predicate:
    """A free word: a part of the full title, or the sku."""
    wanted = term.value.casefold()

    def matches(variant: Variant) -> bool:
        return wanted in variant.display_name.casefold() or wanted == (variant.sku or "").casefold()

    return matches


class _MetafieldFilters(dict[str, Filter]):
    """Products can also be searched by `metafields.{namespace}.{key}`. (sheet 3)"""

    def get(self, name: str, default: Any = None) -> Any:
        kind, _, place = name.partition(".")
        if kind != "metafields" or "." not in place:
            return super().get(name, default)
        namespace, _, key = place.partition(".")

        def value(product: Product) -> str | None:
            row = product.fields.get((full_namespace(namespace), key))
            return row.value if row else None

        return _text(value)


def _text(value: Callable[[Any], str | None]) -> Filter:
    """Equal without regard to case; `*` at the end matches a beginning, and alone anything."""

    def build(term: Term) -> Predicate:
        wanted = term.value.casefold()
        if wanted.endswith("*") and not term.quoted:
            return lambda record: value(record) is not None and str(value(record)).casefold().startswith(wanted[:-1])
        return lambda record: (value(record) or "").casefold() == wanted

    return build


def _choice(value: Callable[[Any], str]) -> Filter:
    """One of a list with commas, in any case."""

    def build(term: Term) -> Predicate:
        wanted = {part.strip().casefold() for part in term.value.split(",")}
        return lambda record: value(record).casefold() in wanted

    return build


def _number(value: Callable[[Any], int]) -> Filter:
    def build(term: Term) -> Predicate:
        digits = term.value.rpartition("/")[2] if term.value.startswith("gid://") else term.value
        if not digits.isdigit():
            raise Unsearchable("Invalid value for a number.")
        wanted = int(digits)
        match term.op:
            case ">":
                return lambda record: value(record) > wanted
            case "<":
                return lambda record: value(record) < wanted
            case ">=":
                return lambda record: value(record) >= wanted
            case "<=":
                return lambda record: value(record) <= wanted
        return lambda record: value(record) == wanted

    return build


def _date(value: Callable[[Any], str], timezone: str, granularity: Granularity) -> Filter:
    """`>` and `<` include the boundary too (sheet 7.4); text without a zone is in the shop's (sheet 7.1)."""
    zone = ZoneInfo(timezone)

    def build(term: Term) -> Predicate:
        try:
            moment = datetime.fromisoformat(term.value)
        except ValueError as error:
            raise Unsearchable("Invalid timestamp for query filter.") from error
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        whole_day = granularity == "day" or len(term.value) == len("2026-01-01")
        start = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0) if whole_day else moment
        end = start + timedelta(days=1) if whole_day else start + timedelta(seconds=1)
        first, behind = _stamp(start), _stamp(end)
        if term.op in (">", ">="):
            return lambda record: value(record) >= first
        if term.op in ("<", "<="):
            return lambda record: value(record) < behind
        return lambda record: first <= value(record) < behind

    return build


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _email(term: Term) -> Predicate:
    """In quotes it is compared in full; without, its parts may stand anywhere in the address. (sheet 7.6)"""
    wanted = term.value.casefold()
    if term.quoted:
        return lambda customer: (customer.email or "").casefold() == wanted
    parts = set(_PART.findall(wanted))
    return lambda customer: parts <= set(_PART.findall((customer.email or "").casefold()))


def _phone(term: Term) -> Predicate:
    return lambda customer: customer.phone == term.value


def _country(term: Term) -> Predicate:
    wanted = term.value.casefold()
    return lambda customer: any(
        wanted in ((address.country or "").casefold(), (address.country_code or "").casefold())
        for address in customer.address_book
    )


def _tag(term: Term) -> Predicate:
    wanted = term.value.casefold()
    return lambda record: any(tag.casefold() == wanted for tag in record.tags)


def _not(build: Filter) -> Filter:
    def built(term: Term) -> Predicate:
        matches = build(term)
        return lambda record: not matches(record)

    return built


def _any_variant(build: Filter) -> Filter:
    def built(term: Term) -> Predicate:
        matches = build(term)
        return lambda product: any(matches(variant) for variant in product.variant_list)

    return built
