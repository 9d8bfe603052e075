"""Names on the way between the API and Python: camelCase against snake_case, and global ids."""

from __future__ import annotations

import re
from functools import cache

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_GID = re.compile(r"gid://shopify/(?P<kind>[A-Za-z]+)/(?P<number>\d+)(?:\?.*)?")


@cache
def snake(name: str) -> str:
    """`addressesV2` becomes `addresses_v2`."""
    return _HUMP.sub(r"_\1", name).lower()


@cache
def camel(name: str) -> str:
    """`first_name` becomes `firstName`."""
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


def words(name: str) -> str:
    """`first_name` becomes `First name`, as messages have it."""
    return name.replace("_", " ").capitalize()


def gid(kind: str, number: int) -> str:
    """The id of an object as the API shows it. (sheet 2.1: the query string is part of an address's id)"""
    tail = "?model_name=CustomerAddress" if kind == "MailingAddress" else ""
    return f"gid://shopify/{kind}/{number}{tail}"


def number_of(kind: str, text: str | None) -> int | None:
    """The number in an id of this kind; None when it is another kind, or no id at all."""
    match = _GID.fullmatch(text or "")
    return int(match["number"]) if match and match["kind"] == kind else None


def kind_of(text: str) -> str | None:
    """`Customer` for a customer's id; None when it is no id."""
    match = _GID.fullmatch(text)
    return match["kind"] if match else None
