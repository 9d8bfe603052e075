"""What the company keeps: its customers, products and groups, their numbers and their clocks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from samklang.simulators.powerofficego.schema import ADDRESS, RESOURCES, Resource

Dto = dict[str, Any]

_FIRST_ID = {"customers": 4_100_001, "products": 730_001, "productgroups": 510}
_FIRST_CUSTOMER_NUMBER = 10_000
_CUSTOMER_DEFAULTS = {
    "IsActive": True, "IsArchived": False, "IsPerson": False, "IsVatFree": False, "SendPaymentReminders": True,
    "TransferToDebtCollectionAgency": True, "UseInvoiceFee": True, "DoNotAddLatePaymentFees": False,
    "DoNotAddLatePaymentInterest": False, "DoNotAutomatePaymentNotifications": False, "CurrencyCode": "NOK",
    "ContactGroupIds": [],
}  # fmt: skip
_PRODUCT_DEFAULTS = {"IsArchived": False, "IsStockItem": False, "ProductType": "Product", "UnitOfMeasureCode": "EA"}


@dataclass(slots=True)
class Ledger:
    """:param now: the only clock. Objects are full DTOs by id; ids rise and are never used again."""

    now: Callable[[], datetime]
    objects: dict[str, dict[int, Dto]] = field(default_factory=lambda: {path: {} for path in RESOURCES})
    in_use: set[int] = field(default_factory=set)  # has transactions: cannot be deleted, nor archived with a balance
    _next_id: dict[str, int] = field(default_factory=lambda: dict(_FIRST_ID))
    _next_number: int = _FIRST_CUSTOMER_NUMBER
    _next_address: int = 90_001
    _last_tick: int = 0

    def stamp(self) -> str:
        """The time in the server's form, seven digits; no two stamps are the same."""
        moment = self.now().astimezone(UTC)
        tick = int(moment.timestamp()) * 10_000_000 + moment.microsecond * 10
        self._last_tick = tick if tick > self._last_tick else self._last_tick + 1
        seconds, fraction = divmod(self._last_tick, 10_000_000)
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:07d}Z"

    def add(self, resource: Resource, values: Mapping[str, Any], at: str | None = None) -> Dto:
        """Make an object from posted values; what was not posted gets its default. :param at: when; None: now."""
        at = at or self.stamp()
        path = resource.path
        number = self._next_id[path]
        self._next_id[path] += 1
        defaults = {"customers": _CUSTOMER_DEFAULTS, "products": _PRODUCT_DEFAULTS}.get(path, {"IsArchived": False})
        dto: Dto = dict.fromkeys(resource.properties) | copy.deepcopy(defaults)
        dto |= {name: value for name, value in values.items() if name in resource.properties}
        dto |= {"Id": number, resource.created: at, "LastChangedDateTimeOffset": at}
        if path == "customers":
            self._complete_customer(dto, at)
        if path == "products":
            self._complete_product(dto)
        self.objects[path][number] = dto
        return dto

    def new_address(self, values: Mapping[str, Any], at: str, *, country: str | None) -> Dto:
        """A mail address with an id and a clock of its own."""
        address: Dto = dict.fromkeys(ADDRESS) | {n: v for n, v in values.items() if n in ADDRESS}
        address |= {"Id": self._next_address, "LastChangedDateTimeOffset": at}
        address["CountryCode"] = address["CountryCode"] or country
        self._next_address += 1
        return address

    def touch(self, resource: Resource, dto: Dto, changed: set[str]) -> None:
        """Move the clocks that an edit of these properties moves.

        An address edit moves the address's clock and not the customer's (spec, sheet 4); stock does not move a
        product's (spec, sheet 3).
        """
        at = self.stamp()
        if "MailAddress" in changed and dto.get("MailAddress"):
            dto["MailAddress"]["LastChangedDateTimeOffset"] = at
        if "StockOnHand" in changed:
            dto["StockOnHandLastChangedDatetimeOffset"] = at
        if changed - {"MailAddress", "StockOnHand"}:
            dto["LastChangedDateTimeOffset"] = at
        if resource.path == "customers" and dto["IsPerson"]:
            dto["Name"] = person_name(dto)
        if resource.path == "products":
            self._complete_product(dto)

    def _complete_customer(self, dto: Dto, at: str) -> None:
        if dto["Number"] is None:
            dto["Number"] = self._next_number
            self._next_number += 1
        dto["ContactCreatedDateTimeOffset"] = at
        dto["SubledgerAccountId"] = dto["Id"] + 1_000_000
        if dto["IsPerson"]:
            dto["Name"] = person_name(dto)

    def _complete_product(self, dto: Dto) -> None:
        groups = self.objects["productgroups"]
        if dto["ProductGroupId"] is None and dto["ProductGroupCode"] is not None:
            dto["ProductGroupId"] = next(
                (g["Id"] for g in groups.values() if g["Code"] == dto["ProductGroupCode"]), None
            )
        if dto["ProductGroupId"] is None and groups:
            dto["ProductGroupId"] = next(iter(groups))  # the default group (spec, sheet 3)
        group = groups.get(dto["ProductGroupId"] or 0)
        dto["ProductGroupCode"] = group["Code"] if group else None
        dto["StockAvailable"] = dto["StockOnHand"]


def person_name(dto: Dto) -> str:
    """A person's `Name` is put together from the two others (guess; sheet 2)."""
    return " ".join(part for part in (dto["FirstName"], dto["LastName"]) if part)
