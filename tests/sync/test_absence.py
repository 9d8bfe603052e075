"""Rule 8 and the reads behind it: what is missing is not gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.sync.acting import do, terms
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, World, customers

from samklang.core.records import Scope
from samklang.errors import AccessError, ProtocolError, RejectedError, RemoteError, TemporaryError
from samklang.store.schema import revisit, runs, seen, verdicts
from samklang.sync.decide import Done
from samklang.sync.exclude import include
from samklang.sync.explain import explain
from samklang.sync.undo import undo

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
NewWorld = Callable[..., World]


def scopes(world: World, side: str) -> dict[str, str]:
    return {row["id"]: row["scope"] for row in world.rows(seen) if row["side"] == side}


def people(world: World, number: int) -> None:
    for n in range(number):
        values = {"email": f"c{n}@post.example", "first": "Kari", "last": "Lie"}
        world.left.add(**values)
        world.right.add(**values)
    world.run()


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_a_record_missing_from_one_whole_read_is_not_gone(world: World, side: str) -> None:
    a, b = world.pair(**KARI)
    blind, other = (world.left, world.right) if side == LEFT else (world.right, world.left)
    blind.hidden.add(a)
    world.run(mode="full")
    assert scopes(world, side) == {a: Scope.ACTIVE}

    blind.hidden.clear()
    other.edit(b, first="Karin")
    world.run(mode="full")

    assert blind.value(a, "first") == "Karin"
    assert (len(world.left.records), len(world.right.records)) == (1, 1)


def test_a_record_missing_twice_and_known_by_id_is_not_gone(world: World) -> None:
    a, _ = world.pair(**KARI)
    world.left.hidden.add(a)

    for _ in range(3):
        summary = world.run(mode="full")

    assert scopes(world, LEFT) == {a: Scope.ACTIVE}
    assert summary["gone"] == {}


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_a_record_missing_twice_and_unknown_by_id_is_gone_and_its_twin_stays(world: World, side: str) -> None:
    a, b = world.pair(**KARI)
    gone, other = (world.left, world.right) if side == LEFT else (world.right, world.left)
    gone.delete(a)
    world.run(mode="full")
    assert scopes(world, side) == {a: Scope.ACTIVE}

    summary = world.run(mode="full")
    other.edit(b, first="Karin")
    for _ in range(2):
        world.run(mode="full")

    assert scopes(world, side) == {a: Scope.GONE}
    assert summary["gone"] == {side: 1}
    assert [(v["record_id"], v["verdict"], v["reason"]) for v in world.rows(verdicts)] == [
        (b, "twin_gone", f"gone_in_{side}")
    ]
    assert gone.records == {}
    assert other.value(b, "first") == "Karin"
    assert world.writes() == 0


def test_a_record_that_comes_back_goes_on_with_its_link(world: World) -> None:
    a, b = world.pair(**KARI)
    record = world.right.records[b]
    world.right.delete(b)
    for _ in range(2):
        world.run(mode="full")

    world.right.records[b] = record
    world.left.edit(a, first="Karin")
    world.run(mode="full")

    assert world.right.value(b, "first") == "Karin"
    assert world.status()["linked"] == 1


def test_a_newcomer_with_the_key_of_a_gone_record_is_reported_and_not_doubled(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "create_in: [shopify, powerofficego]"))
    world.pair(**KARI)
    world.right.delete("1")
    for _ in range(2):
        world.run(mode="full")

    world.right.add(**KARI)
    world.run()

    assert world.writes() == 0
    assert world.status()["excluded"] == 1


def test_a_record_that_a_write_did_not_find_is_gone_only_after_two_whole_reads(world: World) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    world.run(between=lambda: world.right.delete(b))
    assert [(row["id"], row["reason"]) for row in world.rows(revisit)] == [(b, "gone")]

    for _ in range(3):
        world.run(mode="changes")  # asks for it by its id each time
    assert f"ids {b}" in world.right.reads
    world.run(mode="full")
    assert scopes(world, RIGHT) == {b: Scope.ACTIVE}
    assert world.rows(revisit) != []

    summary = world.run(mode="full")

    assert scopes(world, RIGHT) == {b: Scope.GONE}
    assert summary["gone"] == {RIGHT: 1}
    assert world.rows(revisit) == []
    assert world.right.records == {}


def test_a_write_that_did_not_find_a_record_says_nothing_once_the_record_answers_again(world: World) -> None:
    a, b = world.pair(**KARI)
    record = world.right.records[b]
    world.left.edit(a, first="Karin")
    world.run(between=lambda: world.right.delete(b))

    world.right.records[b] = record
    world.run(mode="changes")

    assert world.right.value(b, "first") == "Karin"
    assert world.rows(revisit) == []


@pytest.mark.parametrize(
    "error",
    [
        AccessError("403", system=RIGHT, status=403),
        TemporaryError("503", system=RIGHT, status=503),
        ProtocolError("cut short", system=RIGHT),
        RejectedError("400", system=RIGHT, status=400),
    ],
)
def test_a_look_up_that_fails_proves_nothing_and_does_not_stop_the_run(world: World, error: RemoteError) -> None:
    world.pair(**KARI)
    other = world.left.add(email="ola@post.example", first="Ola", last="Dal")
    world.run()
    world.right.delete("1")
    world.left.edit(other, first="Olav")
    world.right.look_up_fails = error

    for _ in range(4):
        summary = world.run(mode="full")

    assert scopes(world, RIGHT)["1"] == Scope.ACTIVE
    assert (summary["gone"], summary["failed"]) == ({}, [])
    assert world.right.value("2", "first") == "Olav"

    world.right.look_up_fails = None
    assert world.run(mode="full")["gone"] == {RIGHT: 1}


def test_a_record_that_was_made_while_others_were_read_is_not_missing_from_that_read(world: World) -> None:
    world.pair(**KARI)
    new = world.left.add(email="ola@post.example", first="Ola", last="Dal")
    early = world.begin(mode="full")
    reads = world.read(early)
    plan = world.plan(early, reads)
    late = world.read(world.begin(mode="full"))  # before the new twin is made
    world.approve(plan)
    world.load(plan)

    world.plan(world.begin(), late)

    assert {row["id"]: row["missing"] for row in world.rows(seen) if row["side"] == RIGHT} == {"1": 0, "2": 0}
    assert world.right.value("2", "first") == world.left.value(new, "first")


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_a_gone_twin_is_never_made_again_however_often_everything_is_read(new_world: NewWorld, side: str) -> None:
    world = new_world(customers(NO_LIMITS, "create_in: [shopify, powerofficego]"))
    a, b = world.pair(**KARI)
    gone, other = (world.left, world.right) if side == LEFT else (world.right, world.left)
    gone.delete(a)

    for n in range(6):
        other.edit(b, first=f"Kari {n}")
        world.run(mode="full")

    assert (gone.records, gone.writes) == ({}, [])
    assert other.value(b, "first") == "Kari 5"
    assert [(v["verdict"], v["reason"]) for v in world.rows(verdicts)] == [("twin_gone", f"gone_in_{side}")]
    assert world.status()["gone"] == 1


@pytest.mark.parametrize("side", [LEFT, RIGHT])
@pytest.mark.parametrize("is_ours", [True, False])
def test_who_was_deleted_before_the_two_were_matched_anew_is_made_again_only_when_a_person_says_so(
    new_world: NewWorld, side: str, is_ours: bool
) -> None:
    world = new_world(customers(NO_LIMITS, "create_in: [shopify, powerofficego]"))
    gone, other = (world.left, world.right) if side == LEFT else (world.right, world.left)
    b = other.add(**KARI)
    if not is_ours:
        gone.add(**KARI)
    world.run()
    do(world, lambda desk: undo(desk, run_id=world.rows(runs)[0]["run_id"]))
    (a,) = gone.records
    gone.delete(a)
    world.forget_writes()
    world.run(mode="full")  # absent once: that proves nothing
    free = (RIGHT if side == LEFT else LEFT, b)

    do(world, lambda desk: include(desk, [free]))
    for _ in range(3):
        world.run(mode="full")

    assert (gone.records, gone.writes) == ({}, [])
    (verdict,) = world.rows(verdicts)
    assert (verdict["record_id"], verdict["reason"]) == (b, "its_former_twin_is_gone")
    with world.database.read() as connection:
        told = explain(connection, terms(world), [free])[0]["outlook"]
    assert (told["decision"], told["candidates"]) == ("excluded", {side: [a]})
    assert told["remedy"].endswith(f"samklang relink customers {free[0]}:{b} --new")

    do(world, lambda desk: (desk.make_anew(free), Done())[1])
    world.run()

    assert [op for op, _, _ in gone.writes] == ["create"]
    assert world.rows(verdicts) == []


def test_a_record_that_one_look_up_does_not_know_is_not_gone(world: World) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    world.run(between=lambda: world.right.edit(b, first="Kaja"))  # moved: it is read again by id
    world.right.unknown.add(b)
    world.moment += world.mapping.full_every / 2
    world.run(mode="changes")
    assert scopes(world, RIGHT) == {b: Scope.ACTIVE}

    world.right.unknown.clear()
    world.run(mode="changes")

    assert world.left.show(a) == world.right.show(b)


def test_far_fewer_rows_than_known_are_an_error_and_change_nothing(world: World) -> None:
    people(world, 40)
    world.right.hidden.update(str(n) for n in range(1, 21))
    world.right.total = 40

    with pytest.raises(ProtocolError, match="20 records; 40 are known"):
        world.read(world.begin(mode="full"))

    assert set(scopes(world, RIGHT).values()) == {Scope.ACTIVE}
    assert world.rows(seen)[0]["missing"] == 0


def test_far_fewer_rows_are_believed_where_the_systems_own_total_agrees(world: World) -> None:
    people(world, 40)
    for n in range(1, 21):
        world.right.delete(str(n))
    world.right.total = 20

    world.run(mode="full")

    assert len([row for row in world.rows(seen) if row["missing"] == 1]) == 20


def test_far_fewer_rows_are_believed_where_a_second_read_gives_the_same(world: World) -> None:
    people(world, 40)
    for n in range(1, 21):
        world.right.delete(str(n))

    world.run(mode="full")

    assert world.right.reads[-2:] == ["all", "all"]
    assert len([row for row in world.rows(seen) if row["missing"] == 1]) == 20


def test_far_fewer_rows_are_an_error_where_a_second_read_gives_others(world: World) -> None:
    people(world, 40)
    world.right.hidden.update(str(n) for n in range(1, 21))
    world.right.while_reading = world.right.hidden.clear

    with pytest.raises(ProtocolError, match="20 records; 40 are known"):
        world.read(world.begin(mode="full"))


def test_a_few_missing_rows_are_no_error(world: World) -> None:
    people(world, 40)
    world.right.hidden.update(str(n) for n in range(1, 9))
    world.right.total = 40

    world.run(mode="full")

    assert len([row for row in world.rows(seen) if row["missing"] == 1]) == 8


def test_more_gone_at_once_than_the_limit_are_not_marked(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS.replace("{", "{gone: 2, ")))
    people(world, 10)
    for n in range(1, 4):
        world.right.delete(str(n))
    for _ in range(3):
        summary = world.run(mode="full")

    assert set(scopes(world, RIGHT).values()) == {Scope.ACTIVE}
    assert (summary["gone"], summary["gone_beyond_limit"]) == ({}, {RIGHT: 3})
    (warning,) = summary["warnings"]
    assert "3 or more records seem gone in Shopify" in warning
    assert "raise limits: gone in customers.yaml" in warning
    assert world.writes() == 0
    assert world.status()["gone"] == 0


def test_a_raised_limit_lets_them_be_marked(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS.replace("{", "{gone: 2, ")))
    people(world, 10)
    for n in range(1, 4):
        world.right.delete(str(n))
    for _ in range(2):
        world.run(mode="full")

    world.remap(customers(NO_LIMITS.replace("{", "{gone: 3, ")))
    summary = world.run(mode="full")

    assert summary["gone"] == {RIGHT: 3}
    assert world.status()["gone"] == 3


def test_no_more_records_are_asked_for_than_it_takes_to_know_that_they_are_too_many(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS.replace("{", "{gone: 2, ")))
    people(world, 200)
    for n in range(1, 131):
        world.right.delete(str(n))
    for _ in range(2):
        summary = world.run(mode="full")

    asked = [i for read in world.right.reads if read.startswith("ids ") for i in read.removeprefix("ids ").split(",")]
    assert len(asked) == 50
    assert summary["gone_beyond_limit"] == {RIGHT: 50}
    assert set(scopes(world, RIGHT).values()) == {Scope.ACTIVE}


def test_an_empty_read_is_an_error_and_no_deletion(world: World) -> None:
    people(world, 12)
    world.left.hidden.update(world.left.records)
    world.left.total = 12

    with pytest.raises(ProtocolError):
        world.run(mode="full")

    assert set(scopes(world, LEFT).values()) == {Scope.ACTIVE}


def test_an_empty_first_read_is_not_believed_before_a_second_one_says_the_same(new_world: NewWorld) -> None:
    world = new_world(customers("create_in: [powerofficego]"))
    for side in (world.left, world.right):
        side.add(**KARI)
    before = dict(world.left.records)
    world.left.hidden.update(before)
    world.left.while_reading = world.left.hidden.clear

    with pytest.raises(ProtocolError):
        world.run()
    assert world.left.records == before

    world.run()
    assert world.left.records == before


def test_a_system_that_really_is_empty_is_filled(new_world: NewWorld) -> None:
    world = new_world(customers("create_in: [powerofficego]"))
    world.right.add(first="Kari", last="Dal", email="kari@dal.no")

    world.run()

    assert len(world.left.records) == 1
