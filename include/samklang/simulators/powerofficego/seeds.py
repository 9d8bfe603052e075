"""Believable data for a fresh company: the clean people and goods of the seed, as an accounting system has them.

Free-text phones, stray spaces, two addresses in one e-mail field, doubled customers, companies and suppliers between
the persons, archived rows, products without a price or a code. Nine of ten persons still say what the shop says.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from samklang.simulators.people import GROUPS, Person, chance, good, person
from samklang.simulators.powerofficego import times
from samklang.simulators.powerofficego.ledger import Dto, Ledger
from samklang.simulators.powerofficego.references import CONTACT_GROUPS, PAYMENT_TERMS
from samklang.simulators.powerofficego.schema import CUSTOMERS, PRODUCT_GROUPS, PRODUCTS

_HISTORY, _QUIET = timedelta(days=900), timedelta(days=2)
_SECONDS = int((_HISTORY - _QUIET).total_seconds())
_PAYMENT_TERM_ID, _PAYMENT_TERM = next(iter(PAYMENT_TERMS.items()))
_COMPANIES = ("Berg Handel AS", "Fjellstøl Regnskap AS", "Havblikk Kafé AS", "Nordlys Bygg AS", "Vik Båtutleie ANS")


def fill(ledger: Ledger, records: int, seed: int) -> None:
    """Fill an empty ledger with `records` person customers, some companies besides, and as many products."""
    start = ledger.now().astimezone(UTC) - _HISTORY
    groups = {
        code: ledger.add(PRODUCT_GROUPS, {"Code": code, "Name": name}, _stamp(start, 0, 1))["Id"]
        for code, name in GROUPS.items()
    }
    for number in range(records):
        _customer(ledger, seed, number, _stamp(start, number, records))
    for number in range(records):
        _product(ledger, seed, number, groups, _stamp(start, number, records))


def _customer(ledger: Ledger, seed: int, number: int, at: str) -> None:
    pick, who = chance(seed, "powerofficego customer", number), person(seed, number)
    if pick.random() < 0.06:
        _company(ledger, pick, who, at)
    dto = ledger.add(CUSTOMERS, _person(pick, who), at)
    if pick.random() >= 0.05:
        dto["MailAddress"] = ledger.new_address(_address(pick, who), at, country="NO")
    if pick.random() < 0.02:
        dto["IsArchived"] = True
    if pick.random() < 0.3:
        ledger.in_use.add(dto["Id"])
        if not dto["IsArchived"] and number % 3 == 0:
            ledger.balances.add(dto["Id"])
    if pick.random() < 0.01:
        double = ledger.add(CUSTOMERS, {**_person(pick, who), "FirstName": who.first_name.upper()}, at)
        double["MailAddress"] = None


def _person(pick: Random, who: Person) -> Dto:
    return {
        "IsPerson": True,
        "FirstName": f"{who.first_name} " if pick.random() < 0.01 else who.first_name,
        "LastName": unicodedata.normalize("NFD", who.last_name) if pick.random() < 0.01 else who.last_name,
        "EmailAddress": _email(pick, who),
        "PhoneNumber": _phone(pick, who),
        "DateOfBirth": f"19{pick.randint(50, 99)}-0{pick.randint(1, 9)}-1{pick.randint(0, 9)}",
        "PaymentTerm": _PAYMENT_TERM,
        "PaymentTermId": _PAYMENT_TERM_ID,
        "ContactGroupIds": [CONTACT_GROUPS[0]] if who.number % 10 == 0 else None,
    }


def _email(pick: Random, who: Person) -> str | None:
    kind = pick.random()
    if kind < 0.03:
        return None
    if kind < 0.06:
        return who.email.title()
    if kind < 0.08:
        return f" {who.email} "
    if kind < 0.085:
        return f"{who.email}; hjemme.{who.email}"
    return who.email


def _phone(pick: Random, who: Person) -> str | None:
    """Free text: spaces, country codes, remarks, and now and then nothing that is a number."""
    if who.country != "NO":
        return who.phone
    national = who.phone.removeprefix("+47")
    pairs = f"{national[:2]} {national[2:4]} {national[4:6]} {national[6:]}"
    kind = pick.random()
    if kind < 0.05:
        return None
    if kind < 0.45:
        return pairs
    if kind < 0.6:
        return f"+47 {pairs}"
    if kind < 0.62:
        return f"tlf. {pairs} (kveld)"
    if kind < 0.63:
        return "ukjent"
    return who.phone if kind < 0.8 else national


def _address(pick: Random, who: Person) -> Dto:
    return {
        "AddressLine1": f"{who.address1} " if pick.random() < 0.02 else who.address1,
        "AddressLine2": who.address2 or None,
        "City": who.city.upper() if pick.random() < 0.005 else who.city,
        "ZipCode": who.zip,
        "CountryCode": who.country,
    }


def _company(ledger: Ledger, pick: Random, who: Person, at: str) -> None:
    name = f"{pick.choice(_COMPANIES)} avd. {who.number}"
    supplier = pick.random() < 0.3
    dto = ledger.add(
        CUSTOMERS,
        {
            "IsPerson": False,
            "Name": name,
            "OrganizationNumber": str(900_000_000 + who.number),
            # one in twenty companies is reached at its owner's own address
            "EmailAddress": who.email if pick.random() < 0.05 else f"post{who.number}@bedrift.example",
            "PhoneNumber": who.phone,
        },
        at,
    )
    if supplier:
        # the contact lives on as a supplier: inactive as a customer, and not to be deleted (spec, sheet 2)
        dto["IsActive"] = False
        ledger.in_use.add(dto["Id"])
    dto["MailAddress"] = ledger.new_address(_address(pick, who), at, country="NO")


def _product(ledger: Ledger, seed: int, number: int, groups: dict[str, int], at: str) -> None:
    pick, what = chance(seed, "powerofficego product", number), good(seed, number)
    values: dict[str, Any] = {
        "Code": what.code if pick.random() >= 0.01 else None,
        "Name": f"{what.name} " if pick.random() < 0.01 else what.name,
        "Description": what.description,
        "Gtin": what.gtin if pick.random() >= 0.1 else None,
        "ProductGroupCode": what.group,
        "ProductGroupId": groups[what.group],
        "UnitPrice": float(what.price_net) if pick.random() >= 0.03 else None,
        "UnitCost": round(float(what.price_net) * 0.6, 2) if pick.random() >= 0.3 else None,
    }
    archived = pick.random() < 0.02
    if pick.random() < 0.2:
        values |= {"IsStockItem": True, "StockOnHand": pick.randint(0, 400)}
    dto = ledger.add(PRODUCTS, values | {"IsArchived": archived}, at)
    if pick.random() < 0.3:
        ledger.in_use.add(dto["Id"])


def _stamp(start: datetime, number: int, records: int) -> str:
    """Spread over the company's history, ending two days ago, in the order of the ids."""
    moment = start + timedelta(seconds=_SECONDS * number // records, microseconds=number % 1_000_000)
    return times.stamp(moment, number % 10)
