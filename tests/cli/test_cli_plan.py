"""`samklang plan`, against the simulators of both systems."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.cli.running import Answer, Command, Systems

from samklang.errors import TemporaryError
from samklang.settings import default_store_url
from samklang.store.database import Database
from samklang.store.schema import metadata, runs

MAPPINGS = Path(__file__).parents[2] / "include" / "mappings"
PERSON = {"IsPerson": True, "FirstName": "Kari", "LastName": "Lie", "EmailAddress": "kari@post.example"}


def add_person(systems: Systems, **values: object) -> str:
    return str(systems.go.edit({"entity": "customers", "create": {**PERSON, **values}})["Id"])


def add_customer(systems: Systems, **values: str) -> str:
    return str(systems.shop.edit({"entity": "customers", "create": values})["legacyResourceId"])


def api_writes(systems: Systems) -> list[object]:
    return [write for one in (systems.go, systems.shop) for write in one.writes() if write["who"] == "api"]


def test_a_creation_is_shown_field_by_field(systems: Systems, answer: Answer) -> None:
    number = add_person(systems)

    plan = answer("plan", "customers")

    assert plan["counts"]["creates"] == {"powerofficego": 0, "shopify": 1}
    (row,) = plan["rows"]
    assert (row["side"], row["op"]) == ("shopify", "create")
    assert row["records"] == {"shopify": None, "powerofficego": number}
    assert {
        "field": "FirstName",
        "name": "firstName",
        "was": None,
        "becomes": "Kari",
        "source": "Kari",
        "base": None,
        "why": "create",
    } in row["changes"]


def test_a_new_link_shows_its_key_what_is_filled_and_what_is_in_conflict(systems: Systems, answer: Answer) -> None:
    number = add_person(systems, PhoneNumber="22 33 44 55")
    twin = add_customer(systems, email="KARI@post.example", firstName="Karin", lastName="Lie")

    plan = answer("plan", "customers")

    records = {"powerofficego": number, "shopify": twin}
    assert plan["links"] == [{"records": records, "matched": "EmailAddress"}]
    assert {c["name"]: (c["becomes"], c["why"]) for row in plan["rows"] for c in row["changes"]} == {
        "phone": ("+4722334455", "fill"),
        "firstName": ("Kari", "conflict"),  # within one second, PowerOffice Go wins
    }
    (conflict,) = plan["conflicts"]
    assert (conflict["records"], conflict["field"], conflict["kind"]) == (records, "FirstName", "link")
    assert conflict["seen"] == {"powerofficego": "Kari", "shopify": "Karin"}
    assert plan["beyond_limits"] == ["1 field differs where a new link has no base; the limit is 0"]


def test_what_is_held_ambiguous_or_excluded_comes_with_its_reason(systems: Systems, answer: Answer) -> None:
    add_person(systems, PhoneNumber="ask Ola")
    doubles = [add_person(systems, EmailAddress="double@post.example") for _ in range(2)]
    alone = add_customer(systems, email="alone@post.example")

    plan = answer("plan", "customers")

    assert [(h["side"], h["field"], h["reason"]) for h in plan["held"]] == [
        ("shopify", "PhoneNumber", "phone_unparsable")
    ]
    verdicts = {v["id"]: (v["verdict"], v["reason"], v["candidates"]) for v in plan["verdicts"]}
    candidates = {"powerofficego": sorted(doubles), "shopify": []}
    assert verdicts[doubles[0]] == ("ambiguous", "EmailAddress_held_more_than_once", candidates)
    assert verdicts[alone] == ("excluded", "not_in_create_in", {})


def test_it_writes_to_neither_system_and_leaves_no_values_behind(
    systems: Systems, answer: Answer, samklang: Command, home: Path
) -> None:
    add_person(systems)
    add_customer(systems, email="alone@post.example")

    samklang("plan", "customers")
    again = answer("plan", "customers")

    assert api_writes(systems) == []
    assert again["counts"]["creates"]["shopify"] == 1
    assert not (home / "samklang-staging").exists()
    assert answer("status")["customers"]["last_run"] is None


def test_a_plan_leaves_nothing_in_the_store_and_makes_none(
    systems: Systems, answer: Answer, home: Path, samklang: Command
) -> None:
    add_person(systems)
    answer("plan", "customers")
    assert not (home / "samklang.db").exists()

    answer("adopt", "customers", "-y")  # reads both systems, and keeps what it has seen
    add_person(systems, EmailAddress="ola@post.example")
    before = content()
    assert answer("plan", "customers")["counts"]["creates"]["shopify"] == 2
    assert content() == before
    assert "No record" in samklang("explain", "customers", "ola@post.example").stderr


def test_a_trial_mapping_leaves_the_store_as_it_was(
    systems: Systems, answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_person(systems)
    add_customer(systems, email="kari@post.example", firstName="Kari", lastName="Lie")
    answer("adopt", "customers", "-y")
    before = content()
    trial = tmp_path / "trial"
    shutil.copytree(MAPPINGS, trial)
    lines = (trial / "customers.yaml").read_text().splitlines(keepends=True)
    (trial / "customers.yaml").write_text("".join(line for line in lines if "LastName" not in line))
    monkeypatch.setenv("SAMKLANG_MAPPINGS", str(trial))

    answer("plan", "customers")

    assert content() == before


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("explain", "customers", "kari@post.example"),
        ("plan", "customers"),
        ("matches", "customers"),
        ("conflicts", "customers"),
        ("holds", "customers"),
        ("quarantine", "customers"),
        ("runs", "customers"),
        ("actions", "customers"),
        ("doctor",),
    ],
    ids=lambda words: words[0],
)
def test_a_command_that_looks_writes_nothing(systems: Systems, samklang: Command, words: tuple[str, ...]) -> None:
    add_person(systems, PhoneNumber="no number")
    add_customer(systems, email="kari@post.example", firstName="Karin", lastName="Lie")
    assert samklang("adopt", "customers", "-y").exit_code == 0
    before = content()

    samklang(*words, "--json")

    assert content() == before
    assert api_writes(systems) == []


def test_an_export_keeps_that_it_was_made_and_writes_nothing_else(systems: Systems, samklang: Command) -> None:
    add_person(systems)
    assert samklang("adopt", "customers", "-y").exit_code == 0
    before = content()

    assert samklang("export", "customers", "kari@post.example", "--json").exit_code == 0

    after = content()
    assert len(after.pop("actions")) == len(before.pop("actions")) + 1
    assert after == before
    assert api_writes(systems) == []


def content() -> dict[str, list[object]]:
    """All that the store of this test holds, but for the pacing of requests, which all processes share."""
    database = Database(default_store_url(os.environ))
    with database.read() as connection:
        found = {
            table.name: sorted(map(repr, connection.execute(select(table)).all()))
            for table in metadata.sorted_tables
            if table.name != "pacing"
        }
    database.close()
    return found


def test_a_product_is_explained_by_the_gid_of_its_shop_product(systems: Systems, answer: Answer) -> None:
    made = systems.shop.edit({"entity": "products", "create": {"title": "Skål", "sku": "S1"}})
    answer("adopt", "products", "-y")

    (record,) = answer("explain", "products", made["id"])["records"]

    assert record["fields"][1]["seen"] == {"shopify": "S1"}


def test_the_tables_group_rows_by_side_and_say_how_many_more_there_are(systems: Systems, samklang: Command) -> None:
    for n in range(4):
        add_person(systems, EmailAddress=f"kari{n}@post.example")

    result = samklang("plan", "customers", "--limit", "3")

    assert result.exit_code == 0
    assert ["creates", "0", "4"] in [line.split() for line in result.stdout.splitlines()]
    assert "Within all limits." in result.stdout
    assert result.stdout.count("kari") == 3
    assert "Writes to shopify" in result.stdout
    assert "Writes to powerofficego" not in result.stdout
    assert "and 1 more records to write" in result.stdout


def test_the_tables_show_links_conflicts_holds_and_verdicts(systems: Systems, samklang: Command) -> None:
    number = add_person(systems, PhoneNumber="ask Ola")
    twin = add_customer(systems, email="kari@post.example", firstName="Karin", phone="+4722334455")
    add_customer(systems, email="alone@post.example")

    lines = samklang("plan", "customers").stdout.splitlines()

    assert [number, twin, "EmailAddress"] in [line.split() for line in lines]
    assert any("FirstName" in line and "none" in line and "powerofficego wins" in line for line in lines)
    assert any("phone_unparsable" in line for line in lines)
    assert any("not_in_create_in" in line for line in lines)
    assert any(line.startswith("Beyond the limits: ") for line in lines)


def test_progress_is_told_on_a_terminal_only(
    systems: Systems, samklang: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_person(systems)

    assert "reading" not in samklang("plan", "customers").stderr
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert "reading powerofficego" in samklang("plan", "customers").stderr


def test_a_missing_connection_is_named_with_what_to_do(systems: Systems, samklang: Command) -> None:
    systems.monkeypatch.delenv("AIRFLOW_CONN_SHOPIFY_DEFAULT")

    result = samklang("plan", "customers")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "no connection shopify_default" in result.stderr
    assert "AIRFLOW_CONN_SHOPIFY_DEFAULT" in result.stderr


def test_a_read_that_fails_is_one_line_and_no_run_stays_open(
    systems: Systems, samklang: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise TemporaryError("The shop does not answer.", remedy="Try again later.", system="shopify")

    monkeypatch.setattr("samklang.systems.shopify.ShopifyCustomers.read_all", fail)

    for command in ("plan", "adopt"):
        result = samklang(command, "customers")

        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.splitlines()[-1:] == ["The shop does not answer. Try again later."]
    database = Database(default_store_url({"AIRFLOW_HOME": str(home)}))
    with database.read() as connection:
        assert [row.state for row in connection.execute(select(runs))] == ["failed"]  # of adopt
