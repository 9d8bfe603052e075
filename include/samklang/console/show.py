"""How values look on a page: times, durations, counts, and the words for states."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

SIDES = {"powerofficego": "PowerOffice Go", "shopify": "Shopify"}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def words(name: Any) -> str:
    """A name of the store as people read it."""
    return str(name).replace("_", " ")


def side(name: str) -> str:
    return SIDES.get(name, name)


def moment(clock: str | None) -> str:
    """A time of the store, to the minute."""
    return f"{clock[:10]} {clock[11:16]}" if clock else "–"


def exactly(clock: str | None) -> str:
    return f"{clock[:10]} {clock[11:19]} UTC" if clock else ""


def duration(seconds: float | None) -> str:
    """The two largest units at most."""
    if seconds is None:
        return "–"
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}".replace(".0 ", " ")
    return f"{seconds:.0f} s"


def seconds_of(started: str | None, finished: str | None) -> float | None:
    """Between two times of the store."""
    if not started or not finished:
        return None
    return (_parsed(finished) - _parsed(started)).total_seconds()


def _parsed(clock: str) -> datetime:
    return datetime.fromisoformat(clock[:19]).replace(tzinfo=UTC)


def number(value: Any) -> str:
    return f"{value:,}".replace(",", "\u202f") if isinstance(value, int) else "–"


def cell(value: Any) -> str:
    """A value of a record; nothing is a dash."""
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {cell(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(cell, value))
    return str(value)


FILTERS = {
    "words": words, "side": side, "moment": moment, "exactly": exactly, "duration": duration, "number": number,
    "cell": cell,
}  # fmt: skip
