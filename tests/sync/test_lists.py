"""What people see in the lists, after real runs, on both kinds of store; and that pages neither skip nor repeat."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.sync.world import LEFT, RIGHT, SIDES, World, customers, products

from samklang.core.records import Scope
from samklang.errors import StoreError
from samklang.store import lists, seen
from samklang.store.schema import link_sides
from samklang.store.schema import seen as seen_table
from samklang.sync.act import act
from samklang.sync.decide import Desk
from samklang.sync.explain import Terms

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("new_postgres_url")()
    made = World(tmp_path, customers(), url=url)
    yield made
    made.database.close()


def look(world: World, what: Callable[..., Any], *args: Any, **options: Any) -> Any:
    with world.database.read() as connection:
        return what(connection, world.mapping, *args, **options)


def walk(world: World, what: Callable[..., Any], *args: Any, limit: int = 2, **options: Any) -> list[Any]:
    """Every row of a list, in pages of `limit`."""
    rows: list[Any] = []
    after = None
    while True:
        page = look(world, what, *args, after=after, limit=limit, **options)
        assert len(page.rows) <= limit
        rows += page.rows
        after = page.next
        if after is None:
            return rows


def decide(world: World, what: Callable[[Desk], Any]) -> None:
    terms = Terms(world.mapping, {LEFT: world.left.rules, RIGHT: world.right.rules}, "2026-01-01T00:00:00.0000000Z")
    act(world.database, terms, "test", what, person="Kari", via="cli")


def many_pairs(world: World, number: int) -> None:
    for n in range(number):
        world.left.add(**{**KARI, "email": f"kari{n}@post.example"})
        world.right.add(**{**KARI, "email": f"kari{n}@post.example"})
    world.run()


# --- matches ----------------------------------------------------------------------------------------------------------


def test_links_come_newest_first_with_names_and_pages_neither_skip_nor_repeat(world: World) -> None:
    many_pairs(world, 7)

    rows = walk(world, lists.linked)

    assert [one.link_id for one in rows] == sorted((one.link_id for one in rows), reverse=True)
    assert len(rows) == 7
    first = rows[0].records[LEFT]
    assert (first.name, first.keys) == ("Kari Lie", ("kari6@post.example",))
    assert (first.link_state, rows[0].origin) == ("linked", "matched")


def test_a_product_goes_by_its_name_and_code(tmp_path: Path) -> None:
    world = World(tmp_path, products())
    world.left.add(title="Skål", code="S1", price="10")
    world.run()

    (one,) = look(world, lists.linked).rows

    assert (one.records[LEFT].name, one.records[LEFT].keys) == ("Skål", ("S1",))


def test_a_search_finds_a_link_by_id_or_email_and_pages_no_further(world: World) -> None:
    many_pairs(world, 5)
    with world.database.read() as connection:
        found = seen.find(connection, "customers", "kari3@post.example")

    page = look(world, lists.linked, among=found)

    assert [one.records[RIGHT].keys for one in page.rows] == [("kari3@post.example",)]
    assert page.next is None
    assert look(world, lists.linked, among=[]).rows == []


def test_an_ambiguous_key_is_one_entry_with_all_who_hold_it(world: World) -> None:
    for n in range(5):
        for _ in range(2):
            world.left.add(email=f"double{n}@post.example", first="Kari", last="Lie")
        world.right.add(email=f"double{n}@post.example", first="Kari", last="Lie")
    world.run()

    rows = walk(world, lists.ambiguous)

    assert len(rows) == 5
    assert {one.key for one in rows} == {"EmailAddress"}
    assert all(one.numbers == {LEFT: 2, RIGHT: 1} for one in rows)
    keys = [{shown.keys for side in SIDES for shown in one.candidates[side]} for one in rows]
    assert sorted(keys, key=str) == [{(f"double{n}@post.example",)} for n in range(5)]


def test_who_shares_a_key_in_part_is_listed_with_what_to_do_about_it(world: World) -> None:
    world.left.add(id="11", email="Kari Lie <kari@post.example>", first="Kari", last="Lie")
    world.right.add(id="21", email="kari@post.example", first="Kari", last="Lie")
    world.run()

    (one,) = look(world, lists.only_here, RIGHT).rows

    assert one.reason == "EmailAddress_shared_in_part"
    assert "more than the key in EmailAddress" in one.remedy
    assert "samklang link" in one.remedy


def test_what_a_person_has_linked_is_not_called_ambiguous_any_more(world: World) -> None:
    world.left.add(id="11", **KARI)
    world.left.add(id="12", **KARI)
    world.right.add(id="21", **KARI)
    world.run()

    decide(world, lambda desk: desk.relink((LEFT, "11"), (RIGHT, "21")))
    (one,) = look(world, lists.ambiguous).rows  # 12 waits still

    assert [(c.id, c.link_state) for c in one.candidates[LEFT]] == [("11", "linked"), ("12", None)]
    decide(world, lambda desk: desk.relink((LEFT, "12"), (RIGHT, "21")))
    assert look(world, lists.ambiguous).rows == []


def test_records_of_one_side_come_with_the_reason_why_they_are_alone(world: World) -> None:
    world.left.add(id="11", **KARI)  # made in Shopify: linked
    world.right.add(id="21", email="only@post.example")
    world.right.add(id="22", **{**KARI, "email": "double@post.example"})
    world.right.add(id="23", **{**KARI, "email": "double@post.example"})
    world.right.add(id="24", scope=Scope.OUTSIDE, email="firm@post.example")
    world.left.add(id="12", first="Kari", last="Lie", phone="+4722334455")
    world.left.add(id="13", first="Ola", last="Lie", phone="+4722334455")
    world.run()

    alone = {one.record.id: one for one in walk(world, lists.only_here, RIGHT)}
    assert {i: (one.standing, one.reason) for i, one in alone.items()} == {
        "21": ("excluded", "not_in_create_in"),
        "22": ("ambiguous", "EmailAddress_held_more_than_once"),
        "23": ("ambiguous", "EmailAddress_held_more_than_once"),
    }
    assert alone["22"].candidates == {LEFT: [], RIGHT: ["22", "23"]}


def test_a_record_that_was_freed_is_listed_at_once_and_waits_for_the_next_run(world: World) -> None:
    world.left.add(id="11", **KARI)
    world.right.add(id="21", **KARI)
    world.run()
    assert look(world, lists.only_here, LEFT).rows == []

    decide(world, lambda desk: desk.unlink(f"{LEFT}:11", keep_apart=False))

    (one,) = look(world, lists.only_here, LEFT).rows
    assert (one.record.id, one.standing) == ("11", "waiting")
    world.run()
    assert look(world, lists.only_here, LEFT).rows == []


def test_the_mark_of_linked_records_never_hides_one_without_a_link(world: World) -> None:
    for n in range(4):
        world.left.add(id=f"1{n}", **{**KARI, "email": f"kari{n}@post.example"})
        world.right.add(id=f"2{n}", **{**KARI, "email": f"kari{n}@post.example"})
    world.run()
    decide(world, lambda desk: desk.relink((LEFT, "10"), (RIGHT, "21")))
    decide(world, lambda desk: desk.relink((LEFT, "11"), (RIGHT, "22")))
    decide(world, lambda desk: desk.unlink(f"{LEFT}:13", keep_apart=False))
    world.right.delete("22")
    for _ in range(3):
        world.run(mode="full")
        linked = {(row["side"], row["record_id"]) for row in world.rows(link_sides)}
        marked = {(row["side"], row["id"]) for row in world.rows(seen_table) if row["linked"]}
        assert marked == linked


def test_what_is_excluded_is_counted_and_listed_by_reason(world: World) -> None:
    for n in range(3):
        world.right.add(email=f"only{n}@post.example")
    world.left.add(id="11", **KARI)
    world.right.add(id="21", **KARI)
    world.run()
    decide(world, lambda desk: desk.unlink(f"{LEFT}:11"))

    with world.database.read() as connection:
        assert lists.excluded_reasons(connection, "customers") == {("not_in_create_in", RIGHT): 3}
    assert len(walk(world, lists.excluded, reason="not_in_create_in", side=RIGHT)) == 3
    assert walk(world, lists.excluded, side=LEFT) == []
    (apart,) = look(world, lists.linked, state="excluded").rows
    assert {side: one.id for side, one in apart.records.items()} == {LEFT: "11", RIGHT: "21"}


# --- conflicts, holds, runs -------------------------------------------------------------------------------------------


def test_conflicts_are_filtered_by_state_kind_field_rule_and_record(world: World) -> None:
    pairs = [
        (world.left.add(**{**KARI, "email": f"k{n}@post.example"}),
         world.right.add(**{**KARI, "email": f"k{n}@post.example"}))
        for n in range(3)
    ]  # fmt: skip
    world.run()
    for n, (left, right) in enumerate(pairs):
        world.left.edit(left, first=f"Karin{n}")
        world.right.edit(right, first=f"Kaja{n}", **({"last": "Moe"} if n == 0 else {}))
    world.left.edit(pairs[0][0], last="Dahl")
    world.run()

    rows = walk(world, lists.conflicts)
    assert [one.id for one in rows] == sorted((one.id for one in rows), reverse=True)
    assert len(rows) == 4
    (last_name,) = look(world, lists.conflicts, field="LastName").rows
    assert last_name.values == {LEFT: "Dahl", RIGHT: "Moe"}
    assert last_name.base == {LEFT: "Lie", RIGHT: "Lie"}
    assert (last_name.kind, last_name.rule, last_name.state) == ("edit", "latest", "decided")
    assert len(look(world, lists.conflicts, record=(RIGHT, pairs[0][1])).rows) == 2
    assert look(world, lists.conflicts, kind="link").rows == []
    assert look(world, lists.conflicts, state="open").rows == []
    assert len(look(world, lists.conflicts, rule="latest", state="decided").rows) == 4


def test_holds_say_what_cannot_go_where_and_are_counted_by_reason(world: World) -> None:
    ids = [world.left.add(**{**KARI, "email": f"k{n}@post.example"}, phone="ask Ola") for n in range(3)]
    world.run()

    rows = walk(world, lists.holds, quarantined=False)

    assert [one.source_id for one in rows] == sorted(ids)
    assert {(one.side, one.field, one.reason, one.skipped) for one in rows} == {
        (RIGHT, "PhoneNumber", "phone_unparsable", False)
    }
    assert rows[0].record.values["PhoneNumber"] == "ask Ola"
    with world.database.read() as connection:
        assert lists.hold_reasons(connection, "customers") == [("phone_unparsable", RIGHT, False, 3)]
    assert look(world, lists.holds, quarantined=True).rows == []
    assert [one.source_id for one in walk(world, lists.holds, record_id=ids[1])] == [ids[1]]


def test_runs_come_newest_first_with_their_plan(world: World) -> None:
    many_pairs(world, 1)
    for _ in range(3):
        world.run()

    with world.database.read() as connection:
        first = lists.runs(connection, "customers", limit=3)
        rest = lists.runs(connection, "customers", limit=3, after=first.next)

    assert [one.run_id for one in (*first.rows, *rest.rows)] == ["run-4", "run-3", "run-2", "run-1"]
    assert rest.next is None
    assert first.rows[0].plan is not None
    assert (first.rows[0].state, first.rows[0].plan.state) == ("success", "approved")
    assert rest.rows[0].plan is not None
    assert rest.rows[0].plan.counts["links"] == 1


def test_a_cursor_that_no_list_gave_is_refused_in_words(world: World) -> None:
    many_pairs(world, 1)
    for text in ("nonsense", "WzFd" * 3, "", "eyJhIjoxfQ"):
        with pytest.raises(StoreError, match="No page of this list begins there"):
            look(world, lists.holds, after=text)
