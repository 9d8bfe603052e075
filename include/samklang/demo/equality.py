"""Are both systems equal? A reader that knows nothing of the engine.

It is given all records of both systems, pairs them by the keys that stand on them and by e-mail or sku, compares every
field with rules of its own, and names a reason for everything that is rightly unequal. What it cannot explain is a
fault.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import phonenumbers

Json = dict[str, Any]

UNEXPLAINED = "no reason found"
_SEVERAL = "several addresses in one e-mail field"
_METAFIELD = "samklang.powerofficego_id"
_VAT = Decimal("1.25")  # the rate of the demo's mapping


@dataclass(slots=True)
class Equality:
    """:param unequal: fields of pairs that differ, and records without a twin, by reason.
    :param faults: what has no reason: (what, ids, field).
    """

    entity: str
    pairs: int = 0
    equal: int = 0
    unequal: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, str, str]] = field(default_factory=list)

    def note(self, reason: str, what: str, ids: str, name: str = "") -> None:
        self.unequal[reason] += 1
        if reason == UNEXPLAINED:
            self.faults.append((what, ids, name))


def customers(go: list[Json], shop: list[Json], client_id: str, shop_id: str) -> Equality:
    """Compare all customers."""
    result = Equality("customers")
    persons = [c for c in go if c["IsPerson"]]
    pairs, rest_go, rest_shop = _pair(
        go,
        shop,
        go_id=lambda c: str(c["Id"]),
        shop_id=lambda c: c["legacyResourceId"],
        go_key=lambda c: c["ExternalImportReference"],
        go_key_for=lambda c: f"shopify:{shop_id}:{c['legacyResourceId']}",
        shop_key=metafield,
        shop_key_for=lambda c: f"{client_id}-{c['Id']}",
        go_match=lambda c: _email(c["EmailAddress"]),
        shop_match=lambda c: _email(c["email"]),
        may_match=lambda c: bool(c["IsPerson"]),
    )
    phones = Counter(_phone(c["phone"], "NO") for c in shop if c["phone"])
    for one, other in pairs:
        result.pairs += 1
        ids = f"{one['Id']} / {other['legacyResourceId']}"
        reasons = list(_customer_differences(one, other, phones))
        for name, why in reasons:
            result.note(why, "customer", ids, name)
        result.equal += not reasons
    emails = Counter(_email(c["EmailAddress"]) for c in go if c["EmailAddress"])
    parts = {part for c in go for part in _addresses(c["EmailAddress"])}
    shop_emails = {_email(c["email"]) for c in shop if c["email"]}
    person_ids = {c["Id"] for c in persons}
    for one in rest_go:
        if one["Id"] not in person_ids:
            result.note("a company, not a person", "customer", str(one["Id"]))
        else:
            several = bool(_addresses(one["EmailAddress"]))  # makes nobody
            why = _SEVERAL if several else _why_alone_in_go(one, emails, shop_emails)
            result.note(why, "customer", str(one["Id"]))
    for other in rest_shop:
        why = _SEVERAL if _email(other["email"]) in parts else _why_alone_in_shop(other, emails)
        result.note(why, "customer", other["legacyResourceId"])
    return result


def products(go: list[Json], shop: list[Json], client_id: str) -> Equality:
    """Compare all products with all variants."""
    result = Equality("products")
    variants = [
        {**variant, "product": product, "first": position == 0}
        for product in shop
        for position, variant in enumerate(product["variants"])
    ]
    pairs, rest_go, rest_shop = _pair(
        go,
        variants,
        go_id=lambda p: str(p["Id"]),
        shop_id=lambda v: v["legacyResourceId"],
        go_key=lambda _: None,
        go_key_for=lambda _: None,
        shop_key=lambda v: metafield(v["product"]) if v["first"] else None,
        shop_key_for=lambda p: f"{client_id}-{p['Id']}",
        go_match=lambda p: (p["Code"] or "").strip() or None,
        shop_match=lambda v: (v["sku"] or "").strip() or None,
        may_match=lambda _: True,
    )
    for one, other in pairs:
        result.pairs += 1
        differences = list(_product_differences(one, other))
        for name, why in differences:
            result.note(why, "product", f"{one['Id']} / {other['legacyResourceId']}", name)
        result.equal += not differences
    codes = Counter((p["Code"] or "").strip() for p in go)
    skus = Counter((v["sku"] or "").strip() for v in variants)
    for one in rest_go:
        code = (one["Code"] or "").strip()
        why = "archived" if one["IsArchived"] else UNEXPLAINED
        why = "the code is held more than once" if code and (skus[code] > 1 or codes[code] > 1) else why
        result.note(why, "product", str(one["Id"]))
    for other in rest_shop:
        sku = (other["sku"] or "").strip()
        why = "archived" if other["product"]["status"] == "ARCHIVED" else UNEXPLAINED
        why = "no sku" if not sku else why
        why = "the sku is held more than once" if sku and (skus[sku] > 1 or codes[sku] > 1) else why
        result.note(why, "variant", other["legacyResourceId"])
    return result


def _pair(
    go: list[Json],
    shop: list[Json],
    *,
    go_id: Callable[[Json], str],
    shop_id: Callable[[Json], str],
    go_key: Callable[[Json], str | None],
    go_key_for: Callable[[Json], str | None],
    shop_key: Callable[[Json], str | None],
    shop_key_for: Callable[[Json], str],
    go_match: Callable[[Json], str | None],
    shop_match: Callable[[Json], str | None],
    may_match: Callable[[Json], bool],
) -> tuple[list[tuple[Json, Json]], list[Json], list[Json]]:
    """Twins, and what is left on each side: by the keys that stand on records, then by a value that each has once."""
    pairs: list[tuple[Json, Json]] = []
    by_shop_key = {shop_key(s): s for s in shop if shop_key(s)}
    by_go_key = {go_key(g): g for g in go if go_key(g)}
    taken: set[str] = set()
    for one in go:
        other = by_shop_key.get(shop_key_for(one))
        if other is not None:
            pairs.append((one, other))
    for other in shop:
        one_or_none = by_go_key.get(go_key_for(other))
        if one_or_none is not None:
            pairs.append((one_or_none, other))
    taken |= {f"go {go_id(g)}" for g, _ in pairs} | {f"shop {shop_id(s)}" for _, s in pairs}
    holders_go, holders_shop = _holders(go, go_match), _holders(shop, shop_match)
    for value, ones in holders_go.items():
        others = holders_shop.get(value, [])
        free = len(ones) == len(others) == 1 and may_match(ones[0])
        if free and f"go {go_id(ones[0])}" not in taken and f"shop {shop_id(others[0])}" not in taken:
            pairs.append((ones[0], others[0]))
            taken |= {f"go {go_id(ones[0])}", f"shop {shop_id(others[0])}"}
    rest_go = [g for g in go if f"go {go_id(g)}" not in taken]
    rest_shop = [s for s in shop if f"shop {shop_id(s)}" not in taken]
    return pairs, rest_go, rest_shop


def _customer_differences(go: Json, shop: Json, phones: Counter[str | None]) -> Iterable[tuple[str, str]]:
    address = go["MailAddress"] or {}
    default = (shop["defaultAddress"] or {}).get("id")
    theirs: Json = next((a for a in shop["addresses"] if a["id"] == default), {})
    paused = "archived: paused" if go["IsArchived"] or not go["IsActive"] else None
    region = (address.get("CountryCode") or "NO").upper()
    if _email(go["EmailAddress"]) != _email(shop["email"]):
        yield "e-mail", paused or (_SEVERAL if _addresses(go["EmailAddress"]) else UNEXPLAINED)
    if _text(go["FirstName"]) != _text(shop["firstName"]):
        yield "first name", paused or UNEXPLAINED
    if _text(go["LastName"]) != _text(shop["lastName"]):
        yield "last name", paused or UNEXPLAINED
    phone, their_phone = _phone(go["PhoneNumber"], region), _phone(shop["phone"], region)
    if phone != their_phone:
        yield "phone", paused or _why_phone(phone, phones)
    half = bool(theirs) and not (theirs.get("city") and theirs.get("zip"))
    for ours, its in (
        ("AddressLine1", "address1"),
        ("AddressLine2", "address2"),
        ("City", "city"),
        ("ZipCode", "zip"),
        ("CountryCode", "countryCodeV2"),
    ):
        if _text(address.get(ours)) != _text(theirs.get(its)):
            yield ours, paused or ("an address without city or postal code" if half else UNEXPLAINED)


def _why_phone(phone: str | None, phones: Counter[str | None]) -> str:
    if phone and not phone.startswith("+"):
        return "a phone field that is not one number"
    if phone and phones[phone]:
        return "a phone that another customer has"
    if phone and not phonenumbers.is_valid_number(phonenumbers.parse(phone)):
        return "a phone number that nobody can have"
    return UNEXPLAINED


def _product_differences(go: Json, shop: Json) -> Iterable[tuple[str, str]]:
    paused = "archived: paused" if go["IsArchived"] or shop["product"]["status"] == "ARCHIVED" else None
    several = len(shop["product"]["variants"]) > 1
    names = {_text(shop["product"]["title"])}
    if several:  # as a variant is made in PowerOffice Go
        names.add(_text(f"{shop['product']['title']} - {shop.get('title')}"))
    if _text(go["Name"]) not in names:
        yield "title", paused or ("a title that several variants share" if several else UNEXPLAINED)
    if _text(go["Code"]) != _text(shop["sku"]):
        yield "sku", paused or UNEXPLAINED
    if go["UnitPrice"] is None:
        yield "price", paused or "a price that is inherited from the product group"
    elif _with_vat(go["UnitPrice"]) != Decimal(shop["price"]):
        yield "price", paused or ("a variant without tax" if not shop["taxable"] else UNEXPLAINED)


def _why_alone_in_go(one: Json, emails: Counter[str | None], shop_emails: set[str | None]) -> str:
    email = _email(one["EmailAddress"])
    if email and emails[email] > 1:
        return "the e-mail is held more than once"
    if one["IsArchived"]:
        return "archived"
    return "the e-mail is held by a linked customer" if email in shop_emails else UNEXPLAINED


def _why_alone_in_shop(other: Json, emails: Counter[str | None]) -> str:
    email = _email(other["email"])
    if email and emails[email]:
        return "the e-mail is held more than once" if emails[email] > 1 else "the e-mail is held by a company"
    lacks = not other["firstName"] or not other["lastName"]
    return "a guest without first and last name" if lacks else UNEXPLAINED


def _holders(records: list[Json], value: Callable[[Json], str | None]) -> dict[str, list[Json]]:
    holders: dict[str, list[Json]] = defaultdict(list)
    for record in records:
        key = value(record)
        if key:
            holders[key].append(record)
    return holders


def metafield(owner: Json) -> str | None:
    """Our key on a record of the shop."""
    found = (owner.get("metafields") or {}).get(_METAFIELD)
    return found.get("value") if isinstance(found, dict) else found


def _text(value: str | None) -> str | None:
    return unicodedata.normalize("NFC", value).strip() or None if value else None


def _email(value: str | None) -> str | None:
    text = _text(value)
    return text.lower() if text else None


def _addresses(value: str | None) -> list[str]:
    """Each of several addresses in one field; none where there is one or no address."""
    parts = [part.lower() for part in re.split(r"[\s,;]+", value or "") if "@" in part]
    return parts if len(parts) > 1 else []


def _phone(value: str | None, region: str) -> str | None:
    text = _text(value)
    if not text or re.search("[A-Za-zÆØÅæøå]", text):
        return text
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return text
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _with_vat(net: float) -> Decimal:
    return (Decimal(str(net)) * _VAT).quantize(Decimal("0.01"), ROUND_HALF_UP)
