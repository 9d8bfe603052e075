"""Both systems carry a plan out, and tidy what they are sent."""

from __future__ import annotations

from simulation.planner.pairs import Based, Pair
from simulation.planner.reading import Expected, form_of, normal_of
from simulation.planner.terms import Terms


def apply(terms: Terms, pair: Pair, expected: Expected, sent: tuple[dict[str, str | None], ...]) -> None:
    """Both systems carry the plan out.

    :param sent: by side, the values that the planner wants to write: of a price the stored figure is its own choice.
    """
    pair.settled = not any(name == "" for _, name, _ in expected.held)
    pair.held_back = {name for _, name, _ in expected.held} | set(expected.waits)
    pair.matched = None
    for name in expected.drop:
        del pair.base[name]
    pair.base.update(expected.tuned)
    for target in (0, 1):
        changes = expected.rows[target]
        if changes and "" in pair.refuse_next:
            pair.refused[target, ""] = (dict(sent[target]), _retry_at(pair))
            pair.settled = False
            continue
        for name, change in changes.items():
            value = sent[target][name]
            if name in pair.refuse_next:
                pair.refused[target, name] = (value, _retry_at(pair))
                pair.settled = False
                continue
            pair.refused.pop((target, name), None)
            pair.raw[target][name] = _stored(terms, name, target, value)
            pair.base[name] = (change.source, change.source)  # completed below, once the whole record is stored
        for name, change in changes.items():
            if name in pair.refuse_next:
                continue
            f = terms.mapping.field(name)
            stored: Based = (pair.raw[target][name], normal_of(terms, pair, f, target), form_of(terms, pair, f, target))
            pair.base[name] = (change.source, stored) if target == 1 else (stored, change.source)
    pair.refuse_next.clear()


def _retry_at(pair: Pair) -> str:
    return pair.clocks[0].replace("2026-01", "2026-09")  # well after NOW


def _stored(terms: Terms, name: str, target: int, value: str | None) -> str | None:
    """Systems tidy what they are sent."""
    if target == 1 and value is None and "blank" in terms.tidies:
        return ""
    if target == 1 and value and name == "Mail" and "lower" in terms.tidies:
        return value.lower()
    return value
