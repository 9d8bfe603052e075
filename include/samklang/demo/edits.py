"""A dozen edits by people on both sides: what they do, and what both systems should say afterwards."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from samklang.demo.processes import Control

Json = dict[str, Any]

_LATER = 2.5
"""Seconds: two edits within one second count as made at once."""


@dataclass(slots=True)
class Edit:
    """:param where: the system that is edited. :param what: in words. :param order: for the simulator's control.
    :param go_field, shop_field: where the outcome can be read on each side; :param ids: of both records.
    """

    where: str
    what: str
    entity: str
    order: dict[str, Any]
    go_field: str = ""
    shop_field: str = ""
    ids: tuple[str, str] = ("", "")
    id: str | None = None


@dataclass(slots=True)
class Dozen:
    """The edits, in the order in which they are made."""

    edits: list[Edit] = field(default_factory=list)

    def person(self, pair: tuple[Json, Json], where: str, what: str, go: str, shop: str, **values: Any) -> None:
        one, other = pair
        ids = (str(one["Id"]), other["legacyResourceId"])
        own = ids[0] if where == "PowerOffice Go" else ids[1]
        self.edits.append(Edit(where, what, "customers", {"set": values}, go, shop, ids, own))

    def product(self, pair: tuple[Json, Json], where: str, what: str, go: str, shop: str, **values: Any) -> None:
        one, other = pair
        ids = (str(one["Id"]), other["legacyResourceId"])
        own = ids[0] if where == "PowerOffice Go" else ids[1]
        self.edits.append(Edit(where, what, "products", {"set": values}, go, shop, ids, own))


def choose(go: dict[str, list[Json]], shop: dict[str, list[Json]]) -> Dozen:
    """Pick plain twins and decide what people do to them."""
    people, goods = customer_twins(go["customers"], shop["customers"]), product_twins(go["products"], shop["products"])
    dozen = Dozen()
    office, store = "PowerOffice Go", "Shopify"
    dozen.person(people[0], office, "a new phone number", "PhoneNumber", "phone", PhoneNumber="90 01 00 01")
    dozen.person(people[1], office, "a new first name", "FirstName", "firstName", FirstName="Åse-Marie")
    line = {"MailAddress.AddressLine1": "Nyveien 7"}
    dozen.person(people[2], office, "a new street", "MailAddress.AddressLine1", "addresses.address1", **line)
    dozen.person(people[3], store, "a new last name", "LastName", "lastName", lastName="Øvrebø")
    moved = {"addresses.city": "Tromsø", "addresses.zip": "9008"}
    dozen.person(people[4], store, "moved to Tromsø", "MailAddress.City", "addresses.city", **moved)
    email = {"email": "nytt.navn@epost.example"}
    dozen.person(people[5], store, "a new e-mail address", "EmailAddress", "email", **email)
    second = {"MailAddress.AddressLine2": "c/o Dahl"}
    dozen.person(people[6], office, "c/o Dahl", "MailAddress.AddressLine2", "addresses.address2", **second)
    dozen.person(people[6], store, "… and, there, a phone", "PhoneNumber", "phone", phone="+4790010007")
    dozen.person(people[7], office, "a conflict: Lund", "LastName", "lastName", LastName="Lund")
    dozen.person(people[7], store, "… and, later, Lunde", "LastName", "lastName", lastName="Lunde")
    dozen.person(people[8], office, "the phone emptied", "PhoneNumber", "phone", PhoneNumber=None)
    price = round(goods[0][0]["UnitPrice"] * 1.1, 2)
    dozen.product(goods[0], office, f"a new price, {price:.2f} + VAT", "UnitPrice", "price", UnitPrice=price)
    dozen.product(goods[1], store, "a new title", "Name", "title", title="Termos Havblikk, blå")
    new = {"FirstName": "Tiril", "LastName": "Ny", "EmailAddress": "tiril.ny@epost.example", "IsPerson": True}
    dozen.edits.append(Edit(office, "a new customer", "customers", {"create": new}, "EmailAddress", "email"))
    return dozen


def carry_out(dozen: Dozen, go: Control, shop: Control) -> None:
    """Make the edits, one after another; the later one of the conflict comes clearly later."""
    for edit in dozen.edits:
        if "later" in edit.what:
            time.sleep(_LATER)
        control = go if edit.where == "PowerOffice Go" else shop
        record = control.edit(edit.entity, edit.id, **edit.order)
        if "create" in edit.order:
            edit.ids = (str(record["Id"]), "")


def outcome(edit: Edit, go: dict[str, list[Json]], shop: dict[str, list[Json]]) -> tuple[str, str]:
    """What both sides say now."""
    one = next(r for r in go[edit.entity] if str(r["Id"]) == edit.ids[0])
    if edit.ids[1]:
        other = next(r for r in shop[edit.entity] if r["legacyResourceId"] == edit.ids[1])
    else:
        other = next((r for r in shop["customers"] if r["email"] == one["EmailAddress"]), {})
    return _read(one, edit.go_field), _shop_read(other, edit.shop_field)


def _read(record: Json, name: str) -> str:
    value: Any = record
    for part in name.split("."):
        value = (value or {}).get(part)
    return "—" if value is None else str(value)


def _shop_read(record: Json, name: str) -> str:
    if name.startswith("addresses."):
        default = (record.get("defaultAddress") or {}).get("id")
        record = next((a for a in record["addresses"] if a["id"] == default), {})
        name = name.removeprefix("addresses.")
    if name in ("price", "sku"):
        record = record["variants"][0]
    value = record.get(name)
    return "—" if value is None else str(value)


def customer_twins(go: list[Json], shop: list[Json]) -> list[tuple[Json, Json]]:
    """Persons that each side has once, active, with an address and a phone."""
    counts = Counter((c["EmailAddress"] or "").strip().lower() for c in go)
    by_email = {c["email"].lower(): c for c in shop if c["email"] and c["defaultAddress"] and c["phone"]}
    return [
        (one, by_email[email])
        for one in go
        if one["IsPerson"] and not one["IsArchived"] and one["MailAddress"] and (one["PhoneNumber"] or "")[:1].isdigit()
        if counts[email := (one["EmailAddress"] or "").strip().lower()] == 1 and email in by_email
    ]


def product_twins(go: list[Json], shop: list[Json]) -> list[tuple[Json, Json]]:
    """Products with a price and one taxed variant."""
    by_sku = {
        p["variants"][0]["sku"]: p
        for p in shop
        if len(p["variants"]) == 1 and p["variants"][0]["taxable"] and p["status"] != "ARCHIVED"
    }
    return [
        (one, by_sku[one["Code"]]) for one in go if one["Code"] in by_sku and not one["IsArchived"] and one["UnitPrice"]
    ]
