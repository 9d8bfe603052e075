"""The note beside a run says what it did; it never costs a run, nor a person's own note."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.airflow

HEALTH = {"conflicts": 2, "ambiguous": 0, "quarantined": 1, "held": 0, "linked": 39}


LOGGED: dict[str, Any] = {
    "gone": {}, "denied": {}, "held": {"records": [], "more": 0}, "counts": None, "lag": None,
}  # fmt: skip


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
        "- Wrote to Shopify: 2 created. Left: 1 moved",
        "- To look at: 2 conflicts, 1 quarantined",
        "- [Plan 12](/samklang/customers/plans/12)",
    ]


def test_a_run_that_wrote_nothing_says_so() -> None:
    assert "- Wrote nothing" in text(loads={"shopify": None, "powerofficego": {"outcomes": {}}}).splitlines()


def test_a_note_and_the_log_name_writes_as_writes_and_what_was_left_apart_from_them() -> None:
    from samklang.airflow.notes import in_words

    loads = {
        "powerofficego": {"outcomes": {"erased": 1, "outdated": 2}},
        "shopify": {"outcomes": {"refused": 1, "written": 3, "linked": 1}},
    }

    lines = text(loads=loads).splitlines()
    log = in_words("customers", summary(loads=loads, **LOGGED), HEALTH, 0)

    assert "- Wrote nothing to PowerOffice Go. Left: 1 erased, 2 outdated" in lines
    assert "- Wrote to Shopify: 3 written. Found: 1 linked. Left: 1 refused" in lines
    assert "  wrote nothing to powerofficego. Left: 1 erased, 2 outdated\n" in log


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


@pytest.fixture
def ended(world: Any) -> Iterator[tuple[Any, Any]]:
    """A run that has ended and the session that ends it; the scheduler's part, which `dag.test()` does without one."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    run = world.run(on_guard="proceed")
    with create_session() as session:
        yield session.get(DagRun, run.run.id), session


def note_after(ended: tuple[Any, Any]) -> Any:
    from airflow.models.dagrun import DagRunNote

    run, session = ended
    session.commit()
    session.expire_all()
    return session.get(DagRunNote, run.id)


def test_a_run_gets_its_note_and_each_ending_renews_it_but_for_a_persons_own(ended: tuple[Any, Any]) -> None:
    from samklang.airflow.listener import on_dag_run_failed, on_dag_run_success

    run, _ = ended
    on_dag_run_success(run, "success")
    note = note_after(ended)
    first = note.content
    assert first.startswith("Customers: in tune")
    assert "/samklang/customers/plans/" in first

    note.content = "outdated"
    note_after(ended)
    on_dag_run_failed(run, "task_failure")
    assert note_after(ended).content == first

    note.content, note.user_id = "mine", "kari"
    note_after(ended)
    on_dag_run_success(run, "success")
    assert note_after(ended).content == "mine"


def test_a_note_that_cannot_be_written_leaves_the_run_as_it_is(
    ended: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import text as sql

    from samklang.airflow import listener

    run, session = ended
    monkeypatch.setattr(listener, "_write", lambda connection, _: connection.execute(sql("SELECT * FROM nowhere")))
    listener.on_dag_run_success(run, "success")
    assert note_after(ended) is None
    assert session.get(type(run), run.id).state == "success"


def test_runs_of_other_dags_are_left_alone(ended: tuple[Any, Any]) -> None:
    from airflow.models.xcom import XComModel
    from sqlalchemy import delete

    from samklang.airflow.listener import on_dag_run_failed

    run, session = ended
    session.execute(delete(XComModel).where(XComModel.dag_run_id == run.id))
    on_dag_run_failed(run, "task_failure")
    assert note_after(ended) is None
