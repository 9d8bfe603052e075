"""Errors in the two forms that a mutation has: a list of user errors, and one error for the whole field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from graphql import GraphQLError

from samklang.simulators.shopify.naming import camel

Problem = dict[str, Any]
"""A `UserError`: `field`, `message`, and for the mutations that have one a `code`."""


def problem(field: Sequence[str | int] | None, message: str, code: str | None = None) -> Problem:
    """:param field: names in snake_case and positions; None when the error is not about one."""
    path = None if field is None else [camel(str(part)) for part in field]
    return {"field": path, "message": message, "code": code}


def under(prefix: Sequence[str | int], problems: Iterable[Problem]) -> list[Problem]:
    """The same problems one level deeper: customerSet says `["input", "email"]` (sheet 2.4)."""
    head = [str(part) for part in prefix]
    return [{**found, "field": head + (found["field"] or [])} for found in problems]


def refuse(message: str, code: str) -> NoReturn:
    """Fail the whole field, under `errors`."""
    raise GraphQLError(message, extensions={"code": code})


def refuse_id() -> NoReturn:
    """An id that names nothing where something must be (recorded: customer-address-lifecycle)."""
    refuse("invalid id", "RESOURCE_NOT_FOUND")
