"""Who is whose twin, over random groups of key holders."""

from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from samklang.core.matching import match
from samklang.core.records import Scope

SIDES = ("powerofficego", "shopify")
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "side": st.sampled_from(SIDES),
            "value": st.sampled_from(["a", "b", "c", None]),
            "second": st.sampled_from(["x", "y", None]),
            "scope": st.sampled_from([Scope.ACTIVE, Scope.ACTIVE, Scope.ARCHIVED, Scope.OUTSIDE]),
            "linked": st.booleans(),
        }
    ),
    max_size=8,
)


def world(people: list[dict[str, Any]]) -> tuple[dict[str, pd.Index], dict[str, pd.DataFrame]]:
    rows = [{**person, "id": str(n), "scope": str(person["scope"])} for n, person in enumerate(people)]
    free = [r for r in rows if not r["linked"] and r["scope"] != Scope.OUTSIDE]
    unlinked = {side: pd.Index([r["id"] for r in free if r["side"] == side], dtype=object) for side in SIDES}
    columns = ["side", "id", "value", "scope", "linked"]
    first = [r for r in rows if r["value"]]
    second = [{**r, "value": r["second"]} for r in rows if r["second"]]
    return unlinked, {
        "first": pd.DataFrame(first, columns=[*columns, "second"])[columns],
        "second": pd.DataFrame(second, columns=[*columns, "second"])[columns],
    }


@settings(max_examples=40)
@given(PEOPLE)
def test_each_free_record_gets_exactly_one_verdict(people: list[dict[str, Any]]) -> None:
    unlinked, holders = world(people)

    matches = match(SIDES, unlinked, holders)

    verdicts = [(SIDES[n], pair[n]) for pair in matches.pairs for n in (0, 1)]
    verdicts += [*matches.ambiguous, *matches.blocked, *matches.alone]
    assert sorted(verdicts) == sorted((side, i) for side in SIDES for i in unlinked[side])


@settings(max_examples=40)
@given(PEOPLE)
def test_twins_hold_a_key_that_nobody_else_holds(people: list[dict[str, Any]]) -> None:
    unlinked, holders = world(people)

    for a, b, key in match(SIDES, unlinked, holders).pairs:
        name = "value" if key == "first" else "second"
        value = people[int(a)][name]
        assert value == people[int(b)][name]
        assert sorted(str(n) for n, person in enumerate(people) if person[name] == value) == sorted([a, b])


@settings(max_examples=40)
@given(PEOPLE)
def test_who_is_alone_shares_no_key_with_anybody(people: list[dict[str, Any]]) -> None:
    unlinked, holders = world(people)
    matches = match(SIDES, unlinked, holders)

    for side, i in matches.alone:
        own = people[int(i)]
        if own["value"]:
            assert [n for n, p in enumerate(people) if p["value"] == own["value"]] == [int(i)]
        if own["second"]:
            assert all(p["side"] == side for n, p in enumerate(people) if p["second"] == own["second"] and n != int(i))


@settings(max_examples=40)
@given(PEOPLE)
def test_the_ambiguous_are_listed_with_every_holder_of_their_key(people: list[dict[str, Any]]) -> None:
    unlinked, holders = world(people)

    for (_, i), (key, candidates) in match(SIDES, unlinked, holders).ambiguous.items():
        name = "value" if key == "first" else "second"
        same = [(p["side"], str(n)) for n, p in enumerate(people) if p[name] == people[int(i)][name]]
        assert sorted((side, one) for side in SIDES for one in candidates[side]) == sorted(same)
        assert max(len(ids) for ids in candidates.values()) > 1


def test_a_holder_that_cannot_be_linked_is_named_with_the_reason() -> None:
    unlinked, holders = world(
        [
            {"side": SIDES[0], "value": "a", "second": None, "scope": Scope.ACTIVE, "linked": True},
            {"side": SIDES[1], "value": "a", "second": None, "scope": Scope.ACTIVE, "linked": False},
            {"side": SIDES[0], "value": "b", "second": None, "scope": Scope.OUTSIDE, "linked": False},
            {"side": SIDES[1], "value": "b", "second": None, "scope": Scope.ACTIVE, "linked": False},
        ]
    )

    assert match(SIDES, unlinked, holders).blocked == {
        (SIDES[1], "1"): ("first", "key_held_by_a_linked_record", "0"),
        (SIDES[1], "3"): ("first", "key_held_by_a_company", "2"),
    }
