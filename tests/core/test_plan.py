"""What a plan keeps, and what it keeps back."""

from __future__ import annotations

import pytest

from samklang.core.plan import FieldChange, Refusals, fingerprint, lacks_needs, row_content

NEEDS = ("city", "zip")
MEMBERS = ["line", "city", "zip"]


@pytest.mark.parametrize(
    ("before", "after", "lacking"),
    [
        # begun: an address where there was none
        ({}, {"line": "A", "city": "Moss", "zip": "1530"}, False),
        ({}, {"line": "A", "city": "Moss"}, True),
        ({}, {"line": "A"}, True),
        ({}, {}, False),
        # kept: what is needed may not be taken away
        ({"city": "Moss", "zip": "1530"}, {"city": "Moss", "zip": "1531"}, False),
        ({"city": "Moss", "zip": "1530"}, {"city": "Moss"}, True),
        ({"city": "Moss", "zip": "1530"}, {"city": " ", "zip": "1530"}, True),
        ({"city": "Moss", "zip": "1530"}, {}, False),
        # an address that lacked it before may be edited
        ({"line": "A", "city": "Moss"}, {"line": "B", "city": "Moss"}, False),
    ],
)
def test_a_group_is_neither_begun_nor_left_without_what_the_target_needs(
    before: dict[str, str | None], after: dict[str, str | None], lacking: bool
) -> None:
    assert lacks_needs(MEMBERS, NEEDS, before, after) is lacking


def refusals(content: object, retry_at: str) -> Refusals:
    return Refusals({("shopify", "1", "phone"): (fingerprint(content), retry_at, "taken", "Change it.")}, "2026-02")


def test_a_refusal_stands_for_the_same_content_until_its_next_try_is_due() -> None:
    hold = refusals("+47", "2026-03").standing("shopify", "1", "phone", "+47")
    assert hold is not None
    assert (hold.reason, hold.remedy) == ("taken", "Change it.")

    assert refusals("+47", "2026-03").standing("shopify", "1", "phone", "+46") is None
    assert refusals("+47", "2026-02").standing("shopify", "1", "phone", "+47") is None
    assert refusals("+47", "2026-03").standing("powerofficego", "1", "phone", "+47") is None


def test_a_fingerprint_tells_contents_apart_and_keeps_none_of_them() -> None:
    changes = [FieldChange("phone", None, "+4722334455", "edit", ("22334455", "+4722334455", "phone"))]

    mark = fingerprint(row_content(changes))

    assert mark == fingerprint({"phone": "+4722334455"})
    assert mark != fingerprint({"phone": None})
    assert "4722334455" not in mark
