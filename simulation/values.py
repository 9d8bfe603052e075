"""What people type, on either side: each value new in its trace, so that it can be followed wherever it goes."""

from __future__ import annotations

import unicodedata
from decimal import ROUND_HALF_UP, Decimal

SIDES = POWEROFFICEGO, SHOPIFY = ("powerofficego", "shopify")

CUSTOMER_FIELDS = {
    "EmailAddress": "email",
    "MailAddress.AddressLine1": "addresses.address1",
    "MailAddress.AddressLine2": "addresses.address2",
    "MailAddress.City": "addresses.city",
    "MailAddress.CountryCode": "addresses.countryCode",
    "MailAddress.ZipCode": "addresses.zip",
    "PhoneNumber": "phone",
    "FirstName": "firstName",
    "LastName": "lastName",
}
PRODUCT_FIELDS = {"Name": "title", "Code": "sku", "UnitPrice": "price"}
FIELDS = {"customers": CUSTOMER_FIELDS, "products": PRODUCT_FIELDS}
"""By entity: a field's name in the mapping, and what a person at the shop's desk calls it."""

COUNTRIES = ("NO", "SE", "DK", "GB", "DE")
FREE = ("MailAddress.CountryCode",)
"""Fields with too few values to follow one."""
KEYS = {"customers": "EmailAddress", "products": "Code"}
"""What links records, by entity."""
UNIQUE = {"customers": ("EmailAddress", "PhoneNumber"), "products": ("Code",)}
"""By entity, what tells records apart: a system may take it from one only."""
PRICES = {"rate": Decimal("0.25"), "factor": Decimal("1.25")}
"""The mapping's VAT; and what makes the shop's figure of a price in PowerOffice Go: 1 where it shows them without."""
ADDRESS = tuple(name for name in CUSTOMER_FIELDS if name.startswith("MailAddress."))


def typed(field: str, side: str, number: int, person: int) -> str | int | float:
    """What a person types into a field for the `number`th value of a trace. PowerOffice Go takes free text."""
    go = side == POWEROFFICEGO
    match field:
        case "EmailAddress":
            return f"Person{person}.v{number}@Example.no" if go else f"person{person}.v{number}@example.no"
        case "PhoneNumber":
            digits = f"9{number:07d}"
            return f"0047 {digits[:3]} {digits[3:5]} {digits[5:]}" if go else f"+47{digits}"
        case "MailAddress.CountryCode":
            return COUNTRIES[number % len(COUNTRIES)]
        case "MailAddress.ZipCode":
            return f"{number:04d}"
        case "UnitPrice":
            return number * 4 if go else shop_figure(POWEROFFICEGO, number * 4)
        case "Code":
            return f"SKU-{person}-{number}"
        case _:
            return f"{field.rpartition('.')[2]} {number} Ærø "[: None if go else -1]


def normal(field: str, side: str, raw: object) -> str | None:
    """What makes two values the same: worked out apart from the engine's own way."""
    if raw is None:
        return None
    text = unicodedata.normalize("NFC", str(raw).strip())
    match field:
        case "EmailAddress":
            text = text.lower().replace("\u200b", "")
        case "PhoneNumber":
            digits = "".join(text.split())
            text = f"+{digits[2:]}" if digits.startswith("00") and digits.isdigit() else text
        case "UnitPrice":
            return shop_figure(side, text)
        case _:
            pass
    return text or None


def shop_figure(side: str, raw: object) -> str:
    """A price as the shop shows it, half up."""
    factor = PRICES["factor"] if side == POWEROFFICEGO else Decimal(1)
    return str((Decimal(str(raw).strip()) * factor).quantize(Decimal("0.01"), ROUND_HALF_UP))


def other(side: str) -> str:
    return SIDES[1 - SIDES.index(side)]
