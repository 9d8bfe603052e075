"""Between the nodes of an answer and records: ids, raw text, inputs of writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from samklang.core.clocks import clock
from samklang.errors import ConfigurationError, ProtocolError
from samklang.systems.base import Change
from samklang.systems.shopify.answers import SYSTEM, Json
from samklang.systems.shopify.documents import OWN_KEY
from samklang.systems.shopify.fields import Field

_MISSING: Any = object()
_GID = re.compile(r"gid://shopify/\w+/(\d+)(?:\?.*)?")


def number_of(gid: object) -> str:
    """`123` for `gid://shopify/MailingAddress/123?model_name=…`. :raises ProtocolError: it is not a global id."""
    match = _GID.fullmatch(gid) if isinstance(gid, str) else None
    if match is None:
        raise ProtocolError("An object came without a global id.", system=SYSTEM)
    return match[1]


def to_gid(kind: str, record_id: str) -> str:
    """:raises ConfigurationError: the id is not one of Shopify's."""
    if not record_id.isascii() or not record_id.isdigit():
        raise ConfigurationError(f"The ids of a Shopify {kind} are numbers.")
    return f"gid://shopify/{kind}/{record_id}"


def read_values(
    node: Mapping[str, Any], fields: Mapping[str, Field], unknown: Iterable[str] = ()
) -> dict[str, str | None]:
    """Raw text by field name. A field that the node does not have, or that is unknown, is missing.

    :raises ProtocolError: a list or an object stands where a value belongs.
    """
    values: dict[str, str | None] = {}
    for name, known in fields.items():
        value = dig(node, known.read)
        if value is not _MISSING and name not in unknown:
            values[name] = _text(value, name)
    return values


def dig(node: Any, path: Iterable[str]) -> Any:
    """What stands at the end of a path: None below a null."""
    for name in path:
        if node is None:
            return None
        if not isinstance(node, dict) or name not in node:
            return _MISSING
        node = node[name]
    return node


def _text(value: Any, name: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise ProtocolError(f"{name} is neither text, number nor truth value.", system=SYSTEM)


def to_input(changes: Iterable[Change], fields: Mapping[str, Field]) -> Json:
    """The input of one part of a record: an emptied value is null."""
    values = Json()
    for change in changes:
        known = fields[change.field]
        holder = values
        for name in known.write[:-1]:
            holder = holder.setdefault(name, Json())
        boolean = known.boolean and change.value is not None
        holder[known.write[-1]] = change.value == "true" if boolean else change.value
    return values


def read_clock(node: Mapping[str, Any], *path: str) -> str:
    """:raises ProtocolError: the timestamp is missing or unreadable."""
    try:
        return clock(str(dig(node, path)))
    except ValueError:
        raise ProtocolError(f"An object came without a readable {'.'.join(path)}.", system=SYSTEM) from None


def read_key(node: Mapping[str, Any]) -> str | None:
    """Our key on a record, or None."""
    value = dig(node, (OWN_KEY, "value"))
    return value if isinstance(value, str) else None


def unknown_fields(denied: Iterable[tuple[str, ...]], fields: Mapping[str, Field]) -> frozenset[str]:
    """The mapped fields that a refusal to show some paths is about.

    :raises LookupError: a path is about none of them.
    """
    return frozenset(name for path in denied for name in _below(path, fields))


def _below(path: tuple[str, ...], fields: Mapping[str, Field]) -> list[str]:
    for start in range(len(path)):
        tail = path[start:]
        found = [name for name, known in fields.items() if known.read[: len(tail)] == tail]
        if found:
            return found
    raise LookupError(".".join(path))
