"""What came of the rows of a load: which outcomes are writes, and which left a record as it was."""

from __future__ import annotations

from collections.abc import Mapping

WRITES = ("created", "written", "freed")
FOUND = ("linked",)
"""A twin that had been made already: linked, and nothing was written."""


def written(outcomes: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in outcomes.items() if name in WRITES}


def found(outcomes: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in outcomes.items() if name in FOUND}


def left(outcomes: Mapping[str, int]) -> dict[str, int]:
    """What was not carried out: refused, moved, gone, erased, outdated, …"""
    return {name: number for name, number in outcomes.items() if name not in (*WRITES, *FOUND)}
