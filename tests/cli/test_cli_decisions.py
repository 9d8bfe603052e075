"""`samklang unlink` and `samklang relink`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.running import Answer, Command
from tests.sync.world import World
from typer.testing import CliRunner

from samklang.cli.app import app
from samklang.store.schema import link_sides

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
OLA = {"email": "ola@post.example", "first": "Ola", "last": "Dal"}


@pytest.fixture
def pair(world: World) -> World:
    """powerofficego:11 and shopify:21, linked."""
    world.left.add(id="11", **KARI)
    world.right.add(id="21", **KARI)
    world.run()
    return world


@pytest.fixture
def half(pair: World) -> World:
    """The same two, after shopify:21 was deleted and two whole reads have found out."""
    pair.right.delete("21")
    for _ in range(2):
        pair.run(mode="full")
    return pair


def test_status_counts_twins_that_are_gone_and_explain_says_what_to_do(half: World, answer: Answer) -> None:
    assert answer("status")["customers"]["gone"] == 1
    (record,) = answer("explain", "customers", "powerofficego:11")["records"]
    assert record["outlook"]["reason"] == "shopify is gone"
    assert "samklang unlink" in record["outlook"]["remedy"]


def test_unlink_of_two_that_are_there_keeps_them_apart_and_says_so(pair: World, samklang: Command) -> None:
    result = samklang("unlink", "customers", "powerofficego:11")

    assert result.exit_code == 0
    assert "Kept apart: powerofficego:11, shopify:21." in result.stdout
    assert "samklang relink customers" in result.stdout
    assert pair.status()["linked"] == 0
    assert pair.writes() == 0


def test_unlink_of_a_gone_twin_says_what_the_next_run_may_make(half: World, samklang: Command) -> None:
    result = samklang("unlink", "customers", "kari@post.example")

    assert result.exit_code == 0
    assert "powerofficego:11 has no twin now. The next run may create it anew in shopify." in result.stdout

    half.run()
    assert [op for op, _, _ in half.right.writes] == ["create"]


def test_unlink_of_a_gone_twin_says_whom_the_next_run_links(half: World, samklang: Command) -> None:
    half.right.add(id="22", **KARI)
    half.run()

    result = samklang("unlink", "customers", "11")

    assert "The next run links it with shopify:22 (EmailAddress)." in result.stdout


def test_unlink_can_keep_the_twin_of_a_gone_record_as_it_is(half: World, answer: Answer) -> None:
    done = answer("unlink", "customers", "11", "--keep-apart")

    assert (done["apart"], done["free"], done["next"]) == (["powerofficego:11"], [], [])


def test_unlink_can_leave_both_to_the_next_run(pair: World, answer: Answer) -> None:
    done = answer("unlink", "customers", "shopify:21", "--match-again")

    assert done["free"] == ["powerofficego:11", "shopify:21"]
    assert [one["outlook"] for one in done["next"]] == [
        {"decision": "link", "reason": "EmailAddress", "candidates": {"shopify": ["21"]}},
        {"decision": "link", "reason": "EmailAddress", "candidates": {"powerofficego": ["11"]}},
    ]


def test_unlink_warns_that_our_key_links_them_again(world: World, samklang: Command) -> None:
    world.left.add(id="11", **KARI)
    world.run()

    result = samklang("unlink", "customers", "powerofficego:11", "--match-again")

    assert "The next run links it with shopify:1 (our key)." in result.stdout


def test_relink_asks_first_and_names_who_loses_a_twin(pair: World) -> None:
    pair.left.add(id="12", **OLA)
    pair.right.add(id="22", **OLA)
    pair.run()

    words = ["relink", "customers", "powerofficego:11", "shopify:22"]
    declined = CliRunner().invoke(app, words, input="n\n")
    assert declined.exit_code == 1
    assert "shopify:21, powerofficego:12 will lose that twin, and be kept apart" in " ".join(declined.output.split())
    assert pair.status()["linked"] == 2

    accepted = CliRunner().invoke(app, words, input="y\n")
    assert accepted.exit_code == 0
    assert "Linked: powerofficego:11 = shopify:22." in accepted.stdout
    assert "Kept apart: shopify:21, powerofficego:12." in accepted.stdout
    assert pair.status()["linked"] == 1


def test_relink_without_anybody_to_ask_changes_nothing(pair: World, samklang: Command) -> None:
    pair.right.add(id="22", **OLA)
    pair.run()
    before = pair.rows(link_sides)

    result = samklang("relink", "customers", "powerofficego:11", "shopify:22")

    assert result.exit_code == 1
    assert pair.rows(link_sides) == before


def test_relink_with_yes_and_json_does_not_ask(pair: World, answer: Answer) -> None:
    pair.right.add(id="22", **OLA)
    pair.run()

    done = answer("relink", "customers", "powerofficego:11", "gid://shopify/Customer/22", "--yes")

    assert (done["linked"], done["apart"]) == (["powerofficego:11", "shopify:22"], ["shopify:21"])
    (after,) = done["next"]
    assert after["outlook"]["decision"] == "conflict"
    assert after["outlook"]["fields"] == ["EmailAddress", "FirstName", "LastName"]


def test_relink_new_lets_a_parked_creation_go_on(world: World, samklang: Command) -> None:
    world.left.add(id="11", first="Kari", last="Lie")
    world.right.die_after = 1
    world.run()
    world.right.set("1", key=None)
    world.run(mode="full")

    result = samklang("relink", "customers", "powerofficego:11", "--new")
    assert result.exit_code == 0
    assert "powerofficego:11 has no twin now. The next run may create it anew in shopify." in result.stdout

    world.run()
    assert world.status()["linked"] == 1


@pytest.mark.parametrize("words", [("11",), ("11", "21", "--new")])
def test_relink_takes_two_records_or_one_and_new(pair: World, samklang: Command, words: tuple[str, ...]) -> None:
    result = samklang("relink", "customers", *words)

    assert result.exit_code == 2
    assert "two records, or one and --new" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("unlink", "customers", "nobody@post.example"), "No record of customers"),
        (("relink", "customers", "kari@post.example", "shopify:21", "--yes"), "names 2 records"),
        (("relink", "customers", "powerofficego:11", "--new"), "is linked with shopify:21"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    pair: World, samklang: Command, words: tuple[str, ...], message: str
) -> None:
    result = samklang(*words)

    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_decision_on_a_fresh_machine_makes_no_store(samklang: Command, home: Path) -> None:
    assert samklang("unlink", "customers", "1").exit_code == 1
    assert not home.exists()


def test_explain_shows_a_record_that_is_kept_apart_alone(pair: World, samklang: Command, answer: Answer) -> None:
    pair.right.add(id="22", **OLA)
    pair.run()
    answer("relink", "customers", "powerofficego:11", "shopify:22", "--yes")

    found = json.loads(samklang("explain", "customers", "shopify:21", "--json").stdout)["records"]

    assert [record["records"] for record in found] == [{"shopify": "21"}]
    assert (found[0]["state"], found[0]["outlook"]["reason"]) == ("excluded", "kept apart by a person")
    assert samklang("explain", "customers", "shopify:21").exit_code == 0


def test_an_e_mail_does_not_mean_a_record_that_is_gone_and_was_taken_apart(half: World, answer: Answer) -> None:
    half.right.add(id="22", first="Kari")
    half.run()
    answer("unlink", "customers", "powerofficego:11", "--match-again")

    assert answer("relink", "customers", "kari@post.example", "shopify:22", "--yes")["linked"] == [
        "powerofficego:11",
        "shopify:22",
    ]
