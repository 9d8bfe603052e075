"""Documents, checked as the real API checks them: errors have a code and a path of operation and fields.

Recorded: unknown fields and missing arguments (sheet 8), a literal null (webhook-subscription-conformance).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    NullValueNode,
    OperationDefinitionNode,
    ValidationRule,
    is_non_null_type,
    is_required_argument,
    specified_rules,
    validate,
)
from graphql.validation import FieldsOnCorrectTypeRule, KnownArgumentNamesRule, ProvidedRequiredArgumentsRule


def _path(ancestors: Sequence[Any], *tail: str) -> list[str]:
    """`["mutation Name", "customerCreate", "customer"]`."""
    path = []
    for node in ancestors:
        if isinstance(node, OperationDefinitionNode):
            path.append(" ".join(filter(None, (node.operation.value, node.name.value if node.name else ""))))
        elif isinstance(node, FragmentDefinitionNode):
            path.append(f"fragment {node.name.value}")
        elif isinstance(node, FieldNode):
            path.append((node.alias or node.name).value)
    return [*path, *tail]


class _UndefinedField(ValidationRule):
    def enter_field(self, node: FieldNode, _key: Any, _parent: Any, _at: Any, ancestors: list[Node]) -> None:
        kind, name = self.context.get_parent_type(), node.name.value
        if kind and not self.context.get_field_def():
            extensions = {"code": "undefinedField", "typeName": kind.name, "fieldName": name}
            message = f"Field '{name}' doesn't exist on type '{kind.name}'"
            self.report_error(_error(message, node, _path(ancestors, name), extensions))


class _UndefinedArgument(ValidationRule):
    def enter_argument(self, node: ArgumentNode, _key: Any, _parent: Any, _at: Any, ancestors: list[Node]) -> None:
        field, name = self.context.get_field_def(), node.name.value
        owner = next((one for one in reversed(ancestors) if isinstance(one, FieldNode)), None)
        if field is not None and owner is not None and name not in field.args:
            message = f"Field '{owner.name.value}' doesn't accept argument '{name}'"
            extensions = {
                "code": "argumentNotAccepted",
                "name": owner.name.value,
                "typeName": "Field",
                "argumentName": name,
            }
            self.report_error(_error(message, node, _path(ancestors, name), extensions))
        if isinstance(node.value, NullValueNode) and field is not None and name in field.args:
            self._check_null(node, field.args[name].type, owner, ancestors)

    def _check_null(self, node: ArgumentNode, kind: Any, owner: FieldNode | None, ancestors: list[Node]) -> None:
        if owner is None or not is_non_null_type(kind):
            return
        name = node.name.value
        message = (
            f"Argument '{name}' on Field '{owner.name.value}' has an invalid value (null). Expected type '{kind}'."
        )
        extensions = {"code": "argumentLiteralsIncompatible", "typeName": "Field", "argumentName": name}
        self.report_error(_error(message, owner, _path(ancestors, name), extensions))


class _MissingArguments(ValidationRule):
    def enter_field(self, node: FieldNode, _key: Any, _parent: Any, _at: Any, ancestors: list[Node]) -> None:
        field = self.context.get_field_def()
        given = {argument.name.value for argument in node.arguments or ()}
        required = [name for name, argument in (field.args if field else {}).items() if is_required_argument(argument)]
        missing = ", ".join(name for name in required if name not in given)
        if missing:
            name = node.name.value
            message = f"Field '{name}' is missing required arguments: {missing}"
            extensions = {
                "code": "missingRequiredArguments",
                "className": "Field",
                "name": name,
                "arguments": missing,
            }
            self.report_error(_error(message, node, _path(ancestors, name), extensions))


def _error(message: str, node: Node, path: list[str], extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(message, nodes=node, path=path, extensions=extensions)


_REPLACED = (FieldsOnCorrectTypeRule, KnownArgumentNamesRule, ProvidedRequiredArgumentsRule)
RULES = (
    *(rule for rule in specified_rules if rule not in _REPLACED),
    _UndefinedField,
    _UndefinedArgument,
    _MissingArguments,
)


def check_document(schema: GraphQLSchema, document: DocumentNode) -> list[dict[str, Any]]:
    """What is wrong with a document, ready to be answered. (sheet 8: neither data nor cost comes with it)"""
    answers: list[dict[str, Any]] = []
    for error in validate(schema, document, RULES):
        formatted: dict[str, Any] = dict(error.formatted)
        code = (error.extensions or {}).get("code")
        # a null for a required argument is said once, in the real API's words
        if code is None and any(isinstance(node, NullValueNode) for node in error.nodes or ()):
            continue
        answers.append(
            {key: formatted[key] for key in ("message", "locations", "path", "extensions") if key in formatted}
        )
    return answers
