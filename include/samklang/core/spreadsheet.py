"""CSV that people open in a spreadsheet: no cell of it is taken for a formula, and each reads back as what it was.

Excel and LibreOffice carry out what begins with one of a few signs, also in full width. They take a file apart at
semicolons or tabs where their language has it so, whatever its lines are made of; so a formula may begin inside a cell.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import TextIO

_SIGNS = "=+\\-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋"
"""ASCII, full width, small, and the other forms that Unicode calls compatible with these."""
_ENDS = ",;\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029"
"""Where a spreadsheet may let a cell end."""
_BLANKS = ' \x00-\x08\x0e-\x1b\x1f\xa0\xad\u1680\u180e\u2000-\u200f\u202f\u205f\u2060\u3000\ufeff"“”'
"""What it may skip before the sign."""
_START = rf"(?:(?<![\s\S])|(?<=[{_ENDS}]))([{_BLANKS}]*)"
_FORMULA = re.compile(rf"{_START}(?='*[{_SIGNS}])")
_TEXT = re.compile(rf"{_START}'(?='*[{_SIGNS}])")


def as_text(value: str) -> str:
    """A value that no spreadsheet takes for a formula: with an apostrophe before each sign that would begin one."""
    return _FORMULA.sub(r"\1'", value)


def from_text(cell: str) -> str:
    """The value of which `as_text` made a cell."""
    return _TEXT.sub(r"\1", cell)


class Sheet:
    """A CSV file that is being written."""

    def __init__(self, file: TextIO) -> None:
        self._out = csv.writer(file)

    def line(self, cells: Iterable[str]) -> None:
        self._out.writerow([as_text(cell) for cell in cells])
