"""A swap may break off anywhere: what we emptied on the way is nobody's edit, and nobody is left without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.sync.memory_system import MemorySystem, WorkerDiedError
from tests.sync.test_put_back import terms
from tests.sync.world import LEFT, RIGHT, SIDES, World

from samklang.errors import UnclearError
from samklang.store.schema import conflicts, history, holds
from samklang.store.schema import orders as stored_orders
from samklang.sync.act import act
from samklang.sync.commit import Committer
from samklang.sync.undo import undo
from samklang.systems.base import Outcome, Problem

PEOPLE = [
    {"email": f"{name.lower()}@post.example", "phone": f"+472233445{n}", "first": name, "last": "Lie"}
    for n, name in enumerate(("Kari", "Ola", "Per", "Siv"))
]


def people(world: World, target: str, many: int) -> tuple[MemorySystem, MemorySystem]:
    """Linked customers, alike on both sides. :returns: where people edit, and where no two may share a value."""
    if target == LEFT:
        world.left.unique = ("EmailAddress", "PhoneNumber")
        rules = world.left.rules
        unique = {name: replace(rules.accepts(name), unique=True) for name in world.left.unique}
        world.left.rules = replace(rules, fields={**rules.fields, **unique})
    for person in PEOPLE[:many]:
        world.pair(**person)
    there = world.left if target == LEFT else world.right
    return (world.right if target == LEFT else world.left), there


def rotate(system: MemorySystem, many: int, *names: str) -> None:
    """Everybody gets what the next one has."""
    for n in range(many):
        system.edit(str(n + 1), **{name: PEOPLE[(n + 1) % many][name] for name in names})


def back(system: MemorySystem, many: int, *names: str) -> None:
    for n in range(many):
        system.edit(str(n + 1), **{name: PEOPLE[n][name] for name in names})


def values(system: MemorySystem, many: int, name: str) -> list[str | None]:
    return [system.value(str(n + 1), name) for n in range(many)]


def is_quiet(world: World) -> bool:
    world.forget_writes()
    world.run()
    return world.writes() == 0


def refuse(
    monkeypatch: pytest.MonkeyPatch, system: MemorySystem, identifier: str, code: str = "invalid", name: str = "email"
) -> None:
    """A record that takes no other value than it had before."""
    allowed = (system.value(identifier, name), None)
    name, problems = system.names[name], system._problems

    def refusing(own: str | None, changes: Any) -> tuple[Problem, ...]:
        if own == identifier and name in changes and changes[name] not in allowed:
            return (Problem(name, code, "no"),)
        return problems(own, changes)

    monkeypatch.setattr(system, "_problems", refusing)


def fail(monkeypatch: pytest.MonkeyPatch, system: MemorySystem, identifier: str) -> None:
    """A record over which each write fails."""
    send = system.update

    def failing(updates: Any) -> Any:
        for one in updates:
            if one.id == identifier:
                yield Outcome(one.ref, error=UnclearError("HTTP 500", system=system.side))
            else:
                yield from send([one])

    monkeypatch.setattr(system, "update", failing)


@pytest.mark.parametrize("then", ["nothing", "back", "one back", "another", "cleared"])
@pytest.mark.parametrize("after_commit", [False, True])
@pytest.mark.parametrize("many", [2, 3])
def test_a_swap_that_breaks_off_anywhere_ends_as_the_people_want_it(
    world: World, monkeypatch: pytest.MonkeyPatch, many: int, after_commit: bool, then: str
) -> None:
    source, target = people(world, RIGHT, many)
    for at in range(1, many + 2):
        rotate(source, many, "email")
        _die(world, monkeypatch, at, after_commit=after_commit)
        if then == "back":
            back(source, many, "email")
        elif then == "one back":  # the others have no address of their own left, but a new one
            for n in range(1, many):
                source.edit(str(n + 1), email=f"new{n}@post.example")
            source.edit("1", email=PEOPLE[0]["email"])
        elif then == "another":
            source.edit("1", email="new@post.example")
        elif then == "cleared":
            source.edit("1", email=None)
        wanted = values(source, many, "email")

        world.run()

        assert values(source, many, "email") == wanted, at
        assert values(target, many, "email") == wanted, at
        assert is_quiet(world)
        assert world.rows(conflicts) == []
        assert world.rows(holds) == []
        back(source, many, "email")
        world.run()
        world.run()
        assert values(target, many, "email") == [person["email"] for person in PEOPLE[:many]]


def _die(world: World, monkeypatch: pytest.MonkeyPatch, at: int, *, after_commit: bool) -> None:
    """One run, whose process dies at a write: with the write carried out, or with its outcome committed too."""
    if not after_commit:
        world.right.die_after = at
        world.run()
        world.right.die_after = None
        return
    left, updated = [at], Committer.updated

    def dies(self: Committer, *rest: Any) -> bool:
        done = updated(self, *rest)
        left[0] -= 1
        if left[0] == 0:
            raise WorkerDiedError
        return done

    with monkeypatch.context() as patched:
        patched.setattr(Committer, "updated", dies)
        world.run()


@pytest.mark.parametrize("target", SIDES)
@pytest.mark.parametrize("names", [("email",), ("phone",), ("email", "phone")])
def test_all_that_no_two_may_share_is_swapped_on_either_side(world: World, target: str, names: tuple[str, ...]) -> None:
    source, there = people(world, target, 4)
    rotate(source, 4, *names)

    world.run()

    for name in names:
        assert values(there, 4, name) == values(source, 4, name)
    assert is_quiet(world)


@pytest.mark.parametrize("target", SIDES)
def test_a_value_whose_holder_was_deleted_goes_to_whoever_has_it_now_in_the_same_run(world: World, target: str) -> None:
    source, there = people(world, target, 2)
    source.edit("1", phone=None)
    source.edit("2", phone=PEOPLE[0]["phone"])
    there.delete("1")

    world.run(mode="changes")

    assert there.value("2", "phone") == PEOPLE[0]["phone"]
    assert world.rows(holds) == []


@pytest.mark.parametrize("deleted", ["1", "2", "3"])
@pytest.mark.parametrize("target", SIDES)
def test_a_ring_of_which_one_was_deleted_goes_on_without_it(world: World, target: str, deleted: str) -> None:
    source, there = people(world, target, 3)
    rotate(source, 3, "email", "phone")
    there.delete(deleted)

    world.run(mode="changes")

    for left in {"1", "2", "3"} - {deleted}:
        assert [there.value(left, name) for name in ("email", "phone")] == [
            source.value(left, name) for name in ("email", "phone")
        ]


def test_a_value_that_another_took_meanwhile_is_held_where_its_holder_was_deleted(world: World) -> None:
    source, there = people(world, RIGHT, 2)
    source.edit("1", phone=None)
    source.edit("2", phone=PEOPLE[0]["phone"])

    def is_typed_anew() -> None:
        there.delete("1")
        there.add(**PEOPLE[0])

    world.run(between=is_typed_anew)

    assert there.value("2", "phone") == PEOPLE[1]["phone"]
    assert [(row["source_id"], row["field"], row["reason"]) for row in world.rows(holds)] == [
        ("2", "PhoneNumber", "taken")
    ]


@pytest.mark.parametrize("target", SIDES)
@pytest.mark.parametrize("many", [2, 4])
def test_a_partner_who_is_refused_leaves_nobody_without(
    world: World, monkeypatch: pytest.MonkeyPatch, target: str, many: int
) -> None:
    source, there = people(world, target, many)
    rotate(source, many, "email")
    wanted = values(source, many, "email")
    refuse(monkeypatch, there, str(many))

    world.run()

    assert None not in values(there, many, "email")  # in the same run already
    for _ in range(3):
        world.run()
        assert None not in values(there, many, "email")
    assert values(source, many, "email") == wanted
    assert world.rows(conflicts) == []


def test_whoever_cannot_take_the_last_value_of_a_swap_gets_it_once_that_is_mended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, there = people(world, RIGHT, 2)
    rotate(source, 2, "email")
    with monkeypatch.context() as patched:
        refuse(patched, there, "1")
        world.run()
        world.run()
    assert values(there, 2, "email") == [person["email"] for person in PEOPLE[:2]]
    assert {(row["source_id"], row["reason"]) for row in world.rows(holds)} == {("1", "invalid"), ("2", "taken")}

    source.edit("1", first="Karin")
    world.run()

    assert values(there, 2, "email") == values(source, 2, "email")


@pytest.mark.parametrize("code", ["invalid", "unclear"])
@pytest.mark.parametrize("target", SIDES)
@pytest.mark.parametrize("refused", [1, 2, 3, 4])
def test_a_ring_of_which_one_is_refused_leaves_everybody_with_what_they_had(
    world: World, monkeypatch: pytest.MonkeyPatch, refused: int, target: str, code: str
) -> None:
    source, there = people(world, target, 4)
    rotate(source, 4, "email")
    wanted = values(source, 4, "email")
    with monkeypatch.context() as patched:
        if code == "unclear":
            fail(patched, there, str(refused))
        else:
            refuse(patched, there, str(refused))
        world.run()
        assert values(there, 4, "email") == [person["email"] for person in PEOPLE]
        for _ in range(2):
            world.run()
            assert values(there, 4, "email") == [person["email"] for person in PEOPLE]
        assert is_quiet(world)
    assert values(source, 4, "email") == wanted
    assert world.rows(conflicts) == []
    reasons = {(row["source_id"], row["reason"]) for row in world.rows(holds)}
    assert (str(refused), code) in reasons
    assert {(i, "taken") for i in "1234" if i != str(refused)} <= reasons

    source.edit(str(refused), first="Anna")  # mended: all who wait for it are tried again
    world.run()

    assert values(there, 4, "email") == wanted
    assert world.rows(holds) == []
    assert is_quiet(world)


@pytest.mark.parametrize("refused", [1, 2, 3])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5, 6])
def test_a_ring_that_cannot_go_on_is_rolled_back_by_a_later_plan_too(
    world: World, monkeypatch: pytest.MonkeyPatch, at: int, refused: int
) -> None:
    source, there = people(world, RIGHT, 3)
    rotate(source, 3, "email")
    wanted = values(source, 3, "email")
    with monkeypatch.context() as patched:
        refuse(patched, there, str(refused))
        _die(world, patched, at, after_commit=True)
        for _ in range(4):
            world.run()
        assert values(there, 3, "email") == [person["email"] for person in PEOPLE[:3]]
        assert is_quiet(world) or is_quiet(world)  # after an hour, what was refused is tried once more

    source.edit(str(refused), first="Anna")
    world.run()

    assert values(there, 3, "email") == wanted
    assert values(source, 3, "email") == wanted
    assert world.rows(conflicts) == []


def test_a_value_that_was_emptied_for_another_is_not_given_to_a_new_record_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody but the ring takes it before the record that had it has another one."""
    source, there = people(world, RIGHT, 2)
    rotate(source, 2, "email")
    source.add(email=PEOPLE[0]["email"], first="Third", last="Moe")
    refuse(monkeypatch, there, "2")

    world.run()

    assert values(there, 2, "email") == [person["email"] for person in PEOPLE[:2]]


@pytest.mark.parametrize("target", SIDES)
@pytest.mark.parametrize("third", [1, 2, 3])
@pytest.mark.parametrize("wanted", [1, 2])
def test_a_swap_is_not_kept_from_going_on_by_a_third_who_waits_for_one_of_its_values(
    world: World, target: str, wanted: int, third: int
) -> None:
    """Else one of the two would have nothing, and what it had would be gone."""
    source, there, swapping = _with_a_third(world, target, third, wanted)

    world.run()

    ours, theirs = [[system.value(i, "phone") for i in swapping] for system in (source, there)]
    assert ours == theirs
    assert there.value(str(third), "phone") is None
    assert {(row["source_id"], row["reason"]) for row in world.rows(holds)} == {(str(third), "taken")}
    assert is_quiet(world)

    source.edit(swapping[0], phone="+4722334480")  # and gets it once they let go of it
    source.edit(swapping[1], phone="+4722334481")
    world.run()

    assert there.value(str(third), "phone") == source.value(str(third), "phone")
    assert world.rows(holds) == []


@pytest.mark.parametrize("third", [1, 2, 3])
@pytest.mark.parametrize("wanted", [1, 2])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_swap_that_broke_off_goes_on_before_a_third_who_waits_for_one_of_its_values(
    world: World, monkeypatch: pytest.MonkeyPatch, at: int, wanted: int, third: int
) -> None:
    source, there, swapping = _with_a_third(world, RIGHT, third, wanted)
    _die(world, monkeypatch, at, after_commit=True)

    world.run()

    ours, theirs = [[system.value(i, "phone") for i in swapping] for system in (source, there)]
    assert ours == theirs
    assert there.value(str(third), "phone") is None


@pytest.mark.parametrize("refused", [0, 1])
@pytest.mark.parametrize("third", [1, 2, 3])
@pytest.mark.parametrize("wanted", [1, 2])
def test_where_a_swap_cannot_go_on_no_third_gets_what_one_of_the_two_is_to_have_back(
    world: World, monkeypatch: pytest.MonkeyPatch, wanted: int, third: int, refused: int
) -> None:
    _, there, swapping = _with_a_third(world, RIGHT, third, wanted)
    before = [there.value(i, "phone") for i in swapping]
    refuse(monkeypatch, there, swapping[refused], name="phone")

    for _ in range(3):
        world.run()

        assert [there.value(i, "phone") for i in swapping] == before
        assert there.value(str(third), "phone") is None


def _with_a_third(
    world: World, target: str, third: int, wanted: int
) -> tuple[MemorySystem, MemorySystem, tuple[str, str]]:
    """Two of three swap their phones, and one without a phone, now renamed, has been waiting for one of these.

    :param wanted: the phone of which of the two. :returns: as `people`, and the two.
    """
    source, there = people(world, target, 3)
    world.run()
    source.edit(str(third), phone=None)
    world.run()
    swapping = [str(n + 1) for n in range(3) if n + 1 != third]
    phones = [source.value(i, "phone") for i in swapping]
    source.edit(str(third), phone=phones[wanted - 1])
    world.run()
    source.edit(swapping[0], phone=phones[1])
    source.edit(swapping[1], phone=phones[0])
    source.edit(str(third), first="Renamed")
    return source, there, (swapping[0], swapping[1])


def test_a_write_of_a_partner_that_stays_unclear_leaves_nobody_without(world: World) -> None:
    source, there = people(world, RIGHT, 2)
    rotate(source, 2, "email")
    send, seen = there.update, []

    def lost(updates: Any) -> Any:
        """The second write never arrives."""
        for one in updates:
            seen.append(one)
            if len(seen) == 2:
                yield Outcome(one.ref, error=UnclearError("timed out", system=RIGHT))
            else:
                yield from send([one])

    there.update = lost  # type: ignore[method-assign]
    world.run()
    there.update = send  # type: ignore[method-assign]

    world.run()

    assert values(there, 2, "email") == values(source, 2, "email")
    assert is_quiet(world)


def test_what_somebody_types_where_we_freed_is_an_edit_like_any_other(world: World) -> None:
    source, there = people(world, RIGHT, 2)
    rotate(source, 2, "email")
    world.right.die_after = 1
    world.run()
    freed = values(there, 2, "email").index(None)

    there.edit(str(freed + 1), email="typed@post.example")
    world.run()
    world.run()

    assert source.value(str(freed + 1), "email") == "typed@post.example"
    assert there.value(str(freed + 1), "email") == "typed@post.example"
    assert [row["rule"] for row in world.rows(conflicts)] == ["latest"]


def test_what_is_freed_is_given_back_where_the_other_side_has_nothing_to_give(world: World) -> None:
    source, there = people(world, RIGHT, 2)
    rotate(source, 2, "email")
    world.right.die_after = 1
    world.run()
    freed = values(there, 2, "email").index(None)

    source.edit("1", email="nobody")  # no address at all
    source.edit("2", email="nobody")
    world.run()

    assert there.value(str(freed + 1), "email") == PEOPLE[freed]["email"]
    assert {row["reason"] for row in world.rows(holds)} == {"email_invalid"}
    assert is_quiet(world)
    source.edit(str(freed + 1), email=None)  # and it may be cleared like any other
    world.run()
    assert there.value(str(freed + 1), "email") is None


def test_what_is_freed_is_not_given_back_once_another_has_it(world: World) -> None:
    source, there = people(world, RIGHT, 2)
    rotate(source, 2, "email")
    world.right.die_after = 1
    world.run()
    freed = values(there, 2, "email").index(None)
    there.add(email=PEOPLE[freed]["email"], first="Third", last="Moe")

    source.edit("1", email="nobody")
    source.edit("2", email="nobody")
    world.run()

    assert is_quiet(world)
    assert there.value(str(freed + 1), "email") is None


def test_a_give_back_that_nobody_heard_of_is_no_edit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    source, there = people(world, RIGHT, 2)
    rotate(source, 2, "email")
    wanted = values(source, 2, "email")
    with monkeypatch.context() as patched:
        refuse(patched, there, "2")
        world.right.die_after = 2  # with the value given back
        world.run()
    assert None not in values(there, 2, "email")

    for _ in range(2):
        world.run()
        assert values(source, 2, "email") == wanted
        assert None not in values(there, 2, "email")
    assert world.rows(conflicts) == []


def test_whoever_has_nothing_but_an_address_is_not_the_one_who_goes_without(world: World) -> None:
    world.pair(email="kari@post.example", first="Kari", last="Lie")
    a, b = world.left.add(email="only@post.example"), world.right.add(email="only@post.example")
    world.run()
    assert world.status()["linked"] == 2
    world.left.edit("1", email="only@post.example")
    world.left.edit(a, email="kari@post.example")
    world.forget_writes()

    world.run()

    emptied = [i for _, i, what in world.right.written() if what == {"email": None}]
    assert emptied == ["1"]
    assert world.right.value(b, "email") == "kari@post.example"


@pytest.mark.parametrize("die_after", [None, 1, 2, 3])
@pytest.mark.parametrize("many", [2, 3])
def test_undoing_a_swap_leaves_nobody_without(world: World, many: int, die_after: int | None) -> None:
    source, there = people(world, RIGHT, many)
    rotate(source, many, "email")
    world.run()
    swapped = f"run-{world.runs}"
    _act(world, lambda desk: undo(desk, run_id=swapped))

    world.right.die_after = die_after
    world.run()
    world.run()

    assert values(there, many, "email") == [person["email"] for person in PEOPLE[:many]]
    assert {row["state"] for row in world.rows(stored_orders)} == {"standing"}
    assert is_quiet(world)


@pytest.mark.parametrize("die_after", [1, 2])
def test_undoing_the_end_of_a_swap_puts_back_what_stood_there_before_it(world: World, die_after: int) -> None:
    source, there = people(world, RIGHT, 2)
    rotate(source, 2, "email")
    world.right.die_after = die_after
    world.run()
    world.run()
    written = [row for row in world.rows(history) if row["op"] == "update"]
    assert all("null" not in row["before"] and "null" not in row["after"] for row in written)

    finished = f"run-{world.runs}"
    _act(world, lambda desk: undo(desk, run_id=finished))
    world.run()

    assert None not in values(there, 2, "email")


def _act(world: World, what: Callable[[Any], Any]) -> None:
    act(world.database, terms(world), "try", what, person="kim", via="cli")
