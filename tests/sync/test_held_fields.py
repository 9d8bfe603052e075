"""Rule 10: a value that the target cannot take holds back itself alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, World, customers

from samklang.core.jsontext import loads
from samklang.core.records import Scope
from samklang.store.schema import conflicts, history, holds, intents
from samklang.systems.base import Problem

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
OLA = {"email": "ola@post.example", "first": "Ola", "last": "Dal"}
PER = {"email": "per@post.example", "first": "Per", "last": "Moe"}
HOME = {"line1": "Storgata 1", "city": "Moss", "zip": "1530", "country": "NO"}
NewWorld = Callable[..., World]


def held(world: World) -> set[tuple[str, str, str, str]]:
    return {(h["side"], h["source_id"], h["field"], h["reason"]) for h in world.rows(holds)}


@pytest.mark.parametrize(
    ("short", "field", "value", "reason"),
    [
        ("phone", "PhoneNumber", "22 33 44 55 / 33 44 55 66", "phone_unparsable"),
        ("email", "EmailAddress", "a@post.example; b@post.example", "several_emails"),
        ("email", "EmailAddress", "nobody", "email_invalid"),
        ("first", "FirstName", "Kari Marie Margrethe Annelise", "too_long"),
        ("country", "MailAddress.CountryCode", "XK", "country_unknown"),
    ],
)
def test_a_value_that_the_target_cannot_take_is_held_and_the_rest_is_written(
    world: World, short: str, field: str, value: str, reason: str
) -> None:
    a, b = world.pair(**KARI, **HOME, phone="+4722334455")
    before = world.right.show(b)
    world.left.edit(a, **{short: value, "last": "Dal"})

    for _ in range(2):
        world.run()

    assert world.right.show(b) == before | {"last": "Dal"}
    assert held(world) == {(RIGHT, a, field, reason)}
    assert world.status()["held"] == 1
    assert world.left.writes == []


def test_a_field_is_held_since_it_first_was_for_that_reason(world: World) -> None:
    a, _ = world.pair(**KARI, phone="+4722334455")
    world.left.edit(a, phone="ring me")
    world.run()
    (first,) = world.rows(holds)

    world.run()
    assert world.rows(holds)[0]["since"] == first["since"]

    world.left.edit(a, phone="+4722334455", email="nobody")
    world.run()
    (other,) = world.rows(holds)
    assert (other["field"], other["since"] > first["since"]) == ("EmailAddress", True)


def test_a_held_field_is_written_as_soon_as_it_is_corrected(world: World) -> None:
    a, b = world.pair(**KARI, phone="+4722334455")
    world.left.edit(a, phone="ring me")
    world.run()

    world.left.edit(a, phone="33445566")
    world.run()

    assert world.right.value(b, "phone") == "+4733445566"
    assert held(world) == set()
    assert world.rows(conflicts) == []


def test_the_other_side_can_correct_a_held_field(world: World) -> None:
    a, b = world.pair(**KARI, phone="+4722334455")
    world.left.edit(a, phone="ring me")
    world.run()

    world.right.edit(b, phone="+4733445566")
    world.run()

    assert world.left.value(a, "phone") == "+4733445566"
    assert [(c["winner"], loads(c["raw"])[LEFT]) for c in world.rows(conflicts)] == [(RIGHT, "ring me")]


@pytest.mark.parametrize("field", ["first", "last"])
def test_a_name_that_the_target_does_not_let_be_empty_is_held(world: World, field: str) -> None:
    a, b = world.pair(**KARI)
    world.right.edit(b, **{field: None, "phone": "+4722334455"})

    world.run()

    assert world.left.show(a) == KARI | {"phone": "+4722334455"}
    assert {reason for *_, reason in held(world)} == {"not_clearable"}


def test_the_last_identity_is_not_taken_away(world: World) -> None:
    a, b = world.pair(email="kari@post.example")
    world.left.edit(a, email=None)

    world.run()

    assert world.right.show(b) == {"email": "kari@post.example"}
    assert held(world) == {(RIGHT, a, "EmailAddress", "last_identity")}


@pytest.mark.parametrize("lacking", ["city", "zip"])
def test_half_an_address_is_held_as_a_whole(world: World, lacking: str) -> None:
    a, b = world.pair(**KARI)
    world.right.edit(b, **{k: v for k, v in HOME.items() if k != lacking}, phone="+4722334455")
    world.run()
    assert world.left.show(a) == {**KARI, "phone": "+4722334455"}
    assert {reason for *_, reason in held(world)} == {"incomplete_address"}

    world.right.edit(b, **HOME)
    world.run()
    assert world.left.show(a) == {**KARI, **HOME, "phone": "+4722334455"}
    assert held(world) == set()


def test_a_whole_address_may_be_emptied_but_not_half_of_it(world: World) -> None:
    a, b = world.pair(**KARI, **HOME)
    world.right.edit(b, city=None)
    world.run()
    assert world.left.show(a) == {**KARI, **HOME}

    world.right.edit(b, line1=None, zip=None, country=None)
    world.run()
    assert world.left.show(a) == KARI


def test_a_taken_email_is_held_while_the_rest_is_written(world: World) -> None:
    a, b = world.pair(**KARI)
    world.right.add(**OLA, scope=Scope.OUTSIDE)
    world.left.edit(a, email=OLA["email"], first="Karin", phone="22334455")

    world.run()

    assert world.right.show(b) == KARI | {"first": "Karin", "phone": "+4722334455"}
    assert held(world) == {(RIGHT, a, "EmailAddress", "taken")}


def test_a_refused_value_is_not_sent_again_until_it_is_due_or_changes(world: World) -> None:
    a, b = world.pair(**KARI, phone="+4722334455")
    world.right.refuses.add("+4733445566")
    world.left.edit(a, phone="33445566")
    world.run()
    world.right.refuses.clear()

    world.run()
    assert world.right.value(b, "phone") == "+4722334455"

    world.moment += timedelta(hours=1)
    world.run()
    assert world.right.value(b, "phone") == "+4733445566"
    assert held(world) == set()


def test_a_refused_value_that_changes_is_sent_at_once(world: World) -> None:
    a, b = world.pair(**KARI, phone="+4722334455")
    world.right.refuses.add("+4733445566")
    world.left.edit(a, phone="33445566")
    world.run()

    world.left.edit(a, phone="44556677")
    world.run()

    assert world.right.value(b, "phone") == "+4744556677"


def test_a_refusal_is_forgotten_when_the_value_goes_back(world: World) -> None:
    a, _ = world.pair(**KARI, phone="+4722334455")
    world.right.refuses.add("+4733445566")
    world.left.edit(a, phone="33445566")
    world.run()
    assert world.status()["held"] == 1

    world.left.edit(a, phone="+4722334455")
    world.run()

    assert world.status()["held"] == 0


def test_a_value_that_is_refused_for_months_is_tried_once_a_day(world: World) -> None:
    a, _ = world.pair(**KARI)
    world.right.add(**OLA, phone="+4733445566", scope=Scope.OUTSIDE)
    world.left.edit(a, phone="33445566")
    for _ in range(40):
        world.moment += timedelta(days=1)
        world.run(mode="changes")

    (hold,) = world.rows(holds)
    assert hold["attempts"] == 40
    assert world.runs == 41


# --- creates ----------------------------------------------------------------------------------------------------------


def test_a_new_record_is_made_without_a_taken_phone_which_is_held(world: World) -> None:
    world.right.add(**OLA, phone="+4722334455", scope=Scope.OUTSIDE)
    a = world.left.add(**KARI, phone="22334455")

    world.run()

    assert world.right.show("2") == KARI
    assert held(world) == {(RIGHT, a, "PhoneNumber", "taken")}

    world.right.delete("1")
    world.moment += timedelta(hours=1)
    world.run()
    assert world.right.show("2") == KARI | {"phone": "+4722334455"}
    assert held(world) == set()


def test_a_new_record_is_made_without_what_cannot_be_sent_which_is_held(world: World) -> None:
    a = world.left.add(**KARI, phone="ring me", country="XK", city="Moss", zip="1530")

    world.run()

    assert world.right.show("1") == KARI  # an address goes whole or waits whole
    assert held(world) == {
        (RIGHT, a, "PhoneNumber", "phone_unparsable"),
        (RIGHT, a, "MailAddress.CountryCode", "country_unknown"),
        (RIGHT, a, "MailAddress.City", "waits_for_MailAddress.CountryCode"),
        (RIGHT, a, "MailAddress.ZipCode", "waits_for_MailAddress.CountryCode"),
    }


def test_a_new_record_is_made_without_half_an_address(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "create_in: [powerofficego]"))
    world.right.add(**KARI, line1="Storgata 1", city="Moss")

    world.run()

    assert world.left.show("1") == KARI
    assert {reason for *_, reason in held(world)} == {"incomplete_address"}


def test_a_field_that_a_create_went_without_is_not_taken_for_in_tune(world: World) -> None:
    """The system made the record and said which fields it left out."""
    a = world.left.add(**KARI, phone="22334455")
    create = world.right.create

    def leave_out_the_phone(creations: Any) -> Any:
        for outcome in create([_without_phone(c) for c in creations]):
            yield type(outcome)(outcome.ref, record=outcome.record, problems=(Problem("phone", "invalid", "is bad"),))

    world.right.create = leave_out_the_phone  # type: ignore[method-assign]
    world.run()
    assert held(world) == {(RIGHT, a, "PhoneNumber", "invalid")}

    world.moment += timedelta(hours=1)
    world.run()

    assert world.right.value("1", "phone") == "+4722334455"


def test_a_create_whose_match_key_is_taken_is_quarantined_and_tried_again(world: World) -> None:
    world.right.add(**KARI, phone="+4722334455")
    world.right.hidden.add("1")  # the shop has it, and its lists do not show it yet
    a = world.left.add(**KARI)

    world.run()
    assert len(world.right.records) == 1
    assert held(world) == {(RIGHT, a, "", "taken")}
    assert world.status()["quarantined"] == 1
    assert {row["state"] for row in world.rows(intents)} == {"failed"}

    world.run()
    assert world.rows(holds)[0]["attempts"] == 1

    world.right.delete("1")
    world.moment += timedelta(hours=1)
    world.run()
    assert world.right.show("2") == KARI
    assert world.status()["quarantined"] == 0


def test_a_quarantined_create_is_tried_as_soon_as_it_changes(world: World) -> None:
    world.right.add(**KARI)
    world.right.hidden.add("1")
    a = world.left.add(**KARI)
    world.run()

    world.left.edit(a, email="other@post.example")
    world.run()

    assert world.right.show("2") == KARI | {"email": "other@post.example"}
    assert held(world) == set()


def test_a_quarantined_create_that_is_matched_meanwhile_leaves_quarantine(world: World) -> None:
    world.right.add(**KARI)
    world.right.hidden.add("1")
    world.left.add(**KARI)
    world.run()

    world.right.hidden.clear()
    world.right.edit("1", last="Lie")
    world.run()

    assert world.status()["linked"] == 1
    assert world.status()["quarantined"] == 0


# --- freed first, then taken ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("people", [[KARI, OLA], [KARI, OLA, PER]])
def test_emails_that_go_round_a_circle_are_freed_first_and_then_taken_in_one_plan(
    world: World, people: list[dict[str, str]]
) -> None:
    for person in people:
        world.pair(**person)
    emails = [person["email"] for person in people]
    for n in range(len(people)):
        world.left.edit(str(n + 1), email=emails[(n + 1) % len(people)])

    world.run()

    for n in range(len(people)):
        assert world.right.value(str(n + 1), "email") == emails[(n + 1) % len(people)]
    assert held(world) == set()
    world.forget_writes()
    world.run()
    assert world.writes() == 0


def test_an_email_that_moves_on_down_a_line_needs_nothing_emptied(world: World) -> None:
    for person in (KARI, OLA, PER):
        world.pair(**person)
    world.left.edit("1", email=OLA["email"])
    world.left.edit("2", email=PER["email"])
    world.left.edit("3", email="new@post.example")

    world.run()

    assert [values["email"] for _, _, values in world.right.written()] == [
        "new@post.example",
        PER["email"],
        OLA["email"],
    ]


def test_a_swap_that_was_cut_short_is_finished_by_the_next_run(world: World) -> None:
    world.pair(**KARI)
    world.pair(**OLA)
    world.left.edit("1", email=OLA["email"])
    world.left.edit("2", email=KARI["email"])
    world.right.die_after = 1  # one value is freed
    world.run()

    world.run()

    assert [world.right.value(i, "email") for i in ("1", "2")] == [OLA["email"], KARI["email"]]
    assert [world.left.value(i, "email") for i in ("1", "2")] == [OLA["email"], KARI["email"]]


def test_what_a_swap_empties_on_the_way_is_kept_in_the_history(world: World) -> None:
    world.pair(**KARI)
    world.pair(**OLA)
    world.left.edit("1", email=OLA["email"])
    world.left.edit("2", email=KARI["email"])

    world.run()

    freed = [row for row in world.rows(history) if row["op"] == "free"]
    assert len(freed) == 1
    assert loads(freed[0]["after"]) == {"EmailAddress": None}
    assert loads(freed[0]["before"])["EmailAddress"] in {KARI["email"], OLA["email"]}


def _without_phone(creation: Any) -> Any:
    return type(creation)(creation.ref, creation.key, {k: v for k, v in creation.values.items() if k != "phone"})
