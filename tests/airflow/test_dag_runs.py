"""Whole runs in one process, as `airflow dags test` does them."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.standard.operators.hitl import ApprovalOperator

from samklang.store import journal

pytestmark = pytest.mark.airflow

TASKS = [
    "extract_powerofficego",
    "extract_shopify",
    "transform",
    "review",
    "load_shopify",
    "load_powerofficego",
    "settle",
]


@pytest.mark.parametrize("entity", ["customers", "products"])
def test_a_run_brings_both_systems_into_tune_and_the_next_one_writes_nothing(world: Any, entity: str) -> None:
    first = world.run(entity, on_guard="proceed")
    assert first.tasks == dict.fromkeys(TASKS, "success")
    assert first.results["settle"]["state"] == "success"
    written = world.writes()
    assert written > 0
    second = world.run(entity, on_guard="fail")
    assert second.state == "success"
    assert world.writes() == written
    status = world.status(entity)
    assert status["linked"] > 0
    assert status["pending_intents"] == 0


def test_an_edit_on_either_side_reaches_the_other(world: Any) -> None:
    world.run(on_guard="proceed")
    customer = next(c for c in world.powerofficego.state()["customers"] if c["IsPerson"] and linked(world, c))
    world.powerofficego.edit({"entity": "customers", "id": customer["Id"], "set": {"LastName": "Nyhagen"}})
    assert world.run().state == "success"
    assert "Nyhagen" in json.dumps(world.shopify.state()["customers"], ensure_ascii=False)


def test_a_dry_run_keeps_a_plan_writes_nothing_and_says_so(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        run = world.run(dry_run=True)
    assert run.state == "success"
    assert run.tasks["load_shopify"] == run.tasks["load_powerofficego"] == "skipped"
    assert run.tasks["settle"] == "success"
    assert world.writes() == 0
    assert run.results["settle"]["state"] == "dry"
    assert run.results["transform"]["counts"]["creates"]["shopify"] > 0
    # nothing moved: the run after it still sees all there is to do
    assert world.run(on_guard="proceed").results["load_shopify"]["outcomes"]["created"] > 0


def test_a_plan_beyond_a_limit_fails_at_once_without_a_scheduler_and_names_on_guard(world: Any) -> None:
    world.change_mapping("customers", "creates: 1000", "creates: 1")
    run = world.run()
    assert run.state == "failed"
    assert run.tasks["review"] == "failed"
    assert run.tasks["load_shopify"] == run.tasks["load_powerofficego"] == "upstream_failed"
    assert run.tasks["settle"] == "failed"
    assert world.writes() == 0
    message = failure(world, run, "review")
    assert "on_guard" in message
    assert "the limit is 1" in message
    assert "without a scheduler" in message


def test_a_question_that_nobody_answers_in_time_counts_as_no(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.change_mapping("customers", "creates: 1000", "creates: 1")
    run = world.run()
    task = world.task(run, "review")
    assert task.response_timeout == timedelta(days=1)
    assert task.defaults == ["Reject"]
    silence = {
        "chosen_options": task.defaults,
        "params_input": {},
        "responded_at": datetime.now(UTC),
        "responded_by_user": None,
        "timedout": True,
    }
    monkeypatch.setattr(type(task), "execute", lambda self, context: self.execute_complete(context, silence))
    assert world.rerun(run, "review", task) == "success"
    assert world.plan(run)["state"] == "rejected"
    assert world.plan(run)["decided_by"] == "nobody in time"
    assert world.rerun(run, "settle") == "success"
    review = {"decision": "rejected", "by": "nobody in time", "reason": None}
    assert world.outcome(run.run).results["settle"]["review"] == review


def test_a_rejection_whose_task_died_after_it_was_noted_is_taken_by_the_retry_and_nobody_is_asked_again(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.change_mapping("customers", "creates: 1000", "creates: 1")
    run = world.run()
    task = world.task(run, "review")
    no = {
        "chosen_options": ["Reject"],
        "params_input": {"reason": "far too many"},
        "responded_at": datetime.now(UTC),
        "responded_by_user": {"id": "1", "name": "Kari"},
    }

    def die(*_: Any, **__: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(type(task), "execute", lambda self, context: self.execute_complete(context, no))
        broken.setattr(type(task), "skip", die)
        assert world.rerun(run, "review", task) in ("failed", "up_for_retry")
    asked: list[str] = []
    monkeypatch.setattr(ApprovalOperator, "execute", lambda self, _context: asked.append(self.subject))

    assert world.rerun(run, "review") == "success"

    assert (world.plan(run)["state"], asked) == ("rejected", [])
    assert world.rerun(run, "settle") == "success"
    review = {"decision": "rejected", "by": "Kari", "reason": "far too many"}
    assert world.outcome(run.run).results["settle"]["review"] == review
    assert world.outcome(run.run).results["review"] == review


def test_who_clears_the_review_of_a_rejected_plan_is_asked_again_and_meanwhile_it_is_not_rejected(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.change_mapping("customers", "creates: 1000", "creates: 1")
    run = world.run()
    with world.store() as database, database.begin() as connection:
        journal.set_plan(
            connection, world.plan(run)["id"], state="rejected", decided_by="Kari", decided_at="2026-12-01T00:00:00"
        )
    asked: list[str] = []
    monkeypatch.setattr("samklang.airflow.operators.review._can_wait", lambda _context: True)
    monkeypatch.setattr(ApprovalOperator, "execute", lambda self, _context: asked.append(self.subject))

    assert world.rerun(run, "review", cleared=True) == "success"

    assert len(asked) == 1
    assert (world.plan(run)["state"], world.plan(run)["decided_by"]) == ("proposed", None)


def test_on_guard_fail_ends_the_run_with_every_limit_that_was_passed(world: Any) -> None:
    world.change_mapping("customers", "creates: 1000", "creates: 1")
    run = world.run(on_guard="fail")
    assert run.state == "failed"
    assert "the limit is 1" in failure(world, run, "review")
    assert run.results["settle"]["failed"] == ["review"]
    assert world.writes() == 0


def test_settle_names_the_task_that_failed(world: Any) -> None:
    world.shopify.switches({"scopes": ["write_products"]})
    run = world.run()
    assert run.tasks["extract_shopify"] == "failed"
    assert run.tasks["transform"] == "upstream_failed"
    assert run.results["settle"]["failed"] == ["extract_shopify"]
    assert "extract_shopify failed" in failure(world, run, "settle")


def test_several_machines_without_a_shared_store_fail_in_the_first_task(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    run = world.run()
    assert run.tasks["extract_powerofficego"] == run.tasks["extract_shopify"] == "failed"
    assert "SAMKLANG_STAGING" in failure(world, run, "extract_shopify")


def test_each_task_can_run_again_with_the_same_end_and_no_second_write(world: Any) -> None:
    run = world.run(on_guard="proceed")
    before, written, status = world.state(), world.writes(), world.status()
    for task_id in TASKS:
        assert world.rerun(run, task_id) == "success", task_id
        assert world.writes() == written, task_id
        assert world.state() == before, task_id
    for task_id in TASKS:  # and all of them, as after clearing the whole run
        assert world.rerun(run, task_id) == "success", task_id
    after = world.status()
    assert world.writes() == written
    assert {k: v for k, v in after.items() if k != "last_run"} == {k: v for k, v in status.items() if k != "last_run"}


def test_a_reviewed_plan_is_not_reviewed_again(world: Any) -> None:
    run = world.run(on_guard="proceed")
    world.change_mapping("customers", "creates: 1000", "creates: 0")
    world.change_mapping("customers", "updates: 500", "updates: 0")
    assert world.rerun(run, "review") == "success"


def test_the_mapping_can_make_held_records_turn_a_run_red(world: Any) -> None:
    world.change_mapping("products", "red_on_quarantine: false", "red_on_quarantine: true")
    run = world.run("products", on_guard="proceed")
    assert world.status("products")["held"] > 0  # the shop's prices include tax, and the mapping names no rate
    assert run.state == "failed"
    assert "red_on_quarantine" in failure(world, run, "settle")
    assert run.tasks["load_shopify"] == "success"


def test_what_tasks_hand_on_holds_no_values_of_records(world: Any) -> None:
    run = world.run(on_guard="proceed")
    handed_on = json.dumps(run.results, ensure_ascii=False, default=str)
    for customer in world.powerofficego.state()["customers"]:
        for name in ("EmailAddress", "PhoneNumber", "LastName"):
            assert not customer[name] or customer[name] not in handed_on


def test_logs_hold_no_values_of_records(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "samklang"), caplog.at_level(logging.INFO):
        world.run(on_guard="proceed")
    for customer in world.powerofficego.state()["customers"]:
        assert not customer["EmailAddress"] or customer["EmailAddress"] not in caplog.text


def test_a_run_that_ended_well_tells_whoever_waits_for_the_entity(world: Any) -> None:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    def events(run: Any) -> dict[str, Any]:
        with create_session() as session:
            found = session.scalars(select(AssetEvent).where(AssetEvent.source_run_id == run.run.run_id)).all()
            return {event.asset.uri: event.extra for event in found}

    run = world.run(on_guard="proceed")
    told = events(run)
    assert told["x-samklang://customers"]["state"] == "success"
    assert told["x-samklang://customers"]["linked"] == world.status()["linked"]
    assert told["x-samklang://shopify/customers"]["outcomes"] == run.results["load_shopify"]["outcomes"]
    sides = (world.shopify, world.powerofficego)
    # one record may take two requests, and our key's definition is no record
    written = [{str(one["id"]) for one in side.writes() if one["entity"] == "customers"} for side in sides]
    assert told["x-samklang://shopify/customers"]["writes"] == len(written[0])
    assert told["x-samklang://customers"]["writes"] == sum(map(len, written))

    # one that wrote nothing says so; one that was not carried out tells of neither side
    assert {uri: extra["writes"] for uri, extra in events(world.run()).items()} == {
        "x-samklang://customers": 0,
        "x-samklang://shopify/customers": 0,
        "x-samklang://powerofficego/customers": 0,
    }
    assert set(events(world.run(dry_run=True))) == {"x-samklang://customers"}


def linked(world: Any, customer: dict[str, Any]) -> bool:
    return f'"{customer["EmailAddress"]}"' in json.dumps(world.shopify.state()["customers"], ensure_ascii=False)


def failure(world: Any, run: Any, task_id: str) -> str:
    """Why a task failed: run once more, with its exception in hand."""
    errors: list[str] = []
    task = world.task(run, task_id)
    original = type(task).execute

    def execute(self: Any, context: Any) -> Any:
        try:
            return original(self, context)
        except Exception as error:
            errors.append(str(error))
            raise

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(task), "execute", execute)
        world.rerun(run, task_id, task)
    return errors[0]
