"""Review: does a plan stay within the mapping's limits?"""

from __future__ import annotations

from typing import Any

from samklang.core.mapping import Mapping

_PART_APPLIES_FROM = 10


def beyond_limits(mapping: Mapping, counts: dict[str, Any]) -> list[str]:
    """Each limit that the plan passes, in words; empty when it stays within all of them."""
    limits, found = mapping.limits, []
    for kind in ("creates", "updates", "clears"):
        limit = getattr(limits, kind)
        for side, number in counts[kind].items():
            if number > limit:
                found.append(f"{number} {kind} in {side}; the limit is {limit}")
    if counts["link_conflicts"] > limits.link_conflicts:
        found.append(
            f"{counts['link_conflicts']} fields differ where a new link has no base; "
            f"the limit is {limits.link_conflicts}"
        )
    linked = counts["linked_before"]
    if linked >= _PART_APPLIES_FROM:
        for side, number in counts["updates"].items():
            if number > limits.part * linked:
                found.append(f"{number} of {linked} linked records in {side} updated; the limit is {limits.part:.0%}")
    return found


def summary_table(counts: dict[str, Any]) -> str:
    """The plan's counts as a Markdown table, for the approval and the run note."""
    sides = list(counts["creates"])
    lines = [f"| | {' | '.join(sides)} |", f"|---|{'---|' * len(sides)}"]
    lines += [
        f"| {kind} | {' | '.join(str(counts[kind][side]) for side in sides)} |"
        for kind in ("creates", "updates", "clears")
    ]
    others = ("links", "conflicts", "link_conflicts", "held", "ambiguous", "excluded")
    lines += ["", ", ".join(f"{name.replace('_', ' ')}: {counts[name]}" for name in others)]
    return "\n".join(lines)
