"""What must hold for a whole object, posted or patched (sheet 2, 3 and 5).

Where the sheet has no words for a refusal, ours are invented; that they come as `<Entity> validation error(s)` is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pycountry

from samklang.simulators.powerofficego.ledger import CUSTOMER_NUMBERS, Dto, Ledger
from samklang.simulators.powerofficego.problems import invalid, malformed
from samklang.simulators.powerofficego.schema import ADDRESS_LIMITS, Resource
from samklang.simulators.powerofficego.values import converted

_EMAIL = re.compile(r"[^@\s;,]+@[^@\s;,]+")
_NATIONAL_ID = re.compile(r"\d{11}")
_RANGES = {"Allowance": (-1000, 100), "BillableRate": (0, float("inf"))}  # spec, sheet 2
_SET_BY_THE_CUSTOMER = ("AvtaleGiro", "Efaktura")


def posted(resource: Resource, body: Any) -> Dto:
    """The values of a posted body by their names; unknown and read-only ones are passed over.

    :raises ProblemError: the body is no object, or a value is missing or of another kind.
    """
    if not isinstance(body, dict):
        raise invalid(resource.name, f"{resource.name} object is missing.")
    values: Dto = {}
    errors: dict[str, list[str]] = {}
    for name, value in body.items():
        known = resource.by_lower.get(name.lower())
        if known not in resource.post:
            continue
        try:
            values[known] = converted(resource, known, value)
        except ValueError:
            errors[known] = ["The JSON value could not be converted."]
    address = values.get("MailAddress")
    if address is not None:
        # required in the Post DTO (spec, sheet 2)
        missing = (name for name in ("City", "ZipCode") if not address.get(name))
        errors |= {f"MailAddress.{name}": [f"The {name} field is required."] for name in missing}
    if resource.path == "products" and not values.get("Name"):
        errors["Name"] = ["The Name field is required."]  # the one required property (spec, sheet 3)
    if errors:
        raise malformed(errors)
    return values


def check(
    resource: Resource, ledger: Ledger, after: Dto, before: Dto | None, switches: Mapping[str, Any], *, human: bool
) -> None:
    """Check an object as it would be.

    :param before: as it is; None: a new one.
    :param human: a person at the desk: may type what the API refuses, and overrides balances.
    :raises ProblemError: it does not hold.
    """
    changed = {name: value for name, value in after.items() if before is None or before[name] != value}
    for name, limit in resource.limits.items():
        _check_length(resource, name, after.get(name), limit)
    if resource.path == "customers":
        _check_customer(resource, ledger, after, changed)
        if not human:
            _check_customer_by_api(resource, ledger, after, changed, new=before is None)
    if resource.path == "products":
        _check_product(resource, ledger, after, changed, switches)


def _check_customer(resource: Resource, ledger: Ledger, after: Dto, changed: Dto) -> None:
    for name in ("FirstName", "LastName") if after.get("IsPerson") else ("Name",):
        if not (after.get(name) or "").strip():
            raise invalid(resource.name, f"{name} is required.")
    _check_address(resource, changed.get("MailAddress"))
    for name in ("ExternalImportReference", "ExternalNumber", "Number"):
        value = changed.get(name)
        holder = ledger.keys["customers"].holder(name, value, but=after.get("Id")) if value is not None else None
        if holder is not None:
            # a duplicate is a 400 that names the holder; archived ones hold it too (spec, sheet 2)
            raise invalid(resource.name, f"{name} is already in use. '{value}' is used on (contact) Id = {holder}.")
    if changed.get("Number") is not None and changed["Number"] not in CUSTOMER_NUMBERS:
        raise invalid(resource.name, "Number is not within the range of the number series.")
    if "Id" in after and after.get("Number") is None:
        raise invalid(resource.name, "Number is required.")
    for name, (low, high) in _RANGES.items():
        if changed.get(name) is not None and not low <= changed[name] <= high:
            raise invalid(resource.name, f"{name} is not within its range.")
    if changed.get("NationalIdNumber") and not _NATIONAL_ID.fullmatch(changed["NationalIdNumber"]):
        raise invalid(resource.name, "NationalIdNumber is not valid.")  # syntax is validated (spec, sheet 2)


def _check_customer_by_api(resource: Resource, ledger: Ledger, after: Dto, changed: Dto, *, new: bool) -> None:
    if changed.get("EmailAddress") and not _EMAIL.fullmatch(changed["EmailAddress"]):
        raise invalid(resource.name, "EmailAddress is not valid.")
    delivery = after.get("InvoiceDeliveryType")
    emails = after.get("EmailAddress") or after.get("InvoiceEmailAddress")
    # spec, sheet 2: PdfByEmail needs an e-mail, EHF an organisation number; two cannot be set here
    if (
        (delivery == "PdfByEmail" and not emails)
        or (delivery == "EHF" and not after.get("OrganizationNumber"))
        or changed.get("InvoiceDeliveryType") in _SET_BY_THE_CUSTOMER
    ):
        raise invalid(resource.name, f"InvoiceDeliveryType cannot be {delivery}.")
    if not new and changed.get("IsArchived") and after["Id"] in ledger.balances:
        # refused while the contact has a balance (spec); that it is a 400 is a guess
        raise invalid(resource.name, "IsArchived cannot be set while the contact has ledger balances.")


def _check_address(resource: Resource, address: Mapping[str, Any] | None) -> None:
    if not address:
        return
    for name, limit in ADDRESS_LIMITS.items():
        _check_length(resource, name, address.get(name), limit)
    country = address.get("CountryCode")
    if country and pycountry.countries.get(alpha_2=country) is None:
        raise invalid(resource.name, f"The country code {country} is not valid according to ISO 3166-1.")


def _check_product(resource: Resource, ledger: Ledger, after: Dto, changed: Dto, switches: Mapping[str, Any]) -> None:
    if not (after.get("Name") or "").strip():
        raise invalid(resource.name, "Name is required.")
    if changed.get("Code") and switches["product_code"] == "unique":
        holder = ledger.keys["products"].holder("Code", changed["Code"], but=after.get("Id"))
        if holder is not None:
            raise invalid(resource.name, f"Code is already in use on product with id = {holder}.")
    if changed.get("StockOnHand") is not None and not after.get("IsStockItem"):
        raise invalid(resource.name, "StockOnHand cannot be set while IsStockItem is false.")  # spec, sheet 3


def _check_length(resource: Resource, name: str, value: Any, limit: int) -> None:
    if isinstance(value, str) and len(value) > limit:
        raise invalid(resource.name, f"The field {name} must be a string with a maximum length of {limit}.")
