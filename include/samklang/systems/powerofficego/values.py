"""Between the JSON of PowerOffice Go and raw text."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from samklang.core.clocks import clock
from samklang.errors import ProtocolError
from samklang.systems.powerofficego.client import SYSTEM, Json
from samklang.systems.powerofficego.schema import ADDRESS, Property


def read_values(dto: Mapping[str, Any], fields: Mapping[str, Property]) -> dict[str, str | None]:
    """Raw text by field name. A property that the object does not have is missing: absent is not empty.

    :raises ProtocolError: a list or an object stands where a value belongs.
    """
    values: dict[str, str | None] = {}
    for name, known in fields.items():
        parent, _, inner = name.rpartition(".")
        holder: Any = dto
        if parent:
            if parent not in dto:
                continue
            # no address at all: every line of it is empty
            holder = dto[parent] if dto[parent] is not None else {inner: None}
            if not isinstance(holder, dict):
                raise ProtocolError(f"{parent} is not an object.", system=SYSTEM)
        if inner in holder:
            values[name] = to_text(holder[inner], name, known)
    return values


def to_text(value: Any, name: str, known: Property) -> str | None:
    """One JSON value as raw text; numbers as the shortest decimal text."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return shortest(Decimal(repr(value)))
    if not isinstance(value, str):
        raise ProtocolError(f"{name} is neither text, number nor truth value.", system=SYSTEM)
    # a date may come with a time part (sheet: 2, GET)
    return value[:10] if known.type == "date" else value


def shortest(number: Decimal) -> str:
    """`79.90` is `79.9`, `100.0` is `100`; never an exponent."""
    return format(number.normalize(), "f") if number else "0"


def to_json(text: str | None, known: Property) -> Any:
    """Raw text as the JSON value that a property takes.

    :raises ValueError: the text is not of the property's type.
    """
    if text is None or known.type in ("text", "date", "timestamp"):
        return text
    if known.type == "boolean":
        return {"true": True, "false": False}[text] if text in ("true", "false") else _refuse(known)
    try:
        number = Decimal(text)
    except InvalidOperation:
        return _refuse(known)
    if not number.is_finite() or (known.type == "integer" and number != number.to_integral_value()):
        return _refuse(known)
    return int(number) if number == number.to_integral_value() else float(number)


def _refuse(known: Property) -> Any:
    raise ValueError(f"not {'an' if known.type == 'integer' else 'a'} {known.type}")


def nest(values: Mapping[str, Any]) -> Json:
    """`{"MailAddress.City": x}` as `{"MailAddress": {"City": x}}`."""
    body: Json = {}
    for name, value in values.items():
        parent, _, inner = name.rpartition(".")
        (body.setdefault(parent, {}) if parent else body)[inner] = value
    return body


def read_id(dto: Mapping[str, Any]) -> int:
    """:raises ProtocolError: the object has no id."""
    value = dto.get("Id")
    if not isinstance(value, int) or isinstance(value, bool):
        raise ProtocolError("An object came without a numeric Id.", system=SYSTEM)
    return value


def read_clock(holder: Mapping[str, Any], name: str) -> str:
    """:raises ProtocolError: the timestamp is missing or unreadable."""
    try:
        return clock(str(holder[name]))
    except (KeyError, ValueError):
        raise ProtocolError(f"An object came without a readable {name}.", system=SYSTEM) from None


def read_flag(dto: Mapping[str, Any], name: str, default: bool) -> bool:
    """A truth value; absent or null is the default."""
    value = dto.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise ProtocolError(f"{name} is not a truth value.", system=SYSTEM)
    return value


def read_address(dto: Mapping[str, Any]) -> Json | None:
    """The mail address, or None. :raises ProtocolError: it is not an object."""
    address = dto.get(ADDRESS)
    if address is not None and not isinstance(address, dict):
        raise ProtocolError(f"{ADDRESS} is not an object.", system=SYSTEM)
    return address
