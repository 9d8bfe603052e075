"""The order of writes where one record takes a value that another one still holds.

Two linked customers may swap e-mail addresses, and a system that wants them unique refuses the first of the two
writes. So a value is freed before it is taken: the taker waits a wave, and a circle is opened by emptying one value
first.
"""

from __future__ import annotations

from collections.abc import Callable
from graphlib import CycleError, TopologicalSorter

from samklang.core.plan import FieldChange, Row

Normal = Callable[[str, str | None], str | None]
"""(field, value) → what makes two values the same."""

Slot = tuple[str, str, str]
"""Side, field, value."""


def order(rows: list[Row], unique: dict[str, frozenset[str]], normal: Normal) -> list[Row]:
    """Set each row's wave; rows that open a circle come on top.

    :param unique: by side, the fields whose values no two records may share.
    """
    frees: dict[Slot, int] = {}
    takes: dict[int, list[Slot]] = {}
    for number, row in enumerate(rows):
        for change in row.changes:
            if change.field not in unique.get(row.side, frozenset()):
                continue
            held, wanted = normal(change.field, change.expected), normal(change.field, change.value)
            if held is not None and held != wanted and row.op == "update":
                frees[row.side, change.field, held] = number
            if wanted is not None and wanted != held:
                takes.setdefault(number, []).append((row.side, change.field, wanted))
    waits = {n: {frees[slot] for slot in slots if slot in frees} - {n} for n, slots in takes.items()}
    waits = {n: others for n, others in waits.items() if others}
    opened = _open_circles(rows, waits, frees, takes)
    waves = _depths(waits)
    for number, row in enumerate(rows):
        row.wave = waves.get(number, 0) + (1 if opened else 0)
    return opened + rows


def _open_circles(
    rows: list[Row], waits: dict[int, set[int]], frees: dict[Slot, int], takes: dict[int, list[Slot]]
) -> list[Row]:
    """Cut each circle at one row: its value is emptied first, and nobody waits for it any more."""
    opened: list[Row] = []
    while circle := _circle(waits):
        taker, holder = circle
        waits[taker].discard(holder)
        if not waits[taker]:
            del waits[taker]
        opened += [
            _free(rows[holder], name) for side, name, value in takes[taker] if frees.get((side, name, value)) == holder
        ]
    return opened


def _free(row: Row, name: str) -> Row:
    """Empty one field now; the row itself then finds it empty."""
    change = next(c for c in row.changes if c.field == name)
    emptied = FieldChange(name, change.expected, None, "free", change.source)
    change.expected = None
    return Row(
        side=row.side, op="free", source_id=row.source_id, changes=[emptied], id=row.id, revision=row.revision,
        last_edits=row.last_edits, facts=row.facts,
    )  # fmt: skip


def _circle(waits: dict[int, set[int]]) -> tuple[int, int] | None:
    """One edge (waiter, waited for) of a circle, or None."""
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        waited_for, waiter = error.args[1][:2]
        return waiter, waited_for
    return None


def _depths(waits: dict[int, set[int]]) -> dict[int, int]:
    depths: dict[int, int] = {}
    for number in TopologicalSorter(waits).static_order():
        depths[number] = 1 + max((depths[n] for n in waits.get(number, ())), default=-1)
    return depths
