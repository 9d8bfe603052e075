"""The order of writes where values go from one record to another."""

from __future__ import annotations

import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samklang.core.plan import FieldChange, Row
from samklang.core.waves import order

SIDE = "shopify"
UNIQUE = {SIDE: frozenset({"email"})}


def lowered(_field: str, value: str | None) -> str | None:
    return value.lower() if value else None


def update(name: str, held: str | None, wanted: str | None, field: str = "email") -> Row:
    return Row(
        SIDE, "update", f"source-{name}", [FieldChange(field, held, wanted, "edit", (wanted, wanted, field))], id=name
    )


def create(name: str, wanted: str) -> Row:
    return Row(SIDE, "create", f"source-{name}", [FieldChange("email", None, wanted, "create", (wanted, wanted, ""))])


def carried_out(rows: list[Row], held: dict[str, str | None]) -> dict[str, str | None]:
    """Do the rows by wave; a value that somebody else holds, or that is not as expected, is a fault."""
    held = dict(held)
    for row in sorted(rows, key=lambda row: row.wave):
        name = row.id or row.source_id
        (change,) = row.changes
        assert held.get(name) == change.expected
        others = {lowered("", value) for other, value in held.items() if other != name and value}
        assert change.value is None or lowered("", change.value) not in others
        held[name] = change.value
    return held


@given(st.permutations(range(6)), st.integers(0, 6))
def test_values_that_change_places_in_any_way_are_never_held_twice(places: list[int], gone: int) -> None:
    held: dict[str, str | None] = {str(n): f"e{n}" for n in range(6)}
    wanted: dict[str, str | None] = {str(n): f"E{places[n]}" for n in range(6)}
    if gone < 6:
        wanted[str(gone)] = None
    rows = [update(n, held[n], wanted[n]) for n in held if lowered("", wanted[n]) != held[n]]

    result = carried_out(order(rows, UNIQUE, lowered), held)

    assert {n: lowered("", value) for n, value in result.items()} == {n: lowered("", v) for n, v in wanted.items()}


def test_each_circle_is_opened_at_one_place_only() -> None:
    rows = [update("1", "a", "b"), update("2", "b", "a"), update("3", "c", "d"), update("4", "d", "c")]

    opened = [row for row in order(rows, UNIQUE, lowered) if row.op == "free"]

    assert len(opened) == 2
    assert {row.wave for row in opened} == {0}


def test_a_line_needs_no_opening() -> None:
    rows = order([update("1", "a", "b"), update("2", "b", "c"), update("3", "c", "d")], UNIQUE, lowered)

    assert [(row.id, row.op, row.wave) for row in rows] == [
        ("1", "update", 2),
        ("2", "update", 1),
        ("3", "update", 0),
    ]


def test_a_new_record_waits_for_the_value_that_it_takes() -> None:
    new, freeing = order([create("9", "A"), update("1", "a", "b")], UNIQUE, lowered)

    assert (new.wave, freeing.wave) == (1, 0)


def test_fields_that_may_be_the_same_wait_for_nobody() -> None:
    rows = order([update("1", "Kari", "Ola", "first"), update("2", "Ola", "Kari", "first")], UNIQUE, lowered)

    assert [(row.op, row.wave) for row in rows] == [("update", 0), ("update", 0)]


def test_other_words_for_the_own_value_free_nothing() -> None:
    rows = order([update("1", "a", "A"), create("9", "a")], UNIQUE, lowered)

    assert [row.wave for row in rows] == [0, 0]


def test_the_work_of_ordering_grows_with_the_number_of_swaps_and_no_faster() -> None:
    def calls(swaps: int) -> int:
        rows = [
            row for n in range(swaps) for row in (update(f"{n}a", f"a{n}", f"b{n}"), update(f"{n}b", f"b{n}", f"a{n}"))
        ]
        made = Counter[str]()
        sys.setprofile(lambda _frame, event, _what: made.update([event]))
        try:
            opened = order(rows, UNIQUE, lowered)
        finally:
            sys.setprofile(None)
        assert sum(row.op == "free" for row in opened) == swaps
        return made["call"] + made["c_call"]

    assert calls(2_000) < 2.2 * calls(1_000)


def test_a_ring_of_any_length_is_opened_once() -> None:
    many = 5_000  # deeper than Python's own stack
    rows = order([update(str(n), f"e{n}", f"e{(n + 1) % many}") for n in range(many)], UNIQUE, lowered)

    assert [row.op for row in rows[:2]] == ["free", "update"]
    assert sorted(row.wave for row in rows) == list(range(many + 1))


def test_whoever_cannot_be_without_a_value_is_not_emptied_first() -> None:
    rows = [update("1", "a", "b"), update("2", "b", "a")]
    rows[0].changes[0].needed = True

    assert [(row.id, row.op) for row in order(rows, UNIQUE, lowered)] == [
        ("2", "free"),
        ("1", "update"),
        ("2", "update"),
    ]


@pytest.mark.parametrize("wanted", ["a", "b"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_whoever_has_no_part_in_a_swap_comes_after_those_who_have(at: int, wanted: str) -> None:
    swap = [update("1", "a", "b"), update("2", "b", "a")]
    third = update("3", None, wanted)
    third.changes.append(FieldChange("first", "Kari", "Anna", "edit", ("Anna", "Anna", "text"), needed=True))

    order([*swap[:at], third, *swap[at:]], UNIQUE, lowered)

    assert third.wave > max(row.wave for row in swap if row.changes[0].value == wanted)


@pytest.mark.parametrize("turned", [False, True])
def test_whoever_was_emptied_and_whom_that_one_waits_for_come_before_all_others(turned: bool) -> None:
    emptied, before = update("1", None, "b"), update("2", "b", "c")
    emptied.changes[0].freed = "a"
    others = [update("3", None, "b"), create("4", "c")]
    rows = [emptied, before, *others]

    order(rows[::-1] if turned else rows, UNIQUE, lowered)

    assert [row.wave for row in others] == [emptied.wave + 1, before.wave + 1]


def test_where_nobody_can_be_without_a_value_nothing_is_emptied() -> None:
    rows = [update("1", "a", "b"), update("2", "b", "a")]
    for row in rows:
        row.changes[0].needed = True

    assert [row.op for row in order(rows, UNIQUE, lowered)] == ["update", "update"]
