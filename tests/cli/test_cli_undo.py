"""`samklang undo`, `release`, `freeze`, `unfreeze`, `runs`."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from tests.cli.running import Answer, Command
from tests.sync.world import World
from typer.testing import CliRunner

from samklang.cli.app import app
from samklang.store.schema import actions, orders

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
OLA = {"email": "ola@post.example", "first": "Ola", "last": "Dal"}


@pytest.fixture
def edited(world: World) -> World:
    """Two pairs; run-2 carried a first name over for each, and made a twin of powerofficego:13."""
    world.left.add(id="11", **KARI)
    world.right.add(id="21", **KARI)
    world.left.add(id="12", **OLA)
    world.right.add(id="22", **OLA)
    world.run()
    world.left.edit("11", first="Karin")
    world.left.edit("12", first="Olav")
    world.left.add(id="13", email="moe@post.example", first="Moe", last="Lie")
    world.run()
    return world


def test_one_sees_what_an_undo_would_do_before_one_says_yes(edited: World) -> None:
    edited.right.edit("22", first="Ole")
    edited.run()  # run-3 carries that back

    result = CliRunner().invoke(app, ["undo", "customers", "--run", "run-2"], input="n\n")

    text = " ".join(result.output.split())
    assert result.exit_code == 1
    assert "shopify:21 FirstName Karin Kari" in text
    assert "changed since" in text
    assert "Made or linked: kept, and left alone until let in again" in text
    assert "1 field is put back, 1 is left alone, 1 link is ended and its records kept apart" in text
    assert (edited.rows(orders), edited.rows(actions)) == ([], [])


def test_a_pair_that_an_undo_has_parted_says_by_which_undo_and_whom_and_how_to_link_it_again(
    edited: World, samklang: Command, answer: Answer
) -> None:
    answer("undo", "customers", "--run", "run-2", "--yes")
    (undone,) = edited.rows(actions)
    edited.run()

    told = " ".join(samklang("explain", "customers", "powerofficego:13").stdout.split())
    again = " ".join(samklang("undo", "customers", "--run", "run-2", "--yes").stdout.split())

    who, number = undone["person"], undone["id"]
    assert f"Taken apart by an undo by {who} (action {number}). If that was wrong: samklang link customers" in told
    assert "powerofficego:13 shopify:1 makes them twins again" in told
    assert f"1 link that this run made has been taken apart already, by undo {number} of {who}" in again
    assert "samklang include customers ID" in again
    assert answer("undo", "customers", "--run", "run-2", "--preview")["parted"][0]["action"] == number
    assert answer("include", "customers", "powerofficego:13")["done"] == ["powerofficego:13 = shopify:1"]
    edited.run()
    assert answer("explain", "customers", "powerofficego:13")["records"][0]["state"] == "linked"


def test_an_excluded_pair_says_who_excluded_it_and_how_to_go_on_with_its_link(
    edited: World, samklang: Command, answer: Answer
) -> None:
    assert answer("exclude", "customers", "shopify:21")["done"] == ["powerofficego:11 = shopify:21"]

    told = " ".join(samklang("explain", "customers", "powerofficego:11").stdout.split())

    assert f"Excluded by {edited.rows(actions)[0]['person']} (action 1). To go on with the link as it was" in told
    assert "samklang include customers powerofficego:11" in told
    back = answer("include", "customers", "powerofficego:11")["done"]
    assert back == ["powerofficego:11 = shopify:21, linked as before"]


def test_an_undone_run_is_put_back_by_the_next_one_and_held_there(edited: World, answer: Answer) -> None:
    done = answer("undo", "customers", "--run", "run-2", "--yes")

    assert done["done"] is True
    assert sorted(one["record_id"] for one in done["put_back"]) == ["21", "22"]
    assert [one["ids"]["powerofficego"] for one in done["made"]] == ["13"]
    for _ in range(2):
        edited.run()
    assert edited.right.value("21", "first") == "Kari"
    assert edited.left.value("11", "first") == "Karin"
    assert len(edited.right.records) == 3  # nothing was deleted
    (undone,) = [one["undone"] for one in answer("runs", "customers")["runs"] if one["run_id"] == "run-2"]
    assert sum(undone.values()) == 2


def test_one_record_is_undone_by_any_of_its_names(edited: World, answer: Answer) -> None:
    answer("undo", "customers", "kari@post.example", "--yes")
    edited.run()

    assert edited.right.value("21", "first") == "Kari"
    assert edited.right.value("22", "first") == "Olav"


def test_a_preview_changes_nothing_and_lists_what_the_run_made_as_csv(
    edited: World, answer: Answer, tmp_path: Path
) -> None:
    path = tmp_path / "made.csv"

    done = answer("undo", "customers", "--run", "run-2", "--preview", "--csv", str(path))

    assert done["done"] is False
    with path.open(newline="") as file:
        (row,) = list(csv.DictReader(file))
    assert (row["origin"], row["powerofficego"], row["powerofficego name"]) == (
        "created",
        "powerofficego:13",
        "Moe Lie",
    )
    assert row["shopify"].startswith("shopify:")
    assert edited.rows(orders) == []


def test_undoing_twice_puts_nothing_back_twice(edited: World, answer: Answer) -> None:
    answer("undo", "customers", "--run", "run-2", "--yes")
    before = edited.rows(orders), edited.rows(actions)

    again = answer("undo", "customers", "--run", "run-2", "--yes")

    assert (again["put_back"], again["made"], again["done"]) == ([], [], False)
    assert (edited.rows(orders), edited.rows(actions)) == before


def test_a_value_that_was_put_back_is_released(edited: World, answer: Answer) -> None:
    answer("undo", "customers", "shopify:21", "--yes")
    edited.run()

    assert answer("release", "customers", "shopify:21", "FirstName")["done"] == ["shopify:21 FirstName"]
    edited.run()
    assert edited.right.value("21", "first") == "Karin"
    again = answer("release", "customers", "shopify:21", "FirstName")
    assert "let go already" in again["left"][0]["reason"]


def test_a_frozen_field_stays_as_it_is_until_it_is_unfrozen(edited: World, answer: Answer) -> None:
    assert answer("freeze", "customers", "kari@post.example", "--field", "LastName")["done"]
    edited.left.edit("11", last="Moe", first="Kaja")
    edited.run()
    assert (edited.right.value("21", "last"), edited.right.value("21", "first")) == ("Lie", "Kaja")

    assert answer("unfreeze", "customers", "11")["done"]
    edited.run()
    assert edited.right.value("21", "last") == "Moe"
    assert answer("unfreeze", "customers", "11")["left"][0]["reason"] == "not frozen"


def test_runs_tell_state_plan_and_what_was_planned(edited: World, samklang: Command, answer: Answer) -> None:
    newest, first = answer("runs", "customers")["runs"]
    assert (newest["run_id"], newest["state"], newest["plan"]["state"]) == ("run-2", "success", "approved")
    assert first["plan"]["counts"]["links"] == 2

    (line,) = [line for line in samklang("runs", "customers").stdout.splitlines() if line.startswith("run-2")]
    assert "1 creates, 2 updates" in line
    assert "There are more" in samklang("runs", "customers", "--limit", "1").stdout


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((), 2, "give a record, or --run"),
        (("--run", "run-9"), 1, "No run run-9 of customers is known."),
        (("shopify:99",), 1, "No record of customers"),
    ],
)
def test_what_cannot_be_undone_is_said(
    edited: World, samklang: Command, words: tuple[str, ...], code: int, message: str
) -> None:
    result = samklang("undo", "customers", *words)

    assert (result.exit_code, result.stdout) == (code, "")
    assert message in " ".join(result.stderr.split())
