"""The search language of `query:` arguments: terms, `field:value`, comparisons, quotes, AND, OR, NOT and brackets.

A field that cannot be searched is ignored and named in a warning only (sheet 7.2). A value without quotes ends at the
next colon, so that an unquoted timestamp loses its end (sheet 7.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<bracket>[()])
      | (?P<word>AND|OR|NOT)(?=[\s()]|$)
      | (?P<minus>-)(?=[^\s])
      | (?:(?P<field>[\w.$-]+):\s*(?P<op>>=|<=|>|<)?\s*)?
        (?: '(?P<single>(?:[^'\\]|\\.)*)' | "(?P<double>(?:[^"\\]|\\.)*)" | (?P<bare>(?:\\.|[^\s()":'])+) )
      | (?P<lone>[\w.$-]+:)
      | (?P<junk>\S)
    )""",
    re.VERBOSE,
)

Predicate = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Term:
    """:param field: None for a free word; :param op: empty, or a comparison; :param quoted: it stood in quotes."""

    field: str | None
    op: str
    value: str
    quoted: bool


class Unsearchable(Exception):  # noqa: N818 - it becomes a warning
    """Raised by a filter for a value that it does not take."""


Filter = Callable[[Term], Predicate]
Warnings = list[dict[str, str]]


def compile_query(text: str, filters: Mapping[str, Filter], free: Filter) -> tuple[Predicate, Warnings]:
    """Whether a record matches, and what was ignored.

    :param filters: by field name; :param free: for a word without a field.
    """
    parser = _Parser(_tokens(text), filters, free)
    predicate = parser.alternatives()
    return predicate or _everything, parser.warnings


def _everything(_: Any) -> bool:
    return True


def _negated(predicate: Predicate) -> Predicate:
    return lambda record: not predicate(record)


def _tokens(text: str) -> list[str | Term]:
    tokens: list[str | Term] = []
    for match in _TOKEN.finditer(text):
        if match["bracket"] or match["word"] or match["minus"]:
            tokens.append(match["bracket"] or match["word"] or "NOT")
        elif match["lone"]:
            tokens.append(Term(match["lone"][:-1], "", "", quoted=False))
        elif not match["junk"]:
            quoted = match["bare"] is None
            value = (
                match["bare"] if not quoted else (match["single"] if match["single"] is not None else match["double"])
            )
            tokens.append(Term(match["field"], match["op"] or "", re.sub(r"\\(.)", r"\1", value), quoted))
    return tokens


class _Parser:
    """Recursive descent; a part that is ignored comes back as None."""

    def __init__(self, tokens: list[str | Term], filters: Mapping[str, Filter], free: Filter) -> None:
        self._tokens = tokens
        self._at = 0
        self._filters = filters
        self._free = free
        self.warnings: Warnings = []

    def alternatives(self) -> Predicate | None:
        parts = [self._all_of()]
        while self._peek() == "OR":
            self._at += 1
            parts.append(self._all_of())
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        return known[0] if len(known) == 1 else lambda record: any(part(record) for part in known)

    def _all_of(self) -> Predicate | None:
        known = []
        while self._peek() not in (None, "OR", ")"):
            if self._peek() == "AND":
                self._at += 1
                continue
            part = self._one()
            if part is not None:
                known.append(part)
        if not known:
            return None
        return known[0] if len(known) == 1 else lambda record: all(part(record) for part in known)

    def _one(self) -> Predicate | None:
        found = self._peek()
        self._at += 1
        if found == "NOT":
            part = self._one() if self._peek() not in (None, "OR", "AND", ")") else None
            return None if part is None else _negated(part)
        if found == "(":
            part = self.alternatives()
            self._at += self._peek() == ")"
            return part
        return self._term(found) if isinstance(found, Term) else None

    def _term(self, term: Term) -> Predicate | None:
        if term.field is None:
            return self._free(term)
        build = self._filters.get(term.field)
        if build is None:
            self._warn(term.field, "Invalid search field for this query.", "invalid_field")
            return None
        try:
            return build(term)
        except Unsearchable as error:
            self._warn(term.field, str(error), "invalid_value")
            return None

    def _warn(self, field: str, message: str, code: str) -> None:
        self.warnings.append({"field": field, "message": message, "code": code})

    def _peek(self) -> str | Term | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None
