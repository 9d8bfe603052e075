"""`samklang conflicts`, `take`, `keep`."""

from __future__ import annotations

import pytest
from tests.cli.running import Answer, Command
from tests.sync.world import World, customers

from samklang.store.schema import conflicts

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}


@pytest.fixture
def decided(world: World) -> World:
    """First name edited on both sides; Shopify, which was later, has won."""
    world.left.add(id="11", **KARI)
    world.right.add(id="21", **KARI)
    world.run()
    world.left.edit("11", first="Karin")
    world.right.edit("21", first="Kaja")
    world.run()
    world.run()
    return world


def test_a_conflict_is_listed_with_both_values_times_rule_and_winner(decided: World, answer: Answer) -> None:
    (one,) = answer("conflicts", "customers")["conflicts"]

    assert one["values"] == {"powerofficego": "Karin", "shopify": "Kaja"}
    assert one["base"] == {"powerofficego": "Kari", "shopify": "Kari"}
    assert (one["field"], one["kind"], one["rule"], one["winner"], one["state"]) == (
        "FirstName", "edit", "latest", "shopify", "decided",
    )  # fmt: skip
    assert one["clocks"]["shopify"] > one["clocks"]["powerofficego"]


@pytest.mark.parametrize(
    ("words", "number"),
    [
        (("--state", "open"), 0),
        (("--state", "decided"), 1),
        (("--kind", "link"), 0),
        (("--field", "FirstName"), 1),
        (("--rule", "ask"), 0),
        (("--record", "kari@post.example"), 1),
    ],
)
def test_conflicts_are_filtered(decided: World, answer: Answer, words: tuple[str, ...], number: int) -> None:
    assert len(answer("conflicts", "customers", *words)["conflicts"]) == number


def test_the_value_that_lost_is_taken_and_travels_with_the_next_runs(decided: World, answer: Answer) -> None:
    (one,) = answer("conflicts", "customers")["conflicts"]

    done = answer("take", "customers", str(one["id"]))

    assert done == {"entity": "customers", "done": [f"conflict {one['id']} (FirstName)"], "left": []}
    decided.run()
    decided.run()
    assert [r.values["firstName"] for r in decided.right.records.values()] == ["Karin"]
    assert [r.values["FirstName"] for r in decided.left.records.values()] == ["Karin"]


def test_keeping_a_conflict_marks_it_reviewed_once(decided: World, answer: Answer) -> None:
    (one,) = answer("conflicts", "customers")["conflicts"]

    assert answer("keep", "customers", str(one["id"]))["done"]
    again = answer("keep", "customers", str(one["id"]))

    assert [left["reason"] for left in again["left"]] == ["kept already"]
    assert answer("conflicts", "customers", "--state", "decided")["conflicts"] == []
    assert len(answer("conflicts", "customers", "--state", "reviewed")["conflicts"]) == 1


def test_an_open_conflict_is_decided_for_a_side(world: World, answer: Answer, samklang: Command) -> None:
    world.remap(customers(first="policy: ask"))
    world.left.add(id="11", **KARI)
    world.right.add(id="21", **KARI)
    world.run()
    world.left.edit("11", first="Karin")
    world.right.edit("21", first="Kaja")
    world.run()
    (one,) = answer("conflicts", "customers", "--state", "open")["conflicts"]

    without_side = samklang("take", "customers", str(one["id"]))
    assert without_side.exit_code == 1
    assert "powerofficego or shopify" in without_side.stderr
    assert answer("take", "customers", str(one["id"]), "--side", "powerofficego")["done"]
    world.run()
    assert [r.values["firstName"] for r in world.right.records.values()] == ["Karin"]


def test_the_table_tells_who_won_and_why(decided: World, samklang: Command) -> None:
    (line,) = [line for line in samklang("conflicts", "customers").stdout.splitlines() if "Karin (" in line]

    assert "Kaja (" in line
    assert "shopify wins (latest," in line


def test_a_number_that_is_no_conflict_changes_nothing(decided: World, samklang: Command) -> None:
    before = decided.rows(conflicts)

    result = samklang("take", "customers", "999")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "no conflict 999" in result.stderr
    assert decided.rows(conflicts) == before
    assert samklang("take", "customers", "abc").exit_code == 2
    assert samklang("conflicts", "customers", "--state", "lost").exit_code == 2
