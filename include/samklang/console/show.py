"""How values look on a page: times, durations, counts, and the words for states."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from samklang.core import outcomes
from samklang.core.clocks import seconds_between, to_datetime
from samklang.core.records import OUT_OF_SCOPE, Scope
from samklang.core.sides import title

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_UNITS = ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "min"), (_MINUTE, "min", 1, "s"))
_STATES = {
    "dry": "dry run",
    "twin_gone": "twin gone",
    "twin_erased": "twin erased",
}


def words(name: Any) -> str:
    """A name of the store as people read it; of several, `lacks_FirstName,LastName`."""
    return str(name).replace("_", " ").replace(",", ", ")


def state(name: str) -> str:
    return _STATES.get(name, words(name))


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 field`, `2 fields`."""
    return f"{f'{number:,}'.replace(',', chr(0x202F))} {one if number == 1 else many or one + 's'}"


def moment(clock: str | None) -> str:
    """A time of the store as one says it: `5 minutes ago`, `in 2 hours`, `25 Nov 2026, 17:02`."""
    if not clock:
        return "–"
    at = to_datetime(clock)
    seconds = (datetime.now(UTC) - at).total_seconds()
    away = abs(seconds)
    if away < _MINUTE:
        return "just now" if seconds >= 0 else "in less than a minute"
    if away >= 7 * _DAY:
        return f"{at:%d %b %Y, %H:%M}"
    for size, unit in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if away >= size:
            told = count(int(away // size), unit)
            return f"{told} ago" if seconds > 0 else f"in {told}"
    raise AssertionError


def exactly(clock: str | None) -> str:
    return f"{to_datetime(clock):%d %b %Y, %H:%M:%S} UTC" if clock else ""


def duration(seconds: float | None) -> str:
    """The two largest units at most: `0.4 s`, `12 s`, `3 min 5 s`, `2 d 4 h`."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, small, small_unit in _UNITS:
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{whole} s"


def seconds_of(started: str | None, finished: str | None) -> float | None:
    """Between two times of the store."""
    return seconds_between(finished, started) if started and finished else None


def number(value: Any) -> str:
    return f"{value:,}".replace(",", "\u202f") if isinstance(value, int) else "–"


def percent(share: float) -> str:
    """A part of one: `0.4%`, `12%`."""
    return f"{share * 100:.1f}%" if share < 0.095 else f"{share * 100:.0f}%"


def cell(value: Any) -> str:
    """A value of a record; nothing is a dash."""
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {cell(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(cell, value))
    return str(value)


_PAUSED = {Scope.ARCHIVED: "archived or inactive"}


def scope(text: str) -> str:
    """Why a record is left alone."""
    return (_PAUSED | OUT_OF_SCOPE).get(Scope(text), words(text))


FILTERS = {
    "scope": scope,
    "words": words, "state": state, "side": title, "moment": moment, "exactly": exactly, "duration": duration,
    "number": number, "count": count, "cell": cell, "percent": percent,
    "written": outcomes.written, "found": outcomes.found, "left": outcomes.left,
}  # fmt: skip
