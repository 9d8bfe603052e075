"""Review: does a plan stay within the mapping's limits?"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from samklang.core.mapping import Mapping
from samklang.core.sides import TITLES, title

WITHIN_LIMITS, PROCEED = NOBODY_ASKED = ("within limits", "on_guard: proceed")
"""What stands in a plan for who approved it, where nobody was asked."""
_PART_APPLIES_FROM = 10
_PER_SIDE = ("creates", "updates", "clears", "price_moves", "put_back")


def beyond_limits(mapping: Mapping, counts: dict[str, Any]) -> list[str]:
    """Each limit that the plan passes, in words; empty when it stays within all of them."""
    limits, found = mapping.limits, []
    if limits.links is not None and counts["links"] > limits.links:
        found.append(f"{_counted(counts['links'], 'new link')}; the limit is {limits.links}")
    for kind in ("creates", "updates", "clears"):
        limit = getattr(limits, kind)
        for side, number in counts[kind].items():
            if number > limit:
                found.append(f"{_counted(number, kind[:-1])} in {title(side)}; the limit is {limit}")
    if limits.price_move is not None:
        for side, number in counts.get("price_moves", {}).items():
            if number:
                moves = "1 price moves" if number == 1 else f"{number} prices move"
                part = f"{_percent(limits.price_move)} of the old one"
                found.append(f"{moves} in {title(side)} by more than the limit, {part}")
    if counts["link_conflicts"] > limits.link_conflicts:
        number = counts["link_conflicts"]
        differ = "1 field differs" if number == 1 else f"{number} fields differ"
        found.append(f"{differ} where a new link has no base; the limit is {limits.link_conflicts}")
    linked = counts["linked_before"]
    if linked >= _PART_APPLIES_FROM:
        for side, number in counts["updates"].items():
            if number > limits.part * linked:
                part = _percent(limits.part)
                found.append(f"{number} of {linked} linked records in {title(side)} updated; the limit is {part}")
    return found


def summary_table(counts: dict[str, Any]) -> str:
    """The plan's counts as a Markdown table, for the approval and the run note."""
    sides = [side for side in TITLES if side in counts["creates"]]
    lines = [f"| | {' | '.join(map(title, sides))} |", f"|---|{'---|' * len(sides)}"]
    lines += [
        f"| {_words(kind)} | {' | '.join(str(counts[kind][side]) for side in sides)} |"
        for kind in _PER_SIDE
        if kind in counts  # a plan that has waited since an older version lacks some
    ]
    others = ("links", "conflicts", "link_conflicts", "held", "ambiguous", "excluded")
    lines += ["", ", ".join(f"{_words(name)}: {counts[name]}" for name in others)]
    return "\n".join(lines)


def _counted(number: int, one: str) -> str:
    return f"{number} {one if number == 1 else one + 's'}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _percent(share: float | Decimal) -> str:
    return f"{float(share) * 100:g}%"
