"""`samklang explain`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import Answer, Command
from tests.sync.world import MAPPINGS, World, customers

from samklang.core.records import Scope
from samklang.sync.context import Run


def look(world: World) -> None:
    """Read both sides again, and write nothing."""
    world.plan(Run("look", dry_run=True))


def only(document: Any) -> Any:
    assert len(document["records"]) == 1
    return document["records"][0]


def field(record: Any, name: str) -> Any:
    return next(one for one in record["fields"] if one["field"] == name)


@pytest.fixture
def pair(world: World) -> World:
    """powerofficego:11 and shopify:1, linked by a run."""
    world.left.add(
        id="11", email="kari@post.example", first="Kari", last="Lie",
        city="Moss", zip="1530",
    )  # fmt: skip
    world.run()
    return world


@pytest.mark.parametrize(
    "record",
    ["powerofficego:11", "shopify:1", "gid://shopify/Customer/1", "kari@post.example", "Kari@Post.example ", "11"],
)
def test_a_record_is_found_by_each_form_of_its_id(pair: World, answer: Answer, record: str) -> None:
    assert only(answer("explain", "customers", record))["records"] == {"powerofficego": "11", "shopify": "1"}


def test_a_number_that_fits_both_sides_shows_both(world: World, answer: Answer) -> None:
    world.left.add(id="7", email="a@post.example", first="A", last="B")
    world.right.add(id="7", email="b@post.example", first="C", last="D")
    look(world)

    found = answer("explain", "customers", "7")["records"]

    assert [one["records"] for one in found] == [{"powerofficego": "7"}, {"shopify": "7"}]


def test_a_pair_in_sync_shows_values_base_and_the_writes_that_made_it(pair: World, answer: Answer) -> None:
    record = only(answer("explain", "customers", "11"))

    assert (record["state"], record["outlook"]["decision"]) == ("linked", "in sync")
    assert field(record, "FirstName") == {
        "field": "FirstName",
        "names": {"powerofficego": "FirstName", "shopify": "firstName"},
        "seen": {"powerofficego": "Kari", "shopify": "Kari"},
        "base": {"powerofficego": "Kari", "shopify": "Kari"},
        "decision": "in sync",
    }
    (write,) = record["history"]
    assert (write["op"], write["side"], write["run_id"]) == ("create", "shopify", "run-1")
    assert (write["before"]["FirstName"], write["after"]["FirstName"]) == (None, "Kari")


def test_an_edit_says_where_it_will_be_written_and_what(pair: World, answer: Answer) -> None:
    pair.right.edit("1", first="Karin")
    look(pair)

    one = field(only(answer("explain", "customers", "11")), "FirstName")

    assert (one["decision"], one["to"], one["value"], one["why"]) == ("edit", "powerofficego", "Karin", "edit")
    assert one["base"] == {"powerofficego": "Kari", "shopify": "Kari"}


def test_a_conflict_names_the_winner_and_both_values(pair: World, answer: Answer) -> None:
    pair.left.edit("11", first="Karin", clock="2026-01-02T00:00:00.0000000Z")
    pair.right.edit("1", first="Kaja", clock="2026-01-02T00:00:05.0000000Z")
    look(pair)

    record = only(answer("explain", "customers", "11"))
    one = field(record, "FirstName")

    assert record["outlook"] == {"decision": "conflict", "reason": "", "fields": ["FirstName"]}
    assert (one["conflict"]["winner"], one["conflict"]["rule"]) == ("shopify", "latest")
    assert (one["to"], one["value"]) == ("powerofficego", "Kaja")
    assert one["seen"] == {"powerofficego": "Karin", "shopify": "Kaja"}


def test_a_conflict_that_waits_for_a_person_is_open(
    home: Path, tmp_path: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mappings"
    folder.mkdir()
    text = (MAPPINGS / "customers.yaml").read_text().replace("policy: latest", "policy: ask", 1)
    (folder / "customers.yaml").write_text(text)
    monkeypatch.setenv("SAMKLANG_MAPPINGS", str(folder))
    home.mkdir()
    world = World(tmp_path, customers("policy: ask"), url=f"sqlite:///{home / 'samklang.db'}")
    world.left.add(id="11", email="kari@post.example", first="Kari", last="Lie")
    world.run()
    world.left.edit("11", first="Karin")
    world.right.edit("1", first="Kaja")
    world.run()

    record = only(answer("explain", "customers", "11"))

    assert field(record, "FirstName")["decision"] == "conflict"
    assert field(record, "FirstName")["conflict"]["winner"] is None
    assert "other side" in field(record, "FirstName")["remedy"]
    (kept,) = record["conflicts"]
    assert (kept["state"], kept["raw"]) == ("open", {"powerofficego": "Karin", "shopify": "Kaja"})


def test_a_value_that_the_target_cannot_take_is_held_with_reason_and_remedy(pair: World, answer: Answer) -> None:
    pair.left.edit("11", phone="ring Ola, 22 33")
    look(pair)

    record = only(answer("explain", "customers", "11"))
    one = field(record, "PhoneNumber")

    assert record["outlook"]["decision"] == "held"
    assert (one["decision"], one["to"], one["reason"]) == ("held", "shopify", "phone_unparsable")
    assert "phone number" in one["remedy"]


def test_a_refused_value_says_when_it_is_tried_again(world: World, answer: Answer) -> None:
    world.moment = datetime.now(UTC)
    world.right.add(id="50", email="other@post.example", phone="+4722334455", first="O", last="P")
    world.left.add(id="11", email="kari@post.example", first="K", last="L")
    world.run()
    world.left.edit("11", phone="+4722334455")
    world.run()

    record = only(answer("explain", "customers", "11"))
    one = field(record, "PhoneNumber")

    assert (one["decision"], one["reason"]) == ("held", "taken")
    assert one["retry_at"] == record["next_retry"]
    assert one["retry_at"] > world.moment.isoformat()
    assert [hold["field"] for hold in record["held"]] == ["PhoneNumber"]


def test_a_refused_record_is_quarantined_until_its_next_try(world: World, answer: Answer) -> None:
    world.moment = datetime.now(UTC)
    world.left.add(id="11", email="kari@post.example", first="K", last="L")
    world.run(between=lambda: world.right.add(id="50", email="kari@post.example"))

    record = only(answer("explain", "customers", "11"))

    (hold,) = record["quarantined"]
    assert (hold["side"], hold["reason"]) == ("shopify", "taken")
    assert record["next_retry"] == hold["retry_at"]
    assert record["outlook"] == {
        "decision": "held", "to": "shopify", "reason": "taken", "remedy": hold["remedy"], "retry_at": hold["retry_at"],
    }  # fmt: skip


def test_records_with_one_key_are_ambiguous_with_all_candidates(world: World, answer: Answer) -> None:
    for number in ("3", "4"):
        world.left.add(id=number, email="double@post.example", first="A", last="B")
    world.right.add(id="9", email="double@post.example")
    world.run()

    found = answer("explain", "customers", "powerofficego:3")
    record = only(found)

    candidates = {"powerofficego": ["3", "4"], "shopify": ["9"]}
    assert (record["state"], record["outlook"]["decision"]) == ("not linked", "ambiguous")
    assert record["outlook"]["candidates"] == candidates
    assert (record["verdicts"][0]["verdict"], record["verdicts"][0]["candidates"]) == ("ambiguous", candidates)


@pytest.mark.parametrize(
    ("values", "decision", "reason"),
    [
        ({"email": "new@post.example", "first": "N"}, "excluded", "not_in_create_in"),
        ({"email": "twin@post.example"}, "link", "EmailAddress"),
        ({"email": "moved@post.example"}, "excluded", "key_held_by_a_linked_record"),
        ({"email": "new@post.example", "scope": Scope.OUTSIDE}, "excluded", "outside"),
    ],
)
def test_a_record_without_a_twin_says_what_the_next_run_makes_of_it(
    pair: World, answer: Answer, values: dict[str, str], decision: str, reason: str
) -> None:
    pair.left.add(id="12", email="twin@post.example", first="T", last="W")
    pair.left.edit("11", email="moved@post.example")
    pair.right.add(id="60", **values)
    look(pair)

    outlook = only(answer("explain", "customers", "shopify:60"))["outlook"]

    assert (outlook["decision"], outlook["reason"]) == (decision, reason)


def test_a_record_that_will_be_created_says_where(world: World, answer: Answer) -> None:
    world.left.add(id="11", email="kari@post.example", first="K", last="L")
    look(world)

    assert only(answer("explain", "customers", "11"))["outlook"] == {"decision": "create", "to": "shopify"}


def test_an_archived_twin_pauses_the_pair(pair: World, answer: Answer) -> None:
    pair.left.edit("11", first="Karin")
    pair.right.set("1", scope=Scope.ARCHIVED)
    look(pair)

    outlook = only(answer("explain", "customers", "11"))["outlook"]

    assert (outlook["decision"], outlook["reason"]) == ("paused", "shopify is archived")


def test_the_tables_show_values_and_decisions(pair: World, samklang: Command) -> None:
    pair.right.edit("1", first="Karin")
    look(pair)

    result = samklang("explain", "customers", "11")

    assert result.exit_code == 0
    assert "powerofficego:11 = shopify:1: linked" in result.stdout
    assert "edit in powerofficego to Karin (edit)" in result.stdout


def test_a_decided_conflict_stays_on_record(pair: World, samklang: Command) -> None:
    pair.left.edit("11", first="Karin")
    pair.right.edit("1", first="Kaja")
    pair.run()

    result = samklang("explain", "customers", "11")

    (line,) = [line for line in result.stdout.splitlines() if "Karin (" in line]
    assert "Kaja (" in line
    assert "shopify wins (latest" in line


def test_a_value_cannot_command_the_terminal(world: World, samklang: Command) -> None:
    world.left.add(id="11", email="a@post.example", first="\x1b]0;owned\x07[red]x", last="L")
    look(world)

    result = samklang("explain", "customers", "11")

    assert "\x1b" not in result.stdout
    assert "\\x1b]0;owned\\x07[red]x" in result.stdout


@pytest.mark.parametrize("record", ["999", "shopify:999", "nobody@post.example", "gid://shopify/Customer/999"])
def test_an_unknown_record_is_one_clear_line(pair: World, samklang: Command, record: str) -> None:
    result = samklang("explain", "customers", record)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "No record of customers" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_an_unknown_entity_is_wrong_usage(samklang: Command) -> None:
    result = samklang("explain", "suppliers", "1")

    assert result.exit_code == 2
    assert "customers or products" in result.stderr
