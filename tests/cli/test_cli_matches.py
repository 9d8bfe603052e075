"""`samklang matches`, `link`, `exclude`, `include`: who is whose twin, and what people decide about it."""

from __future__ import annotations

import csv
import json
import os
import pwd
import re
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import Answer, Command
from tests.sync.world import World
from typer.testing import CliRunner

from samklang.cli.app import app
from samklang.store.schema import actions, link_sides

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
OLA = {"email": "ola@post.example", "first": "Ola", "last": "Dal"}


@pytest.fixture(autouse=True)
def staging(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMKLANG_STAGING", str(world.folder / "staging"))


@pytest.fixture
def pair(world: World) -> World:
    """powerofficego:11 and shopify:21, linked."""
    world.left.add(id="11", **KARI)
    world.right.add(id="21", **KARI)
    world.run()
    return world


@pytest.fixture
def ambiguous(world: World) -> World:
    """powerofficego:11, powerofficego:12 and shopify:21 with one e-mail; shopify:22 alone."""
    world.left.add(id="11", **KARI)
    world.left.add(id="12", **KARI)
    world.right.add(id="21", **KARI)
    world.right.add(id="22", **OLA)
    world.run()
    return world


def ids(rows: list[dict[str, Any]]) -> list[list[str]]:
    return [[one["id"] for one in row["records"].values()] for row in rows]


def ask(*words: str, say: str) -> Any:
    return CliRunner().invoke(app, list(words), input=say)


# --- looking ----------------------------------------------------------------------------------------------------------


def test_matches_shows_every_list(ambiguous: World, answer: Answer) -> None:
    ambiguous.left.add(id="13", email="moe@post.example", first="Moe", last="Lie")
    ambiguous.run()

    found = answer("matches", "customers")

    assert ids(found["linked"]) == [["13", "1"]]
    (one,) = found["ambiguous"]
    assert {side: [c["id"] for c in of] for side, of in one["candidates"].items()} == {
        "powerofficego": ["11", "12"], "shopify": ["21"],
    }  # fmt: skip
    assert {one["record"]["id"] for one in found["only_powerofficego"]} == {"11", "12"}
    assert [one["record"]["id"] for one in found["excluded"]] == ["22"]
    assert (found["plan"], found["more"]) == (None, [])


def test_matches_shows_one_list_and_what_a_search_finds(ambiguous: World, answer: Answer) -> None:
    only = answer("matches", "customers", "--only", "shopify")
    assert [one["record"]["id"] for one in only["only_shopify"]] == ["21", "22"]
    assert "linked" not in only
    assert "only_powerofficego" not in only

    found = answer("matches", "customers", "--search", "ola@post.example")
    assert [one["record"]["id"] for one in found["only_shopify"]] == ["22"]
    assert (found["ambiguous"], found["only_powerofficego"]) == ([], [])


def test_before_the_first_write_matches_shows_what_the_plan_would_do(world: World, answer: Answer) -> None:
    world.left.add(id="11", **KARI)
    world.right.add(id="21", **KARI)
    world.left.add(id="12", **OLA)
    world.right.add(id="22", email="only@post.example")
    world.run(dry_run=True)

    found = answer("matches", "customers")

    assert found["plan"]["state"] == "dry"
    assert ids(found["proposed"]["links"]) == [["11", "21"]]
    assert [row["names"]["powerofficego"]["id"] for row in found["proposed"]["creates"]] == ["12"]
    assert [row["record"]["id"] for row in found["proposed"]["excluded"]] == ["22"]
    assert found["linked"] == []
    world.run()
    assert answer("matches", "customers")["plan"] is None


def test_the_tables_show_names_side_by_side(ambiguous: World, samklang: Command) -> None:
    result = samklang("matches", "customers", "--ambiguous")

    assert result.exit_code == 0
    line = next(line for line in result.stdout.splitlines() if "EmailAddress" in line)
    assert "11 · Kari Lie · kari@post.example" in line
    assert "21 · Kari Lie · kari@post.example" in line


def test_more_rows_than_the_limit_are_told(world: World, samklang: Command, answer: Answer) -> None:
    for n in range(3):
        world.left.add(**{**KARI, "email": f"k{n}@post.example"})
    world.run()

    assert answer("matches", "customers", "--limit", "2")["more"] == ["linked"]
    assert len(answer("matches", "customers", "--limit", "0")["linked"]) == 3
    assert "More of: linked." in samklang("matches", "customers", "--limit", "2").stdout


# --- a file -----------------------------------------------------------------------------------------------------------


def export(samklang: Command, path: Path, *words: str) -> list[dict[str, str]]:
    assert samklang("matches", "customers", *words, "--csv", str(path)).exit_code == 0
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def decide(path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def test_a_file_has_every_row_and_ids_that_no_spreadsheet_rounds(
    ambiguous: World, samklang: Command, tmp_path: Path
) -> None:
    rows = export(samklang, tmp_path / "m.csv")

    assert {(row["list"], row["powerofficego"], row["shopify"]) for row in rows} >= {
        ("ambiguous", "powerofficego:11", ""), ("ambiguous", "powerofficego:12", ""), ("ambiguous", "", "shopify:21"),
        ("excluded", "", "shopify:22"),
    }  # fmt: skip
    assert {row["decision"] for row in rows} == {""}


def test_a_file_can_go_to_standard_output(pair: World, samklang: Command) -> None:
    result = samklang("matches", "customers", "--linked", "--csv", "-")

    assert [row["shopify name"] for row in csv.DictReader(result.stdout.splitlines())] == ["Kari Lie"]


def test_a_value_in_a_file_is_no_formula(world: World, samklang: Command, tmp_path: Path) -> None:
    world.left.add(id="11", email="a@post.example", first='=HYPERLINK("http://x")', last="L")
    world.run(dry_run=True)

    (row,) = export(samklang, tmp_path / "m.csv", "--linked", "--only", "powerofficego")[:1]

    assert row["powerofficego name"].startswith("'=")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_each_decision_in_a_file_is_carried_out_or_left_with_its_reason(
    ambiguous: World, samklang: Command, answer: Answer, tmp_path: Path, delimiter: str
) -> None:
    path = tmp_path / "m.csv"
    rows = export(samklang, path)
    for row in rows:
        if row["powerofficego"] == "powerofficego:11" and row["list"] == "ambiguous":
            row |= {"shopify": "21", "decision": "Link"}
        if row["list"] == "ambiguous" and row["powerofficego"] == "powerofficego:12":
            row["decision"] = "exclude"
        if row["list"] == "excluded":
            row |= {"powerofficego": "powerofficego:99", "decision": "link"}
    rows.append({**dict.fromkeys(rows[0], ""), "shopify": "shopify:22", "decision": "delete"})
    decide(path, rows, delimiter)

    done = answer("matches", "customers", "--import", str(path), "--yes")

    assert sorted(one.split(": ", 1)[1] for one in done["done"]) == [
        "exclude powerofficego:12", "link powerofficego:11 = shopify:21",
    ]  # fmt: skip
    reasons = [one["reason"] for one in done["left"]]
    assert any("no record of powerofficego has this id" in reason for reason in reasons)
    assert any("no such decision" in reason for reason in reasons)
    found = answer("matches", "customers")
    assert ids(found["linked"]) == [["11", "21"]]
    assert ids(found["kept_apart"]) == [["12"]]
    assert ambiguous.writes() == 0


def test_a_file_may_be_read_in_twice(ambiguous: World, samklang: Command, answer: Answer, tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    decide(
        path,
        [
            {"powerofficego": "powerofficego:11", "shopify": "shopify:21", "decision": "link"},
            {"powerofficego": "", "shopify": "shopify:22", "decision": "exclude"},
        ],
    )
    assert len(answer("matches", "customers", "--import", str(path), "--yes")["done"]) == 2
    before = ambiguous.rows(link_sides), ambiguous.rows(actions)

    again = answer("matches", "customers", "--import", str(path), "--yes")

    assert again["done"] == []
    assert [one["reason"] for one in again["left"]] == ["linked already", "kept apart already"]
    assert (ambiguous.rows(link_sides), ambiguous.rows(actions)) == before


def test_a_file_never_takes_a_twin_away_unless_it_says_relink(pair: World, answer: Answer, tmp_path: Path) -> None:
    pair.right.add(id="22", **OLA)
    pair.run()
    path = tmp_path / "m.csv"
    line = {"powerofficego": "powerofficego:11", "shopify": "shopify:22", "decision": "link"}

    decide(path, [line])
    left = answer("matches", "customers", "--import", str(path), "--yes")["left"]
    assert "powerofficego:11 has a twin: write relink" in left[0]["reason"]
    decide(path, [{**line, "decision": "relink"}])
    assert answer("matches", "customers", "--import", str(path), "--yes")["left"] == []
    assert ids(answer("matches", "customers", "--linked")["linked"]) == [["11", "22"]]


def test_unlink_and_include_in_a_file(pair: World, answer: Answer, tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    line = {"powerofficego": "powerofficego:11", "shopify": "shopify:21"}

    decide(path, [{**line, "decision": "unlink"}])
    assert len(answer("matches", "customers", "--import", str(path), "--yes")["done"]) == 1
    assert ids(answer("matches", "customers", "--excluded")["kept_apart"]) == [["11", "21"]]
    decide(path, [{**line, "decision": "include"}])
    assert len(answer("matches", "customers", "--import", str(path), "--yes")["done"]) == 1
    pair.run()
    assert ids(answer("matches", "customers", "--linked")["linked"]) == [["11", "21"]]


def test_one_looks_at_what_a_file_would_do_before_it_is_done(pair: World, answer: Answer, tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    decide(path, [{"powerofficego": "powerofficego:11", "shopify": "shopify:21", "decision": "unlink"}])
    before = pair.rows(link_sides), pair.rows(actions)

    seen = answer("matches", "customers", "--import", str(path), "--preview")
    declined = ask("matches", "customers", "--import", str(path), say="n\n")

    assert seen["done"] == ["line 2: unlink powerofficego:11 = shopify:21"]
    assert seen["preview"] is True
    assert declined.exit_code == 1
    assert "Would be carried out: line 2" in declined.output
    assert (pair.rows(link_sides), pair.rows(actions)) == before
    assert ask("matches", "customers", "--import", str(path), say="y\n").exit_code == 0
    assert [(row["what"], row["via"]) for row in pair.rows(actions)] == [("import", "cli")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id;name\n1;Kari\n", "no column powerofficego and no column shopify and no column decision"),
        (b"powerofficego,shopify,decision\n\xff\xfe,1,link\n", "cannot be read"),
        (b"", "no column powerofficego"),
    ],
)
def test_a_file_that_is_none_of_ours_is_one_clear_line(
    pair: World, samklang: Command, tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "m.csv").write_bytes(content)

    result = samklang("matches", "customers", "--import", str(tmp_path / "m.csv"))

    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "Kari" not in result.stderr


def test_a_file_that_is_not_there_is_one_clear_line(pair: World, samklang: Command) -> None:
    result = samklang("matches", "customers", "--import", "nowhere.csv")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)


# --- link, exclude, include -------------------------------------------------------------------------------------------


def test_link_does_not_ask_where_nobody_loses_a_twin(ambiguous: World, answer: Answer) -> None:
    done = answer("link", "customers", "powerofficego:11", "shopify:21")

    assert done["linked"] == ["powerofficego:11", "shopify:21"]


def test_link_asks_where_somebody_would_lose_a_twin(pair: World) -> None:
    pair.right.add(id="22", **OLA)
    pair.run()

    declined = ask("link", "customers", "powerofficego:11", "shopify:22", say="n\n")

    assert declined.exit_code == 1
    assert "shopify:21 will lose that twin" in " ".join(declined.output.split())
    assert pair.status()["linked"] == 1
    assert ask("link", "customers", "powerofficego:11", "shopify:22", say="y\n").exit_code == 0


def test_exclude_leaves_both_twins_alone_until_they_are_included(pair: World, answer: Answer) -> None:
    assert answer("exclude", "customers", "kari@post.example")["done"]
    pair.left.edit("11", first="Karin")
    pair.run()
    assert pair.writes() == 0

    again = answer("exclude", "customers", "powerofficego:11")
    assert (again["done"], [one["reason"] for one in again["left"]]) == ([], ["kept apart already"])
    assert answer("include", "customers", "powerofficego:11")["done"]
    pair.run()
    assert pair.status()["linked"] == 1


def test_many_are_excluded_at_once(ambiguous: World, answer: Answer) -> None:
    done = answer("exclude", "customers", "powerofficego:11", "powerofficego:12", "shopify:22")

    assert len(done["done"]) == 3
    ambiguous.run()
    apart = answer("matches", "customers", "--excluded")["kept_apart"]
    assert sorted(ids(apart)) == [["11"], ["12"], ["22"]]


def test_what_people_do_is_listed_with_who_did_it(pair: World, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    answer("exclude", "customers", "powerofficego:11")

    (one,) = answer("actions", "customers")["actions"]

    assert (one["what"], one["person"], one["via"]) == ("exclude", pwd.getpwuid(os.getuid()).pw_name, "cli")
    assert set(one["records"]) == {"powerofficego:11", "shopify:21"}
    assert "kari@post.example" not in json.dumps(one)


def test_a_csv_file_is_its_owners_and_nobodys_link_is_followed(pair: World, samklang: Command, tmp_path: Path) -> None:
    """A file in a folder of many was readable by all, and a link of somebody else's led the data to their own file."""
    path, theirs, hard = tmp_path / "m.csv", tmp_path / "theirs", tmp_path / "hard.csv"
    path.write_text("old")
    path.chmod(0o644)
    assert samklang("matches", "customers", "--csv", str(path)).exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith("list,")

    theirs.write_text("theirs")
    (tmp_path / "link.csv").symlink_to(theirs)
    hard.hardlink_to(theirs)
    for bait in ("link.csv", "hard.csv"):
        for command in (["matches", "customers"], ["undo", "customers", "--run", "run-1", "--preview"]):
            done = samklang(*command, "--csv", str(tmp_path / bait))
            assert (done.exit_code, theirs.read_text()) == (1, "theirs")
            assert "cannot be written" in done.stderr


def test_a_file_that_a_spreadsheet_would_carry_out_reads_back_the_same(
    world: World, samklang: Command, answer: Answer, tmp_path: Path
) -> None:
    hostile = {**KARI, "first": "Kari;=cmd|' /C calc'!A0", "last": "Lie;＝1+1"}
    world.left.add(id="11", **hostile)
    world.right.add(id="21", **hostile)
    world.run()
    path = tmp_path / "m.csv"
    samklang("matches", "customers", "--csv", str(path))
    rows = list(csv.DictReader(path.open(encoding="utf-8", newline="")))
    (row,) = [row for row in rows if row["powerofficego"] == "powerofficego:11"]
    assert ";'=cmd" in row["powerofficego name"]
    assert not re.search("(^|[;\t\n])[=+\\-@＝＋－＠]", row["powerofficego name"])

    with path.open("w", encoding="utf-8", newline="") as file:  # as Excel saves it where commas are for decimals
        writer = csv.DictWriter(file, list(row), delimiter=";")
        writer.writeheader()
        writer.writerow({**row, "decision": "unlink"})
    done = answer("matches", "customers", "--import", str(path), "-y")
    assert done["done"] == ["line 2: unlink powerofficego:11 = shopify:21"]
