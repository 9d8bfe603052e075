"""Recorded answers of a real store, asked again of the simulator.

Most recordings lack their document; then one is written from the shape of the answer. What the simulator does not
serve is left out of document, variables and expectation, and named. Ids, cursors and times differ from run to run:
they are matched to ours one to one, and recorded ids in variables are replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)
from shopify_shop import Shop

_GID = re.compile(r"gid://shopify/\w+/\d+(\?.*)?")
_CURSOR = re.compile(r"eyJsYXN0X2lk[\w=+/]+")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass
class Pair:
    """One recorded request and its answer. :param document: as recorded, if it was."""

    label: str
    variables: Mapping[str, Any]
    answer: Mapping[str, Any]
    document: str | None = None


def pairs(recording: Any, label: str = "") -> Iterator[Pair]:
    """All requests in a recording, in its order."""
    if isinstance(recording, list):
        for at, part in enumerate(recording):
            yield from pairs(part, f"{label}[{at}]")
    if not isinstance(recording, dict):
        return
    answer = recording.get("response")
    if isinstance(answer, dict):
        answer = answer.get("body", answer.get("payload", answer))
    if isinstance(answer, dict) and ("data" in answer or "errors" in answer):
        request = recording.get("request", recording)
        yield Pair(label, request.get("variables", {}), answer, request.get("query"))
    for name, part in recording.items():
        if name not in ("variables", "request", "response", "answer"):
            yield from pairs(part, f"{label}.{name}".lstrip("."))


@dataclass
class Replay:
    """One store, and what of it stands for what in the recording."""

    shop: Shop
    schema: GraphQLSchema
    # root fields whose alias or arguments cannot be guessed: alias -> (field, {argument: variable or literal})
    roots: Mapping[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)
    # root fields whose answer depends on what else was in the recorded store
    skipped: frozenset[str] = frozenset()
    ours: dict[str, str] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)

    def run(self, pair: Pair) -> str:
        """What differs, or an empty text."""
        self.left_out = set()
        variables = self._variables(pair.variables)
        if pair.document:
            answer = self.shop.ask(pair.document, variables)
            return self._compare(pair.answer, answer, exact=True)
        document, variables = self._written(pair, variables)
        return self._compare(pair.answer, self.shop.ask(document, variables), exact=False)

    def _variables(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._variables(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self._variables(part) for part in value]
        return self.ours.get(value, value) if isinstance(value, str) else value

    def _written(self, pair: Pair, variables: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """A document for an answer, and the variables it takes."""
        data = pair.answer["data"]
        mutation = next(iter(data)) in (self.schema.mutation_type.fields if self.schema.mutation_type else {})
        root = self.schema.mutation_type if mutation else self.schema.query_type
        parts, types, used = [], {}, {}
        for alias, value in data.items():
            if alias in self.skipped:
                self.left_out.add(alias)
                continue
            name, arguments = self.roots.get(alias, (alias, None))
            known = root.fields[name]
            if arguments is None:
                arguments = {argument: f"${argument}" for argument in known.args if argument in variables}
            for argument, text in arguments.items():
                if text.startswith("$"):
                    types[text[1:]] = known.args[argument].type
                    used[text[1:]] = self._served(known.args[argument].type, variables[text[1:]], argument)
                for inner in re.findall(r"(?<=: )\$(\w+)", text):
                    types[inner], used[inner] = "String!", variables[inner]
            given = ", ".join(f"{argument}: {text}" for argument, text in arguments.items())
            selection = self._selection(known.type, value, alias)
            parts.append(f"{alias}: {name}{f'({given})' if given else ''} {selection}")
        head = ", ".join(f"${name}: {kind}" for name, kind in types.items())
        kind = "mutation" if mutation else "query"
        return f"{kind} Replayed{f'({head})' if head else ''} {{ {' '.join(parts)} }}", used

    def _served(self, kind: Any, value: Any, path: str) -> Any:
        """An input without the fields that our schema does not have."""
        kind = get_nullable_type(kind)
        if is_list_type(kind) and isinstance(value, list):
            return [self._served(kind.of_type, part, path) for part in value]
        if not isinstance(kind, GraphQLInputObjectType) or not isinstance(value, dict):
            return value
        self.left_out |= {f"{path}.{name}" for name in value if name not in kind.fields}
        return {
            name: self._served(kind.fields[name].type, part, f"{path}.{name}")
            for name, part in value.items()
            if name in kind.fields
        }

    def _selection(self, kind: Any, value: Any, path: str) -> str:
        named = get_named_type(kind)
        if is_leaf_type(named):
            return ""
        sample = next((row for row in value if row is not None), None) if isinstance(value, list) else value
        if not isinstance(sample, dict):
            return "{ __typename }"
        if isinstance(named, GraphQLInterfaceType):
            named = self.schema.type_map[sample["id"].split("/")[3]]
            return f"{{ ... on {named.name} {self._selection(named, value, path)} }}"
        parts = []
        for name, part in sample.items():
            if name == "metafield":
                self.left_out.add(f"{path}.{name}")  # its arguments are not known
            elif name in named.fields:
                known = named.fields[name]
                page = "(first: 10)" if get_named_type(known.type).name.endswith("Connection") else ""
                parts.append(f"{name}{page} {self._selection(known.type, part, f'{path}.{name}')}")
            else:
                self.left_out.add(f"{path}.{name}")
        return f"{{ {' '.join(parts)} }}"

    def _compare(self, expected: Mapping[str, Any], actual: Mapping[str, Any], exact: bool) -> str:
        if ("data" in expected) != ("data" in actual):
            return f"answered {sorted(actual)} for {sorted(expected)}: {actual.get('errors')}"
        ignored = () if exact else ("locations",)
        errors = [
            [{k: v for k, v in e.items() if k not in ignored} for e in a.get("errors", ())] for a in (expected, actual)
        ]
        difference = self._differ(*errors, "errors") or self._differ(expected.get("data"), actual.get("data"), "")
        cost = [answer.get("extensions", {}).get("cost", {}).get("requestedQueryCost") for answer in (expected, actual)]
        if not difference and exact and cost[0] != cost[1]:
            return f"requested cost {cost[1]} instead of {cost[0]}"
        return difference

    def _differ(self, expected: Any, actual: Any, path: str) -> str:
        if isinstance(expected, dict) and isinstance(actual, dict):
            for name, part in expected.items():
                here = f"{path}.{name}".lstrip(".")
                if here in self.left_out:
                    continue
                if name not in actual:
                    return f"{here} is missing"
                found = self._differ(part, actual[name], here)
                if found:
                    return found
            return ""
        if isinstance(expected, list) and isinstance(actual, list):
            if len(expected) != len(actual):
                return f"{path} has {len(actual)} rows instead of {len(expected)}"
            found = (self._differ(a, b, path) for a, b in zip(expected, actual, strict=True))
            return next((difference for difference in found if difference), "")
        if isinstance(expected, str) and isinstance(actual, str) and self._stands_for(expected, actual):
            return ""
        return (
            ""
            if expected == actual and type(expected) is type(actual)
            else f"{path}: {actual!r} instead of {expected!r}"
        )

    def _stands_for(self, expected: str, actual: str) -> bool:
        for pattern in (_GID, _CURSOR):
            if pattern.fullmatch(expected) and pattern.fullmatch(actual):
                return self.ours.setdefault(expected, actual) == actual
        return bool(_TIME.fullmatch(expected) and _TIME.fullmatch(actual))
