"""What is read from a system: one record, as far as the mapping names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Scope(StrEnum):
    """What the sync does with a record."""

    ACTIVE = "active"
    ARCHIVED = "archived"  # archived or inactive: linked and kept, but paused, and not created on the other side
    OUTSIDE = "outside"  # a company, a supplier: never synchronised, but it holds its keys
    CONTACT = "contact"  # buys for a company; like a company
    GIFT_CARD = "gift_card"  # money that is sold, no goods; like a company
    COMBINED = "combined"  # shows other products as its variants, and is none itself; like a company
    ERASED = "erased"  # nothing shown identifies it any more (redaction): linked and kept, left alone on both sides
    GONE = "gone"  # the system no longer knows its id


IN_SCOPE = (Scope.ACTIVE, Scope.ARCHIVED)
OUT_OF_SCOPE = {
    Scope.OUTSIDE: "a company or supplier",
    Scope.CONTACT: "a contact of a company (B2B)",
    Scope.GIFT_CARD: "a gift card",
    Scope.COMBINED: "the parent of a combined listing",
}
"""What is never synchronised, as people are told."""


def scope_in_words(scope: str) -> str:
    """`erased`, or `out of scope (a gift card)`."""
    why = OUT_OF_SCOPE.get(Scope(scope))
    return f"out of scope ({why})" if why else scope


@dataclass(frozen=True, slots=True)
class Record:
    """One record as a system answered it, cut down to mapped fields, keys and clocks.

    :param id: the system's own id, as text (Shopify: the number at the end of the GID).
    :param scope: judged by the system, which sees more than the mapping names.
    :param values: raw text by the mapping's field name, exactly as stored there (numbers as the shortest decimal
        text). None is empty. A name that is missing is *unknown*: not answered, or refused.
    :param created: when it was made, as `core.clocks.clock` gives it; for a PowerOffice Go customer,
        when the contact became a customer.
    :param clock: when it was last changed, in the system's own time: an upper bound of each edit.
    :param group_clocks: the same for a group of fields that has a clock of its own (`address`).
    :param key: our key, where it stands on the record (see `interface`), else None.
    :param facts: what is needed to write or convert it besides its values: JSON-able; `tax_group` and `taxable`
        for prices; `skip`: by field, why it is not synchronised at present; `parts`: by such a field, what a twin that
        is made for this record is called, piece by piece; `ceilings`: see
        `core.doubts`; ids of its parts.
    """

    id: str
    values: Mapping[str, str | None]
    scope: Scope = Scope.ACTIVE
    created: str = ""
    clock: str = ""
    group_clocks: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a paged read.

    :param total: how many records the system says the whole read has; None where it does not say.
    :param denied: fields that the system refused to show, with its reason; they are missing from `values`.
    :param unread: ids of records that are there, and over which the system failed when it was asked for them alone.
    """

    records: tuple[Record, ...]
    total: int | None = None
    denied: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
