"""What objects refer to by id or by code: departments, terms, sales accounts, groups.

Their own endpoints are not simulated, so the company has a fixed few of them. Both forms are read; the id wins where
both are sent (spec, sheet 2), and only the id can be patched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from samklang.simulators.powerofficego.ledger import Dto, Ledger
from samklang.simulators.powerofficego.problems import ProblemError
from samklang.simulators.powerofficego.schema import Resource

CONTACT_GROUPS = (41, 42)


@dataclass(frozen=True, slots=True)
class Reference:
    """:param known: code by id; None: the product groups of the ledger."""

    what: str
    id_name: str
    code_name: str
    known: Mapping[int, Any] | None


_ACCOUNTS = {7101: 3000, 7102: 3100}
_SALES_ACCOUNTS = (
    Reference("Sales account", "StandardSalesAccountId", "StandardSalesAccount", _ACCOUNTS),
    Reference("Sales account", "OptionalSalesAccountId", "OptionalSalesAccount", _ACCOUNTS),
)
PAYMENT_TERMS = {5101: 14, 5102: 30}
REFERENCES = {
    "customers": (
        Reference("Department", "DepartmentId", "DepartmentCode", {2101: "10", 2102: "20"}),
        Reference("Delivery term", "DeliveryTermId", "DeliveryTerm", {3101: "DAP", 3102: "EXW"}),
        Reference("Branding theme", "InvoiceBrandingThemeId", "InvoiceBrandingThemeCode", {4101: "1"}),
        Reference("Payment term", "PaymentTermId", "PaymentTerm", PAYMENT_TERMS),
        Reference("Employee", "SalesPersonEmployeeId", "SalesPersonEmployeeNumber", {6101: 1, 6102: 2}),
    ),
    "products": (*_SALES_ACCOUNTS, Reference("Product group", "ProductGroupId", "ProductGroupCode", None)),
    "productgroups": _SALES_ACCOUNTS,
}


def resolve(resource: Resource, ledger: Ledger, after: Dto, before: Mapping[str, Any] | None) -> None:
    """Set ids and codes to agree, in place. :param before: None: a new object.

    :raises ProblemError: 404 on customers (spec, sheet 2), 400 on products and groups (guess, sheet 3).
    """
    for reference in REFERENCES[resource.path]:
        number, code = after.get(reference.id_name), after.get(reference.code_name)
        if before is not None:
            if number == before[reference.id_name]:
                continue
            code = None
        if number is None and code is not None:
            number = _by_code(resource, reference, ledger, code)
        if number is None and reference.known is None:
            number = next(iter(ledger.objects["productgroups"]), None)  # the default group (spec, sheet 3)
        after[reference.id_name] = number
        after[reference.code_name] = None if number is None else _code(resource, reference, ledger, number)
    groups = after.get("ContactGroupIds") or []
    unknown = [str(number) for number in groups if number not in CONTACT_GROUPS]
    if unknown:
        raise _missing(resource, f"Could not find contact group(s) with id = {', '.join(unknown)}.")


def _by_code(resource: Resource, reference: Reference, ledger: Ledger, code: Any) -> int:
    if reference.known is None:
        number = ledger.keys["productgroups"].holder("Code", code)
    else:
        number = next((one for one, known in reference.known.items() if known == code), None)
    if number is None:
        raise _missing(resource, f"{reference.what} with code = '{code}' not found.")
    return number


def _code(resource: Resource, reference: Reference, ledger: Ledger, number: int) -> Any:
    groups = {one: dto["Code"] for one, dto in ledger.objects["productgroups"].items()}
    known = groups if reference.known is None else reference.known
    if number not in known:
        raise _missing(resource, f"{reference.what} with id = {number} not found.")
    return known[number]


def _missing(resource: Resource, detail: str) -> ProblemError:
    return ProblemError(404 if resource.path == "customers" else 400, f"{resource.name} validation error(s)", detail)
