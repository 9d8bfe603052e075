"""Variables of a request, checked as the real API checks them: code INVALID_VARIABLE with a list of problems.

Recorded: customer-set-custom-id; other wordings are those of the library behind the API (remembered).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableNode,
    get_nullable_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
    print_ast,
    type_from_ast,
)

from samklang.simulators.shopify.naming import kind_of

Found = dict[str, Any]

MOST = {"variants": 2048}
MOST_OF_OTHERS = 250
"""How long a list of an input may be."""


def check_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, values: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The errors of all variables, ready to be answered; empty when they fit their types."""
    errors = []
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        kind = type_from_ast(schema, definition.type)
        if kind is None or (name not in values and definition.default_value is not None):
            continue
        if name not in values and not is_non_null_type(kind):
            continue
        value = values.get(name)
        problems = _check(kind, value, [])
        if problems:
            errors.append(_error(name, print_ast(definition.type), definition.loc, value, problems))
    return errors


def _error(name: str, kind: str, location: Any, value: Any, problems: list[Found]) -> dict[str, Any]:
    message = f"Variable ${name} of type {kind} was provided invalid value"
    inner = [f"{'.'.join(map(str, found['path']))} ({found['explanation']})" for found in problems if found["path"]]
    place = location.source.get_location(location.start) if location else None
    return {
        "message": f"{message} for {', '.join(inner)}" if inner else message,
        "locations": [{"line": place.line, "column": place.column}] if place else [],
        "extensions": {"code": "INVALID_VARIABLE", "value": value, "problems": problems},
    }


def _problem(path: list[str | int], explanation: str) -> list[Found]:
    return [{"path": path, "explanation": explanation}]


def _check(kind: Any, value: Any, path: list[str | int]) -> list[Found]:
    if value is None:
        return _problem(path, "Expected value to not be null") if is_non_null_type(kind) else []
    kind = get_nullable_type(kind)
    if is_list_type(kind):
        rows = value if isinstance(value, list) else [value]
        return [found for at, row in enumerate(rows) for found in _check(kind.of_type, row, [*path, at])]
    if is_input_object_type(kind):
        return _check_object(kind, value, path)
    if isinstance(kind, GraphQLEnumType):
        if value in kind.values:
            return []
        return _problem(path, f'Expected "{value}" to be one of: {", ".join(kind.values)}')
    return _check_scalar(kind.name, value, path)


def _check_object(kind: GraphQLInputObjectType, value: Any, path: list[str | int]) -> list[Found]:
    if not isinstance(value, dict):
        return _problem(path, f"Expected {value!r} to be a key-value object.")
    found = []
    for name in value:
        if name not in kind.fields:
            found += _problem([*path, name], f"Field is not defined on {kind.name}")
    for name, field in kind.fields.items():
        if name in value or is_required_input_field(field):
            found += _check(field.type, value.get(name), [*path, name])
    if kind.is_one_of and len(value) != 1:
        found += _problem(path, f"'{kind.name}' requires exactly one argument, but {len(value)} were provided.")
    elif kind.is_one_of and None in value.values():
        name = next(iter(value))
        found += _problem(path, f"'{kind.name}' requires exactly one argument, but '{name}' was `null`.")
    return found


def _check_scalar(name: str, value: Any, path: list[str | int]) -> list[Found]:
    text = value if isinstance(value, str) else None
    match name:
        case "ID":
            fits = text is not None and kind_of(text) is not None
            return [] if fits else _problem(path, f"Invalid global id '{value}'")
        case "Int":
            fits = isinstance(value, int) and not isinstance(value, bool)
        case "Float":
            fits = isinstance(value, int | float) and not isinstance(value, bool)
        case "Boolean":
            fits = isinstance(value, bool)
        case "Decimal" | "Money":
            fits = _is_decimal(value)
        case _:
            fits = text is not None
    return [] if fits else _problem(path, f"Could not coerce value {value!r} to {name}")


def _is_decimal(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def check_sizes(operation: OperationDefinitionNode, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Lists of an input that are too long: the whole request is refused.

    Recorded: product-set-shape-validator-parity, `variantLimit` and `inventoryQuantitiesLimit`.
    """
    errors = []
    for field in operation.selection_set.selections:
        if not isinstance(field, FieldNode):
            continue
        for argument in field.arguments or ():
            if isinstance(argument.value, VariableNode):
                name = (field.alias or field.name).value
                place = operation.loc.source.get_location(field.loc.start) if operation.loc and field.loc else None
                for path, size, limit in _long_lists(values.get(argument.value.name.value), (argument.name.value,)):
                    message = f"The input array size of {size} is greater than the maximum allowed of {limit}."
                    errors.append(
                        {
                            "message": message,
                            "locations": [{"line": place.line, "column": place.column}] if place else [],
                            "path": [name, *path],
                            "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"},
                        }
                    )
    return errors


def _long_lists(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int, int]]:
    if isinstance(value, list):
        limit = MOST.get(path[-1], MOST_OF_OTHERS)
        if len(value) > limit:
            yield path, len(value), limit
        for row in value:
            yield from _long_lists(row, path)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _long_lists(inner, (*path, name))
