"""Whatever people do with undo, conflicts and freezes, in whatever order and with answers lost: nothing gets stuck."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sync.test_put_back import KARI, do, values
from tests.sync.world import NO_LIMITS, RIGHT, SIDES, World, customers

from samklang.store.schema import conflicts, holds, orders
from samklang.sync.conflicts import keep, take
from samklang.sync.freezing import freeze, unfreeze
from samklang.sync.undo import release, undo

FIELDS = {"last": "LastName", "city": "MailAddress.City", "line1": "MailAddress.AddressLine1"}
STEPS = st.one_of(
    st.tuples(st.just("edit"), st.sampled_from(SIDES), st.sampled_from(sorted(FIELDS))),
    st.tuples(st.just("edit"), st.sampled_from(SIDES), st.sampled_from(sorted(FIELDS))),
    st.tuples(st.just("run"), st.integers(0, 2), st.sampled_from(SIDES)),
    st.tuples(st.just("undo"), st.integers(1, 3), st.none()),
    st.tuples(st.just("take"), st.sampled_from(SIDES), st.booleans()),
    st.tuples(st.just("keep"), st.none(), st.none()),
    st.tuples(st.just("freeze"), st.sampled_from(SIDES), st.sampled_from(["LastName", None])),
    st.tuples(st.just("unfreeze"), st.none(), st.none()),
    st.tuples(st.just("release"), st.none(), st.sampled_from(sorted(FIELDS))),
)


@settings(max_examples=40)
@given(steps=st.lists(STEPS, min_size=4, max_size=14), policy=st.sampled_from(["latest", "ask"]))
def test_all_that_people_put_back_comes_into_tune_again_once_they_let_go(
    steps: list[tuple[str, object, object]], policy: str
) -> None:
    with TemporaryDirectory() as folder:
        world = World(Path(folder), customers(f"policy: {policy}", NO_LIMITS))
        a, b = world.pair(**KARI)
        for n, step in enumerate(steps):
            play(world, a, b, n, *step)
        let_go(world, a, b)

        assert [left == right for left, right in values(world, a, b, *FIELDS)] == [True] * len(FIELDS)
        world.left.edit(a, **dict.fromkeys(FIELDS, "Last"))
        world.run()
        assert values(world, a, b, *FIELDS) == [("Last", "Last")] * len(FIELDS)
        world.forget_writes()
        world.run(mode="full")
        assert world.writes() == 0
        assert world.rows(holds) == []
        assert {row["state"] for row in world.rows(orders)} <= {"done", "moved", "released"}
        world.database.close()


def play(world: World, a: str, b: str, n: int, what: str, one: object, other: object) -> None:
    match what:
        case "edit":
            system, record = (world.right, b) if one == RIGHT else (world.left, a)
            system.edit(record, **{str(other): f"Value {n}"})
        case "run":
            (world.right if other == RIGHT else world.left).unclear = int(str(one))
            world.run()
            world.right.unclear = world.left.unclear = 0
        case "undo":
            run_id = f"run-{max(1, world.runs - int(str(one)) + 1)}"
            if run_id != "run-1":  # that one made the link
                do(world, lambda desk: undo(desk, run_id=run_id))
        case "take":
            ids = [row["id"] for row in world.rows(conflicts) if row["state"] == "open" or other]
            do(world, lambda desk: take(desk, ids, str(one)))
        case "keep":
            do(world, lambda desk: keep(desk, [row["id"] for row in world.rows(conflicts)]))
        case "freeze":
            do(world, lambda desk: freeze(desk, f"shopify:{b}", None if other is None else str(other)))
        case "unfreeze":
            do(world, lambda desk: unfreeze(desk, f"shopify:{b}", None))
        case "release":
            do(world, lambda desk: release(desk, f"shopify:{b}", FIELDS[str(other)]))


def let_go(world: World, a: str, b: str) -> None:
    """Nobody wants anything special any more; conflicts that wait go to PowerOffice Go."""
    for _ in range(3):
        world.run()
        do(world, lambda desk: unfreeze(desk, f"shopify:{b}", None))
        for name in FIELDS.values():
            do(world, lambda desk, name=name: release(desk, f"shopify:{b}", name))  # type: ignore[misc]
        ids = [row["id"] for row in world.rows(conflicts) if row["state"] == "open"]
        do(world, lambda desk, ids=ids: take(desk, ids, "powerofficego"))  # type: ignore[misc]
    for _ in range(3):
        world.run()
