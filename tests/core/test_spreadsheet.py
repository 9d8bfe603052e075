"""What spreadsheets make of a file, and what is read back."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from samklang.core.spreadsheet import Sheet, as_text, from_text

SIGNS = "=+-@＝＋－＠"


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("before", ["", " ", "\t", "\r", "\u00a0", "\u200b", "\ufeff", "x;", "x; ", "x\t", "x\n",
                                    "x\r\n", "x,", 'x;"', "x\u2028"])  # fmt: skip
def test_no_part_of_a_cell_begins_a_formula(before: str, sign: str) -> None:
    assert as_text(f"{before}{sign}HYPERLINK(1)") == f"{before}'{sign}HYPERLINK(1)"


@pytest.mark.parametrize(
    "value", ["", "Kari Lie", "a-b", "kari+x@post.example", "1 = 1", "Ola; Dal", "powerofficego:1"]
)
def test_what_begins_no_formula_stays_as_it_is(value: str) -> None:
    assert as_text(value) == value


@given(st.text(alphabet=st.one_of(st.sampled_from(SIGNS + "';,\t\r\n \"\u200bab"), st.characters())))
@example("'=1")
@example(";''=1;=2")
@example("\t\n=")
def test_a_cell_reads_back_as_what_it_was(value: str) -> None:
    cell = as_text(value)
    assert from_text(cell) == value
    for end in ";\t\n\r,":
        for part in cell.split(end):
            assert not part.strip(' "\t\r\n\u200b').startswith(tuple(SIGNS)), cell


def test_a_line_is_guarded_in_every_cell() -> None:
    file = io.StringIO(newline="")
    Sheet(file).line(["=a", "b;=c", "d"])
    assert next(csv.reader([file.getvalue()])) == ["'=a", "b;'=c", "d"]
