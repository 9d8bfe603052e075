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
    ("not_found", re.compile(r"does not exist|not found|couldn't be updated because", re.I)),
    ("missing", re.compile(r"must be present|can't be blank|cannot be blank|is required", re.I)),
    ("invalid", re.compile(r"invalid|cannot contain|must be greater|unexpected type|not a valid", re.I)),
)
_CODES = {"TAKEN": "taken", "TOO_LONG": "too_long", "BLANK": "missing", "INVALID": "invalid"}
_LISTS = frozenset({"input", "address", "addresses", "product", "variants"})
_LONGEST = 300


def read_problems(
    payload: Json, fields: Mapping[str, Field], part: str | None, changes: Iterable[Change]
) -> list[Problem]:
    """The `userErrors` of a payload.

    :param part: the part that was written; None where it was the whole record.
    :param changes: what was sent; its values do not appear in messages.
    """
    errors = payload.get("userErrors")
    if not isinstance(errors, list):
        return []
    sent = [change.value for change in changes if change.value]
    return [_problem(error, fields, part, sent) for error in errors if isinstance(error, dict)]


def _problem(error: Json, fields: Mapping[str, Field], part: str | None, sent: Sequence[str]) -> Problem:
    message = str(error.get("message") or "")
    code = next((code for code, pattern in _MESSAGES if pattern.search(message)), None)
    path = _path(error.get("field"))
    if path in (("id",), ("customerId",), ("productId",)):
        return Problem(None, "not_found" if code in (None, "not_found") else code, scrub(message, sent))
    return Problem(
        _field_at(path, fields, part, "addresses" in (error.get("field") or ())),
        code or _CODES.get(str(error.get("code")), "rejected"),
        scrub(message, sent),
    )


def _path(value: Any) -> tuple[str, ...]:
    """`["input", "addresses", "0", "city"]` as `("city",)`."""
    if not isinstance(value, list):
        return ()
    names = [str(name) for name in value if not str(name).isdigit()]
    while names and names[0] in _LISTS:
        names.pop(0)
    return tuple(names)


def _field_at(path: tuple[str, ...], fields: Mapping[str, Field], part: str | None, in_address: bool) -> str | None:
    """The mapped field that is written at a path, or None."""
    if not path:
        return None
    if part is None and in_address:
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
