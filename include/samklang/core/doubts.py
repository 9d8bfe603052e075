"""Values that can be written, and that a person should look at: they may not fit what stands beside them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

CEILINGS = "ceilings"
"""In a record's facts, by a system's field name: an amount beside it that should not be lower, and the doubt's code."""


def doubts_of(facts: Mapping[str, Any], values: Mapping[str, str | None]) -> dict[str, str]:
    """By field, the code of the doubt about its new value.

    :param facts: of the record that is written. :param values: that are written, by the system's field names.
    """
    ceilings = facts.get(CEILINGS, {})
    return {name: code for name, (amount, code) in ceilings.items() if _is_above(values.get(name), amount)}


def _is_above(value: str | None, amount: str) -> bool:
    try:
        return value is not None and Decimal(value) > Decimal(amount)
    except InvalidOperation:
        return False
