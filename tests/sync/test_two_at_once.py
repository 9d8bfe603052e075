"""The same step twice at once: a task beside its own retry, a manual run beside a scheduled one, or a backfill.

Whoever comes second waits for its turn and then does what is left; only what is outdated ends, and says why.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from tests.store.test_lanes import lose
from tests.sync.memory_system import MemorySystem
from tests.sync.world import LEFT, RIGHT, World

from samklang.core.clocks import from_datetime
from samklang.errors import OutdatedError, OutdatedPlanError, StagingError, StoreUnavailableError
from samklang.store import journal, lanes, seen
from samklang.store.schema import intents, links, plan_results, reads, watermarks
from samklang.store.schema import seen as seen_table
from samklang.sync.context import Run, Sync
from samklang.sync.expire import expire
from samklang.sync.extract import extract
from samklang.sync.load import load
from samklang.sync.meter import NOTHING
from samklang.sync.settle import settle

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
OLA = {"email": "ola@post.example", "first": "Ola", "last": "Dal"}
NewWorld = Callable[..., World]


def patient(world: World, sleep: Callable[[float], object]) -> Sync:
    sync = world.sync()
    sync.sleep = sleep  # type: ignore[assignment]
    return sync


def people(world: World, number: int) -> None:
    for n in range(number):
        world.left.add(email=f"c{n}@post.example", first="Kari", last=f"Lie {n}")


def emails(system: MemorySystem) -> Counter[str | None]:
    return Counter(record.values[system.names["email"]] for record in system.records.values())


def second_waits(world: World, first: dict[str, Any], second: dict[str, Any], verb: str = "create") -> list[Any]:
    """Load two plans into RIGHT; the second comes while the first has looked everything up and is about to send.

    :returns: what each load returned or raised, and how often the second looked whether it was its turn.
    """
    about_to_send, through = threading.Event(), threading.Event()
    send = getattr(world.right, verb)
    tries: list[float] = []

    def held_up(items: Any) -> Iterator[Any]:
        about_to_send.set()
        assert through.wait(20)
        yield from send(items)

    def sleep(seconds: float) -> None:
        tries.append(seconds)
        through.set()
        done.wait(0.02)

    def run(plan: dict[str, Any], sleep: Callable[[float], object]) -> Any:
        try:
            return load(patient(world, sleep), RIGHT, plan)["outcomes"]
        except Exception as error:
            return error

    done = threading.Event()
    setattr(world.right, verb, held_up)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(run, first, lambda _: pytest.fail("the first waited"))
        one.add_done_callback(lambda _: done.set())
        assert about_to_send.wait(20)
        setattr(world.right, verb, send)
        two = pool.submit(run, second, sleep)
        two.add_done_callback(lambda _: through.set())  # without turns it would send now; the first would follow
        return [one.result(30), two.result(30), len(tries)]


# --- loads ------------------------------------------------------------------------------------------------------------


def test_two_copies_of_a_load_take_turns_and_nothing_is_made_twice(world_on_each_store: World) -> None:
    world = world_on_each_store
    people(world, 3)
    plan = world.plan(world.begin())
    world.approve(plan)

    first, second, tries = second_waits(world, plan, plan)

    assert first == second == {"created": 3}
    assert tries >= 1
    assert set(emails(world.right).values()) == {1}
    assert len(world.right.writes) == 3
    world.run()
    assert world.status()["in_sync"] == 3


def test_two_copies_of_a_load_write_an_update_once(world: World) -> None:
    world.pair(**KARI)
    world.left.edit("1", first="Karin")
    world.right.add(**OLA)
    world.left.add(**OLA)
    plan = world.plan(world.begin())
    world.approve(plan)
    world.forget_writes()

    first, second, _ = second_waits(world, plan, plan, "update")

    assert first == second == {"written": 1}
    assert [op for op, _, _ in world.right.writes] == ["update"]
    assert world.status()["linked"] == 2
    world.run()
    assert world.status()["in_sync"] == 2


def test_a_manual_run_beside_a_scheduled_one_waits_and_then_does_what_is_left(world_on_each_store: World) -> None:
    world = world_on_each_store
    people(world, 3)
    scheduled = world.plan(world.begin(kind="scheduled"))
    world.left.add(**OLA)
    manual = world.plan(world.begin())
    for plan in (scheduled, manual):
        world.approve(plan)

    first, second, _ = second_waits(world, scheduled, manual)

    assert first == {"created": 3}
    assert second == {"linked": 3, "created": 1}
    assert set(emails(world.right).values()) == {1}
    assert len(world.right.records) == 4


def test_the_older_of_two_runs_ends_between_two_chunks_once_the_newer_has_begun(world_on_each_store: World) -> None:
    """Its other lane is free: there the newer run begins while the older one still writes."""
    world = world_on_each_store
    people(world, 60)
    old = world.plan(world.begin(kind="scheduled"))
    new = world.plan(world.begin())
    for plan in (old, new):
        world.approve(plan)
    create = world.right.create

    def meanwhile(creations: Any) -> Iterator[Any]:
        world.right.create = create  # type: ignore[method-assign]
        yield from create(creations)
        load(world.sync(), LEFT, new)

    world.right.create = meanwhile  # type: ignore[method-assign]
    with pytest.raises(OutdatedError, match=r"Plan 1 of customers is older than plan 2, .* Nothing to do") as ended:
        world.load(old, RIGHT)
    assert ended.value.final
    assert len(world.right.records) == 50

    assert world.load(new, RIGHT) == {
        RIGHT: {"outcomes": {"linked": 50, "created": 10}, "reasons": {}, "used": NOTHING}
    }
    assert set(emails(world.right).values()) == {1}
    world.run()
    assert world.status()["in_sync"] == 60


@pytest.mark.parametrize("backfill_first", [True, False])
def test_a_backfill_beside_a_live_run_doubles_nothing_and_loses_nothing(world: World, backfill_first: bool) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    people(world, 2)
    window = (from_datetime(world.moment - timedelta(days=1)), from_datetime(world.moment + timedelta(days=1)))
    plans = [world.plan(world.begin(kind="backfill", window=window)), world.plan(world.begin(kind="scheduled"))]
    if not backfill_first:
        plans = [plans[1], world.plan(world.begin(kind="backfill", window=window))]
    for plan in plans:
        world.approve(plan)
    world.forget_writes()

    first, second, _ = second_waits(world, *plans, "update")

    assert first["written"] == 1
    assert second == ({"outdated": 1, "created": 2} if backfill_first else {"outdated": 1})
    assert Counter(op for op, _, _ in world.right.writes) == {"update": 1, "create": 2}
    assert world.right.value(b, "first") == "Karin"
    world.run()
    assert world.status()["in_sync"] == 3


# --- a turn that is lost ----------------------------------------------------------------------------------------------


class _Overtaken:
    """The load of a plan loses its turn, and another load of it runs from beginning to end, when `now` is called."""

    def __init__(self, world: World, plan: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.plan = world, plan
        self.turns: list[lanes.Turn] = []
        self.other: dict[str, Any] = {}
        real = lanes.Turn

        def keep(*args: Any) -> lanes.Turn:
            self.turns.append(real(*args))
            return self.turns[-1]

        monkeypatch.setattr(lanes, "Turn", keep)

    def now(self) -> None:
        lose(self.turns[0])
        self.other = load(self.world.sync(), RIGHT, self.plan)["outcomes"]


def test_a_load_that_lost_its_turn_before_an_answer_came_commits_nothing_and_the_other_finds_the_record(
    world_on_each_store: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_on_each_store
    world.left.add(**KARI)
    plan = world.plan(world.begin())
    world.approve(plan)
    overtaken, create = _Overtaken(world, plan, monkeypatch), world.right.create

    def answer_late(creations: Any) -> Iterator[Any]:
        for outcome in create(creations):
            overtaken.now()
            yield outcome

    world.right.create = answer_late  # type: ignore[method-assign]
    with pytest.raises(OutdatedError, match="customers into shopify has lost its turn"):
        world.load(plan, RIGHT)

    assert overtaken.other == {"created": 1}
    assert len(world.right.records) == len(world.rows(links)) == 1
    assert [row["state"] for row in world.rows(intents)] == ["done"]


def test_an_update_that_was_answered_after_the_turn_was_lost_is_no_outdated_row_but_the_end(
    world_on_each_store: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_on_each_store
    for n in range(2):
        world.pair(email=f"c{n}@post.example", first="Kari", last="Lie")
    for n in range(2):
        world.left.edit(f"{n + 1}", first="Karin")
    plan = world.plan(world.begin())
    world.approve(plan)
    overtaken, update = _Overtaken(world, plan, monkeypatch), world.right.update
    sent: list[str] = []

    def answer_late(updates: Any) -> Iterator[Any]:
        world.right.update = update  # type: ignore[method-assign]
        for one in updates:
            sent.append(one.id)
            (outcome,) = update([one])
            overtaken.now()
            yield outcome

    world.right.update = answer_late  # type: ignore[method-assign]
    with pytest.raises(OutdatedError, match="lost its turn"):
        world.load(plan, RIGHT)

    assert sent == ["1"]
    assert overtaken.other == {"moved": 1, "written": 1}
    assert {row["outcome"] for row in world.rows(plan_results)} == {"moved", "written"}
    world.run()
    assert world.status()["in_sync"] == 2


def test_a_load_that_lost_its_turn_does_not_send_its_next_chunk(
    world_on_each_store: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_on_each_store
    people(world, 120)
    plan = world.plan(world.begin())
    world.approve(plan)
    overtaken, create = _Overtaken(world, plan, monkeypatch), world.right.create
    chunks = count(1)

    def lose_after_the_second(creations: Any) -> Iterator[Any]:
        number = next(chunks)
        yield from create(creations)
        if number == 2:
            overtaken.now()

    world.right.create = lose_after_the_second  # type: ignore[method-assign]
    with pytest.raises((OutdatedError, StoreUnavailableError)):
        world.load(plan, RIGHT)

    assert next(chunks) == 4  # two of its own, one of the other
    assert overtaken.other == {"created": 120}
    assert set(emails(world.right).values()) == {1}


# --- commits of which nobody knows what became ------------------------------------------------------------------------


@pytest.mark.parametrize("landed", [True, False])
def test_a_connection_that_is_cut_during_any_commit_costs_a_retry_and_nothing_else(
    world_on_each_store: World, landed: bool
) -> None:
    world = world_on_each_store
    dialect = world.database.engine.dialect
    do_commit = dialect.do_commit
    left: list[int] = []

    def cut(connection: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            if landed:
                do_commit(connection)
            else:
                dialect.do_rollback(connection)
            raise dialect.loaded_dbapi.OperationalError("server closed the connection unexpectedly")
        do_commit(connection)

    a, b = world.pair(**KARI)
    errors: list[StoreUnavailableError] = []
    for n in count(1):
        world.left.edit(a, first=f"Kari {n}")
        world.left.add(email=f"b{n}@post.example", first="Ola", last="Dal")
        plan = world.plan(world.begin())
        world.approve(plan)
        left[:] = [n]
        dialect.do_commit = cut  # type: ignore[method-assign]
        try:
            world.load(plan, RIGHT)
        except StoreUnavailableError as error:
            errors.append(error)
        finally:
            del dialect.do_commit
        world.load(plan)
        world.run()
        assert world.status()["in_sync"] == n + 1
        assert world.right.value(b, "first") == f"Kari {n}"
        assert set(emails(world.right).values()) == {1}
        assert world.status()["pending_intents"] == 0
        if len(errors) < n:
            break
    assert len(errors) > 6  # turn, adopting, taking over, an update, an intent, a create: each was cut off once
    assert not any(error.final for error in errors)
    assert {str(error).partition(". ")[0] for error in errors} == {
        "The link store cannot be opened or broke off (OperationalError)"
    }


# --- bases ------------------------------------------------------------------------------------------------------------


def test_a_base_that_another_plan_wrote_since_is_not_set_back(world: World) -> None:
    """Two runs: the first is late to write; what a person typed after it was planned is the last word."""
    a, b = world.pair(**KARI)
    world.right.edit(b, first="Kaja")
    world.left.edit(a, first="Karin")
    late = world.plan(world.begin())  # the later edit wins: Karin goes to the right
    world.left.edit(a, first="Kaja")
    agreed = world.plan(world.begin())  # both have Kaja
    for plan in (late, agreed):
        world.approve(plan)

    world.load(late)
    world.load(agreed)
    world.run()

    assert world.left.value(a, "first") == world.right.value(b, "first") == "Kaja"


# --- the other steps --------------------------------------------------------------------------------------------------


def at_once(*steps: Callable[[], Any]) -> list[Any]:
    barrier = threading.Barrier(len(steps))

    def go(step: Callable[[], Any]) -> Any:
        barrier.wait(10)
        return step()

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(go, steps))


def test_two_extracts_at_once_stage_two_reads_and_either_serves(world_on_each_store: World) -> None:
    world = world_on_each_store
    people(world, 5)
    run = world.begin()

    both = at_once(*[lambda: [extract(world.sync(), side, run) for side in (LEFT, RIGHT)]] * 2)

    assert len({read["folder"] for pair in both for read in pair}) == 4
    assert len({read["ticket"] for pair in both for read in pair}) == 4
    plans = [world.plan(run, read) for read in both]
    world.carry_out(run, plans[1])
    assert set(emails(world.right).values()) == {1}
    assert world.status()["in_sync"] == 5


def test_two_transforms_of_one_read_at_once_count_an_absence_once(
    world_on_each_store: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_on_each_store
    world.pair(**KARI)
    world.pair(**OLA)
    world.right.hidden.add("1")
    run = world.begin(mode="full")
    staged = world.read(run)
    mark, first = seen.mark_taken_in, threading.Event()

    def slowly(connection: Any, ticket: int) -> None:
        if ticket == staged[1]["ticket"] and not first.is_set():
            first.set()
            threading.Event().wait(0.3)  # time for the other to come as far as it can
        mark(connection, ticket)

    monkeypatch.setattr(seen, "mark_taken_in", slowly)

    plans = at_once(*[lambda: world.plan(run, staged)] * 2)

    assert {row["missing"] for row in world.rows(seen_table) if (row["side"], row["id"]) == (RIGHT, "1")} == {1}
    assert len({plan["plan"] for plan in plans}) == 2
    assert len({plan["folder"] for plan in plans}) == 2


def test_two_transforms_at_once_keep_the_newer_of_two_observations_of_a_new_record(
    world_on_each_store: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_on_each_store
    a = world.left.add(**KARI)
    old = world.read(world.begin())
    world.left.edit(a, first="Karin")
    new = world.read(world.begin())
    known, first = seen.known, threading.Event()

    def slowly(*args: Any, **options: Any) -> Any:
        found = known(*args, **options)
        if options.get("lock") and not first.is_set():
            first.set()
            threading.Event().wait(0.3)
        return found

    monkeypatch.setattr(seen, "known", slowly)

    def later() -> Any:
        assert first.wait(10)
        return world.plan(Run("run-2"), new)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda step: step(), [lambda: world.plan(Run("run-1"), old), later]))

    (row,) = (row for row in world.rows(seen_table) if row["side"] == LEFT)
    assert "Karin" in row["raw"]
    assert row["ticket"] == new[0]["ticket"]


@pytest.mark.parametrize("newer_first", [True, False])
def test_two_settles_at_once_move_a_watermark_forward_only(world_on_each_store: World, newer_first: bool) -> None:
    """The second comes while the first has not committed yet."""
    world = world_on_each_store
    clocks = ["2026-02", "2026-01"] if newer_first else ["2026-01", "2026-02"]

    def move(connection: Any, clock: str) -> None:
        journal.move_watermark(
            connection, "customers", LEFT, clock=clock, whole_at=clock, fields=f"of {clock}", first_created=""
        )

    def second() -> None:
        with world.database.begin() as connection:
            move(connection, clocks[1])

    thread = threading.Thread(target=second)
    with world.database.begin() as connection:
        move(connection, clocks[0])
        thread.start()
        thread.join(0.2)
    thread.join(10)

    (mark,) = world.rows(watermarks)
    assert (mark["clock"], mark["whole_at"], mark["fields"]) == ("2026-02", "2026-02", "of 2026-02")


def test_a_run_that_is_settled_again_after_a_newer_one_does_not_take_back_what_that_one_read(world: World) -> None:
    world.pair(**KARI)
    old_run = world.begin()
    old = world.plan(old_run)
    summary = world.carry_out(old_run, old)
    world.run(mode="full")
    before = world.rows(watermarks)

    settle(world.sync(), old_run, reads=old["reads"], plan=old, written=summary["loads"], failed=[])

    assert world.rows(watermarks) == before


def test_two_first_runs_at_once_with_different_tenants_do_not_both_bind_the_store(world_on_each_store: World) -> None:
    world = world_on_each_store
    refused: list[str] = []

    def second() -> None:
        try:
            with world.database.begin() as connection:
                journal.bind(connection, RIGHT, "other", "Other shop")
        except Exception as error:
            refused.append(str(error))

    thread = threading.Thread(target=second)
    with world.database.begin() as connection:
        journal.bind(connection, RIGHT, "one", "One shop")
        thread.start()
        thread.join(0.2)
    thread.join(10)

    assert len(refused) == 1
    assert "belongs to shopify one" in refused[0]


def test_two_settles_at_once_may_expire_the_same_files(world: World) -> None:
    for _ in range(30):
        world.read(world.begin())
    world.moment += timedelta(days=40)

    removed = at_once(*[lambda: expire(world.sync())] * 4)

    assert max(removed) > 0
    assert list((world.folder / "staging").glob("store-*/customers/*")) == []


# --- weeks later ------------------------------------------------------------------------------------------------------


def test_an_old_load_that_is_cleared_weeks_later_is_outdated_and_says_so_though_its_files_are_gone(
    world: World,
) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    old = world.plan(world.begin())
    world.approve(old)
    world.left.edit(a, first="Kaja")
    world.run()
    world.moment += timedelta(days=40)
    expire(world.sync())

    with pytest.raises(OutdatedPlanError, match=r"Plan 2 of customers is older than plan 3, .* Clear the newest run"):
        world.load(old, RIGHT)

    assert world.right.value(b, "first") == "Kaja"


def test_a_run_whose_load_found_its_plan_outdated_says_so_and_has_not_failed(world: World) -> None:
    a, _ = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    run = world.begin()
    old = world.plan(run)
    world.approve(old)
    world.left.edit(a, first="Kaja")
    world.run()

    summary = world.settle(run, old, {LEFT: None, RIGHT: None}, [])

    assert summary["state"] == "outdated"
    assert world.settle(run, old, {LEFT: None, RIGHT: None}, ["load_shopify"])["state"] == "failed"


def test_a_plan_whose_files_are_gone_says_what_to_do(world: World) -> None:
    world.left.add(**KARI)
    plan = world.plan(world.begin())
    world.approve(plan)
    world.sync().staging.drop(plan["folder"])

    with pytest.raises(StagingError, match=r"not there any more.* run the DAG again"):
        world.load(plan, RIGHT)

    assert world.writes() == 0


@pytest.mark.parametrize("part", [True, False])
def test_a_read_whose_files_are_gone_says_so_and_takes_no_record_for_gone(world: World, part: bool) -> None:
    world.pair(**KARI)
    run = world.begin(mode="full")
    staged = world.read(run)
    folder = world.folder / "staging" / staged[0]["folder"]
    if part:
        next(folder.iterdir()).unlink()
    else:
        world.sync().staging.drop(staged[0]["folder"])

    with pytest.raises(StagingError, match="run the DAG again"):
        world.plan(run, staged)

    assert {row["missing"] for row in world.rows(seen_table)} == {0}
    assert [row["taken_in"] for row in world.rows(reads) if row["ticket"] == staged[0]["ticket"]] == [False]
