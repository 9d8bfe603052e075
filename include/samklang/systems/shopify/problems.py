"""What a mutation says when it refuses: its user errors as problems of mapped fields, told without values.

Most mutations give only a path and a message; customerSet, productSet and the variants' update also a code.
(sheet: Shopify 2.2 to 2.4, 3)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from samklang.systems.base import Change, Problem
from samklang.systems.shopify.answers import Json
from samklang.systems.shopify.fields import Field

_MESSAGES = (
    ("taken", re.compile(r"already been taken|already exists|already assigned|already in use", re.I)),
    ("too_long", re.compile(r"too long|maximum is", re.I)),
    ("not_found", re.compile(r"does not exist|not found|couldn.t be updated because", re.I)),
    ("missing", re.compile(r"must be present|can.t be blank|cannot be blank|is required", re.I)),
    ("invalid", re.compile(r"invalid|cannot contain|must be (?:greater|less)|unexpected type|not a valid", re.I)),
)
_CODES = {"TAKEN": "taken", "TOO_LONG": "too_long", "BLANK": "missing", "INVALID": "invalid"}
_LISTS = frozenset({"input", "address", "addresses", "product", "variants"})
_ALIASES = {"province": "provinceCode"}
"""What messages call an input by another name, `customerSet` at `input.addresses.0.province` too (found since)."""
_IDS = (("id",), ("customerId",), ("productId",))
_LONGEST = 300


def read_problems(
    payload: Json, fields: Mapping[str, Field], part: str | None, changes: Iterable[Change]
) -> list[Problem]:
    """The `userErrors` of a payload.

    :param part: the part that was written; None where it was the whole record.
    :param changes: what was sent; its values do not appear in messages.
    """
    sent = [change.value for change in changes if change.value]
    return [_problem(error, fields, part, sent) for error in user_errors(payload)]


def is_gone(payload: Json) -> bool:
    """Whether a mutation says that the record it names does not exist."""
    return any(
        _path(error.get("field")) in _IDS and _code(str(error.get("message"))) == "not_found"
        for error in user_errors(payload)
    )


def unfit_inputs(inputs: Iterable[Sequence[str]], fields: Mapping[str, Field], part: str | None) -> list[Problem]:
    """Variables that the shop could not read, as problems. :param inputs: the places that do not fit."""
    message = "The value does not have the form that the shop takes."
    return [Problem(_field_at(place, fields, part), "invalid", message) for place in inputs] or [
        Problem(None, "invalid", message)
    ]


def user_errors(payload: object) -> list[Json]:
    """The `userErrors` of a payload that are any."""
    errors = payload.get("userErrors") if isinstance(payload, dict) else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _problem(error: Json, fields: Mapping[str, Field], part: str | None, sent: Sequence[str]) -> Problem:
    message = str(error.get("message") or "")
    field = error.get("field")
    return Problem(
        _field_at(field if isinstance(field, list) else (), fields, part),
        _code(message) or _CODES.get(str(error.get("code")), "rejected"),
        scrub(message, sent),
    )


def _code(message: str) -> str | None:
    return next((code for code, pattern in _MESSAGES if pattern.search(message)), None)


def _path(place: Any) -> tuple[str, ...]:
    """`["input", "addresses", "0", "city"]` as `("city",)`."""
    names = [str(name) for name in place or () if not str(name).isdigit()]
    while names and names[0] in _LISTS:
        names.pop(0)
    return tuple(_ALIASES.get(name, name) for name in names)


def _field_at(place: Sequence[str], fields: Mapping[str, Field], part: str | None) -> str | None:
    """The mapped field that is written at a place in an input, or None."""
    path = _path(place)
    if not path:
        return None
    if part is None and "addresses" in place:
        part = "address"
    for name, known in fields.items():
        of_part = known.part == part if part else known.part != "address"
        # `country` stands for `countryCode` in messages, and `sku` for `inventoryItem.sku` in productSet
        if of_part and (known.write == path or known.write[-1:] == path or name.rpartition(".")[2] == path[-1]):
            return name
    return None


def scrub(message: str, sent: Iterable[str]) -> str:
    """The message without anything that was sent."""
    for value in sorted((text.strip() for text in sent), key=len, reverse=True):
        if value:
            message = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "…", message)
    return message[:_LONGEST]
