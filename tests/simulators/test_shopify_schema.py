"""Our part of the schema says what the real one says."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLSchema, build_schema, is_introspection_type

from samklang.simulators.shopify.engine import load_schema


@pytest.fixture(scope="module")
def real(shared_apis: Path) -> GraphQLSchema:
    return build_schema((shared_apis / "shopify-admin-2026-10.graphql").read_text("utf-8"))


@pytest.fixture(scope="module")
def ours() -> GraphQLSchema:
    return load_schema()


def own_types(schema: GraphQLSchema) -> list[str]:
    return [name for name, kind in schema.type_map.items() if not is_introspection_type(kind)]


def test_every_type_is_a_type_of_the_real_schema(ours: GraphQLSchema, real: GraphQLSchema) -> None:
    differing = [name for name in own_types(ours) if type(real.type_map.get(name)) is not type(ours.type_map[name])]
    assert differing == []


def test_every_field_has_the_type_and_default_of_the_real_one(ours: GraphQLSchema, real: GraphQLSchema) -> None:
    compared, differing = 0, []
    for name in own_types(ours):
        for field, known in getattr(ours.type_map[name], "fields", {}).items():
            there = real.type_map[name].fields.get(field)
            compared += 1
            if there is None or str(there.type) != str(known.type):
                differing.append(f"{name}.{field}")
            elif getattr(known, "default_value", None) != getattr(there, "default_value", None):
                differing.append(f"{name}.{field} default")
    assert differing == []
    assert compared > 250


def test_every_argument_has_the_type_and_default_of_the_real_one(ours: GraphQLSchema, real: GraphQLSchema) -> None:
    compared, differing = 0, []
    for name in own_types(ours):
        for field, known in getattr(ours.type_map[name], "fields", {}).items():
            there = real.type_map[name].fields[field]
            for argument, value in getattr(known, "args", {}).items():
                compared += 1
                other = there.args.get(argument)
                if other is None or (str(other.type), other.default_value) != (str(value.type), value.default_value):
                    differing.append(f"{name}.{field}({argument})")
    assert differing == []
    assert compared > 80


def test_no_argument_or_input_field_that_the_real_one_requires_is_left_out(
    ours: GraphQLSchema, real: GraphQLSchema
) -> None:
    missing = []
    for name in own_types(ours):
        kind = real.type_map[name]
        if isinstance(kind, GraphQLInputObjectType):
            required = {key for key, field in kind.fields.items() if str(field.type).endswith("!")}
            missing += [f"{name}.{key}" for key in required - set(ours.type_map[name].fields)]
            continue
        for field, known in getattr(ours.type_map[name], "fields", {}).items():
            there = kind.fields[field]
            required = {key for key, argument in getattr(there, "args", {}).items() if str(argument.type).endswith("!")}
            missing += [f"{name}.{field}({key})" for key in required - set(known.args)]
    assert missing == []


def test_every_enum_value_is_a_value_of_the_real_enum(ours: GraphQLSchema, real: GraphQLSchema) -> None:
    enums = [name for name in own_types(ours) if isinstance(ours.type_map[name], GraphQLEnumType)]
    unknown = {name: set(ours.type_map[name].values) - set(real.type_map[name].values) for name in enums}
    assert {name: values for name, values in unknown.items() if values} == {}


def test_the_countries_are_all_those_of_the_real_schema(ours: GraphQLSchema, real: GraphQLSchema) -> None:
    assert set(ours.type_map["CountryCode"].values) == set(real.type_map["CountryCode"].values)


def test_inputs_that_take_one_of_several_keys_are_those_of_the_real_schema(
    ours: GraphQLSchema, real: GraphQLSchema
) -> None:
    inputs = [name for name in own_types(ours) if isinstance(ours.type_map[name], GraphQLInputObjectType)]
    assert {name: ours.type_map[name].is_one_of for name in inputs} == {
        name: real.type_map[name].is_one_of for name in inputs
    }
