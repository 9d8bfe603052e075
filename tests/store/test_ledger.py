"""Intents, conflicts, holds and verdicts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from samklang.store import clashes, journal, ledger
from samklang.store.database import Database
from samklang.store.schema import conflicts, intents


def intend(connection: Connection, key: str, source_id: str, at: str = "t") -> None:
    ledger.open_intent(
        connection, entity="customers", side="shopify", key=key, source_id=source_id, run_id="r", plan_id=1, at=at
    )


def conflict(**columns: Any) -> dict[str, Any]:
    return {
        "record_ids": '["1","1"]', "field": "Name", "kind": "edit", "raw": "{}", "base": None, "clocks": "{}",
        "certain": False, "rule": "latest", "winner": "shopify", "state": "decided", "run_id": "r", "plan_id": 1,
        "at": "t", **columns,
    }  # fmt: skip


def hold(connection: Connection, field: str, fingerprint: str = "f", **columns: Any) -> None:
    values = {"reason": "taken", "remedy": "Change it.", "retry_at": "2027", "run_id": "r", "at": "t", "attempts": 1}
    ledger.put_system_hold(
        connection, entity="customers", side="shopify", source_id="1", field=field, fingerprint=fingerprint,
        **(values | columns),
    )  # fmt: skip


def test_one_intent_is_open_per_key(database: Database) -> None:
    with database.begin() as connection:
        intend(connection, "k", "1", "first")
        intend(connection, "k", "1", "second")

        assert connection.execute(select(intents.c.created_at)).scalars().all() == ["first"]
        ledger.close_intent(connection, "customers", "shopify", "k", state="done", at="t")
        assert ledger.unresolved_intents(connection, "customers", "shopify") == {}
        intend(connection, "k", "1", "third")
        assert ledger.unresolved_intents(connection, "customers", "shopify")["k"]["created_at"] == "third"


def test_a_parked_intent_is_unresolved_until_its_record_is_linked(database: Database) -> None:
    with database.begin() as connection:
        intend(connection, "k", "1", "first")
        ledger.close_intent(connection, "customers", "shopify", "k", state="parked", at="t")
        intend(connection, "k", "1", "second")
        assert ledger.unresolved_intents(connection, "customers", "shopify")["k"]["created_at"] == "first"

        ledger.close_intents_of(connection, "customers", "shopify", "1", "t")

        assert ledger.unresolved_intents(connection, "customers", "shopify") == {}


def test_a_conflict_told_again_is_kept_once_and_another_beside_it(database: Database) -> None:
    with database.begin() as connection:
        for row in (conflict(), conflict(run_id="r2"), conflict(clocks="{1}"), conflict(field="City")):
            clashes.add(connection, "customers", [row])

        assert connection.execute(select(conflicts.c.run_id)).scalars().all() == ["r", "r", "r"]


def test_an_open_conflict_gives_way_to_its_newer_self(database: Database) -> None:
    open_one = {"state": "open", "winner": None, "rule": "ask"}
    with database.begin() as connection:
        clashes.add(connection, "customers", [conflict(**open_one)])
        clashes.add(connection, "customers", [conflict(**open_one, raw="{1}", base="{}", run_id="r2")])

        assert connection.execute(select(conflicts.c.run_id)).scalars().all() == ["r2"]
        assert clashes.waiting(connection, "customers") == [('["1","1"]', "Name")]
        clashes.close(connection, "customers", '["1","1"]', ["Name"])
        assert clashes.waiting(connection, "customers") == []


def test_the_last_refusal_of_a_field_is_known_until_it_is_dropped(database: Database) -> None:
    with database.begin() as connection:
        hold(connection, "Phone", attempts=3, last_edits="before")
        ledger.set_last_edits(connection, "customers", "shopify", "1", "after")

        last = ledger.last_refusal(connection, "customers", "shopify", "1", "Phone")
        assert last is not None
        assert (last["attempts"], last["fingerprint"], last["last_edits"]) == (3, "f", "after")
        assert ledger.last_refusal(connection, "customers", "shopify", "1", "") is None
        ledger.drop_holds(connection, "customers", "shopify", "1", ["Phone"])
        assert ledger.last_refusal(connection, "customers", "shopify", "1", "Phone") is None


def test_what_a_system_refused_outlives_what_a_planner_holds(database: Database) -> None:
    planned = {
        "side": "shopify", "source_id": "1", "reason": "too_long", "remedy": "", "run_id": "r", "since": "t",
    }  # fmt: skip
    with database.begin() as connection:
        hold(connection, "Phone")
        hold(connection, "")
        ledger.replace_planner_holds(connection, "customers", [{**planned, "field": "Name"}])
        ledger.replace_planner_holds(connection, "customers", [{**planned, "field": "Phone"}])

        assert {row["field"] for row in ledger.system_holds(connection, "customers")} == {"Phone", ""}
        counts = ledger.counts(connection, "customers")
        assert (counts["held"], counts["quarantined"]) == (1, 1)
        ledger.drop_holds(connection, "customers", "shopify", "1", ["", "Phone"])
        assert ledger.counts(connection, "customers")["held"] == 0


def test_verdicts_are_those_of_the_newest_plan(database: Database) -> None:
    verdict = {"side": "shopify", "reason": "why", "candidates": "{}", "run_id": "r"}
    with database.begin() as connection:
        ledger.replace_verdicts(
            connection,
            "customers",
            [{**verdict, "record_id": n, "verdict": "ambiguous"} for n in "12"],
        )
        ledger.replace_verdicts(connection, "customers", [{**verdict, "record_id": "2", "verdict": "excluded"}])

        counts = ledger.counts(connection, "customers")
    assert (counts["ambiguous"], counts["excluded"]) == (0, 1)


def test_results_are_kept_by_row(database: Database) -> None:
    with database.begin() as connection:
        plan = journal.add_plan(connection, entity="customers", run_id="r", state="approved", counts={}, at="t")
        ledger.put_result(connection, plan, "shopify", 1, "moved", at="t")
        ledger.put_result(connection, plan, "shopify", 1, "written", at="t")
        ledger.put_result(connection, plan, "powerofficego", 1, "created", at="t")

        assert ledger.results(connection, plan, "shopify") == {1: "written"}
