"""JSON Patch of one update: `test` what the plan saw, then `replace` (sheet: 2, PATCH; paths in PascalCase)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from samklang.core.records import Record
from samklang.systems.base import Change, Problem
from samklang.systems.powerofficego.client import Json
from samklang.systems.powerofficego.schema import ADDRESS, Property
from samklang.systems.powerofficego.values import nest, to_json

IMPOSSIBLE = "samklang: no record has this value"
"""What the probe tests for."""


def build_patch(
    changes: Sequence[Change], schema: Mapping[str, Property], *, has_address: bool, with_tests: bool = True
) -> list[Json]:
    """The operations of one update; an address that does not exist yet is added as a whole.

    :raises ValueError: a value is not of its property's type; see `check_values`.
    """
    whole = [c for c in changes if _is_address(c) and not has_address]
    single = [c for c in changes if c not in whole]
    operations: list[Json] = []
    if with_tests:
        operations += [_operation("test", c.field, to_json(c.expected, schema[c.field])) for c in single]
        if whole:
            operations.append(_operation("test", ADDRESS, None))
    operations += [_operation("replace", c.field, to_json(c.value, schema[c.field])) for c in single]
    if whole:
        lines = {c.field: to_json(c.value, schema[c.field]) for c in whole if c.value is not None}
        operations.append(_operation("add", ADDRESS, nest(lines)[ADDRESS]))
    return operations


def build_probe(text_property: str) -> list[Json]:
    """Nothing but a `test` that must fail: a server that answers 200 does not carry tests out."""
    return [_operation("test", text_property, IMPOSSIBLE)]


def check_values(changes: Sequence[Change], schema: Mapping[str, Property], *, has_address: bool) -> list[Problem]:
    """What can be told without asking: values of another type, and a first address without its required lines."""
    problems = []
    for change in changes:
        try:
            to_json(change.value, schema[change.field])
        except ValueError as error:
            problems.append(Problem(change.field, "invalid", f"The value is {error}."))
    given = {c.field for c in changes if c.value is not None and c.field not in {p.field for p in problems}}
    if not has_address and not {f"{ADDRESS}.City", f"{ADDRESS}.ZipCode"} <= given:
        # what POST requires of an address (sheet: 2, POST)
        held = [c.field for c in changes if _is_address(c) and c.field not in {p.field for p in problems}]
        problems += [Problem(field, "missing", "A new address needs City and ZipCode.") for field in held]
    return problems


def has_moved(changes: Sequence[Change], record: Record) -> bool:
    """Whether the record stores another raw value than expected, or does not say."""
    return any(c.field not in record.values or record.values[c.field] != c.expected for c in changes)


def _is_address(change: Change) -> bool:
    return change.field.startswith(f"{ADDRESS}.")


def _operation(op: str, field: str, value: object) -> Json:
    return {"op": op, "path": "/" + field.replace(".", "/"), "value": value}
