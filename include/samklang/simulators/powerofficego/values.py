"""Values as the API takes them, kind by kind, and how a wrong one is refused (sheet 2, PATCH)."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

from samklang.simulators.powerofficego.schema import ADDRESS, ADDRESS_READ_ONLY, ENUMS, Resource

_ADDRESS_NAMES = {name.lower(): name for name in ADDRESS if name not in ADDRESS_READ_ONLY}
_TRUTH = {"true": True, "false": False}


def converted(resource: Resource, name: str, value: Any, *, lenient: bool = False) -> Any:
    """The value as the object keeps it; null always is one.

    :param lenient: text is read as a number or a truth value where one is due (guess, sheet 7).
    :raises ValueError: it is of another kind; the text is what PATCH answers (spec, sheet 5).
    """
    if value is None:
        return None
    kind = resource.properties[name]
    if kind == "enum" and isinstance(value, int | float):
        raise ValueError(
            f"Enum '{name.lower()}' with value = {value} is not valid. (Enums is not allowed to be represented as "
            "integers)."
        )
    try:
        if kind == "enum":
            return next(choice for choice in ENUMS[name] if choice.lower() == value.lower())
        if kind == "address":
            return {_ADDRESS_NAMES[n.lower()]: _text(v) for n, v in value.items() if n.lower() in _ADDRESS_NAMES}
        if kind == "list":
            return [_scalar("integer", one, lenient=lenient) for one in _listed(value)]
        return _scalar(kind, value, lenient=lenient)
    except (ValueError, AttributeError, StopIteration):
        raise ValueError(bad_value(resource, value)) from None


def converted_item(resource: Resource, value: Any) -> Any:
    """A member of a list of ids; text is read as a number, as the spec's own example has it (sheet 7).

    :raises ValueError: it is none.
    """
    try:
        return _scalar("integer", value, lenient=True)
    except ValueError:
        raise ValueError(bad_value(resource, value)) from None


def converted_part(resource: Resource, value: Any) -> str | None:
    """A part of an address. :raises ValueError: it is no text."""
    try:
        return _text(value)
    except ValueError:
        raise ValueError(bad_value(resource, value)) from None


def bad_value(resource: Resource, value: Any) -> str:
    """What PATCH answers (spec, sheet 5)."""
    return f"{resource.name}PatchDto: The value '{value}' is invalid for target location."


def _scalar(kind: str, value: Any, *, lenient: bool) -> Any:
    if lenient and isinstance(value, str):
        value = _read(kind, value)
    kinds = {"number": (int, float), "integer": (int,), "flag": (bool,)}.get(kind, (str,))
    if not isinstance(value, kinds) or (isinstance(value, bool) and kind != "flag"):
        raise ValueError
    if kind == "date":
        # a time behind the date is passed over
        return date.fromisoformat(str(value).partition("T")[0]).isoformat()
    return value


def _read(kind: str, text: str) -> Any:
    if kind == "flag" and text.lower() in _TRUTH:
        return _TRUTH[text.lower()]
    if kind == "integer":
        return int(text)
    if kind == "number" and math.isfinite(float(text)):
        return float(text)
    return text


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError
    return value


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError
    return value
