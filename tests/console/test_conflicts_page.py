"""The page *Conflicts*: both values side by side, and a person's last word, for one or many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.console.conftest import KARI, Browser
from tests.sync.world import NO_LIMITS, World, customers

from samklang.store.schema import actions, conflicts


@pytest.fixture
def decided(world: World) -> tuple[World, str, str]:
    """A pair in conflict over the last name: Shopify's, typed later, stands on both sides."""
    a, b = world.pair(**KARI)
    world.left.edit(a, last="Berg")
    world.right.edit(b, last="Moe")
    world.run()
    return world, a, b


def numbers(world: World) -> list[int]:
    with world.database.read() as connection:
        return list(connection.execute(select(conflicts.c.id).order_by(conflicts.c.id)).scalars())


def test_a_decided_conflict_shows_both_values_and_who_won(decided: tuple[World, str, str], viewer: Browser) -> None:
    text = viewer.page("/conflicts")

    assert "Berg" in text
    assert "Moe" in text
    assert 'class="state approved">won' in text


def test_the_other_value_is_taken_by_the_next_runs_and_kept_with_who_took_it(
    decided: tuple[World, str, str], user: Browser
) -> None:
    world, a, b = decided

    answer = user.post("/conflicts", {"action": "take", "ids": numbers(world), "show": "decided"})
    for _ in range(2):
        world.run()

    assert "Taken, and written by the next run" in answer.text
    assert (world.left.value(a, "last"), world.right.value(b, "last")) == ("Berg", "Berg")
    assert [(row["what"], row["person"], row["via"]) for row in world.rows(actions)] == [("take", "kim", "console")]


def test_keeping_many_conflicts_takes_them_off_the_list_once(decided: tuple[World, str, str], user: Browser) -> None:
    world, _, _ = decided

    for _ in range(2):
        user.post("/conflicts", {"action": "keep", "ids": numbers(world), "show": "decided"})

    assert "that nobody has looked at" in user.page("/conflicts?show=decided")
    assert "kim" in user.page("/conflicts?show=reviewed")
    assert len(world.rows(actions)) == 1


def test_an_open_conflict_goes_to_the_side_that_a_person_chose(home: Path, user: Browser) -> None:
    world = World(home, customers("policy: ask", NO_LIMITS))
    a, b = world.pair(**KARI)
    world.left.edit(a, last="Berg")
    world.right.edit(b, last="Moe")
    world.run()
    assert "Let PowerOffice Go stand" in user.page("/conflicts")

    user.post("/conflicts", {"action": "take", "side": "powerofficego", "ids": numbers(world), "show": "open"})
    world.run()

    assert (world.left.value(a, "last"), world.right.value(b, "last")) == ("Berg", "Berg")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"action": "take"}, "Choose conflicts first."),
        ({"action": "take", "ids": [999]}, "There is no conflict 999"),
        ({"action": "take", "ids": [1], "side": "nowhere"}, "There is no side nowhere"),
    ],
)
def test_a_choice_that_cannot_be_says_why(
    data: dict[str, Any], told: str, decided: tuple[World, str, str], user: Browser
) -> None:
    world, _, _ = decided
    if data.get("ids") == [1]:
        data = {**data, "ids": numbers(world)}

    assert told in user.post("/conflicts", data).text
    assert world.rows(actions) == []
