"""`samklang holds`, `quarantine`, `retry`, `skip`."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import update
from tests.cli.running import Answer, Command
from tests.sync.world import World

from samklang.store.schema import holds

KARI = {"first": "Kari", "last": "Lie"}
EMAILS = ("kari0@post.example", "kari1@post.example")


@pytest.fixture
def refused(world: World) -> World:
    """powerofficego:10 and :11, which Shopify refuses as a whole; and :19, whose phone number it cannot take."""
    world.moment = datetime.now(UTC)  # as at the terminal: tries are due by the clock
    world.right.rejects = dict.fromkeys(EMAILS)
    for n, email in enumerate(EMAILS):
        world.left.add(id=f"1{n}", email=email, **KARI)
    world.left.add(id="19", email="ola@post.example", phone="ask Ola", **KARI)
    world.run()
    return world


def test_quarantined_records_and_held_fields_are_two_lists(refused: World, answer: Answer) -> None:
    quarantined, held = answer("quarantine", "customers"), answer("holds", "customers")

    assert [(one["source_id"], one["side"]) for one in quarantined["quarantined"]] == [
        ("10", "shopify"), ("11", "shopify"),
    ]  # fmt: skip
    (one,) = held["holds"]
    assert (one["source_id"], one["field"], one["reason"]) == ("19", "PhoneNumber", "phone_unparsable")
    assert one["remedy"]
    assert held["reasons"] == [{"reason": "phone_unparsable", "side": "shopify", "number": 1}]


def test_they_are_filtered_by_reason_and_side(refused: World, answer: Answer) -> None:
    assert len(answer("holds", "customers", "--reason", "phone_unparsable", "--to", "shopify")["holds"]) == 1
    assert answer("holds", "customers", "--reason", "phone_taken")["holds"] == []
    assert answer("quarantine", "customers", "--to", "powerofficego")["quarantined"] == []


def test_the_table_names_record_reason_remedy_and_next_try(refused: World, samklang: Command) -> None:
    line, _ = [line for line in samklang("quarantine", "customers").stdout.splitlines() if "powerofficego:10" in line]

    assert "Kari Lie" in line
    assert "UTC" in line  # when it is tried again
    assert samklang("holds", "products").stdout.strip() == "Nothing."


def test_a_held_field_is_listed_with_its_value_who_holds_it_and_what_the_system_said(
    refused: World, samklang: Command
) -> None:
    with refused.database.begin() as connection:
        connection.execute(update(holds).where(holds.c.source_id == "19").values(holder="77", said="Phone is taken"))

    told = " ".join(samklang("holds", "customers").stdout.split())

    assert "powerofficego:19 PhoneNumber ask Ola shopify:77 Phone is taken" in told


def test_one_record_is_tried_again_by_the_next_run(refused: World, answer: Answer) -> None:
    refused.right.rejects.clear()

    done = answer("retry", "customers", EMAILS[0])
    refused.run()

    assert done["done"] == ["powerofficego:10"]
    assert refused.status()["linked"] == 2
    assert all(row["source_id"] != "10" for row in refused.rows(holds))


def test_all_of_one_reason_are_tried_again(refused: World, answer: Answer) -> None:
    refused.right.rejects.clear()
    (reason,) = {one["reason"] for one in answer("quarantine", "customers")["quarantined"]}

    done = answer("retry", "customers", "--reason", reason)
    refused.run()

    assert sorted(done["done"]) == ["powerofficego:10", "powerofficego:11"]
    assert refused.status()["linked"] == 3


def test_all_are_skipped_and_what_a_rule_holds_is_left(refused: World, answer: Answer) -> None:
    done = answer("skip", "customers", "--all")

    assert sorted(done["done"]) == ["powerofficego:10", "powerofficego:11"]
    assert [one["what"] for one in done["left"]] == ["powerofficego:19 PhoneNumber"]
    assert all(one["skipped"] for one in answer("quarantine", "customers")["quarantined"])
    again = answer("skip", "customers", "powerofficego:10")
    assert (again["done"], [one["reason"] for one in again["left"]]) == ([], ["skipped already"])


@pytest.mark.parametrize(
    "words", [(), ("powerofficego:10", "--all"), ("--reason", "x", "--all"), ("powerofficego:10", "--reason", "x")]
)
def test_one_says_what_to_try_again_in_one_way(refused: World, samklang: Command, words: tuple[str, ...]) -> None:
    result = samklang("retry", "customers", *words)

    assert result.exit_code == 2
    assert "records, or --reason, or --all" in " ".join(result.stderr.split())


def test_a_record_of_which_nothing_is_held_is_one_clear_line(refused: World, samklang: Command) -> None:
    refused.left.add(id="12", email="moe@post.example", **KARI)
    refused.run()

    result = samklang("retry", "customers", "powerofficego:12")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Nothing of powerofficego:12 is held or quarantined.\n"
