"""The values that follow one another in a cell: a field of a record on one side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Record = tuple[str, str]
"""Side and id."""


@dataclass(eq=False, slots=True)
class Version:
    """One value.

    :param before: what stood there. :param at: seconds, when it came; None: nobody typed it.
    :param seen: whether we were shown it.
    :param seen_at: when we were first shown it.
    :param ours: `freed`: emptied by us, so that another record could have the value; `emptied`: that, or as it was with
        one of those who had the record's key. `default`: a system put it there beside our write, or for want of a
        price. `erased`: the shop emptied it with all that identifies a customer. None of these is an edit.
    :param over_ours: whether it was typed over a write of ours before any later read, or over what we had written to
        the other side: if that write was not heard of, nobody can know which of the two came first.
    """

    side: str
    field: str
    value: str | None
    before: Version | None
    at: float | None
    seen: bool = False
    over_ours: bool = False
    seen_at: float | None = None
    ours: str = ""

    def was_typed_over(self, other: Version) -> bool:
        """Whether this value was typed over `other` itself, or over one that was. The same value typed elsewhere does
        not count: whether the two systems agreed on it in between is for the reads to know."""
        step = self.before
        while step is not None and step is not other:
            step = step.before
        return step is other

    def came_before(self, other: Version) -> bool:
        """Whether `other` was typed over this value, or over one that was: on whichever side, it is the same value."""
        step = other.before
        while step is not None:
            if step.value == self.value:
                return True
            step = step.before
        return False


@dataclass(slots=True)
class Cell:
    version: Version
    changed_at: float
    all: list[Version] = field(default_factory=list)
    times: list[float] = field(default_factory=list)  # when each of them came
    ours: bool = False  # we wrote it, here or as a write that is forgotten there, and no later read has shown it


@dataclass(slots=True)
class Loss:
    """A version that we overwrote without having seen it."""

    record: Record
    version: Version
    in_window: bool


def forget_writes(cells: Sequence[Cell], saved_at: float) -> None:
    """No store remembers what we wrote into these cells since it was saved."""
    carried = {id(version) for cell in cells for version in _forget(cell, saved_at)}
    for cell in cells:
        # what was typed over one of them, where that was typed, is for the store an edit beside one of the other side
        for version, typed in pairwise(cell.all):
            typed.over_ours = typed.over_ours or (id(version) in carried and typed.side == version.side)
        cell.ours = cell.ours or id(cell.version) in carried


def _forget(cell: Cell, saved_at: float) -> list[Version]:
    """:returns: what we carried here, and were first shown since the store was saved: no plan in it says so either."""
    ours, carried = False, list[Version]()
    for version, came_at in zip(cell.all, cell.times, strict=True):
        if came_at <= saved_at:
            continue
        if version.at == came_at:
            version.over_ours, ours = version.over_ours or ours, False
            continue
        ours = True
        if version.ours == "default":
            version.ours, version.at = "", came_at  # the write beside which it was filled in is forgotten
        elif version.seen_at is not None and version.seen_at > saved_at:
            carried.append(version)
    cell.ours = cell.ours or ours
    return carried
