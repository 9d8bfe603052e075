"""What people see of a plan: before it is carried out what it would do, and afterwards what came back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.sync.world import LEFT, RIGHT, World, customers

from samklang.errors import StagingError
from samklang.store import lists
from samklang.store.lists import Page
from samklang.sync.planned import Book

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, customers())


def ask(world: World, what: Callable[[Book], Any], plan_id: int | None = None) -> Any:
    with world.database.read() as connection:
        plan = (
            lists.newest_plan(connection, "customers")
            if plan_id is None
            else lists.plan(connection, "customers", plan_id)
        )
        assert plan is not None
        return what(Book(connection, world.sync().staging, world.mapping, plan))


def walk(world: World, turn: Callable[[Book, str | None], Page[Any]]) -> list[Any]:
    rows: list[Any] = []
    after = None
    while True:
        page = ask(world, lambda book: turn(book, after))  # noqa: B023 - asked at once
        rows += page.rows
        after = page.next
        if after is None:
            return rows


@pytest.fixture
def proposed(world: World) -> World:
    """A dry run before the first write: one pair to link, two to create, an ambiguous key, one that is left alone."""
    world.left.add(id="11", **KARI)
    world.right.add(id="21", **{**KARI, "first": "Karin"}, phone="+4722334455")
    for n in range(2):
        world.left.add(id=f"3{n}", **{**KARI, "email": f"new{n}@post.example"})
        world.left.add(id=f"4{n}", **{**KARI, "email": "double@post.example"})
    world.right.add(id="41", **{**KARI, "email": "double@post.example"})
    world.right.add(id="51", email="only@post.example")
    world.run(dry_run=True)
    return world


def test_before_the_first_write_one_sees_who_would_be_linked(proposed: World) -> None:
    (one,) = ask(proposed, lambda book: book.links()).rows

    assert one.matched == "EmailAddress"
    assert {side: (shown.id, shown.name) for side, shown in one.records.items()} == {
        LEFT: ("11", "Kari Lie"),
        RIGHT: ("21", "Karin Lie"),
    }
    assert proposed.writes() == 0


def test_before_the_first_write_one_sees_who_would_be_created_and_with_what(proposed: World) -> None:
    rows = walk(proposed, lambda book, after: book.rows(op="create", after=after, limit=1))

    assert [(row["side"], row["records"], row["outcome"]) for row in rows] == [
        (RIGHT, {RIGHT: None, LEFT: "30"}, "waiting"),
        (RIGHT, {RIGHT: None, LEFT: "31"}, "waiting"),
    ]
    assert rows[0]["names"][LEFT].keys == ("new0@post.example",)
    changes = {c["field"]: (c["was"], c["becomes"], c["source"], c["why"]) for c in rows[0]["changes"]}
    assert changes["FirstName"] == (None, "Kari", "Kari", "create")


def test_before_the_first_write_one_sees_each_ambiguous_key_once_whatever_the_page(proposed: World) -> None:
    for n in range(3):
        for side in (proposed.left, proposed.right):
            for _ in range(2):
                side.add(**{**KARI, "email": f"more{n}@post.example"})
    proposed.run(dry_run=True)

    rows = walk(proposed, lambda book, after: book.ambiguous(after=after, limit=1))

    assert len(rows) == 4
    assert sorted(sum(one.numbers.values()) for one in rows) == [3, 4, 4, 4]
    (mine,) = ask(proposed, lambda book: book.ambiguous(among=[(RIGHT, "41")])).rows
    assert [shown.id for shown in mine.candidates[LEFT]] == ["40", "41"]


def test_before_the_first_write_one_sees_who_is_left_alone(proposed: World) -> None:
    (one,) = ask(proposed, lambda book: book.excluded(reason="not_in_create_in", side=RIGHT)).rows

    assert (one.record.id, one.standing, one.reason) == ("51", "excluded", "not_in_create_in")
    assert ask(proposed, lambda book: book.excluded(reason="archived")).rows == []


def test_a_conflict_is_told_as_the_reason_of_the_field_that_it_decides(proposed: World) -> None:
    (row,) = ask(proposed, lambda book: book.rows(why="conflict")).rows

    assert {c["field"] for c in row["changes"] if c["why"] == "conflict"} == {"FirstName"}
    everything = ask(proposed, lambda book: book.rows()).rows
    assert [one["n"] for one in everything if any(c["why"] == "conflict" for c in one["changes"])] == [row["n"]]
    (clash,) = ask(proposed, lambda book: book.clashes(field="FirstName", kind="link")).rows
    assert clash["seen"] == {LEFT: "Kari", RIGHT: "Karin"}
    assert clash["names"][RIGHT].id == "21"


def test_rows_are_found_by_side_field_reason_and_record(proposed: World) -> None:
    def numbers(**options: Any) -> list[str | None]:
        return [row["records"][LEFT] for row in ask(proposed, lambda book: book.rows(**options)).rows]

    assert numbers(field="PhoneNumber", why="fill") == ["11"]
    assert numbers(field="PhoneNumber", why="create") == []
    assert set(numbers(side=RIGHT)) == {"30", "31"} | set(numbers(side=RIGHT, why="conflict"))
    assert numbers(among=[(LEFT, "31"), (RIGHT, "31")]) == ["31"]
    assert numbers(among=[(LEFT, "3")]) == []


def test_afterwards_one_sees_what_was_applied_and_what_came_back(world: World) -> None:
    for n in range(4):
        world.left.add(id=f"1{n}", **{**KARI, "email": f"kari{n}@post.example"})
        world.right.add(id=f"2{n}", **{**KARI, "email": f"kari{n}@post.example"})
    world.run()
    for n in range(4):
        world.left.edit(f"1{n}", first="Karin")
    world.run(between=lambda: world.right.edit("22", first="Kaja"))

    rows = walk(world, lambda book, after: book.rows(after=after, limit=3))
    assert {row["records"][RIGHT]: row["outcome"] for row in rows} == {
        "20": "written", "21": "written", "22": "moved", "23": "written",
    }  # fmt: skip
    assert all(row["at"] for row in rows)
    by_outcome = {}
    for outcome in ("written", "moved", "waiting", "refused"):
        found = walk(world, lambda book, after: book.rows(outcome=outcome, after=after, limit=2))  # noqa: B023
        by_outcome[outcome] = [row["records"][RIGHT] for row in found]
    assert by_outcome == {"written": ["20", "21", "23"], "moved": ["22"], "waiting": [], "refused": []}
    assert ask(world, lambda book: book.rows(outcome="written", among=[(RIGHT, "23")])).rows[0]["n"] == rows[3]["n"]


def test_what_a_plan_holds_back_is_listed_with_the_record(world: World) -> None:
    world.left.add(id="11", **KARI, phone="ask Ola")
    world.run(dry_run=True)

    (one,) = ask(world, lambda book: book.held(reason="phone_unparsable", side=RIGHT, record_id="11")).rows

    assert (one["field"], one["name"].name) == ("PhoneNumber", "Kari Lie")
    assert ask(world, lambda book: book.held(record_id="12")).rows == []


def test_a_plan_whose_files_have_expired_says_so(proposed: World) -> None:
    ask(proposed, lambda book: book.staging.drop(book.plan.folder))

    for what in (Book.rows, Book.links, Book.held, Book.clashes, Book.ambiguous, Book.excluded):
        with pytest.raises(StagingError, match="not there any more"):
            ask(proposed, what)
