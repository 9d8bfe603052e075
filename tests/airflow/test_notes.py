"""The note beside a run says what it did; it never costs a run, nor a person's own note."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]

HEALTH = {"conflicts": 2, "ambiguous": 0, "quarantined": 1, "held": 0, "linked": 39}


def summary(**changes: Any) -> dict[str, Any]:
    return {
        "state": "success",
        "reads": {"powerofficego": {"rows": 43, "whole": True}, "shopify": {"rows": 4, "whole": False}},
        "loads": {"shopify": {"outcomes": {"created": 2, "moved": 1}}, "powerofficego": {"outcomes": {}}},
        "plan": 12,
        "failed": [],
        "review": None,
        "warnings": [],
        **changes,
    }


def text(**changes: Any) -> str:
    from samklang.airflow.notes import note

    return note("customers", summary(**changes), HEALTH)


def test_a_note_tells_what_was_read_and_written_and_what_to_look_at() -> None:
    assert text().splitlines() == [
        "Customers: in tune as far as the plan goes.",
        "- Read 43 in PowerOffice Go (whole), 4 in Shopify (changes)",
        "- Wrote to Shopify: 2 created, 1 moved",
        "- To look at: 2 conflicts, 1 quarantined",
        "- [Plan 12](/samklang/customers/plans/12)",
    ]


def test_a_run_that_wrote_nothing_says_so() -> None:
    assert "- Wrote nothing" in text(loads={"shopify": None, "powerofficego": {"outcomes": {}}}).splitlines()
    assert "- Wrote nothing to Shopify: 1 moved" in text(loads={"shopify": {"outcomes": {"moved": 1}}})


def test_a_rejected_run_says_who_and_why() -> None:
    review = {"decision": "rejected", "by": "Kari", "reason": "far too many"}
    first = text(state="rejected", review=review).splitlines()[0]
    assert "rejected by Kari (far too many); nothing was written" in first
    silent = text(state="rejected", review={**review, "by": "nobody in time", "reason": None})
    assert "rejected by nobody in time, who gave no reason" in silent


def test_a_failed_run_names_the_task() -> None:
    assert text(state="failed", failed=["load_shopify"]).startswith("Customers: load_shopify failed.")


def test_airflow_can_keep_every_note() -> None:
    assert len(text(warnings=["x" * 2000])) == 1000


def note_of(run: Any) -> Any:
    from airflow.models.dagrun import DagRunNote
    from airflow.utils.session import create_session

    with create_session() as session:
        return session.get(DagRunNote, run.run.id)


def test_a_run_gets_its_note_and_the_next_ending_renews_it_but_for_a_persons_own(world: Any) -> None:
    from airflow.models.dagrun import DagRun, DagRunNote
    from airflow.utils.session import create_session

    from samklang.airflow.listener import on_dag_run_success

    run = world.run(on_guard="proceed")
    first = note_of(run)
    assert first.content.startswith("Customers: in tune")
    assert f"/plans/{run.results['transform']['plan']})" in first.content

    def end_again(**changes: Any) -> str:
        with create_session() as session:
            note = session.get(DagRunNote, run.run.id)
            for name, value in changes.items():
                setattr(note, name, value)
        with create_session() as session:
            on_dag_run_success(session.get(DagRun, run.run.id), "success")
        return str(note_of(run).content)

    assert end_again(content="outdated") == first.content
    assert end_again(content="mine", user_id="kari") == "mine"


def test_a_note_that_cannot_be_written_costs_no_run(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import text as sql

    from samklang.airflow import listener

    monkeypatch.setattr(listener, "_write", lambda connection, _: connection.execute(sql("SELECT * FROM nowhere")))
    run = world.run(on_guard="proceed")
    assert run.state == "success"
    assert note_of(run) is None


def test_runs_of_other_dags_are_left_alone(world: Any) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    from samklang.airflow.listener import on_dag_run_failed

    run = world.run(dry_run=True)
    with create_session() as session:
        session.execute(delete(XComModel).where(XComModel.run_id == run.run.run_id))
        session.delete(session.get(DagRun, run.run.id).dag_run_note)
    with create_session() as session:
        on_dag_run_failed(session.get(DagRun, run.run.id), "task_failure")
    assert note_of(run) is None
