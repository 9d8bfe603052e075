"""Traces of a few steps, each made for one guard of what people decide, map and sell. See `guards`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from simulation.mapping_changes import shipped
from simulation.trace import Edit, Person, Step, Trace
from simulation.values import POWEROFFICEGO, SHOPIFY, SIDES

RUN = Step("run")
_BOTH = ("create_in: [shopify, powerofficego]",)


def does(kind: str, number: int, field: str = "", side: str = POWEROFFICEGO, person: int = 0) -> Step:
    return Step("edit", Edit(kind, side, person, field, number))


def small(
    entity: str,
    *steps: Step,
    people: tuple[Person, ...] = (Person(0, SIDES), Person(1, SIDES)),
    lines: tuple[str, ...] = _BOTH,
    switches: dict[str, dict[str, Any]] | None = None,
    conditions: dict[str, Any] | None = None,
) -> Callable[[int], Trace]:
    """These people, and then this, whatever the seed."""

    def of(seed: int) -> Trace:
        given = {side: dict((switches or {}).get(side, {})) for side in SIDES}
        skews = dict.fromkeys(SIDES, 0.0)
        return Trace(seed, entity, lines, given, skews, 50, people, steps, conditions or {})

    return of


def _fields(entity: str, changed: dict[str, dict[str, Any] | None]) -> str:
    """The fields as they are shipped, some of them changed. :param changed: by name; None: without it."""
    fields = [one | (changed.get(one["powerofficego"], {}) or {}) for one in shipped(entity)["fields"]
              if changed.get(one["powerofficego"], {}) is not None]  # fmt: skip
    return str(yaml.safe_dump(fields, default_flow_style=True, width=10_000)).strip()


_ALONE = (Person(0, (POWEROFFICEGO,)),)
_IN_THE_SHOP = (Person(0, (SHOPIFY,)),)
_ADDRESS = tuple(f"MailAddress.{name}" for name in ("AddressLine1", "AddressLine2", "City", "CountryCode", "ZipCode"))
_LINE, _, _CITY, _COUNTRY, _ZIP = _ADDRESS

PARTED_BY_UNDO = small(
    "customers", RUN, does("undo run", 0), RUN, people=(Person(0, SIDES, differs=("LastName",)), Person(1, SIDES))
)
RESPELT_UNDO = small(
    "customers",
    RUN, does("type", 501, "LastName"), RUN, does("undo", 1, side=SHOPIFY), RUN,
    does("respell", 0, "LastName"), RUN, RUN,
)  # fmt: skip
DECIDED = small(
    "customers",
    RUN, does("type", 501, "PhoneNumber", SHOPIFY), does("garbage", 502, "PhoneNumber"), RUN,
    does("type", 503, "FirstName", SHOPIFY), RUN,
)  # fmt: skip
DEFAULT_COUNTRY = small(
    "customers",
    RUN, does("type", 501, _CITY, SHOPIFY), does("type", 502, _ZIP, SHOPIFY), RUN, RUN, RUN,
    people=(Person(0, SIDES, lacks=_ADDRESS),),
)  # fmt: skip
EMOJI = small("customers", RUN, does("emoji", 501, _LINE), does("type", 502, _CITY), RUN)
PROVINCE = small("customers", does("province", 0, side=SHOPIFY), RUN, does("type", 501, _COUNTRY), RUN)
LONE_COUNTRY = small(
    "customers", RUN, does("type", 501, _COUNTRY, SHOPIFY), RUN, people=(Person(0, SIDES, lacks=_ADDRESS),)
)
CONTACT = small(
    "customers", RUN, does("contact", 0, side=SHOPIFY), RUN, does("type", 501, "LastName"), RUN,
    switches={SHOPIFY: {"b2b": True}},
)  # fmt: skip
GIFT_CARD = small("products", does("gift card", 501, side=SHOPIFY), RUN)
NEW_VARIANT = small(
    "products", RUN, does("add variant", 3001, side=SHOPIFY), does("reorder", 3002, side=SHOPIFY), RUN, people=_ALONE
)
VARIANTS = small(
    "products", does("add variant", 3001, side=SHOPIFY), does("add variant", 3002, side=SHOPIFY), RUN,
    people=_IN_THE_SHOP,
)  # fmt: skip
OWN_ACCOUNT = small("products", RUN, does("own account", 0), RUN, does("price", 3001), RUN)
OTHER_RATE = small(
    "products",
    RUN,  # PowerOffice Go puts new products into its first group
    people=_IN_THE_SHOP, lines=(*_BOTH, 'vat: {default: 25%, groups: {"100": 15%}}'), conditions={"rate": "0.15"},
)  # fmt: skip
NO_PRICE = small("products", does("inherit", 0), RUN, people=_ALONE, lines=(*_BOTH, "new_product_status: ACTIVE"))
_TEXTS = (
    "fields: [{powerofficego: Name, shopify: title, kind: text}, {powerofficego: Code, shopify: sku, kind: code}, "
    "{powerofficego: UnitPrice, shopify: price, kind: money}, "
    "{powerofficego: Description, shopify: descriptionHtml, kind: html}]"
)
MARKUP = small("products", does("markup", 501, side=SHOPIFY), RUN, does("text", 502), RUN, lines=(*_BOTH, _TEXTS))
MADE = small(
    "customers",
    RUN, does("exclude", 1), does("include", 1), RUN, does("exclude", 1), does("make anew", 1),
    people=_ALONE,
)  # fmt: skip
ASKED = small(
    "customers",
    RUN, does("type", 501, _LINE), does("type", 502, _LINE, SHOPIFY), does("type", 503, _CITY),
    does("type", 504, _CITY, SHOPIFY), RUN,
    lines=(*_BOTH, "fields: " + _fields("customers", {_CITY: {"policy": "ask"}})),
)  # fmt: skip
EMPTIED_MEANWHILE = small(
    "customers",
    RUN, does("mapping", 0, "fields: " + _fields("customers", {"PhoneNumber": None})), RUN,
    does("clear", 0, "PhoneNumber"), RUN, does("mapping", 0, "fields: " + _fields("customers", {})), RUN,
)  # fmt: skip
ONE_WAY_PRICE = small(
    "products",
    RUN,
    people=_ALONE,
    lines=(*_BOTH, "fields: " + _fields("products", {"UnitPrice": {"direction": "to_powerofficego"}})),
)
UNDONE_PRICE = small("products", RUN, does("price", 3001), RUN, does("undo", 1, side=SHOPIFY), RUN, RUN)
