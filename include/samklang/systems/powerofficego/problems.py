"""What PowerOffice Go says when it refuses: its ProblemDetails, read with care and told without values.

Names come in either case and bodies may be absent or no JSON at all (sheet: 5). Texts can echo what was sent or what
is stored: they are kept with the record that they are about, in the store, without what is quoted and what was sent;
the message of an error, which reaches logs, has none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from samklang.errors import RejectedError
from samklang.systems.base import Problem
from samklang.systems.transport import Reply

_LONGEST = 300
_CODES = (
    ("taken", re.compile(r"already in use|already exists|must be unique|not unique", re.I)),
    ("in_use", re.compile(r"\bin use\b", re.I)),
    ("too_long", re.compile(r"too long|max(imum)? ?length|maximum of|longer than|exceeds", re.I)),
    ("missing", re.compile(r"\brequired\b|\bmissing\b|must be (set|given)|cannot be (empty|null)", re.I)),
    ("not_found", re.compile(r"\bnot found\b", re.I)),
)


@dataclass(frozen=True, slots=True)
class ProblemDetails:
    """A refusal. :param errors: messages by property, as ASP.NET's own validation gives them.

    :param known: whether the body was a ProblemDetails, and not a gateway's or an empty one.
    """

    title: str = ""
    detail: str = ""
    errors: tuple[tuple[str, str], ...] = ()
    known: bool = False

    @classmethod
    def parse(cls, content: bytes) -> ProblemDetails:
        """Read a body of any kind; what cannot be read is empty."""
        try:
            body = orjson.loads(content)
        except orjson.JSONDecodeError:
            return cls()
        if not isinstance(body, dict):
            return cls()
        names = {name.lower(): value for name, value in body.items()}
        title, detail, errors = names.get("title"), names.get("detail"), names.get("errors")
        messages = [
            (name, str(message))
            for name, found in (errors.items() if isinstance(errors, dict) else ())
            for message in (found if isinstance(found, list) else [found])
        ]
        return cls(
            title=title if isinstance(title, str) else "",
            detail=detail if isinstance(detail, str) else "",
            errors=tuple(messages),
            known=isinstance(title, str) or isinstance(detail, str),
        )

    @property
    def text(self) -> str:
        """Everything that it says; may hold values."""
        return " ".join([self.title, self.detail, *(f"{name}: {message}" for name, message in self.errors)]).strip()


class RefusedError(RejectedError):
    """A 400, 404 or 409. :param problem: what the API says about it; :param words: the same, for the store."""

    def __init__(self, reply: Reply, sent: Any = None) -> None:
        self.problem = ProblemDetails.parse(reply.content)
        self.words = scrub(self.problem.text, sent)
        super().__init__(
            f"{reply.request}: refused (HTTP {reply.status}, {self._code}).", system=reply.system, status=reply.status
        )

    def problems(self, fields: Sequence[str]) -> tuple[Problem, ...]:
        """One problem for each of `fields` that the text names; one without a field where it names none."""
        code = "not_found" if self.status == 404 else self._code
        named = list(_named(self.problem, fields))
        return tuple(Problem(field, code, self.words) for field in named) or (Problem(None, code, self.words),)

    @property
    def _code(self) -> str:
        return next((code for code, pattern in _CODES if pattern.search(self.problem.text)), "invalid")

    @property
    def is_about_access(self) -> bool:
        """Whether a privilege is missing, which a 400 may say too (seen on demo; sheet: 10)."""
        return self.problem.title.strip().lower() == "missing privilege"

    def is_taken(self, field: str) -> bool:
        """Whether another record holds the value of `field` already (sheet: 2, POST: a 400, not a 409)."""
        first = self.problems([field])[0]
        return first.field == field and first.code == "taken"


def scrub(text: str, sent: Any = None) -> str:
    """The text without quoted parts, e-mail addresses and anything that was sent."""
    for value in sorted(_strings(sent), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "…", text)
    # from the first quote to the last: a value may hold quotes of its own
    for quoted in ("'.*'", '".*"'):
        text = re.sub(quoted, "'…'", text, flags=re.DOTALL)
    text = re.sub(r"\S+@\S+", "…", text)
    return text[:_LONGEST]


def _strings(value: Any) -> Iterator[str]:
    """Each value in a body that was sent; names, paths and operations stay readable."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in ("op", "path"):
                yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif value is not None and not isinstance(value, bool) and str(value).strip():
        yield str(value).strip()


def _named(problem: ProblemDetails, fields: Iterable[str]) -> Iterator[str]:
    """The fields that a refusal is about: `CountryCode`, "country code", or a path that ends in it."""
    text = problem.text
    # the longest first, so that FirstName is not taken for Name
    for field in sorted(fields, key=lambda name: len(name.rpartition(".")[2]), reverse=True):
        words = re.findall(r"[A-Z][a-z0-9]*", field.rpartition(".")[2])
        pattern = re.compile(r"(?<![A-Za-z])" + r"[ -]?".join(words) + r"(?![A-Za-z])", re.I)
        text, count = pattern.subn("", text)
        if count:
            yield field
