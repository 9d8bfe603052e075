"""Objects as they leave the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.simulators.powerofficego.ledger import Dto
from samklang.simulators.powerofficego.problems import ProblemError
from samklang.simulators.powerofficego.schema import ADDRESS, Resource


def shown(resource: Resource, dto: Dto, switches: Mapping[str, Any]) -> Dto:
    """The object as every answer has it."""
    changes: Dto = {}
    if dto.get("NationalIdNumber"):
        changes["NationalIdNumber"] = "hidden"  # spec, sheet 2: whoever lacks a privilege of its own reads this word
    if switches["dates"] == "date_time":
        changes |= {name: f"{dto[name]}T00:00:00" for name in resource.dates if dto[name]}
    return dto | changes if changes else dto


def copied(dto: Dto) -> Dto:
    """A copy that shares nothing with the object."""
    parts = {name: value.copy() for name, value in dto.items() if isinstance(value, dict | list)}
    return dto | parts


def selected(rows: list[Dto], resource: Resource, fields: str | None, switches: Mapping[str, Any]) -> list[Dto]:
    """The rows with nothing but these fields (sheet 4).

    :param fields: names with commas between; blank: all.
    :raises ProblemError: 400 with the words of the spec (sheet 5).
    """
    rows = [shown(resource, row, switches) for row in rows]
    if not fields:
        return rows
    wanted = _wanted(resource, fields, nested=switches["nested_fields"] == "accepted")
    rest = {} if switches["unselected_fields"] == "absent" else dict.fromkeys(resource.properties)
    if any(wanted.values()):
        chosen = [{name: _part(row[name], parts) for name, parts in wanted.items()} for row in rows]
    else:
        chosen = [{name: row[name] for name in wanted} for row in rows]
    return [rest | row for row in chosen] if rest else chosen


def _wanted(resource: Resource, fields: str, *, nested: bool) -> dict[str, set[str]]:
    """By property, the parts of it; none: the whole."""
    parts = {name.lower(): name for name in ADDRESS}
    wanted: dict[str, set[str]] = {}
    for field in fields.split(","):
        head, dot, tail = (part.strip().lower() for part in field.partition("."))
        address = nested and head == "mailaddress" and tail in parts
        if head not in resource.by_lower or (dot and not address):
            raise ProblemError(
                400, "Invalid resourceParameter", "Fields property in resourceParameter is not formatted correct."
            )
        wanted.setdefault(resource.by_lower[head], set()).update({parts[tail]} if dot else set())
    return wanted


def _part(value: Any, names: set[str]) -> Any:
    return {n: v for n, v in value.items() if n in names} if names and isinstance(value, dict) else value
