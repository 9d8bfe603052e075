"""What a plan keeps, and what it keeps back."""

from __future__ import annotations

import pytest

from samklang.core.plan import FieldChange, Refusals, Refused, fingerprint, join_clocks, row_content
from samklang.core.plan_pairs import lacks_needs

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


EDITED = join_clocks("2026-01-01", "{}", "2026-01-02", "{}")


def stands(
    retry_at: str | None = "2026-03",
    *,
    known_edits: str | None = EDITED,
    side: str = "shopify",
    content: str = "+47",
    edited: str = EDITED,
) -> bool:
    """Whether a refusal of `+47` towards shopify stands in February."""
    refused = Refused(fingerprint("+47"), retry_at, "taken", "Change it.", known_edits)
    hold = Refusals({("shopify", "1", "phone"): refused}, "2026-02").standing(side, "1", "phone", content, edited)
    assert hold is None or (hold.reason, hold.remedy) == ("taken", "Change it.")
    return hold is not None


def test_a_refusal_stands_for_the_same_content_until_its_next_try_is_due() -> None:
    assert stands("2026-03")
    assert not stands("2026-02")
    assert not stands(content="+46")
    assert not stands(side="powerofficego")


def test_a_skipped_refusal_stands_until_somebody_edits_either_record() -> None:
    assert stands(None)
    assert not stands(None, content="+46")
    assert not stands(None, edited=join_clocks("2026-01-03", "{}", "2026-01-02", "{}"))
    assert not stands(None, edited=join_clocks("2026-01-01", "{}", "2026-01-02", '{"address":"2026-01-03"}'))


def test_a_refusal_of_an_older_store_stands_until_its_next_try_is_due() -> None:
    """It does not know when the records were edited."""
    assert stands("2026-03", known_edits=None)
    assert not stands("2026-02", known_edits=None)


def test_a_fingerprint_tells_contents_apart_and_keeps_none_of_them() -> None:
    changes = [FieldChange("phone", None, "+4722334455", "edit", ("22334455", "+4722334455", "phone"))]

    mark = fingerprint(row_content(changes))

    assert mark == fingerprint({"phone": "+4722334455"})
    assert mark != fingerprint({"phone": None})
    assert "4722334455" not in mark
