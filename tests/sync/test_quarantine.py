"""One bad field or record stays behind alone, is named, and is tried again when that can help."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.sync.world import LEFT, RIGHT, World

from samklang.core.clocks import to_datetime
from samklang.core.jsontext import dumps, loads
from samklang.core.records import Scope
from samklang.store.schema import holds, runs
from samklang.sync.explain import Terms, explain

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
OLA = {"email": "ola@post.example", "first": "Ola", "last": "Dal"}
PHONE, WRITTEN = "33445566", "+4733445566"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def explained(world: World, side: str, record_id: str) -> dict[str, Any]:
    rules = {s: world.sync().system(s).rules for s in world.mapping.sides}
    with world.database.read() as connection:
        (answer,) = explain(connection, Terms(world.mapping, rules, world.sync().clock()), [(side, record_id)])
    return answer


def tries(world: World) -> Callable[[], int]:
    """How often the right side was asked to write since this was last called."""
    sent: list[object] = []
    update, create = world.right.update, world.right.create
    world.right.update = lambda updates: (sent.extend(updates), update(updates))[1]  # type: ignore[method-assign]
    world.right.create = lambda new: (sent.extend(new), create(new))[1]  # type: ignore[method-assign]

    def since_last() -> int:
        number = len(sent)
        sent.clear()
        return number

    return since_last


@pytest.fixture
def refused(world: World) -> World:
    """powerofficego:1 = shopify:1, of which the right side has refused the phone number once."""
    a, _ = world.pair(**KARI)
    world.right.refuses.add(WRITTEN)
    world.left.edit(a, phone=PHONE)
    world.run()
    return world


# --- a field ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["invalid", "too_long", "missing"])
def test_a_field_that_failed_twice_the_same_way_is_skipped_until_it_changes(world: World, code: str) -> None:
    a, b = world.pair(**KARI)
    world.right.refuses.add(WRITTEN)
    world.right.code = code
    world.left.edit(a, phone=PHONE)
    asked = tries(world)
    for _ in range(6):
        world.run()
        world.moment += DAY

    assert asked() == 2
    (hold,) = world.rows(holds)
    assert (hold["reason"], hold["attempts"], hold["retry_at"]) == (code, 2, None)
    world.left.edit(a, phone="44556677")
    world.run()
    assert world.right.value(b, "phone") == "+4744556677"
    assert world.rows(holds) == []


@pytest.mark.parametrize("code", ["taken", "not_found", "a_code_of_tomorrow"])
def test_a_failure_that_may_pass_is_tried_again_in_growing_steps_and_once_a_day_at_last(
    world: World, code: str
) -> None:
    a, b = world.pair(**KARI)
    world.right.refuses.add(WRITTEN)
    world.right.code = code
    world.left.edit(a, phone=PHONE)
    asked, waits = tries(world), []
    for attempt in range(1, 9):
        world.run()
        (hold,) = world.rows(holds)
        assert (asked(), hold["attempts"]) == (1, attempt)
        waits.append(to_datetime(hold["retry_at"]) - world.moment)
        world.moment += waits[-1] - HOUR / 2
        world.run()
        assert asked() == 0
        world.moment += HOUR / 2

    assert waits == [*(HOUR * 2**n for n in range(5)), DAY, DAY, DAY]
    world.right.refuses.clear()
    world.moment += DAY
    world.run()
    assert world.right.value(b, "phone") == WRITTEN
    assert world.rows(holds) == []


def test_two_different_failures_do_not_skip_a_field(refused: World) -> None:
    for code in ("too_long", "invalid", "missing", "invalid"):
        refused.right.code = code
        refused.moment += DAY
        refused.run()
        (hold,) = refused.rows(holds)
        assert hold["reason"] == code
        assert hold["retry_at"] is not None
    assert hold["attempts"] == 5

    refused.moment += DAY
    refused.run()

    (hold,) = refused.rows(holds)
    assert (hold["reason"], hold["retry_at"]) == ("invalid", None)


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_an_edit_of_either_record_lets_a_skipped_field_be_tried_at_once(refused: World, side: str) -> None:
    refused.moment += DAY
    refused.run()
    assert refused.rows(holds)[0]["retry_at"] is None
    refused.right.refuses.clear()
    refused.run()
    assert refused.right.value("1", "phone") is None

    (refused.left if side == LEFT else refused.right).edit("1", city="Moss", zip="1530")
    refused.run()

    assert refused.right.value("1", "phone") == WRITTEN
    assert refused.rows(holds) == []


def test_what_we_write_ourselves_beside_a_refused_field_is_no_change(world: World) -> None:
    a, b = world.pair(**KARI)
    world.right.refuses.add(WRITTEN)
    world.left.edit(a, phone=PHONE, last="Dal")
    world.right.edit(b, first="Karin")
    world.run()
    assert (world.right.value(b, "last"), world.left.value(a, "first")) == ("Dal", "Karin")
    asked = tries(world)

    world.run()
    world.run(mode="full")

    assert asked() == 0


def test_a_new_record_that_went_without_a_refused_field_is_not_asked_again_at_once(world: World) -> None:
    world.right.refuses.add(WRITTEN)
    world.left.add(**KARI, phone=PHONE)
    world.run()
    assert world.right.show("1") == KARI
    asked = tries(world)

    world.run()
    world.run(mode="full")
    assert asked() == 0

    world.moment += HOUR
    world.run()
    assert asked() == 1
    assert world.rows(holds)[0]["attempts"] == 2


def test_an_edit_that_moves_no_mapped_value_is_no_change(refused: World) -> None:
    """An order, a tag: the record's own clock moves, and nothing that we know of it."""
    asked = tries(refused)
    refused.left.edit("1")
    refused.right.edit("1")

    refused.run(mode="full")

    assert asked() == 0


# --- a record ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [None, "phone"])
def test_a_new_record_that_is_refused_is_quarantined_with_the_field_that_the_system_names(
    world: World, named: str | None
) -> None:
    world.right.rejects["Lie"] = named
    a = world.left.add(**KARI)
    b = world.left.add(**OLA)

    world.run()

    assert [record.values["email"] for record in world.right.records.values()] == [OLA["email"]]
    (hold,) = world.rows(holds)
    assert (hold["source_id"], hold["field"], hold["reason"]) == (a, "", "invalid")
    assert hold["named"] == ("PhoneNumber" if named else None)
    assert hold["remedy"]
    assert world.status()["linked"] == 1
    assert explained(world, LEFT, b)["quarantined"] == []


@pytest.mark.parametrize("linked", [True, False])
def test_a_record_that_failed_twice_the_same_way_is_skipped_until_it_changes(world: World, linked: bool) -> None:
    a = world.left.add(**(KARI if linked else KARI | {"last": "Moe"}))
    if linked:
        world.run()
        world.left.edit(a, last="Moe")
    world.right.rejects["Moe"] = None
    asked = tries(world)
    for _ in range(5):
        world.run()
        world.moment += DAY
    assert asked() == 2
    assert world.status()["quarantined"] == 1

    world.left.edit(a, city="Moss", zip="1530")
    world.run()
    assert asked() == 1
    world.right.rejects.clear()
    world.moment += DAY
    world.run()

    assert world.right.value("1", "last") == "Moe"
    assert world.status()["quarantined"] == 0


def test_an_edit_at_the_target_lets_a_skipped_record_be_tried_at_once(world: World) -> None:
    a, b = world.pair(**KARI)
    world.right.rejects["Moe"] = None
    world.left.edit(a, last="Moe")
    for _ in range(3):
        world.run()
        world.moment += DAY
    world.right.rejects.clear()

    world.right.edit(b, phone=WRITTEN)
    world.run()

    assert world.right.value(b, "last") == "Moe"
    assert world.left.value(a, "phone") == WRITTEN


def test_two_different_failures_do_not_skip_a_record(world: World) -> None:
    world.right.rejects["Lie"] = None
    world.left.add(**KARI)
    for code in ("invalid", "missing", "invalid", "missing"):
        world.right.code = code
        world.run()
        (hold,) = world.rows(holds)
        assert (hold["reason"], hold["retry_at"] is None) == (code, False)
        world.moment += DAY


def test_a_refusal_that_names_a_field_we_did_not_send_quarantines_the_record(world: World) -> None:
    """Else it would be sent in every run, and be listed nowhere."""
    a, _ = world.pair(**KARI)
    world.right.rejects["Moe"] = "phone"
    world.left.edit(a, last="Moe")
    asked = tries(world)

    world.run()
    world.run()

    assert asked() == 1
    (hold,) = world.rows(holds)
    assert (hold["field"], hold["named"]) == ("", "PhoneNumber")


def test_a_bad_record_neither_stops_the_rest_nor_the_watermark(world_on_each_store: World) -> None:
    world = world_on_each_store
    for n in range(5):
        world.left.add(email=f"c{n}@post.example", first="C", last=f"L{n}")
    world.run()
    world.right.rejects["bad"] = None
    world.right.refuses.add(WRITTEN)
    world.left.edit("1", last="bad")
    world.left.edit("2", phone=PHONE, last="Moe")
    world.left.edit("5", last="Dal")
    for _ in range(3):
        world.right.add(email=f"new{world.runs}@post.example")  # the watermark moves on
        summary = world.run(mode="changes")
        assert summary["state"] == "success"
        world.moment += DAY

    assert [world.right.value(i, "last") for i in ("1", "2", "5")] == ["L0", "Moe", "Dal"]
    world.right.rejects.clear()
    world.right.refuses.clear()
    world.left.edit("1", first="D")
    world.left.edit("2", first="D")
    world.run(mode="changes")
    assert world.right.show("1") == {"email": "c0@post.example", "first": "D", "last": "bad"}
    assert world.right.value("2", "phone") == WRITTEN
    assert world.rows(holds) == []


# --- told -------------------------------------------------------------------------------------------------------------


def test_the_summary_names_what_is_held_and_quarantined_without_values(refused: World) -> None:
    refused.right.rejects["Dal"] = "phone"
    b = refused.left.add(**OLA)

    summary = refused.run()

    named = [
        {"state": "quarantined", "side": LEFT, "id": b, "towards": RIGHT, "field": "PhoneNumber", "reason": "invalid"},
        {"state": "held", "side": LEFT, "id": "1", "towards": RIGHT, "field": "PhoneNumber", "reason": "invalid"},
    ]
    assert summary["held"] == {"records": named, "more": 0}
    assert loads(refused.rows(runs)[-1]["summary"])["held"] == summary["held"]
    for value in (PHONE, WRITTEN, *OLA.values(), *KARI.values()):
        assert f'"{value}"' not in dumps(summary)


def test_a_summary_names_twenty_and_counts_the_rest(world_on_each_store: World) -> None:
    world = world_on_each_store
    for n in range(23):
        world.left.add(email=f"c{n}@post.example", first="C", last="D", phone="ring me")
    world.right.rejects["c7@post.example"] = None

    held = world.run()["held"]

    assert len(held["records"]) == 20
    assert held["more"] == 23 + 1 - 20
    assert (held["records"][0]["state"], held["records"][0]["id"]) == ("quarantined", "8")


def test_nothing_held_is_nothing_named(world: World) -> None:
    world.pair(**KARI)

    assert world.run()["held"] == {"records": [], "more": 0}


def test_explain_says_how_often_a_field_was_tried_and_when_next(refused: World) -> None:
    answer = explained(refused, LEFT, "1")

    (hold,) = answer["held"]
    assert (hold["field"], hold["reason"], hold["attempts"], hold["skipped"]) == ("PhoneNumber", "invalid", 1, False)
    assert answer["next_retry"] == hold["retry_at"]
    assert answer["outlook"]["decision"] == "held"


def test_explain_says_that_a_field_is_skipped_until_it_changes(refused: World) -> None:
    refused.moment += DAY
    refused.run()

    answer = explained(refused, LEFT, "1")

    (hold,) = answer["held"]
    assert (hold["attempts"], hold["skipped"], answer["next_retry"]) == (2, True, None)
    (field,) = [f for f in answer["fields"] if f["field"] == "PhoneNumber"]
    assert (field["decision"], field["skipped"], field["remedy"]) == ("held", True, hold["remedy"])


def test_explain_names_the_field_of_a_quarantined_record_and_its_remedy(world: World) -> None:
    world.right.rejects["Lie"] = "phone"
    a = world.left.add(**KARI)
    world.run()
    world.moment += DAY
    world.run()

    answer = explained(world, LEFT, a)

    (hold,) = answer["quarantined"]
    assert (hold["named"], hold["reason"], hold["skipped"]) == ("PhoneNumber", "invalid", True)
    assert answer["outlook"] == {
        "decision": "held", "to": RIGHT, "reason": "invalid", "remedy": hold["remedy"], "retry_at": None,
        "skipped": True,
    }  # fmt: skip


def test_a_record_found_after_a_lost_answer_leaves_quarantine(world: World) -> None:
    a = world.left.add(**KARI)
    world.right.rejects["Lie"] = None
    world.run()
    world.right.rejects.clear()
    world.right.unclear = 1
    world.moment += HOUR
    world.run()  # made, and the answer is lost

    world.run()

    assert world.status()["linked"] == 1
    assert len(world.right.records) == 1
    assert (world.status()["quarantined"], a) == (0, "1")


def test_a_taken_value_waits_for_the_third_record_that_holds_it(world: World) -> None:
    a, b = world.pair(**KARI)
    holder = world.right.add(**OLA, phone=WRITTEN, scope=Scope.OUTSIDE)
    world.left.edit(a, phone=PHONE)
    for _ in range(5):
        world.run()
        world.moment += DAY

    world.right.edit(holder, phone=None)
    world.run()

    assert world.right.value(b, "phone") == WRITTEN
