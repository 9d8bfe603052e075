"""`samklang adopt`, against the simulators of both systems."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.running import Answer, Command, Systems
from tests.cli.test_cli_plan import add_customer, add_person, api_writes
from typer.testing import CliRunner

from samklang.cli.app import app


@pytest.fixture
def twins(systems: Systems) -> tuple[str, str]:
    """Kari in both, with a phone in one and another first name in the other."""
    number = add_person(systems, PhoneNumber="22 33 44 55")
    return number, add_customer(systems, email="kari@post.example", firstName="Karin", lastName="Lie")


def test_it_shows_what_it_found_asks_and_links(systems: Systems, twins: tuple[str, str], answer: Answer) -> None:
    result = CliRunner().invoke(app, ["adopt", "customers"], input="y\n")

    assert result.exit_code == 0, result.output
    words = [line.split() for line in result.stderr.splitlines()]
    assert ["to", "link", "by", "EmailAddress", "1"] in words
    assert ["FirstName", "0", "0", "0", "1", "0"] in words
    assert ["PhoneNumber", "0", "0", "1", "0", "0"] in words
    assert ["LastName", "1", "0", "0", "0", "0"] in words
    assert [*twins, "FirstName", "Kari", "Karin"] in words
    assert "Linked 1 pairs; neither system was written. 1 fields wait as open conflicts." in result.stdout
    assert api_writes(systems) == []
    status = answer("status")["customers"]
    assert (status["linked"], status["conflicts"], status["last_run"]) == (1, 1, None)


def test_it_links_nothing_without_a_yes(systems: Systems, twins: tuple[str, str], answer: Answer) -> None:
    result = CliRunner().invoke(app, ["adopt", "customers"], input="n\n")

    assert result.exit_code == 1
    assert answer("status")["customers"]["linked"] == 0


def test_it_says_so_when_there_is_nothing_to_link(systems: Systems, samklang: Command) -> None:
    add_person(systems)

    result = samklang("adopt", "customers")

    assert result.exit_code == 0
    assert "Nothing to link." in result.stdout
    assert ["only", "in", "powerofficego", "1"] in [line.split() for line in result.stdout.splitlines()]


def test_a_file_names_pairs_that_the_old_service_knew(systems: Systems, answer: Answer, tmp_path: Path) -> None:
    number = add_person(systems)
    twin = add_customer(systems, email="kari@home.example", firstName="Kari", lastName="Lie")
    file = tmp_path / "pairs.csv"
    file.write_text(
        "\ufeffname,shopify_id,powerofficego_id\n"
        f"Kari,gid://shopify/Customer/{twin},{number}\nOla,{twin}999,{number}999\n"
    )

    done = answer("adopt", "customers", "--links", str(file), "--yes")

    assert (done["adopted"], done["to_link"]) == (1, {"given": 1})
    assert [line["reason"] for line in done["left"]] == [f"there is no powerofficego:{number}999"]
    (record,) = answer("explain", "customers", number)["records"]
    assert record["records"] == {"powerofficego": number, "shopify": twin}


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read"), (b"a,b\n1,2\n", "has no column powerofficego_id and shopify_id"), (b"\xff", "cannot")],
)
def test_a_file_that_is_none_is_named(
    systems: Systems, samklang: Command, tmp_path: Path, content: bytes | None, words: str
) -> None:
    file = tmp_path / "pairs.csv"
    if content is not None:
        file.write_bytes(content)

    result = samklang("adopt", "customers", "--links", str(file))

    assert result.exit_code == 1
    assert words in result.stderr
