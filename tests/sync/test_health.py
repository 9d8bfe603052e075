"""How the two systems are doing, as each run leaves it in the store for the console."""

from __future__ import annotations

from collections.abc import Callable

from tests.sync.world import LEFT, NO_LIMITS, RIGHT, World, customers

from samklang.core.jsontext import loads
from samklang.core.records import Scope
from samklang.store import refusals
from samklang.store.schema import refusals as table
from samklang.store.schema import runs
from samklang.sync.settle import settle

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
OLA = {"email": "ola@post.example", "first": "Ola", "last": "Dal"}


def test_a_run_leaves_the_same_counts_as_status_gives(world_on_each_store: World) -> None:
    world = world_on_each_store
    a, _ = world.pair(**KARI)
    world.left.add(email="ola@post.example", last="Dal", first="Ola", phone="ring me")
    world.right.rejects["Moe"] = None
    world.left.add(email="moe@post.example", first="M", last="Moe")
    for _ in range(2):
        world.left.add(email="twice@post.example", first="T", last="W")
    world.left.edit(a, last="Moe")

    summary = world.run()

    now = world.status()
    del now["last_run"]
    assert {name: summary["health"][name] for name in now} == now
    assert (now["held"], now["quarantined"], now["ambiguous"]) == (1, 2, 2)
    assert loads(world.rows(runs)[-1]["summary"])["health"] == summary["health"]


def test_records_out_of_scope_are_counted_by_side_and_reason(world_on_each_store: World) -> None:
    world = world_on_each_store
    for n, scope in enumerate((Scope.OUTSIDE, Scope.OUTSIDE, Scope.ARCHIVED, Scope.ACTIVE, Scope.ACTIVE)):
        world.left.add(email=f"c{n}@post.example", first="C", last="D", scope=scope)
    world.run()
    world.left.delete("5")
    for _ in range(2):
        summary = world.run(mode="full")

    assert summary["health"]["out_of_scope"] == {LEFT: {"archived": 1, "gone": 1, "outside": 2}, RIGHT: {}}
    assert summary["health"]["records"] == {LEFT: 4, RIGHT: 2}


def test_fields_that_wait_are_counted(new_world: Callable[..., World]) -> None:
    world = new_world(customers(NO_LIMITS, "share: {shopify: false}"))
    a, _ = world.pair(**KARI)
    world.left.edit(a, last="Dal")

    assert world.run()["health"]["waiting"] == 1


def test_records_to_create_are_those_that_no_load_has_tried_yet(world: World) -> None:
    for n in range(3):
        world.left.add(email=f"c{n}@post.example", first="C", last="D")
    world.right.die_after = 2

    assert world.run(dry_run=True)["health"]["to_create"] == 3
    died = world.run()
    assert died["state"] == "failed"
    assert died["health"]["to_create"] == 3 - 1  # of the second it is not known
    assert world.run()["health"]["to_create"] == 0


def test_a_rejected_plan_leaves_its_records_to_create(world: World) -> None:
    world.left.add(**KARI)
    run = world.begin()
    plan = world.plan(run)
    world.approve(plan, "rejected")

    summary = world.settle(run, plan, {LEFT: None, RIGHT: None}, [])

    assert summary["health"]["to_create"] == 1


def test_what_was_refused_is_quarantined_and_not_to_create(world: World) -> None:
    world.right.rejects["Lie"] = None
    world.left.add(**KARI)

    health = world.run()["health"]

    assert (health["to_create"], health["quarantined"]) == (0, 1)


def test_a_run_without_a_plan_does_not_know_what_waits(world: World) -> None:
    world.pair(**KARI)

    summary = settle(world.sync(), world.begin(), reads=[], plan=None, written={}, failed=["transform"])

    health = summary["health"]
    assert health["linked"] == 1
    assert not {"waiting", "to_create"} & health.keys()


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_each_refused_attempt_is_kept_in_the_history_of_the_record(world_on_each_store: World) -> None:
    world = world_on_each_store
    a, _ = world.pair(**KARI)
    world.right.refuses.add("+4733445566")
    world.left.edit(a, phone="33445566")
    for code in ("taken", "not_found"):
        world.right.code = code
        world.run()
        world.moment = world.moment.replace(day=world.moment.day + 1)
    world.right.refuses.clear()
    world.run()
    assert world.right.value("1", "phone") == "+4733445566"

    with world.database.read() as connection:
        attempts = refusals.of_record(connection, "customers", RIGHT, a)

    assert [(one["field"], one["reason"], one["run_id"]) for one in attempts] == [
        ("PhoneNumber", "not_found", "run-3"),
        ("PhoneNumber", "taken", "run-2"),
    ]


def test_a_refused_record_is_kept_with_the_field_that_the_system_names(world: World) -> None:
    world.right.rejects["Lie"] = "phone"
    world.left.add(**KARI)

    world.run()

    assert [(r["field"], r["named"], r["reason"]) for r in world.rows(table)] == [("", "PhoneNumber", "invalid")]


def test_of_each_record_and_field_the_last_attempts_are_kept(world_on_each_store: World) -> None:
    with world_on_each_store.database.begin() as connection:
        for n in range(refusals.KEEP + 3):
            for source_id, field in (("1", "A"), ("1", "B"), ("2", "A")):
                refusals.add(
                    connection, entity="customers", side=RIGHT, source_id=source_id, field=field, reason="taken",
                    named=None, run_id=f"run-{n}", at="2026-01-01T00:00:00.0000000Z",
                )  # fmt: skip

    kept: dict[tuple[str, str], list[str]] = {}
    for row in world_on_each_store.rows(table):
        kept.setdefault((row["source_id"], row["field"]), []).append(row["run_id"])
    assert set(kept) == {("1", "A"), ("1", "B"), ("2", "A")}
    assert {tuple(runs_) for runs_ in kept.values()} == {tuple(f"run-{n}" for n in range(3, refusals.KEEP + 3))}
