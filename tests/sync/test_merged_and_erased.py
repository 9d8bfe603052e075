"""Rule 8 beyond plain deletions: merged, erased, archived, turned into a company; each with a defined outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.sync.test_decisions import BOTH_WAYS, judged, lose, relink, twins, unlink
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, World, customers

from samklang.core.records import Scope
from samklang.store.schema import seen

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
OLA = {"email": "ola@post.example", "first": "Ola", "last": "Dal"}
NewWorld = Callable[..., World]


@pytest.fixture
def both(new_world: NewWorld) -> World:
    """New records are made on both sides."""
    return new_world(customers(NO_LIMITS, BOTH_WAYS))


# --- merged customers: one id vanishes, the other one keeps what was chosen -------------------------------------------


def test_of_two_linked_customers_that_were_merged_the_accounts_keep_both(both: World) -> None:
    a, b = both.pair(**KARI)
    c, d = both.pair(**OLA)
    both.right.delete(b)
    both.right.edit(d, email="kari@post.example", line1="Storgata 1", city="Oslo", zip="0155")
    for _ in range(4):
        both.run(mode="full")

    assert both.left.show(a) == KARI
    assert both.left.show(c) == both.right.show(d)  # what was chosen for the survivor reaches its own twin
    assert (len(both.left.records), len(both.right.records)) == (2, 1)
    assert judged(both) == {(LEFT, a): ("twin_gone", f"gone_in_{RIGHT}")}

    unlink(both, f"{LEFT}:{a}")
    both.run()
    assert len(both.right.records) == 1
    assert judged(both)[LEFT, a][0] == "ambiguous"  # both accounts have the survivor's e-mail address now


def test_of_a_linked_customer_that_was_merged_into_an_unlinked_one_the_survivor_is_not_doubled(both: World) -> None:
    a, b = both.pair(**KARI)
    both.remap(customers(NO_LIMITS, "create_in: []"))
    survivor = both.right.add(**OLA)
    both.run()
    both.remap(customers(NO_LIMITS, BOTH_WAYS))
    both.right.delete(b)
    both.right.edit(survivor, **KARI)
    for _ in range(4):
        both.run(mode="full")

    assert judged(both) == {
        (LEFT, a): ("twin_gone", f"gone_in_{RIGHT}"),
        (RIGHT, survivor): ("excluded", "key_held_by_a_linked_record"),
    }
    assert (both.writes(), len(both.left.records)) == (0, 1)

    relink(both, f"{LEFT}:{a}", f"{RIGHT}:{survivor}")
    both.run()
    assert twins(both) == {(a, survivor)}
    assert both.writes() == 0


def test_of_an_unlinked_customer_that_was_merged_into_a_linked_one_nothing_is_lost(both: World) -> None:
    a, b = both.pair(**KARI)
    both.remap(customers(NO_LIMITS, "create_in: []"))
    other = both.right.add(first="Kari", phone="+4722334455")
    both.run()
    both.right.delete(other)
    both.right.edit(b, phone="+4722334455")
    for _ in range(3):
        both.run(mode="full")

    assert both.left.show(a) == both.right.show(b) == KARI | {"phone": "+4722334455"}
    assert twins(both) == {(a, b)}


# --- erased customers -------------------------------------------------------------------------------------------------


def erase(world: World, record_id: str, **left: str) -> None:
    record = world.right.records[record_id]
    values = dict.fromkeys(record.values) | {world.right.names[name]: value for name, value in left.items()}
    world.right.set(record_id, values=values)


@pytest.mark.parametrize("left", [{}, {"city": "Oslo", "country": "NO"}])
def test_an_erased_customer_neither_clears_the_accounts_nor_is_filled_again(both: World, left: dict[str, str]) -> None:
    full = KARI | {"phone": "+4722334455", "line1": "Storgata 1", "city": "Oslo", "zip": "0155", "country": "NO"}
    a, b = both.pair(**full)
    erase(both, b, **left)
    for n in range(3):
        both.left.edit(a, first=f"Kari {n}", line1=f"Storgata {n}")
        both.run(mode="full")

    assert both.writes() == 0
    assert both.left.show(a) == full | {"first": "Kari 2", "line1": "Storgata 2"}
    assert both.right.show(b) == left
    assert judged(both) == {(LEFT, a): ("twin_erased", f"erased_in_{RIGHT}")}
    status = both.status()
    assert (status["erased"], status["gone"], status["linked"]) == (1, 0, 1)


def test_an_erased_customer_who_answers_to_a_look_up_only_is_erased_too(both: World) -> None:
    a, b = both.pair(**KARI)
    both.left.edit(a, last="Dal")
    both.run(between=lambda: erase(both, b))  # the write finds a record that has moved

    both.run(mode="changes")

    assert {row["id"]: row["scope"] for row in both.rows(seen) if row["side"] == RIGHT} == {b: Scope.ERASED}
    assert both.writes() == 0


def test_an_erased_customer_without_a_twin_is_not_sent_to_the_accounts(both: World) -> None:
    b = both.right.add(city="Oslo", zip="0155")

    both.run()

    assert both.writes() == 0
    assert {row["id"]: row["scope"] for row in both.rows(seen)} == {b: Scope.ERASED}


def test_a_customer_who_has_a_name_again_goes_on_with_the_same_link(both: World) -> None:
    a, b = both.pair(**KARI)
    before = both.right.records[b].values
    erase(both, b)
    both.run()

    both.right.set(b, values=before)
    both.right.edit(b, first="Karin")
    both.run()

    assert both.left.show(a) == both.right.show(b) == KARI | {"first": "Karin"}


def test_a_shop_that_suddenly_shows_no_names_at_all_clears_nothing(both: World) -> None:
    pairs = [both.pair(email=f"c{n}@post.example", first="Kari", last="Lie") for n in range(3)]
    for _, b in pairs:
        erase(both, b)

    summary = both.run(mode="full")

    assert summary["counts"]["clears"] == {LEFT: 0, RIGHT: 0}
    assert both.status()["erased"] == 3


def test_who_may_be_erased_for_all_that_we_may_see_is_left_alone_until_a_name_is_shown(both: World) -> None:
    a, b = both.pair(**KARI)
    hidden = {both.right.names[name] for name in ("email", "first", "last", "phone")}
    both.right.denied |= hidden
    both.left.edit(a, line1="Storgata 1", city="Oslo", zip="0155")
    both.run(mode="full")
    assert {row["id"]: row["scope"] for row in both.rows(seen) if row["side"] == RIGHT} == {b: Scope.ERASED}
    assert both.writes() == 0

    both.right.denied -= {both.right.names["last"]}
    both.run(mode="full")

    assert both.right.value(b, "city") == "Oslo"


def test_a_field_that_is_not_shown_does_not_make_a_person_erased(both: World) -> None:
    a, b = both.pair(**KARI)
    both.right.denied.add(both.right.names["email"])
    both.left.edit(a, line1="Storgata 1", city="Oslo", zip="0155")

    both.run(mode="full")

    assert both.right.value(b, "city") == "Oslo"


SPECIFICATION = [
    "EmailAddress",
    "MailAddress.AddressLine1",
    "MailAddress.AddressLine2",
    "MailAddress.City",
    "MailAddress.CountryCode",
    "MailAddress.ZipCode",
    "PhoneNumber",
]
ADDRESS = {"line1": "Storgata 1", "city": "Oslo", "zip": "0155", "country": "NO"}
FULL = KARI | ADDRESS | {"phone": "+4722334455"}


def named_only_there(world: World) -> World:
    """The mapping names what the specification names, so no names of people."""
    world.mapping = replace(world.mapping, fields=tuple(f for f in world.mapping.fields if f.name in SPECIFICATION))
    return world


def test_a_person_whose_unmapped_name_is_left_is_not_erased(both: World) -> None:
    a, b = both.pair(**FULL)
    named_only_there(both).run()
    both.right.edit(b, email=None, phone=None)

    both.run()

    assert both.left.value(a, "email") is None  # that was an edit


def test_an_erased_customer_is_known_by_what_the_mapping_does_not_name(both: World) -> None:
    a, b = both.pair(**FULL)
    named_only_there(both).run()
    erase(both, b)

    both.run()

    assert both.writes() == 0
    assert both.left.show(a) == FULL


def test_an_edit_of_everything_but_a_name_that_is_not_shown_may_be_an_erasure(both: World) -> None:
    a, b = both.pair(**FULL)
    both.right.denied.add(both.right.names["phone"])
    erase(both, b)

    both.run()

    assert both.writes() == 0
    assert both.left.show(a) == FULL


def test_nothing_is_written_to_a_customer_who_is_erased_after_the_plan_was_made(both: World) -> None:
    a, b = both.pair(**FULL)
    both.left.edit(a, phone="+4799887766", line1="Storgata 2")

    first = both.run(between=lambda: erase(both, b, phone=None))
    second = both.run(mode="changes")

    assert first["loads"][RIGHT]["outcomes"] == {"erased": 1}
    assert both.right.show(b) == {}
    assert both.status()["erased"] == 1
    assert (both.writes(), second["counts"]["updates"]) == (0, {LEFT: 0, RIGHT: 0})


def test_nothing_travels_from_a_customer_who_is_erased_after_the_plan_was_made(both: World) -> None:
    a, b = both.pair(**FULL)
    both.right.edit(b, first="Karin", line1="Storgata 2")

    summary = both.run(between=lambda: erase(both, b))
    both.run(mode="changes")

    assert summary["loads"][LEFT]["outcomes"] == {"erased": 1}
    assert both.left.show(a) == FULL
    assert (both.writes(), both.status()["erased"]) == (0, 1)


def test_a_source_that_cannot_be_looked_at_again_keeps_no_other_edit_from_travelling(both: World) -> None:
    pairs = [both.pair(first=f"Person{n}", last="Lie", email=f"person{n}@post.example") for n in range(5)]
    for n, (_, b) in enumerate(pairs):
        both.right.edit(b, first=f"New{n}")
    bad = pairs[2]

    summary = both.run(between=lambda: both.right.breaks.add(bad[1]))

    assert summary["state"] == "success"
    assert [both.left.value(a, "first") for a, _ in pairs] == ["New0", "New1", "Person2", "New3", "New4"]
    assert both.status()["quarantined"] == 1

    both.right.breaks = set()
    both.moment += timedelta(days=1)
    both.run()

    assert both.left.value(bad[0], "first") == "New2"
    assert both.status()["quarantined"] == 0


def test_nobody_is_made_from_a_customer_who_is_erased_after_the_plan_was_made(both: World) -> None:
    b = both.right.add(**FULL)

    both.run(between=lambda: erase(both, b))
    both.run(mode="changes")

    assert both.left.records == {}
    assert both.status()["pending_intents"] == 0


def test_a_customer_whom_we_wrote_while_it_was_erased_stays_erased(both: World) -> None:
    """The answer shows what we wrote and nothing else; so does each later read."""
    a, b = both.pair(**FULL)
    both.left.edit(a, phone="+4799887766")
    both.right.erased_under_a_write.add(b)
    both.run()
    both.forget_writes()
    both.left.edit(a, first="Karin")

    for _ in range(2):
        both.run(mode="full")

    assert both.right.show(b) == {"phone": "+4799887766"}
    assert (both.writes(), both.status()["erased"]) == (0, 1)
    assert both.left.show(a) == FULL | {"phone": "+4799887766", "first": "Karin"}

    both.right.edit(b, last="Lie")  # a person has typed a name again
    both.run()
    assert both.status()["erased"] == 0


def test_sources_are_asked_once_for_a_chunk_and_only_where_something_is_written(both: World) -> None:
    pairs = [both.pair(email=f"c{n}@post.example", first="Kari", last="Lie") for n in range(3)]
    both.right.reads.clear()
    both.left.edit(pairs[0][0], first="Karin")
    both.run(mode="full")  # to the shop, from a system that erases nobody
    assert [read for read in both.right.reads if read.startswith("ids")] == []

    for _, b in pairs:
        both.right.edit(b, first="Kaia")
    both.run(mode="full")

    assert [read for read in both.right.reads if read.startswith("ids")] == ["ids 1,2,3"]


def test_a_last_value_that_a_person_clears_is_an_edit_as_any_other(both: World) -> None:
    a, b = both.pair(**KARI, phone="+4722334455")

    both.right.edit(b, email=None, phone=None)
    both.run()

    assert both.left.show(a) == {"first": "Kari", "last": "Lie"}


# --- archived, inactive, company --------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [Scope.ARCHIVED, Scope.OUTSIDE])
@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_who_leaves_the_scope_is_paused_and_catches_up_when_it_comes_back(both: World, side: str, scope: Scope) -> None:
    a, b = both.pair(**KARI)
    system, record = (both.left, a) if side == LEFT else (both.right, b)
    system.set(record, scope=scope)
    both.left.edit(a, first="Karin")
    both.right.edit(b, last="Dal")
    for _ in range(3):
        both.run(mode="full")
    assert (both.writes(), twins(both)) == (0, {(a, b)})
    assert both.status()["gone"] == 0

    system.set(record, scope=Scope.ACTIVE)
    both.run()

    assert both.left.show(a) == both.right.show(b) == KARI | {"first": "Karin", "last": "Dal"}
    assert (len(both.left.records), len(both.right.records)) == (1, 1)


def test_an_archived_record_that_is_deleted_is_gone_like_any_other(both: World) -> None:
    a, b = both.pair(**KARI)
    both.left.set(a, scope=Scope.ARCHIVED)
    both.run()

    lose(both, LEFT, a)

    assert judged(both) == {(RIGHT, b): ("twin_gone", f"gone_in_{LEFT}")}
    assert both.writes() == 0


def test_a_company_that_takes_over_an_id_keeps_the_key_of_a_newcomer_from_being_doubled(both: World) -> None:
    """A customer became a company, and a person with the same address was entered beside it."""
    a, b = both.pair(**KARI)
    both.left.records[a] = replace(both.left.records[a], scope=Scope.OUTSIDE)
    newcomer = both.left.add(**KARI)

    for _ in range(2):
        both.run(mode="full")

    assert both.writes() == 0
    assert judged(both)[LEFT, newcomer][0] == "ambiguous"
    assert twins(both) == {(a, b)}
