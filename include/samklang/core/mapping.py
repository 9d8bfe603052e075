"""What the mapping file says, as typed objects. The file is the only place that names a synchronised field."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Field:
    """One field and its twin.

    :param names: the field's name in each system, by side.
    :param name: what it is called in the store, the reports and `match`: its name on the first side.
    :param kind: how values are compared and written; see `core.values`.
    :param direction: `both`, or `to_<side>`.
    :param policy: who wins a conflict: `latest`, a side, or `ask`.
    :param clear: whether an emptied value travels.
    """

    names: MappingOf[str, str]
    kind: str
    origin: str
    group: str | None = None
    direction: str = "both"
    policy: str = "latest"
    clear: bool = True
    name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", next(iter(self.names.values())))


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may do without asking.

    :param part: of the linked records of a side, updated or cleared by one plan (0.2 is 20 %).
    :param links: new links; None: any number.
    :param price_move: a part of its old value that a price may change by (0.5 is 50 %); None: by anything.
    :param gone: how many records of a side may be found gone in one run; with more of them, none is believed to be.
    """

    creates: int = 1000
    updates: int = 500
    clears: int = 50
    link_conflicts: int = 0
    part: float = 0.2
    gone: int = 10
    links: int | None = None
    price_move: Decimal | None = None


def rate_key(code: str) -> str:
    """What a tax group or a sales account is found by in the mapping: blanks around it and case do not count."""
    return code.strip().casefold()


@dataclass(frozen=True, slots=True)
class Vat:
    """The rates that turn a price without tax into one with it, as fractions in their shortest spelling (0.25 is 25 %).

    :param by_group: by the tax group of the record (PowerOffice Go: `ProductGroupCode`), see `rate_key`.
    :param by_account: by the sales account that decides on the record's rate (PowerOffice Go: the number of its
        standard sales account, or of its group's), see `rate_key`; it goes before the group.
    """

    default: Decimal | None = None
    by_group: MappingOf[str, Decimal] = field(default_factory=dict)
    by_account: MappingOf[str, Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.default is not None:
            object.__setattr__(self, "default", self.default.normalize())
        for name in ("by_group", "by_account"):
            rates = {rate_key(code): rate.normalize() for code, rate in getattr(self, name).items()}
            object.__setattr__(self, name, rates)

    def rate(self, group: str | None) -> Decimal | None:
        """The rate of a record whose sales account is none of its own, or None."""
        return self.by_group.get(rate_key(group or ""), self.default)

    def of_account(self, account: str | None) -> Decimal | None:
        """The rate of a sales account that is named, or None."""
        return self.by_account.get(rate_key(account or ""))


@dataclass(frozen=True, slots=True)
class Mapping:
    """One entity's mapping.

    :param sides: the two systems; the first is the one that wins a tie, and whose field names the reports use.
    :param match: field names (of the first side) whose values link records, tried in order.
    :param create_in: the sides on which a record without a twin is made.
    :param share: False for a side that is read and never written.
    :param full_sync: False for a side on which records that the other had before the first run are not created.
    :param region: two letters; the country of phone numbers that name none.
    :param full_every: how old the last whole read may be in mode `auto`.
    :param red_on_quarantine: whether quarantined or held records turn the run red.
    :param freeze_after: how often within a day a field may go back and forth between two values before it is left
        alone; 0: any number of times.
    """

    entity: str
    sides: tuple[str, str]
    schedule: str
    match: tuple[str, ...]
    fields: tuple[Field, ...]
    create_in: frozenset[str]
    create_archived: bool = False
    share: MappingOf[str, bool] = field(default_factory=dict)
    full_sync: MappingOf[str, bool] = field(default_factory=dict)
    policy: str = "latest"
    clear: bool = True
    region: str = "NO"
    full_every: timedelta = timedelta(hours=24)
    limits: Limits = field(default_factory=Limits)
    currency: str = "NOK"
    vat: Vat = field(default_factory=Vat)
    new_product_status: str = "DRAFT"
    red_on_quarantine: bool = False
    freeze_after: int = 6

    def field(self, name: str) -> Field:
        """The field of this name. :raises KeyError: the mapping has none."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def other(self, side: str) -> str:
        first, second = self.sides
        return second if side == first else first

    def together(self, names: Iterable[str]) -> set[str]:
        """These fields, and all that are in a group with one of them."""
        chosen = set(names)
        groups = {f.group for f in self.fields if f.group and f.name in chosen}
        return chosen | {f.name for f in self.fields if f.group in groups}

    def shares(self, side: str) -> bool:
        return self.share.get(side, True)

    def syncs_all(self, side: str) -> bool:
        return self.full_sync.get(side, True)

    def names(self, side: str) -> tuple[str, ...]:
        """The mapped field names of one system, in the file's order."""
        return tuple(f.names[side] for f in self.fields)
