"""What one run may do without asking."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sync.world import LEFT, RIGHT, customers

from samklang.sync.review import beyond_limits, summary_table

LIMITS = customers("limits: {creates: 5, updates: 5, clears: 5, link_conflicts: 1, part: 20%}")


def counts(**changes: Any) -> dict[str, Any]:
    nothing = {LEFT: 0, RIGHT: 0}
    return {
        "linked_before": 100, "links": 0, "creates": nothing, "updates": nothing, "clears": nothing, "conflicts": 0,
        "link_conflicts": 0, "held": 0, "ambiguous": 0, "excluded": 0, **changes,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["creates", "updates", "clears"])
def test_each_limit_holds_for_each_side(kind: str) -> None:
    assert beyond_limits(LIMITS, counts(**{kind: {LEFT: 5, RIGHT: 5}})) == []
    assert beyond_limits(LIMITS, counts(**{kind: {LEFT: 5, RIGHT: 6}})) == [f"6 {kind} in Shopify; the limit is 5"]


def test_differences_of_new_links_have_a_limit_of_their_own() -> None:
    assert beyond_limits(LIMITS, counts(link_conflicts=1)) == []
    assert "the limit is 1" in beyond_limits(LIMITS, counts(link_conflicts=2))[0]


@pytest.mark.parametrize(("linked", "passed"), [(9, 0), (10, 1), (15, 0), (14, 1)])
def test_a_part_of_the_linked_records_counts_from_ten_on(linked: int, passed: int) -> None:
    updates = {LEFT: 3, RIGHT: 0}

    assert len(beyond_limits(LIMITS, counts(linked_before=linked, updates=updates))) == passed


def test_the_limits_are_armed_on_the_first_run() -> None:
    assert beyond_limits(LIMITS, counts(linked_before=0, creates={LEFT: 0, RIGHT: 6})) != []


def test_the_summary_tells_what_would_happen_on_each_side() -> None:
    table = summary_table(counts(creates={LEFT: 1, RIGHT: 2}, link_conflicts=3))

    assert "| creates | 1 | 2 |" in table
    assert "link conflicts: 3" in table
