"""What the company keeps: its customers, products and groups, their numbers and their clocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from samklang.simulators.powerofficego.keys import Keys
from samklang.simulators.powerofficego.replica import Replica
from samklang.simulators.powerofficego.schema import ADDRESS, RESOURCES, Resource
from samklang.simulators.powerofficego.times import stamp

Dto = dict[str, Any]

CUSTOMER_NUMBERS = range(10_000, 10_000_000)  # the company's one number series
_FIRST_ID = {"customers": 4_100_001, "products": 730_001, "productgroups": 510}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DEFAULTS: dict[str, Dto] = {
    # spec, sheet 2: what a customer is unless told otherwise
    "customers": {
        "IsActive": True, "IsArchived": False, "IsPerson": False, "IsVatFree": False, "SendPaymentReminders": True,
        "TransferToDebtCollectionAgency": True, "UseInvoiceFee": True, "DoNotAddLatePaymentFees": False,
        "DoNotAddLatePaymentInterest": False, "DoNotAutomatePaymentNotifications": False, "CurrencyCode": "NOK",
    },
    "products": {
        "IsArchived": False, "IsStockItem": False, "ProductType": "Product", "UnitOfMeasureCode": "EA",
    },
    "productgroups": {"IsArchived": False},
}  # fmt: skip
_BLANK: dict[str, Dto] = {
    path: dict.fromkeys(resource.properties) | _DEFAULTS[path] for path, resource in RESOURCES.items()
}


@dataclass(slots=True)
class Ledger:
    """Objects are full DTOs by id; ids rise and are never used again.

    :param now: the only clock. :param lag: seconds by which reads are behind.
    """

    now: Callable[[], datetime]
    lag: Callable[[], float] = lambda: 0.0
    objects: dict[str, dict[int, Dto]] = field(default_factory=lambda: {path: {} for path in RESOURCES})
    keys: dict[str, Keys] = field(default_factory=lambda: {path: Keys(path) for path in RESOURCES})
    in_use: set[int] = field(default_factory=set)  # has transactions or another role: cannot be deleted
    balances: set[int] = field(default_factory=set)  # owes or is owed: cannot be archived
    _next_id: dict[str, int] = field(default_factory=lambda: dict(_FIRST_ID))
    _next_number: int = CUSTOMER_NUMBERS.start
    _next_address: int = 90_001
    _last_tick: int = 0
    _replica: Replica = field(init=False)

    def __post_init__(self) -> None:
        self._replica = Replica(self.now, self.lag)

    def shown(self, path: str) -> dict[int, Dto]:
        """What reads show of a resource; what is changed is in `objects`."""
        return self._replica.shown(path, self.objects[path])

    def stamp(self) -> str:
        """The time in the server's form, seven digits; no two stamps are the same, and each is later than the last."""
        tick = (self.now() - _EPOCH) // timedelta(microseconds=1) * 10
        self._last_tick = max(tick, self._last_tick + 1)
        microseconds, tenth = divmod(self._last_tick, 10)
        return stamp(_EPOCH + timedelta(microseconds=microseconds), tenth)

    def add(self, resource: Resource, values: Mapping[str, Any], at: str | None = None) -> Dto:
        """Make an object from checked values; what is missing or null gets its default. :param at: when; None: now."""
        at = at or self.stamp()
        path = resource.path
        number = self._next_id[path]
        self._next_id[path] += 1
        dto = _BLANK[path] | {name: value for name, value in values.items() if value is not None}
        dto["Id"] = number
        dto[resource.created] = dto["LastChangedDateTimeOffset"] = at
        if path == "customers":
            self._complete_customer(dto, at)
        if path == "products":
            dto["StockAvailable"] = dto["StockOnHand"]
            dto["StockOnHandLastChangedDatetimeOffset"] = None if dto["StockOnHand"] is None else at
        self._replica.note(path, number, None)
        self.objects[path][number] = dto
        self.keys[path].add(dto)
        return dto

    def new_address(self, values: Mapping[str, Any], at: str, *, country: str | None) -> Dto:
        """A mail address with an id and a clock of its own. :param country: where none is given."""
        address: Dto = dict.fromkeys(ADDRESS) | dict(values)
        address |= {"Id": self._next_address, "LastChangedDateTimeOffset": at}
        address["CountryCode"] = address["CountryCode"] or country
        self._next_address += 1
        return address

    def replace(self, resource: Resource, dto: Dto, after: Mapping[str, Any]) -> set[str]:
        """Give an object these values, and move the clocks that this moves; gives the names of what changed.

        An address edit moves the address's clock and not the customer's (spec, sheet 4); stock does not move a
        product's (spec, sheet 3). An edit that changes nothing moves no clock.
        """
        changed = {name for name, value in after.items() if dto[name] != value}
        if not changed:
            return changed
        self._replica.note(resource.path, dto["Id"], dto)
        self.keys[resource.path].drop(dto)
        dto.update(after)
        at = self.stamp()
        if "MailAddress" in changed and dto["MailAddress"]:
            dto["MailAddress"]["LastChangedDateTimeOffset"] = at
        if "StockOnHand" in changed:
            dto["StockOnHandLastChangedDatetimeOffset"] = at
            dto["StockAvailable"] = dto["StockOnHand"]
        if changed - {"MailAddress", "StockOnHand"}:
            dto["LastChangedDateTimeOffset"] = at
        if resource.path == "customers" and dto["IsPerson"]:
            dto["Name"] = person_name(dto)
        self.keys[resource.path].add(dto)
        return changed

    def remove(self, resource: Resource, dto: Dto) -> None:
        """A hard delete: no tombstone appears anywhere (spec, sheet 2)."""
        self._replica.note(resource.path, dto["Id"], dto)
        del self.objects[resource.path][dto["Id"]]
        self.keys[resource.path].drop(dto)

    def used(self, resource: Resource, dto: Dto) -> bool:
        """Whether it must not be deleted (spec, sheet 2 and 3)."""
        if resource.path == "productgroups":
            return any(product["ProductGroupId"] == dto["Id"] for product in self.objects["products"].values())
        return dto["Id"] in self.in_use

    def _complete_customer(self, dto: Dto, at: str) -> None:
        if dto["Number"] is None:
            # the next free number of the series (spec, sheet 2)
            while self.keys["customers"].ids("Number", self._next_number):
                self._next_number += 1
            dto["Number"] = self._next_number
            self._next_number += 1
        dto["ContactCreatedDateTimeOffset"] = at
        dto["SubledgerAccountId"] = dto["Id"] + 1_000_000
        if dto["ContactGroupIds"] is None:
            dto["ContactGroupIds"] = []
        if dto["IsPerson"]:
            dto["Name"] = person_name(dto)


def person_name(dto: Dto) -> str:
    """A person's `Name` is put together from the two others (guess; sheet 2)."""
    return f"{dto['FirstName'] or ''} {dto['LastName'] or ''}".strip()
