"""What is asked of posted and patched values (sheet 2, 3 and 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pycountry

from samklang.simulators.powerofficego.ledger import Dto, Ledger
from samklang.simulators.powerofficego.problems import invalid, malformed
from samklang.simulators.powerofficego.schema import ADDRESS, ADDRESS_LIMITS, Resource

_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,), "date": (str,), "time": (str,), "number": (int, float), "integer": (int,), "flag": (bool,),
    "list": (list,), "address": (dict,),
}  # fmt: skip


def check_posted(resource: Resource, body: Any) -> dict[str, Any]:
    """The known properties of a posted body; unknown ones are passed over.

    :raises ProblemError: the body is no object, or a value is missing or of another kind.
    """
    if not isinstance(body, dict):
        raise invalid(resource.name, f"{resource.name} object is missing.")
    by_lower = {name.lower(): name for name in resource.properties}
    values = {by_lower[n.lower()]: v for n, v in body.items() if n.lower() in by_lower}
    values = {name: value for name, value in values.items() if name in resource.post}
    errors = {
        name: ["The JSON value could not be converted."] for name, v in values.items() if not fits(resource, name, v)
    }
    address = values.get("MailAddress")
    if isinstance(address, dict):
        # required in the Post DTO (spec, sheet 2)
        errors |= {
            f"MailAddress.{n}": [f"The {n} field is required."] for n in ("City", "ZipCode") if not address.get(n)
        }
    if resource.path == "products" and not values.get("Name"):
        errors["Name"] = ["The Name field is required."]
    if errors:
        raise malformed(errors)
    return values


def fits(resource: Resource, name: str, value: Any) -> bool:
    """Whether a value is of the property's kind; null always is."""
    if value is None:
        return True
    kind = resource.properties[name]
    return isinstance(value, _TYPES[kind]) and (kind == "flag" or not isinstance(value, bool))


def check_object(resource: Resource, ledger: Ledger, dto: Mapping[str, Any], switches: Mapping[str, Any]) -> None:
    """What must hold for a whole object, posted or patched.

    :param dto: with its `Id`, or None for a new one. :raises ProblemError: it does not.
    """
    for name, limit in resource.limits.items():
        _check_length(resource, name, dto.get(name), limit)
    if resource.path == "customers":
        _check_customer(resource, ledger, dto)
    if resource.path == "products":
        _check_product(resource, ledger, dto, switches)


def check_address(resource: Resource, address: Mapping[str, Any] | None) -> None:
    """:raises ProblemError: a part is too long, or the country is none."""
    if not address:
        return
    for name, limit in ADDRESS_LIMITS.items():
        _check_length(resource, name, address.get(name), limit)
    for name in address:
        if name not in ADDRESS:
            raise invalid(resource.name, f"{resource.name}PatchDto: The target location specified by path segment "
                          f"'{name}' was not found.")  # fmt: skip
    country = address.get("CountryCode")
    if country and pycountry.countries.get(alpha_2=country) is None:
        raise invalid(resource.name, f"The country code {country} is not valid according to ISO 3166-1.")


def _check_customer(resource: Resource, ledger: Ledger, dto: Mapping[str, Any]) -> None:
    needed = ("FirstName", "LastName") if dto.get("IsPerson") else ("Name",)
    for name in needed:
        if not (dto.get(name) or "").strip():
            raise invalid(resource.name, f"{name} is required.")
    check_address(resource, dto.get("MailAddress"))
    reference = dto.get("ExternalImportReference")
    if reference:
        for other in ledger.objects["customers"].values():
            if other["ExternalImportReference"] == reference and other["Id"] != dto.get("Id"):
                # a duplicate is a 400 that names the holder (spec, sheet 2)
                raise invalid(
                    resource.name,
                    f"ExternalImportReference is already in use. '{reference}' is used on (contact) "
                    f"Id = {other['Id']}.",
                )


def _check_product(resource: Resource, ledger: Ledger, dto: Mapping[str, Any], switches: Mapping[str, Any]) -> None:
    if not (dto.get("Name") or "").strip():
        raise invalid(resource.name, "Name is required.")
    code = (dto.get("Code") or "").lower()
    if code and switches["product_code"] == "unique":
        for other in ledger.objects["products"].values():
            if (other["Code"] or "").lower() == code and other["Id"] != dto.get("Id"):
                raise invalid(resource.name, f"Code is already in use on product with id = {other['Id']}.")
    if dto.get("StockOnHand") is not None and not dto.get("IsStockItem"):
        raise invalid(resource.name, "StockOnHand cannot be set while IsStockItem is false.")


def _check_length(resource: Resource, name: str, value: Any, limit: int) -> None:
    if isinstance(value, str) and len(value) > limit:
        raise invalid(resource.name, f"The field {name} must be a string with a maximum length of {limit}.")


def changed_properties(before: Dto, after: Dto) -> set[str]:
    return {name for name in after if before.get(name) != after[name]}
