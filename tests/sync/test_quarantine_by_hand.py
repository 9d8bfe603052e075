"""A person has what a system refused tried again at once, or skipped."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.sync.acting import do
from tests.sync.test_quarantine import tries
from tests.sync.world import LEFT, RIGHT, World

from samklang.store.schema import actions, history, holds
from samklang.sync.decide import Done
from samklang.sync.quarantine import Held, matching, retry, skip

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
DAY = timedelta(days=1)
PHONE = Held(RIGHT, "1", "PhoneNumber")


@pytest.fixture
def refused(world_on_each_store: World) -> World:
    """powerofficego:1 = shopify:1, of which the right side has refused the phone number once."""
    world = world_on_each_store
    a, _ = world.pair(**KARI)
    world.right.refuses.add("+4733445566")
    world.left.edit(a, phone="33445566")
    world.run()
    return world


def again(world: World, *which: Held) -> Done:
    return do(world, lambda desk: retry(desk, which))


def leave(world: World, *which: Held) -> Done:
    return do(world, lambda desk: skip(desk, which))


def test_what_waits_for_its_next_try_is_tried_by_the_next_run(refused: World) -> None:
    asked = tries(refused)
    refused.run()
    assert asked() == 0

    done = again(refused, PHONE)
    refused.right.refuses.clear()
    refused.run()

    assert done == Done(done=[f"{LEFT}:1 PhoneNumber"])
    assert asked() == 1
    assert refused.right.value("1", "phone") == "+4733445566"
    assert refused.rows(holds) == []


def test_what_is_skipped_after_two_failures_is_tried_once_more(refused: World) -> None:
    refused.moment += DAY
    refused.run()
    assert refused.rows(holds)[0]["retry_at"] is None
    asked = tries(refused)

    again(refused, PHONE)
    refused.run()

    assert asked() == 1
    (hold,) = refused.rows(holds)
    assert (hold["attempts"], hold["retry_at"]) == (3, None)


def test_what_a_person_skips_waits_for_an_edit(refused: World) -> None:
    asked = tries(refused)

    done = leave(refused, PHONE)
    for _ in range(3):
        refused.moment += DAY
        refused.run()

    assert done == Done(done=[f"{LEFT}:1 PhoneNumber"])
    assert asked() == 0
    refused.right.refuses.clear()
    refused.right.edit("1", city="Moss", zip="1530")
    refused.run()
    assert refused.right.value("1", "phone") == "+4733445566"


def test_a_quarantined_record_is_tried_again_and_skipped_as_a_whole(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.right.rejects["Lie"] = None
    world.left.add(**KARI)
    world.run()
    whole = Held(RIGHT, "1", "")
    asked = tries(world)

    assert leave(world, whole) == Done(done=[f"{LEFT}:1"])
    world.moment += DAY
    world.run()
    assert asked() == 0

    assert again(world, whole) == Done(done=[f"{LEFT}:1"])
    world.right.rejects.clear()
    world.run()
    assert world.status()["linked"] == 1


def test_doing_it_twice_changes_nothing_and_is_no_second_action(refused: World) -> None:
    for what in (again, leave):
        what(refused, PHONE, PHONE)
        before = [refused.rows(table) for table in (holds, history, actions)]
        (left,) = what(refused, PHONE).left
        assert left[0] == f"{LEFT}:1 PhoneNumber"
        assert left[1] in ("tried again by the next run already", "skipped already")
        assert [refused.rows(table) for table in (holds, history, actions)] == before
    assert len(before[2]) == 2


def test_what_a_rule_holds_has_nothing_to_be_tried(world: World) -> None:
    a, _ = world.pair(**KARI)
    world.left.edit(a, phone="ring me")
    world.run()

    done = again(world, PHONE, Held(RIGHT, "99", ""))

    assert done == Done(
        left=[
            (f"{LEFT}:1 PhoneNumber", "held by a rule; it goes by itself when the value changes"),
            (f"{LEFT}:99", "not held any more"),
        ]
    )
    assert world.rows(actions) == []


def test_each_decision_stands_in_the_history_of_the_record_with_the_field(refused: World) -> None:
    again(refused, PHONE)

    row = refused.rows(history)[-1]
    assert (row["op"], row["side"], row["record_id"]) == ("retry", LEFT, "1")
    assert (row["before"], row["link_id"]) == ('{"PhoneNumber":null}', 1)


def test_all_of_one_reason_one_side_or_one_kind_can_be_named(refused: World) -> None:
    refused.right.rejects["Moe"] = None
    refused.left.add(email="moe@post.example", first="M", last="Moe")
    refused.left.add(email="dal@post.example", first="M", last="Dal", phone="ring me")
    refused.run()

    def found(**which: object) -> list[tuple[str, str]]:
        with refused.database.read() as connection:
            held = matching(connection, "customers", **which)  # type: ignore[arg-type]
        return [(one.source_id, one.field) for one in held]

    assert found() == [("1", "PhoneNumber"), ("2", ""), ("3", "PhoneNumber")]
    assert found(reason="invalid") == [("1", "PhoneNumber"), ("2", "")]
    assert found(quarantined=True) == [("2", "")]
    assert found(quarantined=False, reason="invalid") == [("1", "PhoneNumber")]
    assert (found(side=LEFT), len(found(side=RIGHT))) == ([], 3)
