"""YAML whose every value knows its file and line, so that each mistake is reported where it stands.

Scalars stay text until the schema says what they are: YAML 1.1 would turn `region: NO` into False, a tax group `007`
into 7 and `20%` into nothing at all. Nothing is constructed from tags, so a file cannot run code.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

import yaml

from samklang.errors import MappingError

_NULL_TAG = "tag:yaml.org,2002:null"
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_COUNT = re.compile(r"\d{1,9}", re.ASCII)
_DURATION = re.compile(r"(\d{1,5})\s*([mhd])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_LOWEST_RATE = Decimal("0.01")
_FRACTION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(%?)", re.ASCII)


def duration_of(text: str) -> timedelta | None:
    """Minutes, hours or days: `90m`, `24h`, `7d`; None for anything else."""
    match = _DURATION.fullmatch(text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


class Located:
    """One value, the name it goes by in messages, and where it stands. Every reader raises `MappingError`."""

    def __init__(self, node: yaml.Node, *, file: str, name: str) -> None:
        self._node = node
        self._file = file
        self.name = name

    @property
    def line(self) -> int:
        return int(self._node.start_mark.line) + 1

    @property
    def is_empty(self) -> bool:
        """Nothing is written behind the key, or `null`."""
        return isinstance(self._node, yaml.ScalarNode) and self._node.tag == _NULL_TAG

    @property
    def is_single(self) -> bool:
        """A value stands behind the key, and no list or block."""
        return isinstance(self._node, yaml.ScalarNode) and not self.is_empty

    def error(self, message: str, remedy: str) -> MappingError:
        return MappingError(message, file=self._file, line=self.line, remedy=remedy)

    def block(self, known: Iterable[str] | None = None) -> dict[str, Located]:
        """The keys of a block, in the file's order; :param known: the keys it may have, None for any."""
        if not isinstance(self._node, yaml.MappingNode):
            raise self.error(f"{self.name} must be a block of keys.", "Write one `key: value` per line, indented.")
        found: dict[str, Located] = {}
        allowed = None if known is None else list(known)
        for key_node, value_node in self._node.value:
            key = Located(key_node, file=self._file, name=f"a key of {self.name}").text()
            value = Located(value_node, file=self._file, name=f"`{key}`")
            here = Located(key_node, file=self._file, name=key)
            if key in found:
                raise here.error(f"`{key}` stands twice in {self.name}.", "Remove one of the two.")
            if allowed is not None and key not in allowed:
                raise here.error(f"unknown key `{key}` in {self.name}.", did_you_mean(key, allowed))
            found[key] = value
        return found

    def entries(self) -> list[Located]:
        """The entries of a list."""
        if not isinstance(self._node, yaml.SequenceNode):
            raise self.error(f"{self.name} must be a list.", "Write it as `[one, two]`, or one `- entry` per line.")
        return [
            Located(node, file=self._file, name=f"entry {number} of {self.name}")
            for number, node in enumerate(self._node.value, start=1)
        ]

    def text(self) -> str:
        """A single non-empty value, as it is written."""
        if not isinstance(self._node, yaml.ScalarNode):
            raise self.error(f"{self.name} must be a single value.", "Write one value, not a list or a block.")
        content = str(self._node.value).strip()
        if self.is_empty or not content:
            raise self.error(f"{self.name} has no value.", "Write a value, or remove the key.")
        return content

    def choice(self, options: Iterable[str]) -> str:
        allowed = list(options)
        content = self.text()
        if content not in allowed:
            raise self.error(f"{self.name} cannot be `{content}`.", did_you_mean(content, allowed))
        return content

    def flag(self) -> bool:
        content = self.text().lower()
        if content not in _FLAGS:
            raise self.error(f"{self.name} cannot be `{content}`.", "Write `true` or `false`.")
        return _FLAGS[content]

    def count(self) -> int:
        content = self.text()
        if not _COUNT.fullmatch(content):
            raise self.error(f"{self.name} cannot be `{content}`.", "Write a whole number, 0 or more.")
        return int(content)

    def duration(self) -> timedelta:
        """Minutes, hours or days: `90m`, `24h`, `7d`."""
        duration = duration_of(self.text())
        if duration is None:
            raise self.error(
                f"{self.name} cannot be `{self.text()}`.", "Write minutes, hours or days, such as `90m`, `24h` or `7d`."
            )
        return duration

    def fraction(self) -> Decimal:
        """A share from 0 to 1, written as `20%` or `0.2`."""
        match = _FRACTION.fullmatch(self.text())
        share = None if match is None else Decimal(match[1]) / (100 if match[2] else 1)
        if share is None or share > 1:
            raise self.error(
                f"{self.name} cannot be `{self.text()}`.", "Write a share from 0% to 100%, such as `20%` or `0.2`."
            )
        return share

    def rate(self) -> Decimal:
        """A tax rate as a fraction, written as `25%` or `0.25`.

        A rate that may be meant otherwise is an error: `1` can be one per cent or all of it, `0.25%` a quarter.
        """
        text = self.text()
        match = _FRACTION.fullmatch(text)
        rate = None if match is None else Decimal(match[1]) / (100 if match[2] else 1)
        if rate is None or rate > 1:
            raise self.error(
                f"{self.name} cannot be `{text}`.", "Write the rate in per cent, such as `25%`, or as `0.25`."
            )
        if (rate == 1 and not text.endswith("%")) or 0 < rate < _LOWEST_RATE:
            raise self.error(
                f"{self.name} is unclear: `{text}` may be meant in per cent or as a share.",
                "Write the rate in per cent, such as `25%`, or as `0.25`; the lowest is 1%.",
            )
        return rate


def read(text: str, *, file: str, name: str) -> Located:
    """The one document of a YAML text. :raises MappingError: it is empty, or not YAML."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise MappingError(
            "a character that YAML does not allow.", file=file, line=line, remedy="Remove it and type the line again."
        ) from None
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error, text, file) from None
    except RecursionError:
        raise MappingError(
            "lists or blocks lie too deep in each other.",
            file=file,
            line=1,
            remedy="Look for brackets typed too often.",
        ) from None
    if node is None:
        raise MappingError(
            "the file is empty.", file=file, line=1, remedy="Copy the file that Samklang ships, and edit that."
        )
    return Located(node, file=file, name=name)


def did_you_mean(given: str, options: Iterable[str]) -> str:
    """A remedy that names the nearest option first, then all of them."""
    allowed = list(options)
    nearest = difflib.get_close_matches(given, allowed, n=1, cutoff=0.0)[0]
    return f"Did you mean `{nearest}`? Possible: {', '.join(allowed)}."


def _unreadable(error: yaml.MarkedYAMLError, text: str, file: str) -> MappingError:
    mark = error.problem_mark or error.context_mark
    line = 1 if mark is None else int(mark.line) + 1
    lines = text.splitlines()
    written = lines[line - 1] if line <= len(lines) else ""
    if "\t" in written[: len(written) - len(written.lstrip())]:
        return MappingError("a tab in the indentation.", file=file, line=line, remedy="Indent with spaces only.")
    return MappingError(
        f"this is not YAML: {error.problem or 'it cannot be read'}.",
        file=file,
        line=line,
        remedy="Look for a missing colon, bracket or quote on this line or the one before.",
    )
