"""A field that both systems keep overwriting is left alone, and told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from tests.sync.test_quarantine import explained
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, World, customers, products

from samklang.core.jsontext import dumps, loads
from samklang.core.records import Scope
from samklang.store.schema import freezes, history, holds

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
FREEZE_AFTER = 6
DAY = timedelta(days=1)
NewWorld = Callable[..., World]


@dataclass
class Servers:
    """Each side has a server that puts a value of its own back, some time after somebody else has stored another."""

    world: World
    short: str = "first"
    left: str | None = "Kåre"
    right: str | None = "Karin"

    def run(self, times: int = 1) -> int:
        """:returns: how many writes of ours that took."""
        before = self.world.writes()
        for _ in range(times):
            self.world.run()
            for system, value in ((self.world.left, self.left), (self.world.right, self.right)):
                if value is not None and system.value("1", self.short) != value:
                    system.edit("1", **{self.short: value})
        return self.world.writes() - before


def frozen(world: World) -> list[str]:
    return [row["field"] for row in world.rows(freezes) if row["released_at"] is None]


def at_odds(world: World, short: str = "first", **values: str) -> Servers:
    """A linked pair that two servers have fought over for so long that the field is frozen."""
    world.pair(**KARI)
    servers = Servers(world, short, **values)
    servers.run(20)
    assert len(frozen(world)) == 1
    world.forget_writes()
    return servers


def test_a_field_that_flips_between_two_values_is_frozen_and_told(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.pair(**KARI)
    servers = Servers(world)

    written = servers.run(20)

    assert written == FREEZE_AFTER + 1  # the first brings nothing back
    assert servers.run(5) == 0
    assert {(h["side"], h["source_id"], h["field"], h["reason"]) for h in world.rows(holds)} == {
        (RIGHT, "1", "FirstName", "ping_pong"),
        (LEFT, "1", "FirstName", "ping_pong"),
    }
    (row,) = world.rows(freezes)
    assert loads(row["normal"]) == {LEFT: "Kåre", RIGHT: "Karin"}
    assert (row["field"], row["flips"], row["released_at"]) == ("FirstName", FREEZE_AFTER, None)


def test_the_rest_of_a_record_with_a_frozen_field_is_written(world: World) -> None:
    servers = at_odds(world)

    world.left.edit("1", last="Dal")
    world.right.edit("1", email="karin@post.example")
    servers.run()

    assert world.right.show("1") == {"email": "karin@post.example", "first": "Karin", "last": "Dal"}
    assert world.left.show("1") == {"email": "karin@post.example", "first": "Kåre", "last": "Dal"}
    assert frozen(world) == ["FirstName"]


def test_a_frozen_field_stays_frozen_for_as_long_as_the_two_values_stand(world: World) -> None:
    servers = at_odds(world)
    since = world.rows(freezes)

    for _ in range(4):
        world.moment += 2 * DAY
        assert servers.run() == 0

    assert world.rows(freezes) == since
    assert world.status()["held"] == 2


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_a_person_lets_a_field_go_by_making_both_sides_equal(world: World, side: str) -> None:
    servers = at_odds(world)
    servers.left = servers.right = None  # what set the values is found and switched off
    if side == LEFT:
        world.left.edit("1", first="Karin")
    else:
        world.right.edit("1", first="Kåre")

    world.run()

    assert world.writes() == 0
    assert (frozen(world), world.rows(holds)) == ([], [])
    world.left.edit("1", first="Kåre" if side == LEFT else "Karin")  # and an edit travels again at once
    world.run()
    assert world.right.value("1", "first") == world.left.value("1", "first")


def test_a_person_lets_a_field_go_by_entering_a_third_value(world: World) -> None:
    servers = at_odds(world)
    servers.left = servers.right = None

    world.right.edit("1", first="Kari")  # it had that before, but it is none of the two
    world.run()

    assert world.left.value("1", "first") == "Kari"
    assert (frozen(world), world.rows(holds)) == ([], [])


def test_a_field_that_was_let_go_is_frozen_again_only_after_as_many_flips(world: World) -> None:
    servers = at_odds(world)
    world.left.edit("1", first="Karin")
    world.run()
    assert frozen(world) == []

    written = servers.run(20)

    assert written > FREEZE_AFTER
    assert frozen(world) == ["FirstName"]
    assert servers.run(3) == 0


def test_a_person_who_edits_back_and_forth_on_one_side_is_followed(world: World) -> None:
    world.pair(**KARI)

    for n in range(20):
        world.left.edit("1", first=("Karin", "Kari")[n % 2])
        world.run()
        assert world.right.value("1", "first") == ("Karin", "Kari")[n % 2]

    assert world.rows(freezes) == []


def test_people_who_correct_each_other_a_few_times_a_day_are_followed(world: World) -> None:
    world.pair(**KARI)

    for n in range(20):
        (world.left if n % 2 else world.right).edit("1", first=("Karin", "Kari")[n % 2])
        world.run()
        assert world.left.value("1", "first") == world.right.value("1", "first")
        world.moment += DAY / 5

    assert world.rows(freezes) == []


def test_a_one_way_field_that_is_put_back_for_ever_is_frozen(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, first="direction: to_shopify"))
    world.pair(**KARI)
    servers = Servers(world, left=None)

    assert servers.run(20) == FREEZE_AFTER + 1
    assert frozen(world) == ["FirstName"]
    assert world.right.value("1", "first") == "Karin"


def test_values_are_compared_in_normal_form(world: World) -> None:
    """Each side spells the same two numbers in its own way."""
    at_odds(world, "phone", left="22 33 44 55", right="+4733445566")

    (row,) = world.rows(freezes)
    assert loads(row["normal"]) == {LEFT: "+4722334455", RIGHT: "+4733445566"}


def test_a_price_is_compared_as_the_shop_shows_it(new_world: NewWorld) -> None:
    world = new_world(products(NO_LIMITS, "vat: {default: 25%}"))
    world.left.add(code="A", title="Tea", price="60")
    world.right.add(code="A", title="Tea", price="75.00")
    world.run()
    servers = Servers(world, "price", left="80", right="125.00")

    servers.run(20)

    (row,) = world.rows(freezes)
    assert loads(row["normal"]) == {LEFT: "100.00", RIGHT: "125.00"}
    assert servers.run(3) == 0


@pytest.mark.parametrize(("line", "flips"), [("freeze_after: 2", 2), ("freeze_after: 0", None)])
def test_the_mapping_says_after_how_many_flips(new_world: NewWorld, line: str, flips: int | None) -> None:
    world = new_world(customers(NO_LIMITS, line))
    world.pair(**KARI)

    written = Servers(world).run(20)

    assert written == (19 if flips is None else flips + 1)
    assert len(frozen(world)) == (0 if flips is None else 1)


def test_another_record_and_another_field_are_not_frozen_with_it(world: World) -> None:
    world.left.add(email="ola@post.example", first="Ola", last="Dal", id="2")
    servers = at_odds(world)

    world.left.edit("2", first="Kåre")
    world.left.edit("1", last="Kåre")
    servers.run()

    assert world.right.value("1", "last") == "Kåre"
    assert [r.values["firstName"] for r in world.right.records.values() if r.id != "1"] == ["Kåre"]


def test_a_pair_that_is_paused_stays_frozen(world: World) -> None:
    servers = at_odds(world)
    world.right.set("1", scope=Scope.ARCHIVED)
    servers.run()
    assert frozen(world) == ["FirstName"]

    world.right.set("1", scope=Scope.ACTIVE)

    assert servers.run(2) == 0
    assert frozen(world) == ["FirstName"]


def test_a_dry_run_freezes_nothing_and_lets_nothing_go(world: World) -> None:
    at_odds(world)
    before = world.rows(freezes)
    world.left.edit("1", first="Karin")

    world.run(dry_run=True)

    assert world.rows(freezes) == before


def test_explain_shows_both_values_and_what_to_do(world: World) -> None:
    at_odds(world)

    answer = explained(world, LEFT, "1")

    (one,) = answer["frozen"]
    assert (one["field"], one["normal"]) == ("FirstName", {LEFT: "Kåre", RIGHT: "Karin"})
    assert {(hold["side"], hold["reason"]) for hold in answer["held"]} == {(LEFT, "ping_pong"), (RIGHT, "ping_pong")}
    (field,) = [f for f in answer["fields"] if f["field"] == "FirstName"]
    assert (field["decision"], field["reason"]) == ("held", "ping_pong")
    assert "both sides" in field["remedy"]


def test_the_values_of_a_frozen_field_are_in_no_summary_and_no_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        servers = at_odds(world)
        summary = world.run()

    assert {(one["side"], one["field"], one["reason"]) for one in summary["held"]["records"]} == {
        (LEFT, "FirstName", "ping_pong"),
        (RIGHT, "FirstName", "ping_pong"),
    }
    for value in (servers.left, servers.right):
        assert str(value) not in dumps(summary)
        assert str(value) not in caplog.text


def test_a_run_without_writes_does_not_ask_for_the_history(world: World) -> None:
    from sqlalchemy import event

    world.pair(**KARI)
    world.run()
    asked: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(world.database.engine, "before_cursor_execute", listen)
    world.run()

    assert asked
    assert not [statement for statement in asked if history.name in statement]
