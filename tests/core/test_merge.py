"""The three-way merge against a plain reading of the rules, pair by pair and field by field, over many small worlds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samklang.core.clocks import seconds_between
from samklang.core.compare import field_arrays
from samklang.core.jsontext import dumps
from samklang.core.mapping import Field, Mapping
from samklang.core.merge import AGREE, NOTHING, TO_FIRST, TO_SECOND, Merged, merge
from samklang.core.values import normal_form

FIRST, SECOND = SIDES = ("powerofficego", "shopify")
CLOCKS = ("2026-01-01T00:00:00.0000000Z", "2026-01-01T00:00:01.0000000Z", "2026-01-01T01:00:00.0000000Z")
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cell:
    """One field of one pair: raw values and bases, first side first; `UNKNOWN` and no base are told apart from None.

    :param base: raw values and normal forms of both sides, as stored; None: there is none.
    """

    raw: tuple[str | None, str | None]
    base: tuple[tuple[str | None, str | None], tuple[str | None, str | None]] | None


@dataclass(frozen=True)
class Pair:
    cells: dict[str, Cell]
    clocks: tuple[str, str]
    group_clocks: tuple[str | None, str | None] = (None, None)


def field(name: str, **options: Any) -> Field:
    return Field(names={FIRST: name, SECOND: name.lower()}, kind="email", origin="extension", **options)


def mapping_of(*fields: Field, share: dict[str, bool] | None = None) -> Mapping:
    return Mapping("customers", SIDES, "@hourly", ("A",), fields, frozenset({SECOND}), share=share or {})


# --- the rules, read slowly -------------------------------------------------------------------------------------------


def expected(mapping: Mapping, pair: Pair) -> dict[str, str]:
    """What to do with each field: `nothing`, `agree`, `write first`, `write second` or `wait`."""
    result = {}
    for f in mapping.fields:
        result[f.name] = "nothing"
    for members in groups(mapping):
        in_conflict = [f for f in members if is_conflict(pair.cells[f.name])]
        for f in members:
            result[f.name] = decide(mapping, f, pair, in_conflict)
    return result


def decide(mapping: Mapping, f: Field, pair: Pair, in_conflict: list[Field]) -> str:
    cell = pair.cells[f.name]
    if UNKNOWN in cell.raw:
        return "nothing"  # rule 5
    changed, equal, empty = state(cell)
    if equal:
        return "agree" if cell.base is None or cell.raw != cell.base[0] else "nothing"
    if cell.base is not None and not any(changed):
        return "agree" if cell.raw != cell.base[0] else "nothing"  # other words for the same, on either side
    if f in in_conflict or (in_conflict and any(changed)):
        winner = winner_of(mapping, f, in_conflict[0], pair, own=f in in_conflict)
        if winner is None:
            return "wait"
        if not allowed(f, 1 - winner):
            return "wait"
        return write(mapping, f, cell, source=winner)
    source = changed.index(True) if cell.base is not None else empty.index(False)
    if allowed(f, 1 - source):
        return write(mapping, f, cell, source=source)
    if cell.base is None:
        return "wait"
    return write(mapping, f, cell, source=1 - source)  # rule 6: drift is put back


def write(mapping: Mapping, f: Field, cell: Cell, *, source: int) -> str:
    if state(cell)[2][source] and not f.clear:
        return "wait"
    if not mapping.shares(SIDES[1 - source]):
        return "wait"
    return ("write second", "write first")[source]


def winner_of(mapping: Mapping, f: Field, judged_by: Field, pair: Pair, *, own: bool) -> int | None:
    clocks = [pair.group_clocks[i] if judged_by.group and pair.group_clocks[i] else pair.clocks[i] for i in (0, 1)]
    if judged_by.policy == "ask":
        return None
    if judged_by.policy in SIDES:
        winner = SIDES.index(judged_by.policy)
    elif abs(seconds_between(str(clocks[0]), str(clocks[1]))) <= 1:
        winner = 0
    else:
        winner = 0 if str(clocks[0]) > str(clocks[1]) else 1
    if f.direction != "both":
        winner = 1 - SIDES.index(f.direction.removeprefix("to_"))
    empty = state(pair.cells[f.name])[2]
    return 1 - winner if own and empty[winner] else winner


def is_conflict(cell: Cell) -> bool:
    if UNKNOWN in cell.raw:
        return False
    changed, equal, empty = state(cell)
    return not equal and (all(changed) if cell.base is not None else not any(empty))


def state(cell: Cell) -> tuple[list[bool], bool, list[bool]]:
    """Changed on each side; equal; empty on each side."""
    normal = [normal_form("email", raw) for raw in cell.raw]
    changed = [False, False]
    if cell.base is not None:
        raws, normals = cell.base
        changed = [cell.raw[i] != raws[i] and normal[i] != normals[i] for i in (0, 1)]
    return changed, normal[0] == normal[1], [value is None for value in normal]


def allowed(f: Field, target: int) -> bool:
    return f.direction in ("both", f"to_{SIDES[target]}")


def groups(mapping: Mapping) -> list[list[Field]]:
    found: dict[str, list[Field]] = {}
    for f in mapping.fields:
        found.setdefault(f.group or f.name, []).append(f)
    return list(found.values())


# --- the merge, told in the same words --------------------------------------------------------------------------------


def frame(mapping: Mapping, pairs: list[Pair]) -> pd.DataFrame:
    columns: dict[str, list[Any]] = {}
    for n, side in enumerate(SIDES):
        raws = [{f: c.raw[n] for f, c in p.cells.items() if c.raw[n] != UNKNOWN} for p in pairs]
        based = [{f: c.base for f, c in p.cells.items() if c.base is not None} for p in pairs]
        columns |= {
            f"{side}_raw": [dumps(raw) for raw in raws],
            f"{side}_normal": [dumps({f: normal_form("email", v) for f, v in raw.items()}) for raw in raws],
            f"{side}_form": [dumps(dict.fromkeys(raw, "email")) for raw in raws],
            f"{side}_base_raw": [dumps({f: b[0][n] for f, b in bases.items()}) for bases in based],
            f"{side}_base_normal": [dumps({f: b[1][n] for f, b in bases.items()}) for bases in based],
            f"{side}_base_form": [dumps(dict.fromkeys(bases, "email")) for bases in based],
            f"{side}_clock": [p.clocks[n] for p in pairs],
            f"{side}_group_clocks": [dumps({"g": p.group_clocks[n]} if p.group_clocks[n] else {}) for p in pairs],
            f"{side}_changed_after": [None for _ in pairs],
        }
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def merged(mapping: Mapping, pairs: list[Pair]) -> Merged:
    columns = frame(mapping, pairs)
    return merge(mapping, columns, field_arrays(mapping, columns))


def found(mapping: Mapping, pairs: list[Pair]) -> list[dict[str, str]]:
    words = {NOTHING: "nothing", AGREE: "agree", TO_FIRST: "write first", TO_SECOND: "write second"}
    result = merged(mapping, pairs)
    return [
        {f.name: "wait" if result.reason[f.name][i] else words[int(result.action[f.name][i])] for f in mapping.fields}
        for i in range(len(pairs))
    ]


VALUES = st.sampled_from([None, "", "a", " A", "b", "B ", "c"])


@st.composite
def cells(draw: Callable[..., Any]) -> Cell:
    raw = tuple(
        draw(st.one_of(VALUES, st.just(UNKNOWN))) if draw(st.integers(0, 9)) == 0 else draw(VALUES) for _ in SIDES
    )
    if draw(st.booleans()):
        return Cell(raw, None)
    base = tuple(draw(st.one_of(VALUES, st.just(raw[n] if raw[n] != UNKNOWN else None))) for n in range(2))
    # Normal forms as they were made one day; now and then they would be others today.
    normal = tuple("x" if draw(st.integers(0, 9)) == 0 else normal_form("email", value) for value in base)
    return Cell(raw, (base, normal))  # type: ignore[arg-type]


FIELDS = st.builds(
    field,
    st.just("A"),
    direction=st.sampled_from(["both", "both", "both", f"to_{FIRST}", f"to_{SECOND}"]),
    policy=st.sampled_from(["latest", FIRST, SECOND, "ask"]),
    clear=st.sampled_from([True, True, False]),
    group=st.just(None),
)


@st.composite
def worlds(draw: Callable[..., Any]) -> tuple[Mapping, list[Pair]]:
    group_policy = draw(st.sampled_from(["latest", FIRST, SECOND, "ask"]))
    fields = [replace(draw(FIELDS), names={FIRST: "A", SECOND: "a"})]
    fields += [
        replace(draw(FIELDS), names={FIRST: name, SECOND: name.lower()}, policy=group_policy, group="g")
        for name in "BCD"
    ]
    share = {side: draw(st.integers(0, 4)) > 0 for side in SIDES}
    mapping = mapping_of(*fields, share=share)
    clock = st.sampled_from(CLOCKS)
    pairs = draw(
        st.lists(
            st.builds(
                Pair,
                st.fixed_dictionaries({name: cells() for name in "ABCD"}),
                st.tuples(clock, clock),
                st.tuples(st.one_of(st.none(), clock), st.one_of(st.none(), clock)),
            ),
            min_size=1,
            max_size=8,
        )
    )
    return mapping, pairs


@settings(max_examples=250)
@given(worlds())
def test_the_merge_decides_every_field_of_every_pair_as_the_rules_say(world: tuple[Mapping, list[Pair]]) -> None:
    mapping, pairs = world

    assert found(mapping, pairs) == [expected(mapping, pair) for pair in pairs]


def every_row() -> list[Cell]:
    """Each combination of unchanged, changed, emptied, empty, unknown and no base on both sides."""
    values = (None, "a", " A", "b", "c", UNKNOWN)
    bases = (None, (("a", "a"), ("a", "a")), ((None, None), (None, None)), (("a", None), ("a", None)))
    return [Cell((left, right), base) for left in values for right in values for base in bases]


@pytest.mark.parametrize("direction", ["both", f"to_{FIRST}", f"to_{SECOND}"])
@pytest.mark.parametrize("policy", ["latest", FIRST, SECOND, "ask"])
@pytest.mark.parametrize("clear", [True, False])
@pytest.mark.parametrize("share", [{}, {FIRST: False}, {SECOND: False}])
def test_the_whole_truth_table(direction: str, policy: str, clear: bool, share: dict[str, bool]) -> None:
    mapping = mapping_of(field("A", direction=direction, policy=policy, clear=clear), share=share)
    pairs = [Pair({"A": cell}, clocks) for cell in every_row() for clocks in ((CLOCKS[0], CLOCKS[2]), CLOCKS[2:0:-1])]

    assert found(mapping, pairs) == [expected(mapping, pair) for pair in pairs]


@given(worlds())
@settings(max_examples=50)
def test_an_empty_value_never_wins_a_conflict(world: tuple[Mapping, list[Pair]]) -> None:
    mapping, pairs = world

    for conflict in merged(mapping, pairs).conflicts:
        cell = pairs[conflict.pair].cells[conflict.field]
        if is_conflict(cell) and conflict.winner is not None:
            assert normal_form("email", cell.raw[conflict.winner]) is not None


@given(worlds())
@settings(max_examples=50)
def test_a_merge_carried_out_leaves_nothing_to_do(world: tuple[Mapping, list[Pair]]) -> None:
    mapping, pairs = world
    after = [carried_out(pair, decisions) for pair, decisions in zip(pairs, found(mapping, pairs), strict=True)]

    for before, decisions in zip(pairs, found(mapping, after), strict=True):
        for name, decision in decisions.items():
            if expected(mapping, before)[name] in ("agree", "write first", "write second"):
                assert decision == "nothing"


def carried_out(pair: Pair, decisions: dict[str, str]) -> Pair:
    cells = {}
    for name, cell in pair.cells.items():
        raw = cell.raw
        if decisions[name] == "write first":
            raw = (raw[1], raw[1])
        elif decisions[name] == "write second":
            raw = (raw[0], raw[0])
        elif decisions[name] != "agree":
            cells[name] = cell
            continue
        cells[name] = Cell(raw, (raw, (normal_form("email", raw[0]), normal_form("email", raw[1]))))
    return replace(pair, cells=cells)


def test_no_pairs_need_nothing() -> None:
    assert found(mapping_of(field("A")), []) == []
