"""The order of writes where one record takes a value that another one still holds.

Two linked customers may swap e-mail addresses, and a system that wants them unique refuses the first of the two
writes. So a value is freed before it is taken: the taker waits a wave, and a circle is opened by emptying one value
first. Where the target cannot be without it for a moment, the circle is only cut, and the system has the last word.

Where several take one value, those come first on whom a circle depends, or a record that an earlier plan emptied: if
somebody else had the value, that record could neither get its own nor have back what it had.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from graphlib import TopologicalSorter

from samklang.core.plan import FieldChange, Row

Normal = Callable[[str, str | None], str | None]
"""(field, value) → what makes two values the same."""

Slot = tuple[str, str, str]
"""Side, field, value."""

_Waits = dict[int, dict[int, list[str]]]
"""Which rows a row waits for, and the fields that it takes over from each."""


def order(rows: list[Row], unique: Mapping[str, frozenset[str]], normal: Normal) -> list[Row]:
    """Set each row's wave; rows that open a circle come on top. The work grows with the number of rows, no faster.

    :param unique: by side, the fields whose values no two records may share.
    """
    frees, takers = _slots(rows, unique, normal)
    waits = _waits(frees, takers)
    pressing = _pressing(rows, waits)
    roots = sorted(waits, key=lambda number: any(change.needed for change in rows[number].changes))
    freed: dict[int, list[str]] = {}
    for taker, holder in list(_closing(waits, roots)):
        names = [c.field for c in rows[holder].changes if c.field in waits[taker][holder] and not c.needed]
        freed.setdefault(holder, []).extend(name for name in names if name not in freed[holder])
        del waits[taker][holder]
    opened = [_free(rows[holder], names) for holder, names in sorted(freed.items()) if names]
    _let_first(pressing, takers, waits)
    depths = _depths(waits)
    for number, row in enumerate(rows):
        row.wave = depths.get(number, 0) + (1 if opened else 0)
    return opened + rows


def _slots(
    rows: list[Row], unique: Mapping[str, frozenset[str]], normal: Normal
) -> tuple[dict[Slot, int], dict[Slot, list[int]]]:
    """Which row lets go of a value, and which rows take it."""
    frees: dict[Slot, int] = {}
    takers: dict[Slot, list[int]] = {}
    for number, row in enumerate(rows):
        for change in row.changes:
            if change.field not in unique.get(row.side, frozenset()):
                continue
            held, wanted = normal(change.field, change.expected), normal(change.field, change.value)
            if held is not None and held != wanted and row.op == "update":
                frees[row.side, change.field, held] = number
            if wanted is not None and wanted != held:
                takers.setdefault((row.side, change.field, wanted), []).append(number)
    return frees, takers


def _waits(frees: Mapping[Slot, int], takers: Mapping[Slot, list[int]]) -> _Waits:
    waits: _Waits = {}
    for slot, numbers in takers.items():
        holder = frees.get(slot)
        for number in numbers:
            if holder is not None and holder != number:
                waits.setdefault(number, {}).setdefault(holder, []).append(slot[1])
    return waits


def _pressing(rows: list[Row], waits: _Waits) -> set[int]:
    """Rows in a circle or of a record that we emptied, and all that these wait for: whoever is left when those are
    taken away one by one for whom nobody waits. So none of them ever waits for one that is taken away."""
    owed = {number for number, row in enumerate(rows) if any(change.freed is not None for change in row.changes)}
    waited_for = Counter(holder for holders in waits.values() for holder in holders)
    pressing = set(range(len(rows)))
    free = [number for number in pressing if not waited_for[number] and number not in owed]
    while free:
        number = free.pop()
        pressing.discard(number)
        for holder in waits.get(number, ()):
            waited_for[holder] -= 1
            if not waited_for[holder] and holder not in owed:
                free.append(holder)
    return pressing


def _let_first(pressing: set[int], takers: Mapping[Slot, list[int]], waits: _Waits) -> None:
    """Whoever takes the same value as one of these waits for it."""
    for slot, numbers in takers.items():
        for first in pressing.intersection(numbers) if len(numbers) > 1 else ():
            for number in numbers:
                if number not in pressing:
                    waits.setdefault(number, {}).setdefault(first, []).append(slot[1])


def _closing(waits: _Waits, roots: list[int]) -> Iterator[tuple[int, int]]:
    """The pairs (waiter, waited for) that close a circle: without them there is none. Of a plain circle that is one
    pair, which waits for the root that the circle was entered at."""
    entered: set[int] = set()
    for root in roots:
        path: dict[int, Iterator[int]] = {}
        if root not in entered:
            entered.add(root)
            path[root] = iter(waits[root])
        while path:
            waiter = next(reversed(path))
            for other in path[waiter]:
                if other in path:
                    yield waiter, other
                elif other not in entered:
                    entered.add(other)
                    path[other] = iter(waits.get(other, ()))
                    break
            else:
                del path[waiter]


def _free(row: Row, names: list[str]) -> Row:
    """Empty some fields now; the row itself then finds them empty."""
    emptied = []
    for change in row.changes:
        if change.field in names:
            emptied.append(FieldChange(change.field, change.expected, None, "free", change.source))
            change.freed, change.expected = change.expected, None
    return Row(
        side=row.side, op="free", source_id=row.source_id, changes=emptied, id=row.id, revision=row.revision,
        last_edits=row.last_edits, facts=row.facts,
    )  # fmt: skip


def _depths(waits: _Waits) -> dict[int, int]:
    depths: dict[int, int] = {}
    for number in TopologicalSorter(waits).static_order():
        depths[number] = 1 + max((depths[n] for n in waits.get(number, ())), default=-1)
    return depths
