"""A value that another record has goes where it belongs as soon as that one lets go of it."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from tests.sync.test_freed import PEOPLE, people, refuse, rotate, values
from tests.sync.test_put_back import terms
from tests.sync.world import LEFT, RIGHT, World, customers

from samklang.core.records import Scope
from samklang.store.person import erase, held, person
from samklang.store.schema import holds, refusals
from samklang.sync.explain import explain
from samklang.systems.base import Problem

KARI, OLA = PEOPLE[0], PEOPLE[1]


def taken(world: World) -> list[tuple[str, str, str | None]]:
    return [(row["source_id"], row["field"], row["holder"]) for row in world.rows(holds) if row["reason"] == "taken"]


def writes(world: World) -> int:
    """Of the next run, refused ones included."""
    before = len(world.rows(refusals))
    world.forget_writes()
    world.run()
    return world.writes() + len(world.rows(refusals)) - before


@pytest.fixture
def wanted(world: World, name: str, scope: Scope) -> tuple[World, str, str]:
    """Kari is to get a value that a record without a twin has. :returns: with it, Kari's id and that record's."""
    value = {"phone": "+4799887766", "email": "x@post.example"}[name]
    a, _ = world.pair(**KARI)
    other = world.right.add(first="Third", scope=scope, **{name: value})
    world.run()
    world.left.edit(a, **{name: value})
    world.run()
    return world, a, other


@pytest.mark.parametrize("name", ["email", "phone"])
@pytest.mark.parametrize("scope", [Scope.ACTIVE, Scope.ARCHIVED, Scope.OUTSIDE])
def test_a_taken_value_is_tried_as_soon_as_its_holder_is_seen_without_it(
    wanted: tuple[World, str, str], name: str
) -> None:
    world, a, other = wanted
    field = {"email": "EmailAddress", "phone": "PhoneNumber"}[name]
    assert taken(world) == [(a, field, other)]
    assert writes(world) == 0  # as long as nothing changes

    world.right.edit(other, **{name: None})  # what the remedy says
    world.run()

    assert world.right.value(_twin(world, a), name) == world.left.value(a, name)
    assert taken(world) == []


@pytest.mark.parametrize(("name", "scope"), [("phone", Scope.ACTIVE)])
def test_a_taken_value_is_tried_once_its_holder_is_gone(wanted: tuple[World, str, str], name: str) -> None:
    world, a, other = wanted
    world.right.delete(other)
    for _ in range(3):
        world.run(mode="full")

    assert world.right.value(_twin(world, a), name) == world.left.value(a, name)


def test_a_holder_whom_nobody_can_see_is_waited_for_by_time(world: World) -> None:
    a, b = world.pair(**KARI)
    hidden = world.right.add(first="Third", email="x@post.example")
    world.right.hidden.add(hidden)
    world.left.edit(a, email="x@post.example")
    world.run()
    assert taken(world) == [(a, "EmailAddress", None)]
    assert writes(world) == 0

    world.right.edit(hidden, email=None)
    for _ in range(5):
        world.run()

    assert world.right.value(b, "email") == "x@post.example"


def test_a_partner_who_is_let_through_later_finishes_the_swap(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    source, there = people(world, RIGHT, 2)
    rotate(source, 2, "email")
    with monkeypatch.context() as patched:
        refuse(patched, there, "2")
        world.run()
        world.run()

    source.edit("2", first="Olav")  # what makes us try again
    world.run()

    assert values(there, 2, "email") == values(source, 2, "email") == [OLA["email"], KARI["email"]]
    assert world.rows(holds) == []


def test_two_who_hold_what_the_other_is_to_get_are_tried_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them was refused for a while: by then each has what the other one wants."""
    source, there = people(world, RIGHT, 2)
    rotate(source, 2, "email")
    with monkeypatch.context() as patched:
        refuse(patched, there, "2", "rejected")
        for _ in range(3):
            world.run()

    for _ in range(12):
        world.run()

    assert values(there, 2, "email") == values(source, 2, "email") == [OLA["email"], KARI["email"]]


def test_what_the_system_said_is_kept_and_told_but_never_logged(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    a, _ = world.pair(**KARI)
    said = "Phone 12 34 of Kari Lie is no good"
    monkeypatch.setattr(world.right, "_problems", lambda *_a: (Problem("phone", "invalid", said),))
    world.left.edit(a, phone="+4799887766")

    summary = world.run()

    assert [row["said"] for row in world.rows(holds)] == [said]
    assert [row["said"] for row in world.rows(refusals)] == [said]
    with world.database.read() as connection:
        (answer,) = explain(connection, terms(world), [(LEFT, a)])
    assert [row["said"] for row in answer["held"]] == [said]
    assert said not in str(summary)
    assert said not in caplog.text
    _is_handed_out_and_erased(world, a, said)


def _is_handed_out_and_erased(world: World, a: str, said: str) -> None:
    with world.database.begin() as connection:
        who = person(connection, "customers", [(LEFT, a)])
        rows = held(connection, "customers", world.mapping.sides, who)
        assert said in str(rows["holds"])
        assert said in str(rows["refusals"])
        erase(connection, "customers", world.mapping.sides, who, lambda _record: "nobody")
    assert world.rows(holds) == world.rows(refusals) == []


@pytest.mark.parametrize(("name", "scope"), [("phone", Scope.ACTIVE)])
def test_a_holder_who_is_forgotten_is_not_named_any_more(wanted: tuple[World, str, str], name: str) -> None:
    world, a, other = wanted
    assert taken(world) == [(a, "PhoneNumber", other)]
    with world.database.begin() as connection:
        who = person(connection, "customers", [(RIGHT, other)])
        erase(connection, "customers", world.mapping.sides, who, lambda _record: "nobody")

    assert taken(world) == [(a, "PhoneNumber", None)]


def test_a_needed_name_that_is_too_long_is_told_as_that(world: World) -> None:
    world.mapping = customers("create_in: [shopify, powerofficego]")
    rules = world.left.rules
    short = replace(rules.accepts("FirstName"), max_length=10)
    world.left.rules = replace(rules, fields={**rules.fields, "FirstName": short})
    b = world.right.add(email="kari@post.example", first="Kari Marie Margrethe", last="Lie")

    world.run()

    assert [(row["source_id"], row["field"], row["reason"]) for row in world.rows(holds)] == [
        (b, "FirstName", "too_long")
    ]
    with world.database.read() as connection:
        (answer,) = explain(connection, terms(world), [(RIGHT, b)])
    assert [row["reason"] for row in answer["verdicts"]] == ["FirstName_is_held"]
    world.right.edit(b, first="Kari")
    world.run()
    assert [record.values["FirstName"] for record in world.left.records.values()] == ["Kari"]


def _twin(world: World, a: str) -> str:
    with world.database.read() as connection:
        (answer,) = explain(connection, terms(world), [(LEFT, a)])
    return str(answer["records"][RIGHT])
