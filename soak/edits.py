"""What people do in a round, on both sides, before and while a run is at work; and what must stand in the end."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from samklang.demo import equality
from samklang.demo.edits import customer_twins, product_twins
from samklang.demo.processes import Control

Json = dict[str, Any]
Read = Callable[[Json], str | None]

_MADE = "00000"
"""A number that no seeded record has in its phone number or code."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a person can type on either side.

    :param order: by side, from a number to the values of an edit; :param read: by side, what stands there, comparable.
    """

    name: str
    order: dict[str, Callable[[int], Json]]
    read: dict[str, Read]


@dataclass(slots=True)
class Edit:
    """One act of a person.

    :param moment: seconds after the runs began; 0: before them.
    :param origin: of the record: side and id; the id of a new record is set once it is made.
    :param twin: the id on the other side, where there is one from the start.
    :param fields: what is typed, by field; None: it is emptied.
    """

    moment: float
    entity: str
    side: str
    values: Json
    fields: list[Field]
    origin: list[str]
    twin: str = ""
    is_new: bool = False
    made: bool = False


@dataclass(slots=True)
class Demand:
    """What must stand on both sides in the end: one of these values of a field of a record."""

    entity: str
    origin: list[str]
    twin: str
    field: Field
    accepted: list[str | None]


def plan(seed: int, entities: list[str], go: Json, shop: Json, *, linked: bool) -> list[Edit]:
    """The edits of a round, in the order of their moments.

    On records that are not linked yet a person works on one side only: where nothing is known of the past, the later
    clock of a whole record decides, and that is not lost work but the rule.

    :param linked: whether the twins are linked already.
    """
    people = _People(seed, linked)
    if "customers" in entities:
        people.work("customers", _equal_customers(go, shop), _alone(go, shop))
    if "products" in entities:
        people.work("products", _equal_products(go, shop), {})
    return sorted(people.edits, key=lambda edit: edit.moment)


def carry_out(edit: Edit, controls: dict[str, Control]) -> None:
    """:raises requests.HTTPError: the system refuses it; then the soak itself is wrong."""
    order = {"create": edit.values} if edit.is_new else {"set": edit.values}
    record = controls[edit.side].edit(edit.entity, edit.origin[1] or None, **order)
    if edit.is_new:
        edit.origin[1] = str(record["Id"] if edit.side == "powerofficego" else record["legacyResourceId"])
    edit.made = True


def demands(edits: list[Edit]) -> list[Demand]:
    """What those that were made ask for: per record and field the last value of each side."""
    last: dict[tuple[str, str, str, str], dict[str, Edit]] = {}
    for edit in (one for one in edits if one.made):
        for typed in edit.fields:
            go_id, shop_id = edit.origin[1], edit.twin
            if edit.side == "shopify":
                go_id, shop_id = shop_id, go_id
            last.setdefault((edit.entity, go_id, shop_id, typed.name), {})[edit.side] = edit
    found = []
    for (entity, _, _, name), by_side in last.items():
        one = next(iter(by_side.values()))
        field = next(f for f in FIELDS[entity] if f.name == name)
        accepted = [field.read[side](_as_record(entity, side, edit.values)) for side, edit in by_side.items()]
        found.append(Demand(entity, one.origin, one.twin, field, accepted))
    return found


def by_key(entity: str, go: Json, shop: Json) -> tuple[dict[str, str], dict[str, str]]:
    """Ids of records on one side by the id of the record they were made for: in Shopify, and in PowerOffice Go."""
    in_shop = {key.rpartition("-")[2]: r["legacyResourceId"] for r in shop[entity] if (key := equality.metafield(r))}
    if entity == "customers":
        references = ((c["ExternalImportReference"] or "", str(c["Id"])) for c in go["customers"])
        return in_shop, {ref.rpartition(":")[2]: i for ref, i in references if ref.startswith("shopify:")}
    codes = {p["Code"]: str(p["Id"]) for p in go["products"] if p["Code"]}
    skus = {p["legacyResourceId"]: p["variants"][0]["sku"] for p in shop["products"]}
    return in_shop, {i: codes[sku] for i, sku in skus.items() if sku in codes}


class _People:
    def __init__(self, seed: int, linked: bool) -> None:
        self._chance = Random(f"edits {seed}")
        self._linked = linked
        self._number = 0
        self.edits: list[Edit] = []

    def work(self, entity: str, twins: list[tuple[str, str]], alone: dict[str, list[str]]) -> None:
        twins = self._chance.sample(twins, min(len(twins), 10))
        for number, pair in enumerate(twins):
            if not self._linked:
                self._on_one_side(entity, pair)
            else:
                (self._on_one_side, self._on_both_sides, self._in_conflict, self._emptied)[number % 4](entity, pair)
        for side in ("powerofficego", "shopify"):
            for _ in range(2):
                self._new(entity, side)
            for record in self._chance.sample(alone.get(side, []), min(len(alone.get(side, [])), 2)):
                field = self._chance.choice(FIELDS[entity][1:3])
                self._add(entity, side, [side, record], "", [field], self._during())

    def _on_one_side(self, entity: str, pair: tuple[str, str]) -> None:
        """A value is typed, and now and then typed anew while a run is at work."""
        side = self._chance.choice(("powerofficego", "shopify"))
        # the key by which they are to be linked stays: without it they are two people
        field = self._chance.choice([one for one in FIELDS[entity] if self._linked or one.name != "e-mail"])
        first = self._chance.choice((0.0, self._during()))
        self._pair(entity, pair, side, field, first)
        if self._chance.random() < 0.4:
            self._pair(entity, pair, side, field, max(first + 1, self._during()))

    def _on_both_sides(self, entity: str, pair: tuple[str, str]) -> None:
        """Two people, two fields of the same record."""
        one, other = self._chance.sample(FIELDS[entity], 2)
        self._pair(entity, pair, "powerofficego", one, self._chance.choice((0.0, self._during())))
        self._pair(entity, pair, "shopify", other, self._chance.choice((0.0, self._during())))

    def _in_conflict(self, entity: str, pair: tuple[str, str]) -> None:
        """Two people, the same field: one of them has to give way."""
        field = self._chance.choice(FIELDS[entity])
        for side in ("powerofficego", "shopify"):
            self._pair(entity, pair, side, field, self._chance.choice((0.0, self._during())))

    def _emptied(self, entity: str, pair: tuple[str, str]) -> None:
        if entity == "products":
            return self._on_one_side(entity, pair)
        side = self._chance.choice(("powerofficego", "shopify"))
        values = {"PhoneNumber": None} if side == "powerofficego" else {"phone": None}
        own, twin = pair if side == "powerofficego" else pair[::-1]
        edit = Edit(self._chance.choice((0.0, self._during())), entity, side, values, [_PHONE], [side, own], twin)
        self.edits.append(edit)
        return None

    def _new(self, entity: str, side: str) -> None:
        """A new record; now and then it is corrected while its twin is being made."""
        number, origin = self._next(), [side, ""]
        values: Json = {}
        for field in FIELDS[entity]:
            values |= field.order[side](number)
        if entity == "products":
            values["Code" if side == "powerofficego" else "sku"] = f"NEW-{_MADE}{number:04d}"
        elif side == "powerofficego":
            values["IsPerson"] = True
        moment = self._chance.choice((0.0, self._during()))
        self.edits.append(Edit(moment, entity, side, values, list(FIELDS[entity]), origin, is_new=True))
        if self._chance.random() < 0.5:
            field = self._chance.choice(FIELDS[entity][1:3])
            self._add(entity, side, origin, "", [field], max(moment + 0.5, self._during()))

    def _pair(self, entity: str, pair: tuple[str, str], side: str, field: Field, moment: float) -> None:
        own, twin = pair if side == "powerofficego" else pair[::-1]
        self._add(entity, side, [side, own], twin, [field], moment)

    def _add(self, entity: str, side: str, origin: list[str], twin: str, fields: list[Field], moment: float) -> None:
        number = self._next()
        values: Json = {}
        for field in fields:
            values |= field.order[side](number)
        self.edits.append(Edit(moment, entity, side, values, fields, origin, twin))

    def _during(self) -> float:
        return round(self._chance.uniform(0.5, 12), 1)

    def _next(self) -> int:
        self._number += 1
        return self._number


def _equal_customers(go: Json, shop: Json) -> list[tuple[str, str]]:
    """Plain twins that say the same in every field."""
    return [
        (str(one["Id"]), other["legacyResourceId"])
        for one, other in customer_twins(go["customers"], shop["customers"])
        if one["IsActive"] and equality.customers([one], [other], "", "").equal == 1
    ]


def _equal_products(go: Json, shop: Json) -> list[tuple[str, str]]:
    codes = Counter(p["Code"] for p in go["products"])
    skus = Counter(v["sku"] for p in shop["products"] for v in p["variants"])
    return [
        (str(one["Id"]), other["legacyResourceId"])
        for one, other in product_twins(go["products"], shop["products"])
        if codes[one["Code"]] == skus[one["Code"]] == 1 and equality.products([one], [other], "").equal == 1
    ]


def _alone(go: Json, shop: Json) -> dict[str, list[str]]:
    """Whole, plain customers that only one side has: their twins are made in this round."""
    go_emails = Counter((c["EmailAddress"] or "").strip().lower() for c in go["customers"])
    shop_emails = {(c["email"] or "").lower() for c in shop["customers"]}
    linked = set(by_key("customers", go, shop)[0].values()) | set(by_key("customers", go, shop)[1])
    return {
        "powerofficego": [
            str(c["Id"])
            for c in go["customers"]
            if c["IsPerson"] and c["IsActive"] and not c["IsArchived"] and not c["ExternalImportReference"]
            if re.fullmatch(r"[^\s;,]+@[^\s;,]+", c["EmailAddress"] or "")
            if go_emails[c["EmailAddress"].lower()] == 1 and c["EmailAddress"].lower() not in shop_emails
        ],
        "shopify": [
            c["legacyResourceId"]
            for c in shop["customers"]
            if c["email"] and c["firstName"] and c["lastName"] and c["legacyResourceId"] not in linked
            if not any(c["email"].lower() in email for email in go_emails)
        ],
    }


def _as_record(entity: str, side: str, values: Json) -> Json:
    """What was typed, in the shape of a record, for `Field.read`."""
    if side == "powerofficego":
        address = {k.removeprefix("MailAddress."): v for k, v in values.items() if k.startswith("MailAddress.")}
        return {**values, "MailAddress": address}
    if entity == "products":
        return {**values, "variants": [values]}
    place = {k.removeprefix("addresses."): v for k, v in values.items() if k.startswith("addresses.")}
    return {**values, "defaultAddress": {"id": 1}, "addresses": [{**place, "id": 1}]}


def _text(value: str | None) -> str | None:
    return unicodedata.normalize("NFC", value).strip() or None if value else None


def _email(value: str | None) -> str | None:
    text = _text(value)
    return text.lower() if text else None


def _phone(value: str | None) -> str | None:
    return re.sub(r"\D", "", value)[-8:] if value else None


def _money(value: Any, factor: str) -> str | None:
    return None if value is None else str((Decimal(str(value)) * Decimal(factor)).quantize(Decimal("0.01")))


def _default(shop: Json) -> Json:
    default = (shop.get("defaultAddress") or {}).get("id")
    return next((a for a in shop["addresses"] if a["id"] == default), {})


_PHONE = Field(
    "phone",
    {
        "powerofficego": lambda n: {"PhoneNumber": f"41 0{n:05d}"},
        "shopify": lambda n: {"phone": f"+47410{n:05d}"},
    },
    {"powerofficego": lambda r: _phone(r["PhoneNumber"]), "shopify": lambda r: _phone(r["phone"])},
)

FIELDS: dict[str, tuple[Field, ...]] = {
    "customers": (
        _PHONE,
        Field(
            "first name",
            {
                "powerofficego": lambda n: {"FirstName": f"Åse {n}"},
                "shopify": lambda n: {"firstName": f"Øyvind {n}"},
            },
            {"powerofficego": lambda r: _text(r["FirstName"]), "shopify": lambda r: _text(r["firstName"])},
        ),
        Field(
            "last name",
            {"powerofficego": lambda n: {"LastName": f"Berg {n}"}, "shopify": lambda n: {"lastName": f"Dahl {n}"}},
            {"powerofficego": lambda r: _text(r["LastName"]), "shopify": lambda r: _text(r["lastName"])},
        ),
        Field(
            "street",
            {
                "powerofficego": lambda n: {
                    "MailAddress.AddressLine1": f"Nyveien {n}",
                    "MailAddress.City": "Tromsø",
                    "MailAddress.ZipCode": "9008",
                },
                "shopify": lambda n: {
                    "addresses.address1": f"Sjøgata {n}",
                    "addresses.city": "Bodø",
                    "addresses.zip": "8006",
                    "addresses.countryCode": "NO",
                },
            },
            {
                "powerofficego": lambda r: _text((r["MailAddress"] or {}).get("AddressLine1")),
                "shopify": lambda r: _text(_default(r).get("address1")),
            },
        ),
        Field(
            "e-mail",
            {
                "powerofficego": lambda n: {"EmailAddress": f"ny.kunde.{n}@post.example"},
                "shopify": lambda n: {"email": f"nettkunde.{n}@epost.example"},
            },
            {"powerofficego": lambda r: _email(r["EmailAddress"]), "shopify": lambda r: _email(r["email"])},
        ),
    ),
    "products": (
        Field(
            "price",
            {
                "powerofficego": lambda n: {"UnitPrice": float(100 + n)},
                "shopify": lambda n: {"price": f"{(300 + n) * Decimal('1.25'):.2f}"},
            },
            {
                "powerofficego": lambda r: _money(r["UnitPrice"], "1.25"),
                "shopify": lambda r: _money(r["variants"][0]["price"], "1"),
            },
        ),
        Field(
            "title",
            {"powerofficego": lambda n: {"Name": f"Lykt {n}"}, "shopify": lambda n: {"title": f"Termos {n}"}},
            {"powerofficego": lambda r: _text(r["Name"]), "shopify": lambda r: _text(r["title"])},
        ),
    ),
}
