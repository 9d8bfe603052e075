"""Coming from another service: what both systems have already is linked, and neither of them is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, RULES, SIDES, World, customers

from samklang.core.clocks import from_datetime
from samklang.core.jsontext import loads
from samklang.core.records import Scope
from samklang.errors import DecisionError
from samklang.staging import Staging
from samklang.store import lanes
from samklang.store.schema import actions, conflicts, link_sides, links
from samklang.sync.act import act
from samklang.sync.conflicts import take
from samklang.sync.decide import Desk
from samklang.sync.explain import Terms
from samklang.sync.extract import extract
from samklang.sync.forget import forget
from samklang.sync.review import beyond_limits
from samklang.sync.takeover import Preview, clear, look, reason_left, take_over, twice
from samklang.sync.transform import transform

KARI: dict[str, str | None] = {"email": "kari@post.example", "first": "Kari", "last": "Lie", "city": "Moss"}
OLA: dict[str, str | None] = {"email": "ola@post.example", "first": "Ola", "last": "Dal"}
NewWorld = Callable[..., World]


def read(world: World, given: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    run = world.begin(dry_run=True)
    sync = world.sync()
    reference = transform(sync, run, [extract(sync, side, run) for side in SIDES], given)
    world.settle(run, reference, {}, [])
    return reference


def adopt(world: World, given: Sequence[tuple[str, str]] = ()) -> tuple[Preview, int]:
    reference = read(world, given)
    return look(world.sync(), reference), take_over(world.sync(), reference, person="kim", via="cli")


def terms(world: World) -> Terms:
    return Terms(world.mapping, {side: RULES["customers", side] for side in SIDES}, from_datetime(world.tick()))


def twins(world: World) -> set[tuple[str, str]]:
    by_link: dict[int, dict[str, str]] = {}
    for row in world.rows(link_sides):
        by_link.setdefault(row["link_id"], {})[row["side"]] = row["record_id"]
    return {(ids[LEFT], ids[RIGHT]) for ids in by_link.values()}


@pytest.fixture
def two(world: World) -> tuple[World, str, str]:
    """Kari in both systems: her phone is in one, her last name differs."""
    a = world.left.add(**KARI, phone="+4722334455")
    return world, a, world.right.add(**KARI | {"last": "Berg"})


def test_pairs_are_linked_and_neither_system_is_written(two: tuple[World, str, str]) -> None:
    world, a, b = two
    before = {**world.left.records}, {**world.right.records}

    found, linked = adopt(world)

    assert (linked, twins(world), world.writes()) == (1, {(a, b)}, 0)
    assert (world.left.records, world.right.records) == before
    assert dict(found.links) == {"EmailAddress": 1}
    assert {name: dict(counts) for name, counts in found.fields.items() if counts.total()} == {
        "EmailAddress": {"agree": 1},
        "FirstName": {"agree": 1},
        "MailAddress.City": {"agree": 1},
        "PhoneNumber": {"to_shopify": 1},
        "LastName": {"differ": 1},
    }


def test_what_agrees_is_the_base_from_then_on(two: tuple[World, str, str]) -> None:
    world, a, b = two
    adopt(world)
    world.right.edit(b, city="Oslo")

    world.run()

    assert world.left.value(a, "city") == "Oslo"


def test_what_one_side_lacks_is_filled_by_the_first_run(two: tuple[World, str, str]) -> None:
    world, _, b = two
    adopt(world)
    assert world.right.value(b, "phone") is None

    world.run()

    assert world.right.value(b, "phone") == "+4722334455"


@pytest.mark.parametrize(("side", "name"), [(LEFT, "Lie"), (RIGHT, "Berg")])
def test_what_differs_waits_for_a_person_who_chooses_a_side(two: tuple[World, str, str], side: str, name: str) -> None:
    world, a, b = two
    adopt(world)
    (waiting,) = world.rows(conflicts)
    assert (waiting["field"], waiting["kind"], waiting["state"], waiting["winner"]) == (
        "LastName", "link", "open", None,
    )  # fmt: skip
    assert loads(waiting["raw"]) == {LEFT: "Lie", RIGHT: "Berg"}

    act(world.database, terms(world), "take", lambda d: take(d, [waiting["id"]], side), person="kim", via="cli")
    summary = world.run()

    assert summary["counts"]["link_conflicts"] == 0
    assert (world.left.value(a, "last"), world.right.value(b, "last")) == (name, name)


def test_what_nobody_chose_is_asked_about_by_the_next_run(new_world: NewWorld) -> None:
    world = new_world(customers())  # with the shipped limits
    a, b = world.left.add(**KARI), world.right.add(**KARI | {"last": "Berg"})
    adopt(world)

    plan = world.plan(world.begin())

    assert beyond_limits(world.mapping, plan["counts"]) == [
        "1 field differs where a new link has no base; the limit is 0"
    ]
    world.approve(plan)
    world.load(plan)
    assert world.left.value(a, "last") == world.right.value(b, "last") == "Berg"
    assert [(row["state"], row["rule"]) for row in world.rows(conflicts)] == [("decided", "latest")]


def test_doing_it_again_changes_nothing(two: tuple[World, str, str]) -> None:
    world, *_ = two
    adopt(world)
    before = [world.rows(table) for table in (links, link_sides, conflicts, actions)]

    found, linked = adopt(world)

    assert (linked, found.linked, found.links.total()) == (0, 1, 0)
    assert [world.rows(table) for table in (links, link_sides, conflicts, actions)] == before


def test_what_broke_off_is_finished_by_doing_it_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samklang.sync.takeover._CHUNK", 2)
    for n in range(5):
        for system in (world.left, world.right):
            system.add(**OLA | {"email": f"c{n}@post.example"})
    reference = read(world)
    real, left = world.sync().database.begin, [2]
    sync = world.sync()

    def begin() -> Any:
        left[0] -= 1
        if left[0] < -2:  # the turns of both lanes come first
            raise KeyboardInterrupt
        return real()

    monkeypatch.setattr(sync.database, "begin", begin)
    with pytest.raises(KeyboardInterrupt):
        take_over(sync, reference, person="kim", via="cli")
    monkeypatch.undo()
    half = len(twins(world))
    assert 0 < half < 5
    assert len(world.rows(actions)) == 1

    assert adopt(world)[1] == 5 - half
    assert twins(world) == {(str(n), str(n)) for n in range(1, 6)}


def test_who_cannot_be_told_apart_or_has_nobody_is_counted(two: tuple[World, str, str]) -> None:
    world, *_ = two
    for _ in range(2):
        world.left.add(**OLA)
    world.right.add(email="per@post.example")
    world.left.add(email="eva@post.example", first="Eva", last="Moe")
    world.left.add(email="ida@post.example", first="Ida", last="Moe")

    found, linked = adopt(world)

    assert (dict(found.ambiguous), dict(found.alone), linked) == ({LEFT: 2}, {LEFT: 2, RIGHT: 1}, 1)
    assert world.right.writes == []


def test_archived_twins_are_linked_and_left_alone(world: World) -> None:
    a, b = world.left.add(**KARI), world.right.add(**KARI | {"last": "Berg"}, scope=Scope.ARCHIVED)

    assert adopt(world)[1] == 1
    assert (twins(world), world.rows(conflicts)) == ({(a, b)}, [])


# --- a file of links ------------------------------------------------------------------------------------------------


def test_pairs_of_a_file_are_linked_whatever_their_keys_say(world: World) -> None:
    a, b = world.left.add(**KARI), world.right.add(**KARI | {"email": "kari@home.example"})
    other = world.right.add(**KARI)

    found, linked = adopt(world, [(a, b)])

    assert (dict(found.links), linked, twins(world)) == ({"given": 1}, 1, {(a, b)})
    world.run()
    assert world.right.value(other, "email") == KARI["email"]
    assert len(world.right.records) == 2


def test_each_line_that_is_left_has_its_reason(world: World) -> None:
    ids = [world.left.add(email=f"{n}@a.example", first="K", last="L") for n in range(6)]
    twin = [world.right.add(email=f"{n}@b.example") for n in range(6)]
    world.left.set(ids[3], scope=Scope.OUTSIDE)
    adopt(world, [(ids[0], twin[0])])
    act(world.database, terms(world), "unlink", lambda d: d.unlink(f"{LEFT}:{ids[0]}"), person="kim", via="cli")
    adopt(world, [(ids[1], twin[1])])
    staging = Staging(world.folder / "staging", world.database.store_id())
    forget(world.database, terms(world), staging, f"{RIGHT}:{twin[5]}", who="kim", via="cli")
    pairs = [
        (ids[0], twin[0]), (ids[1], twin[1]), (ids[1], twin[2]), (ids[2], "999"), (ids[3], twin[3]),
        (ids[4], twin[2]), (ids[5], twin[5]),
    ]  # fmt: skip

    assert clear(pairs) == [pairs[0], pairs[3], pairs[4], pairs[6]]
    adopt(world, clear(pairs))
    with world.database.read() as connection:
        reasons = [reason_left(connection, world.sync(), pair, twice(pairs)) for pair in pairs]

    assert reasons == [
        "they are kept apart by a person",
        "they are linked already",
        f"{LEFT}:{ids[1]} stands in the file more than once",
        f"there is no {RIGHT}:999",
        f"{LEFT}:{ids[3]} is out of scope (a company or supplier)",
        f"{RIGHT}:{twin[2]} stands in the file more than once",
        f"{RIGHT}:{twin[5]} was forgotten",
    ]


# --- beside runs ----------------------------------------------------------------------------------------------------


def test_who_was_linked_or_forgotten_since_the_read_is_left(world: World) -> None:
    for n in range(3):
        for system in (world.left, world.right):
            system.add(**OLA | {"email": f"c{n}@post.example"})
    reference = read(world)
    act(
        world.database,
        terms(world),
        "relink",
        lambda d: d.relink(d.find_one(f"{LEFT}:1"), d.find_one(f"{RIGHT}:2")),
        person="kim",
        via="cli",
    )
    forget(
        world.database,
        terms(world),
        Staging(world.folder / "other", world.database.store_id()),
        f"{LEFT}:3",
        who="kim",
        via="cli",
    )

    assert take_over(world.sync(), reference, person="kim", via="cli") == 0
    assert twins(world) == {("1", "2")}


def test_nothing_is_linked_while_a_load_is_at_work(two: tuple[World, str, str]) -> None:
    world, *_ = two
    reference = read(world)
    with (
        lanes.take(world.database, "customers", LEFT, run_id="run-1", at="now", sleep=lambda _: None),
        pytest.raises(DecisionError, match="is writing customers right now"),
    ):
        take_over(world.sync(), reference, person="kim", via="cli")
    assert twins(world) == set()


def test_a_plan_from_before_makes_nobody_anew_whom_it_linked(new_world: NewWorld) -> None:
    """Its records were alone when it was made."""
    world = new_world(customers(NO_LIMITS, "create_in: [shopify, powerofficego]"))
    world.left.add(**KARI)
    run = world.begin()
    plan = world.plan(run)
    world.right.add(**KARI)
    adopt(world)

    world.carry_out(run, plan)
    world.run(mode="full")

    assert (len(world.left.records), len(world.right.records), world.writes()) == (1, 1, 0)


def test_what_it_did_is_kept_with_who_did_it(two: tuple[World, str, str]) -> None:
    world, *_ = two
    adopt(world)

    (kept,) = world.rows(actions)
    assert (kept["what"], kept["person"], loads(kept["detail"])) == ("adopt", "kim", {"pairs": 1})
    assert [row["run_id"] for row in world.rows(links)] == [kept["name"]]


def test_a_desk_can_still_take_adopted_twins_apart(two: tuple[World, str, str]) -> None:
    world, a, _ = two
    adopt(world)

    def apart(desk: Desk) -> Any:
        return desk.unlink(f"{LEFT}:{a}")

    act(world.database, terms(world), "unlink", apart, person="kim", via="cli")
    assert [row["state"] for row in world.rows(conflicts)] == ["decided"]
